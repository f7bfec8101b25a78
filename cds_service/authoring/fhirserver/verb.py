"""`cds fhir-server`: serve charts as an EHR's FHIR server would, on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from cds_service.authoring.charts import CHARTS, FIXTURES, find_chart
from cds_service.authoring.fhirserver.app import Seen, create_fhir_app
from cds_service.authoring.fhirserver.knobs import PAGE, Knobs
from cds_service.authoring.fhirserver.parameters import PARAMETERS
from cds_service.authoring.fhirserver.running import base_of, listening
from cds_service.authoring.fhirserver.store import Store
from cds_service.errors import UsageError, nearest
from cds_service.facts.prefetch import templates
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS
from cds_service.settings import Settings, is_loopback
from cds_service.web.serve import refuse_taken_port

PORT = 8090
_SHOWN = 5
_CODES = "&code="

_HELP = """Serve example charts as a read-only FHIR R4 server, to try `cds serve` with.

All charts stand side by side under one base, http://127.0.0.1:8090/fhir; --list prints each one's patient.
There are reads and searches by patient, code, category, status and date, _count, _sort, pages, and POST
_search; /metadata says exactly what. It prints one line per request, without ids.

\b
  cds fhir-server
  cds fhir-server --chart v01-clear-trd --chart v09-trd-and-aneurysm
  curl -s 'http://127.0.0.1:8090/fhir/Condition?patient=v01'

It can be told to misbehave, to see what the rules make of an EHR that does. WHERE is a resource type, or a
prefetch key such as observations-suicidality.

\b
  cds fhir-server --slow Condition=3000 --fail observations-suicidality=503
  cds fhir-server --page 2 --truncate MedicationRequest=1 --drop MedicationDispense

It listens on this machine only, but any page in a browser on it can read the charts: serve made-up patients.
"""


@click.command(name="fhir-server", help=_HELP)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="An address of this machine."
)
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True, help="The port.")
@click.option(
    "--charts",
    "folder",
    type=click.Path(path_type=Path),
    default=FIXTURES / CHARTS,
    show_default=True,
    help="The folder of charts.",
)
@click.option(
    "--chart", "names", metavar="NAME", multiple=True, help="Serve only this chart; may be repeated."
)
@click.option("--list", "only_list", is_flag=True, help="Print each chart with its patient's id, and stop.")
@click.option("--slow", metavar="WHERE=MS", multiple=True, help="Answer only after MS milliseconds.")
@click.option("--fail", metavar="WHERE=STATUS", multiple=True, help="Answer with this HTTP status.")
@click.option(
    "--page",
    type=click.IntRange(1, PAGE),
    default=PAGE,
    show_default=True,
    help="How many entries a page holds at most.",
)
@click.option(
    "--truncate", metavar="WHERE=N", multiple=True, help="Send N entries at most, though there are more."
)
@click.option(
    "--drop", metavar="TYPE", multiple=True, help="Answer 404 to this resource type; may be repeated."
)
@click.option(
    "--require-token", "token", metavar="WORD", default="", help="Refuse requests without this access token."
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The rulebooks whose prefetch keys WHERE may name.",
)
def fhir_server(
    host: str,
    port: int,
    folder: Path,
    names: tuple[str, ...],
    only_list: bool,
    slow: tuple[str, ...],
    fail: tuple[str, ...],
    page: int,
    truncate: tuple[str, ...],
    drop: tuple[str, ...],
    token: str,
    rules: Path,
) -> None:
    """Serve until stopped. Exit 2 for wrong use: another machine's address, a chart that is not there."""
    store = Store.read(_files(folder, names))
    if only_list:
        _list(store)
        return
    if not is_loopback(host):
        raise UsageError("--host: others could reach this address, and the server is open; try 127.0.0.1")
    knobs = Knobs(
        slow=places("--slow", slow, rules, 1, 600_000),
        fail=places("--fail", fail, rules, 400, 599),
        truncate=places("--truncate", truncate, rules, 0, PAGE),
        page=page,
        drop=frozenset(dropped(name) for name in drop),
        token=_token(token),
    )
    refuse_taken_port(Settings(host=host, port=port))
    run(store, knobs, host, port)


def run(store: Store, knobs: Knobs, host: str, port: int) -> None:
    """Serve until interrupted, telling each request on standard error."""
    server = listening(create_fhir_app(store, knobs, seen=_tell), host, port)
    click.echo(start_message(base_of(server), store))
    server.serve_forever()


def start_message(base: str, store: Store) -> str:
    """Where it listens, whose charts there are, and one command that shows it."""
    number = len(store.patients)
    lines = [f"Serving {number} chart{'s' * (number != 1)} as FHIR R4 at {base}"]
    if number <= _SHOWN:
        lines += [f"  {name}: Patient/{patient}" for name, patient in store.patients.items()]
    first = next(iter(store.patients.values()))
    return "\n".join([*lines, "Try:", f"  curl -s '{base}/Condition?patient={first}'", "Stop with Ctrl-C."])


def _tell(seen: Seen) -> None:
    click.echo(str(seen), err=True)


def _list(store: Store) -> None:
    width = max(len(name) for name in store.patients)
    for name, patient in store.patients.items():
        click.echo(f"{name:<{width}}  {patient}")


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"--charts: there is no folder {folder.as_posix()!r}; run this where {FIXTURES}/ is")
    files = [find_chart(name, folder) for name in dict.fromkeys(names)] or sorted(folder.glob("*.json"))
    if not files:
        raise UsageError(f"--charts: {folder.as_posix()} holds no charts (*.json)")
    return files


# --- places --------------------------------------------------------------------------------------


def places(option: str, given: Iterable[str], rules: Path, lowest: int, highest: int) -> dict[str, int]:
    """What an option sets, by place as `Knobs` names it. Raises UsageError."""
    found: dict[str, int] = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals or not re.fullmatch(r"[0-9]{1,9}", number) or not lowest <= int(number) <= highest:
            raise UsageError(
                f"{option}: seen {text!r}, expected WHERE= and a whole number from {lowest} to {highest}; "
                f"try {option} Condition={max(lowest, min(highest, 500))}"
            )
        found[_place(option, name, rules)] = int(number)
    return found


def _place(option: str, name: str, rules: Path) -> str:
    """A type as it is, a prefetch key as the type or search it stands for."""
    if name in PARAMETERS:
        return name
    known: dict[str, str] = {key: kind for kind, key in KEY_OF_TYPE.items() if key != OBSERVATIONS}
    known |= _observations(rules)
    if name not in known:
        raise UsageError(
            f"{option}: there is no type or key {name!r} ({nearest(name, [*PARAMETERS, *known])})"
        )
    return known[name]


def _observations(rules: Path) -> Mapping[str, str]:
    """The searches of the rulebooks' observation keys, without the patient."""
    books = [load_rulebook(folder) for folder in find_rulebooks(rules)]
    found = {
        key: text for book in books for hook in book.hooks for key, text in templates(book, hook).items()
    }
    searches = {key: text.partition(_CODES)[2] for key, text in found.items() if key.startswith(OBSERVATIONS)}
    return {key: f"Observation?code={codes}" if codes else "Observation" for key, codes in searches.items()}


def dropped(name: str) -> str:
    """The type of --drop. Raises UsageError."""
    if name not in PARAMETERS:
        raise UsageError(
            f"--drop: there is no resource type {name!r} here ({nearest(name, list(PARAMETERS))})"
        )
    return name


def _token(word: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]*", word):
        raise UsageError("--require-token: expected letters, digits and . _ ~ + / = -; try a made-up word")
    return word
