"""The report of a connection as text: a table of keys, then what the rules could decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cds_service.authoring.connection.ask import NOT_ASKED
from cds_service.facts.read import DEADLINE, EMPTY, FAILED, FOUND, NOT_SUPPLIED, OTHER_PATIENT, TRUNCATED
from cds_service.facts.server.source import REFUSED

Json = Mapping[str, Any]

_PLAIN_WIDTH = 110
_RESULTS = {
    FOUND: ("found", "green"),
    EMPTY: ("nothing recorded", "green"),
    NOT_ASKED: ("not asked", "dim"),
    TRUNCATED: ("cut short", "yellow"),
    FAILED: ("failed", "red"),
    DEADLINE: ("too late", "red"),
    OTHER_PATIENT: ("another patient's", "red"),
    REFUSED: ("not allowed", "red"),
    NOT_SUPPLIED: ("not allowed", "red"),
}
_COUNTED = (FOUND, EMPTY, TRUNCATED, OTHER_PATIENT)
_REMARKS = {
    NOT_ASKED: "name the visit with --encounter",
    TRUNCATED: "there is more than came",
    DEADLINE: "not complete within CDS_DEADLINE_MS",
    OTHER_PATIENT: "resources that do not name this patient",
    REFUSED: "plain http is for this machine and private networks",
}
_STATUSES = {
    0: "no answer: is the server there?",
    200: "answered, but not with what FHIR has for this",
    401: "HTTP 401: the token is missing, wrong or too old",
    403: "HTTP 403: the token does not cover this type",
    404: "HTTP 404: not there, or not supported",
}


def console() -> Console:
    """Where text goes: colours and the terminal's width on a terminal, plain lines elsewhere."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def told(report: Json) -> Group:
    """The whole report."""
    head = f"{report['fhir']}, hook {report['hook']}, judged at {report['asOf']}"
    parts: list[RenderableType] = [Text(head)]
    for one in report["rulebooks"]:
        parts += [Text(""), *_rulebook(one)]
    return Group(*parts)


def _rulebook(part: Json) -> Iterator[RenderableType]:
    about = part["rulebook"]
    yield Text(f"Rulebook {about['id']} {about['version']}", style="bold")
    yield _table(part["keys"])
    yield Text(_counted(part["keys"]))
    yield Text("")
    if "refused" in part:
        yield Text(f"The service would refuse this call: {part['refused']}.")
        return
    yield from _decided(part)


def _counted(keys: Sequence[Json]) -> str:
    """How many keys were obtained, of those that were asked for."""
    asked = [one["result"] for one in keys if one["result"] != NOT_ASKED]
    obtained = sum(result in (FOUND, EMPTY) for result in asked)
    rest = f", {len(keys) - len(asked)} not asked" if len(asked) < len(keys) else ""
    return f"{obtained} of {len(asked)} keys obtained{rest}."


def _table(keys: Sequence[Json]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, justify in (("key", "left"), ("result", "left"), ("found", "right"), ("ms", "right")):
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("remark", overflow="fold")
    for one in keys:
        word, style = _RESULTS[one["result"]]
        found = str(one["found"]) if one["result"] in _COUNTED else ""
        took = str(one["milliseconds"]) if one["result"] != NOT_ASKED else ""
        table.add_row(one["key"], Text(word, style=style), found, took, _remark(one))
    return table


def _remark(key: Json) -> str:
    if key["result"] != FAILED:
        return _REMARKS.get(key["result"], "")
    status = key.get("status", 0)
    return _STATUSES.get(status, f"HTTP {status}")


def _decided(part: Json) -> Iterator[Text]:
    counted = part["verdicts"]
    total = sum(counted.values())
    told = ", ".join(f"{number} {verdict}" for verdict, number in counted.items())
    yield Text(f"Verdicts of {total} rules: {told}.", style="bold")
    wanting = part["unknown_for_want_of_data"]
    if wanting:
        yield Text("Unknown because of what was not obtained:")
        width = max(len(one["rule"]) for one in wanting)
        for one in wanting:
            because = ", ".join(f"{each['key']} ({each['reason']})" for each in one["because"])
            yield Text(f"  {one['rule']:<{width}}  {because}")
    if part["unknown_as_recorded"]:
        number = len(part["unknown_as_recorded"])
        yield Text(f"Unknown because the record does not say: {number} rule{'s' * (number != 1)}.")
    yield Text("")
    yield from _cards(part)


def _cards(part: Json) -> Iterator[Text]:
    if "withheld" in part:
        yield Text(f"No cards: {part['withheld']}.")
        return
    yield Text("Cards (… stands for what comes from the chart):" if part["cards"] else "No cards.")
    for card in part["cards"]:
        yield Text(f"  {card['indicator']:<8}  {card['summary']}")
