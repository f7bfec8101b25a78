"""`cds serve`: check the settings and the rules, say what is served and how to try it, run the server."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shlex
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from cds_service.errors import CdsError, RuleError, StoreUnavailable, UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.store.database import Database
from cds_service.web.auth.clients import Clients, load_clients
from cds_service.web.discovery import PATH, service_id
from cds_service.web.front import BODY_SECONDS, load_front
from cds_service.web.observe.capture import folder_beside
from cds_service.web.observe.log import open_log
from cds_service.web.observe.stamped import LOGGING
from cds_service.web.observe.workers import shared_counters
from cds_service.web.reload import ask_for_reload
from cds_service.web.rules import load_rules

_TARGET = "cds_service.web.wsgi:create"
_EXAMPLES = Path("fhir_fixtures/requests")
_CONNECTIONS = 1024  # of one worker at a time; slow clients hold no more than that of it
_LONGEST_START = 60  # seconds

_HELP = """Serve the rules as CDS Hooks services.

An EHR finds the services at /cds-services and posts each hook call to /cds-services/ID, where ID is the
rulebook and the hook: RULEBOOK-patient-view. /healthz says that the server lives, /readyz with which rules,
/metrics what it does.

\b
Try it on your own machine, with the time at which the example charts were written:
  cds serve --today 2026-03-01
  curl -s http://127.0.0.1:5000/cds-services

\b
Every option is also a setting of the environment: CDS_HOST, CDS_PORT, CDS_WORKERS, CDS_RULES, CDS_TODAY,
CDS_ENGINE; and further CDS_TIMEZONE, CDS_MAX_BODY (10MB), CDS_REQUIRE_APPROVAL (1 refuses rules that nobody
approved), CDS_DATABASE_URL (where feedback is kept), CDS_DECISION_LOG (a file for one masked line per call),
CDS_CAPTURE (1 keeps the calls too: patient data).
An option wins over the environment.

Only this machine can reach the server unless CDS_CLIENTS names a file that says who may call (docs/ehr.md);
then CDS_PUBLIC_URL is the address clients use, which their tokens are for. docs/operations.md has every
setting, and TLS, which a proxy in front has to do. Under another WSGI server use cds_service.web.wsgi:app.

SIGTERM finishes the calls under way. SIGHUP reads the rules again, in every worker and without a gap; rules
with problems change nothing. CDS_WATCH=1 does so whenever their files change.
"""


@click.command(help=_HELP)
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on.  [default: 5000]")
@click.option("--workers", metavar="N", help="Processes that answer side by side.  [default: 1]")
@click.option("--rules", metavar="FOLDER", help="Folder that holds the rulebooks.  [default: rules]")
@click.option("--today", metavar="DATE", help="Freeze time at noon of a date, or at an instant.")
@click.option("--engine", metavar="NAME", help="durable or direct.  [default: durable where it loads]")
def serve(**options: str | None) -> None:
    """Run the server until it is stopped. Exit 2 for wrong settings, 1 for rules with problems."""
    given = {f"CDS_{name.upper()}": value for name, value in options.items() if value is not None}
    env = {**os.environ, **given}
    try:
        settings = Settings.from_environment(env)
        refuse_unguarded(settings)
        clients = load_clients(Path(settings.clients)) if settings.clients else None
        rules = load_rules(settings)
        refuse_taken_port(settings)
        warning = open_database(settings)
        if settings.decision_log:
            open_log(settings.decision_log, capture=settings.capture)
    except UsageError as error:
        raise click.UsageError(str(error)) from error
    except RuleError as error:
        raise click.ClickException(f"the rules have problems, nothing is served:\n{error}") from error
    except CdsError as error:
        raise click.ClickException(f"nothing is served: {error}") from error
    os.environ.update(given)
    if warning:
        click.echo(warning, err=True)
    message = start_message(settings, rules.books, rules.engine, clients)
    del rules  # each worker loads its own
    with shared_counters(), shared_by_workers(settings) as folder:
        run(settings, message, folder)


@contextlib.contextmanager
def shared_by_workers(settings: Settings) -> Iterator[Path]:
    """The folder in which workers say which rules they have: that of the settings, or one for this run."""
    if settings.runtime_dir:
        folder = Path(settings.runtime_dir)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="cds-") as made:
        os.environ["CDS_RUNTIME_DIR"] = made
        yield Path(made)


def run(settings: Settings, message: str, shared: Path | None = None) -> None:
    """Run the server and its workers until they are stopped; `message` is said once they listen.

    SIGTERM lets calls under way finish. SIGHUP lets the workers read the rules again, through the folder
    that they share.
    """
    host = settings.host.strip("[]")
    server = Granian(
        _TARGET,
        factory=True,
        address=host,
        port=settings.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        workers=settings.workers,
        workers_kill_timeout=last_seconds(settings),
        backpressure=_CONNECTIONS,
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=LOGGING,
    )
    announcing = threading.Thread(target=announce, args=(host, settings.port, message), daemon=True)
    server.on_startup(announcing.start)
    if shared is not None:
        # On start, because Granian would otherwise answer SIGHUP by starting its workers anew.
        server.on_startup(lambda: signal.signal(signal.SIGHUP, lambda *_: ask_for_reload(shared)))
    server.serve(target_loader=load_front)


def last_seconds(settings: Settings) -> int:
    """How long a worker may go on after SIGTERM: a body may still arrive, and its call be answered."""
    return math.ceil(BODY_SECONDS + settings.deadline_ms / 1000) + 1


def announce(host: str, port: int, message: str) -> None:
    """Say the message as soon as somebody listens at the address: the workers do, after loading the rules."""
    for _ in range(_LONGEST_START * 20):
        time.sleep(0.05)
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            click.echo(message)
            return


def refuse_unguarded(settings: Settings) -> None:
    """Raises UsageError where others can reach us and may bring tokens that were made for another service."""
    if not settings.loopback and not settings.public_url:
        raise UsageError(
            f"CDS_HOST: {settings.host!r} can be reached from other machines, and without "
            "CDS_PUBLIC_URL nobody can tell whether a token is for this service; try the address that "
            "clients use: CDS_PUBLIC_URL=https://cds.example.org."
        )


_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_ANSWERS_WITHIN = 1.0
"""Seconds; a server on this machine takes a connection at once."""


def refuse_taken_port(settings: Settings) -> None:
    """Raises UsageError if the address cannot be listened on, or somebody answers there already.

    Servers of several processes share their port (SO_REUSEPORT), so that one can be listened on and yet be
    another's; a call to it tells.
    """
    host = settings.host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as caller:
            caller.settimeout(_ANSWERS_WITHIN)
            # An address of all interfaces is called on this machine's own.
            called = (_LOOPBACK.get(str(address[0]), address[0]), *address[1:])
            if settings.port and caller.connect_ex(called) == 0:
                raise OSError(errno.EADDRINUSE, "somebody answers")
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {settings.port} is in use; try --port {settings.port % 65_535 + 1}"
        else:
            reason = f"cannot listen on {host}:{settings.port} ({error.strerror}); try --host 127.0.0.1"
        raise UsageError(f"{reason}, or stop the program that holds it.") from error


def open_database(settings: Settings) -> str:
    """Make or update the tables before the workers start; a warning if the database cannot be used now.

    Raises UsageError for a CDS_DATABASE_URL that names no database.
    """
    database = Database(settings.database_url)
    try:
        database.check()
    except StoreUnavailable:
        refused = (
            "Calls are refused with 503, for nobody could tell whether a token was used before,"
            if settings.clients
            else "Hook calls are answered; feedback is refused with 503"
        )
        return (
            f"Warning: the database of CDS_DATABASE_URL cannot be used now. {refused} until it can, and "
            "/readyz says so."
        )
    finally:
        database.close()
    return ""


def start_message(
    settings: Settings, books: Sequence[Rulebook], engine: str, clients: Clients | None = None
) -> str:
    """What is served, with which rules, at what time, and one command that shows it.

    `clients` are those that may call, None if nobody is asked for a token.
    """
    url = base_url(settings)
    lines = [f"Serving CDS Hooks at {url}{PATH}"]
    lines += [f"  rulebook {book.id} {book.about.version} ({book.digest[:19]})" for book in books]
    lines.append(f"  engine {engine}")
    if clients is not None:
        count = len(clients.by_issuer)
        lines.append(
            f"  {count} {'client' if count == 1 else 'clients'} may call, each call with its own token"
        )
    if settings.capture:
        lines.append(
            f"  every call is kept, patient data included, in {folder_beside(Path(settings.decision_log))}"
        )
    if settings.today is not None:
        lines.append(f"  time is frozen at {settings.today.isoformat()}")
    # The recorded calls are dated: they show what they are for only on their own day.
    lines += ["Try:", f"  {_open_call(settings, url, books, clients)}", "Stop with Ctrl-C."]
    return "\n".join(lines)


def _open_call(settings: Settings, url: str, books: Sequence[Rulebook], clients: Clients | None) -> str:
    """A command that is answered without a token."""
    if clients is not None and not clients.open_discovery:
        return f"curl -s {shlex.quote(url + '/readyz')}"
    # The recorded calls are dated: they show what they are for only on their own day.
    shown = books if settings.today is not None and clients is None else ()
    return example_call(url, shown, _EXAMPLES)


def base_url(settings: Settings) -> str:
    """The address of the server as a browser on this machine writes it."""
    host = settings.host.strip("[]")
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def example_call(url: str, books: Sequence[Rulebook], examples: Path) -> str:
    """A curl command for the first service that has an example request, or for discovery."""
    for book in books:
        for hook in book.hooks:
            named = examples / f"{book.about.example}.{hook}.json"
            found = [named] if named.is_file() else sorted(examples.glob(f"*.{hook}.json"))
            if found:
                target = shlex.quote(f"{url}{PATH}/{service_id(book, hook)}")
                body = shlex.quote(f"@{found[0].as_posix()}")
                return f"curl -s {target} -H 'Content-Type: application/json' -d {body}"
    return f"curl -s {shlex.quote(url + PATH)}"
