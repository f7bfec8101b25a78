"""One read, page after page, tried again where that is safe, until the last page, a limit or the deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Raw

from cds_service.facts.server.access import Access, under_base
from cds_service.facts.server.connection import Patience, Reply, Server, Slow, TooLong, Unreachable
from cds_service.facts.server.guard import AddressRefused, TimeIsOver, Watch
from cds_service.facts.server.pages import is_plain, joined, next_of
from cds_service.facts.server.query import LONGEST
from cds_service.facts.server.source import CUT, DEADLINE, FAILED, REFUSED, WHOLE, Answer, Query

Clock = Callable[[], float]
_OK, _TOO_MANY, _NO_ANSWER = 200, 429, 0
_AGAIN = (_NO_ANSWER, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one read may cost: pages and bytes, attempts per page, seconds to connect and between attempts.

    `threads` is how many reads a process makes at the same time.
    """

    pages: int = 50
    size: int = 10_000_000
    attempts: int = 3
    connect: float = 3.0
    pause: float = 0.05
    threads: int = 32


class Deadline(NamedTuple):
    """The end of one call's time, in seconds of its clock."""

    clock: Clock
    until: float

    def left(self) -> float:
        """Seconds until then; not positive when it has passed."""
        seconds: float = self.until - self.clock()
        return seconds


class Search:
    """One read. Its thread writes `pages` and then `ended`; the call's thread asks for the answer."""

    def __init__(
        self, query: Query, server: Server, access: Access, deadline: Deadline, watch: Watch, limits: Limits
    ) -> None:
        self._query, self._server, self._access = query, server, access
        self._deadline, self._watch, self._limits = deadline, watch, limits
        self._begun = deadline.clock()
        self._took: float | None = None
        self._size = 0
        self._status = 0
        self._pages: list[bytes | Raw] = [query.begun] if query.begun is not None else []
        self._ended = DEADLINE

    def run(self) -> None:
        """Read."""
        ended = FAILED
        try:
            with self._watch.here():
                ended = self._follow()
        except (TimeIsOver, Slow):
            ended = DEADLINE
        except AddressRefused:
            ended = REFUSED
        except (TooLong, _NoPage):
            ended = FAILED
        finally:
            self._took = self._deadline.clock() - self._begun
            self._ended = ended

    def answer(self) -> Answer:
        """What has come so far; a read that is still under way ended at the deadline."""
        ended, took = self._ended, self._took
        pages = tuple(self._pages)
        milliseconds = round(1000 * (self._deadline.clock() - self._begun if took is None else took))
        if not pages:
            return Answer(None, ended, milliseconds, self._status)
        whole = ended == WHOLE
        return Answer(joined(pages, whole=whole), WHOLE if whole else CUT, milliseconds, self._status)

    def _follow(self) -> str:
        seen: set[str] = set()
        url = under_base(self._access.base, self._query.url)
        while url:
            if url in seen or len(seen) == self._limits.pages:
                return CUT
            as_form = len(url) > LONGEST and not seen and self._query.begun is None
            seen.add(url)
            page = self._page(url, as_form=as_form)
            if not is_plain(page):
                raise _NoPage
            self._pages.append(page)
            self._size += len(page)
            following = next_of(page)
            if following is None:
                return WHOLE
            url = under_base(self._access.base, following) if following else ""
        return CUT

    def _page(self, url: str, *, as_form: bool) -> bytes:
        """One page. A form is sent once: only a GET may be repeated without asking."""
        for attempt in range(1, self._limits.attempts + 1):
            reply = self._attempt(url, as_form=as_form)
            self._status = reply.status
            left = self._time_left()
            if reply.status == _OK:
                return reply.body
            pause = self._pause(reply, attempt)
            if as_form or not 0 <= pause < left:
                break
            self._watch.over.wait(pause)
        raise _NoPage

    def _attempt(self, url: str, *, as_form: bool) -> Reply:
        left = self._time_left()
        patience = Patience(min(left, self._limits.connect), left, self._limits.size - self._size)
        try:
            if as_form:
                path, _, form = url.partition("?")
                return self._server.search(f"{path}/_search", form, self._access.token, patience)
            return self._server.exchange(url, self._access.token, patience)
        except Unreachable:
            return Reply(_NO_ANSWER)

    def _pause(self, reply: Reply, attempt: int) -> float:
        """Seconds before the next attempt; negative if there is to be none."""
        if attempt == self._limits.attempts:
            return -1.0
        if reply.status in _AGAIN:
            doubled: float = self._limits.pause * 2 ** (attempt - 1)
            return max(doubled, reply.wait)
        return reply.wait if reply.status == _TOO_MANY else -1.0

    def _time_left(self) -> float:
        left = self._deadline.left()
        if left <= 0 or self._watch.over.is_set():
            raise TimeIsOver
        return left


class _NoPage(Exception):
    """No answer that is a page, and no further attempt."""
