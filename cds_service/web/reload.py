"""New rules without a restart: built and checked beside the calls, then exchanged; bad ones change nothing.

Every worker does it for itself, in a thread of its own. What makes it look is the file `reload` in the folder
that the processes of a server share, which `cds serve` writes on SIGHUP; with CDS_WATCH=1 also a change of
the rule files themselves, as soon as they have been left alone for one look.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.errors import CdsError, RuleError
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.overlay import overlay_path
from cds_service.rulebook.shelf import DRUGS
from cds_service.settings import Settings
from cds_service.web.roster import Roster, rules_entry
from cds_service.web.rules import CurrentRules, Rules, load_rules

Serving = Callable[[Iterable[Rulebook]], None]

SECONDS = 0.5
"""Between two looks."""

_LOG = logging.getLogger("cds_service.reload")
_SIGNAL = "reload"
_SHOWN = 20  # problems in the log, each in a line of its own


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the latest attempt changed nothing: how many problems, and the first with its place."""

    count: int
    first: str


class Reloader:
    """Exchanges the rules of this process; tells `roster` what it has, and which attempt failed.

    `serving` is told of the rulebooks served from now on.
    """

    def __init__(
        self, current: CurrentRules, load: Callable[[], Rules], roster: Roster, serving: Serving
    ) -> None:
        self._current, self._load, self._roster, self._serving = current, load, roster, serving
        self.failure: Failure | None = None
        self._tell()

    def reload(self) -> None:
        """Build the rules anew and use them from the next call on, or keep those in use and say why."""
        try:
            rules = self._load()
        except CdsError as error:
            self._fail(error)
        except Exception as error:  # a thread that ended here would never reload again, and say nothing
            self._fail(CdsError(f"{type(error).__name__} while reading the rules; try again"))
        else:
            self._take(rules)
        self._tell()

    def _take(self, rules: Rules) -> None:
        self.failure = None
        if rules.tag == self._current.now.tag:
            _LOG.warning("the rules were read again: they are the same")
            return
        self._current.now = rules
        self._serving(rules.books)
        settle_memory()
        said = (f"{book.id} {book.about.version} ({book.digest[:19]})" for book in rules.books)
        _LOG.warning("the rules were exchanged: now %s", ", ".join(said))

    def _fail(self, error: CdsError) -> None:
        problems = [str(one) for one in error.problems] if isinstance(error, RuleError) else [str(error)]
        self.failure = Failure(len(problems), problems[0])
        _LOG.error("the rules stay as they were; problems in them: %d", len(problems))
        for problem in problems[:_SHOWN]:
            _LOG.error("%s", problem)
        if len(problems) > _SHOWN:
            _LOG.error("and %d more", len(problems) - _SHOWN)

    def _tell(self) -> None:
        entry: dict[str, Any] = {"rulebooks": rules_entry(self._current.now.books)}
        self._roster.tell(entry | failure_entry(self.failure))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: what the signal says, and the rule files if they are watched."""

    signal: str
    files: frozenset[tuple[str, int, int]]


class Watch:
    """Reloads when it is time to. `first` is what was seen before the rules in use were read: a change that
    came while they were read is not missed.
    """

    def __init__(self, reload: Callable[[], None], look: Callable[[], Seen], first: Seen) -> None:
        self._reload, self._look = reload, look
        self._loaded = self._last = first

    def look(self) -> None:
        """Reload if somebody asked for it, or if the files are others than those loaded and came to rest."""
        seen = self._look()
        settled, self._last = seen.files == self._last.files, seen
        if seen.signal != self._loaded.signal or (settled and seen.files != self._loaded.files):
            self._loaded = seen
            self._reload()

    def run(self) -> None:
        """Look for ever."""
        while True:
            time.sleep(SECONDS)
            self.look()


def look(settings: Settings) -> Seen:
    """What there is to see now."""
    shared = shared_folder(settings)
    return Seen(
        _signal(shared) if shared else "", files_of(settings.rules) if settings.watch else frozenset()
    )


def keep_watch(settings: Settings, reloader: Reloader, first: Seen) -> None:
    """Begin to look, in a thread that ends with the process; nothing if nobody could ask for a reload."""
    if settings.runtime_dir or settings.watch:
        watch = Watch(reloader.reload, lambda: look(settings), first)
        threading.Thread(target=watch.run, name="rules", daemon=True).start()


def reloader_of(settings: Settings, current: CurrentRules, roster: Roster, serving: Serving) -> Reloader:
    """The reloader that reads the rules as a start does, with the same checks."""
    return Reloader(current, lambda: load_rules(settings), roster, serving)


def ask_for_reload(shared: Path) -> None:
    """Tell every process that shares this folder to read the rules again."""
    written = shared / f"{_SIGNAL}.new"
    written.write_text(str(time.time_ns()))
    written.replace(shared / _SIGNAL)


def shared_folder(settings: Settings) -> Path | None:
    """The folder that the processes of this server share, if they have one."""
    return Path(settings.runtime_dir) if settings.runtime_dir else None


def failure_entry(failure: Failure | None) -> dict[str, Any]:
    """How a failed attempt of one worker is told to operators; nothing if there was none."""
    return {"reload": {"problems": failure.count, "first": failure.first}} if failure else {}


def settle_memory() -> None:
    """Free what is of no use any more; what is left lives long, and no collection need walk it again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def files_of(rules: Path) -> frozenset[tuple[str, int, int]]:
    """Name, time and size of every file that the rules are read from."""
    beside = (rules.resolve().parent / DRUGS, overlay_path(rules))
    found = [path for path in (*rules.rglob("*"), *beside) if path.suffix in (".yaml", ".csv")]
    return frozenset((str(path), *_stamp(path)) for path in found)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _signal(shared: Path) -> str:
    try:
        return (shared / _SIGNAL).read_text()
    except OSError:
        return ""
