"""A finding in the words of the explanation: its value, the entries behind it, those that do not count."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.authoring.given import FACT_TEST
from cds_service.cards.escape import REASON_LIMIT, VALUE_LIMIT, clean
from cds_service.facts.dates import EVER, When
from cds_service.facts.finding import Finding, Quantity, Row
from cds_service.facts.wording import cell_text
from cds_service.rulebook.fact import Fact
from cds_service.truth import FALSE, TRUE, UNKNOWN

_YEARS = "a"


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of the chart: `Condition/c7`, its day as recorded, its code and words, why it is refused."""

    reference: str
    day: str = ""
    code: str = ""
    words: str = ""
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = " ".join(dict.fromkeys(part for part in (self.code, self.words) if part))
        head = ", ".join(part for part in (name, self.reference, self.day) if part)
        return f"{head}: {'; '.join(self.why)}" if self.why else head


def seen(row: Row) -> Seen:
    """A row as the reader knows it; chart text is made one printable line."""
    when, words = row.evidence.when, row.evidence.text
    reference = "" if row.evidence.reference == FACT_TEST else clean(row.evidence.reference)
    return Seen(
        reference,
        _day(when) if when is not None else "",
        "",
        clean(words, VALUE_LIMIT) if words else "",
        tuple(clean(reason, REASON_LIMIT) for reason in row.why),
    )


def _day(when: When) -> str:
    if "T" not in when.text:
        return clean(when.text) if when.text else str(when)
    return str(when)


def answer(fact: Fact, finding: Finding, column: str) -> tuple[str, tuple[Seen, ...]]:
    """The answer in words, and the entries it was read from, latest first."""
    rows = tuple(seen(row) for row in finding.rows if row.counts is TRUE)
    value = finding.value
    if isinstance(value, Quantity):
        return _number(value), rows
    if isinstance(value, When):
        return _date(value), rows
    if isinstance(value, Row):
        named = f"{column} " if column else ""
        return named + clean(cell_text(value.columns.get(column)) if column else value.evidence.text), rows
    if finding.state is TRUE:
        return "yes", rows
    if finding.state is FALSE:
        return _no(fact, finding)
    return ("not obtained" if finding.because else "undecided" if finding.rows else "not known"), rows


def _no(fact: Fact, finding: Finding) -> tuple[str, tuple[Seen, ...]]:
    give = getattr(getattr(fact, "give", None), "kind", "")
    if give == "any_yes":
        return "answered no", tuple(seen(row) for row in finding.rejected)
    return "none found", ()


def _number(value: Quantity) -> str:
    plain = value if value.unit not in (_YEARS, "1") else Quantity(value.span)
    text = cell_text(plain)
    return "any number" if text == "unknown" else text


def _date(value: When) -> str:
    return f"{_day(value)} or earlier" if value.start <= EVER else _day(value)


def told(finding: Finding, shown: tuple[Seen, ...]) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """The rows that may count and those that do not, each with its reasons; none is told twice."""
    maybe = tuple(seen(row) for row in finding.rows if row.counts is UNKNOWN)
    refused = tuple(seen(row) for row in finding.rejected)
    return maybe, tuple(one for one in refused if one not in shown)
