"""Between the server and the application: a call is handed over when its body is here, and in good time.

Granian hands a call to a WSGI application at once and lets the thread wait for the body, for as long as the
client likes; a few slow clients would hold every thread. So this front takes calls through Granian's other
interface (RSGI), in which waiting costs no thread. It waits for each body a bounded time and keeps no more of
it than the limit; then one of a few threads runs the application. Those threads do not make anything faster:
they let other calls pass while one waits for an EHR's FHIR server. A call's time runs from then on, and one
that finds no thread in time is turned away. What is no call has threads of its own and waits behind none.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn

from cds_service.errors import RequestError
from cds_service.settings import DEADLINE_MS, Settings
from cds_service.web.arrival import ARRIVED, TURNED_AWAY
from cds_service.web.outcome import operation_outcome

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]

BODY_SECONDS = 10.0
"""How long a body may take to arrive. A proxy that collects bodies, as it should, needs milliseconds."""

THREADS = 16
"""Calls that one worker may have under way; all but one of them wait for FHIR servers."""

_OTHERS = 4
"""Threads for what is no call: health, metrics, discovery, preflights. Only a database may hold one up."""

_LOG = logging.getLogger("cds_service")
_FAILED = operation_outcome("The service failed; its log has the cause.", "exception")
Answer = tuple[int, list[tuple[str, str]], bytes]


class Unread:
    """A body that did not come, or not whole; whoever reads it refuses the call."""

    def __init__(self, message: str, status: int, code: str) -> None:
        self._message, self._status, self._code = message, status, code

    def read(self, size: int = -1) -> NoReturn:  # noqa: ARG002
        """Raises RequestError: 408 for a body that came too late, 400 for one that was cut short."""
        raise RequestError(self._message, status=self._status, code=self._code)


LATE = Unread("The request body did not arrive in time; send it whole and at once.", 408, "transient")
CUT = Unread(
    "The body ends before its last chunk, or with trailers; send it whole, and without trailers.",
    400,
    "structure",
)


class Lane:
    """A few threads that run the application, and the line of those that wait for one."""

    def __init__(self, app: WSGIApplication, threads: int, name: str) -> None:
        self._app, self._free = app, asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def enter(self, seconds: float | None = None) -> bool:
        """Wait for a thread, so long if need be, first come, first served; whether there is one.

        Whoever has entered must run.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._free.acquire()
        except TimeoutError:
            return False

    async def run(self, environ: WSGIEnvironment) -> Answer:
        """Answer a call that has entered."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run, self._app, environ)
        finally:
            self._free.release()


class Front:
    """Takes the calls of one worker.

    `limit` counts the bytes of a body, `seconds` its way here, `deadline` those a call may take from then on.
    """

    def __init__(
        self,
        app: WSGIApplication,
        limit: int,
        seconds: float = BODY_SECONDS,
        deadline: float = DEADLINE_MS / 1000,
    ) -> None:
        self._limit, self._seconds, self._deadline = limit, seconds, deadline
        self._calls = Lane(app, THREADS, "call")
        self._others = Lane(app, _OTHERS, "other")
        self._turned_away = Lane(app, 1, "turned-away")  # so that many of them hold up nobody

    async def answer(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one call."""
        environ = environ_of(scope)
        await self._receive(scope, protocol, environ)
        environ[ARRIVED] = time.monotonic()
        try:
            lane = await self._lane(environ)
            status, headers, body = await lane.run(environ)
        except Exception as error:  # the server would write its message, which may hold data, to the log
            _LOG.error("500: the application failed outside its own care: %s", type(error).__name__)
            status, headers, body = 500, [("content-type", "application/json")], _FAILED
        if isinstance(environ["wsgi.input"], Unread):
            headers.append(("connection", "close"))
        protocol.response_bytes(status, headers, body)

    async def _lane(self, environ: WSGIEnvironment) -> Lane:
        """Where to answer; a call that got no thread within its time is told so, in a lane for these."""
        lane = self._others
        if environ["REQUEST_METHOD"] == "POST":
            if await self._calls.enter(self._deadline):
                return self._calls
            _LOG.warning("503: every thread was taken for %g s, the time of a call", self._deadline)
            environ[TURNED_AWAY], lane = True, self._turned_away
        await lane.enter()
        return lane

    async def _receive(self, scope: Scope, protocol: HTTPProtocol, environ: WSGIEnvironment) -> None:
        """Put the body into `environ`; one that announces more than the limit is refused there, unread."""
        chunked = scope.headers.get("transfer-encoding") is not None
        announced = scope.headers.get("content-length")
        if not chunked and (announced is None or not 0 < int(announced) <= self._limit):
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await (self._pieces(protocol) if chunked else protocol())
        except TimeoutError:
            _LOG.warning("408: a body did not arrive within %g s", self._seconds)
            environ["wsgi.input"] = LATE
        except RuntimeError:  # of a body whose length is known: it is shorter
            return
        else:
            environ["wsgi.input"] = CUT if body is None else BytesIO(body)

    async def _pieces(self, protocol: HTTPProtocol) -> bytes | None:
        """A body of unknown length, up to the first piece over the limit; None if it was cut short.

        Granian 2.8 hands out an empty piece at the end, and raises nothing where the connection broke: it
        then hands out one more. It does so for trailers, too, so these count as a cut.
        """
        pieces: list[bytes] = []
        size = 0
        async for piece in protocol:
            pieces.append(piece)
            size += len(piece)
            if size > self._limit:
                return b"".join(pieces)
        return None if pieces.count(b"") > 1 else b"".join(pieces)


def load_front(target: str) -> Callable[..., Awaitable[None]]:
    """What answers calls with the application that `module:function` makes, in each worker as it starts."""
    for told in (signal.SIGTERM, signal.SIGINT):  # nothing to finish yet; the server listens to them later
        signal.signal(told, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process hears it for all
    module, _, name = target.partition(":")
    make: Callable[[], WSGIApplication] = getattr(import_module(module), name)
    settings = Settings.from_environment(os.environ)
    return Front(make(), settings.max_body, deadline=settings.deadline_ms / 1000).answer


def environ_of(scope: Scope) -> WSGIEnvironment:
    """The call as PEP 3333 describes it, its body left empty."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def run(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Call the application, whose answers are short, and collect what it says."""
    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start(status: str, headers: Sequence[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        started.append((int(status[:3]), list(headers)))
        return parts.append

    parts: list[bytes] = []
    answered: Iterable[bytes] = app(environ, start)
    try:
        parts.extend(answered)
    finally:
        if (close := getattr(answered, "close", None)) is not None:
            close()
    status, headers = started[-1]
    return status, headers, b"".join(parts)
