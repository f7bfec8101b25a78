"""The texts of a card: placeholders split once when the rulebook loads, filled per request.

    {fact}  {fact.display}  {fact.date}  {fact.unit}  {fact.rows}  {fact.rejected}  {fact.<column>}
    {missing_count}  {missing_questions}  {line_count}

`{fact.<column>}` is a column of the row behind the answer. Two columns of one fact with nothing but a slash
between them are read together: where only one is known the text says which is not. The author's own words
pass as written (markdown in a detail); everything that came from a chart is made safe by the style.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cds_service.cards import wording
from cds_service.cards.escape import NOTHING
from cds_service.cards.reading import Reading
from cds_service.cards.wording import Style

SUMMARY_LIMIT = 139
LABEL_LIMIT = 80
PARTS: frozenset[str] = frozenset({"display", "date", "unit", "rows", "rejected"})
"""What may follow a fact in a placeholder beside the columns of its row."""
WORDS: frozenset[str] = frozenset({"missing_count", "missing_questions", "line_count"})
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\}")


class Slot(NamedTuple):
    """A placeholder: a fact (or one of the words) and which part of it, "" for the answer itself."""

    name: str
    part: str = ""


class Pair(NamedTuple):
    """Two columns of one row, told as 150/94."""

    first: Slot
    second: Slot


@dataclass(frozen=True, slots=True)
class Template:
    """A text split at its placeholders."""

    parts: tuple[str | Slot, ...]

    @classmethod
    def of(cls, text: str) -> Template:
        """Split a text."""
        pieces = _PLACEHOLDER.split(text)
        parts: list[str | Slot] = [pieces[0]]
        for at in range(1, len(pieces), 3):
            parts += [Slot(pieces[at], pieces[at + 1] or ""), pieces[at + 2]]
        return cls(tuple(part for part in parts if part != ""))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its placeholders."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    def unknown(self, known: Container[str]) -> tuple[str, ...]:
        """The placeholders that name nothing known, for the load-time check."""
        return tuple(
            dict.fromkeys(
                slot.name for slot in self.slots if slot.name not in WORDS and slot.name not in known
            )
        )

    def fill(self, reading: Reading | None, style: Style, words: Mapping[str, str]) -> str:
        """The text for one chart. `words` answers placeholders that are not about the rule's facts."""
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        return "".join(
            part if isinstance(part, str) else _filled(part, reading, style, words)
            for part in (_paired(self.parts) if "/" in self.parts else self.parts)
        )


def _paired(parts: Sequence[str | Slot]) -> list[str | Slot | Pair]:
    """The parts, two columns of one fact joined by a slash as one."""
    joined: list[str | Slot | Pair] = []
    for part in parts:
        before = joined[-2:]
        if len(before) == 2 and before[1] == "/" and _of_one_row(before[0], part):
            joined[-2:] = [Pair(before[0], part)]  # type: ignore[arg-type]
        else:
            joined.append(part)
    return joined


def _of_one_row(one: str | Slot | Pair, other: str | Slot) -> bool:
    """Whether both are columns of the row behind one fact."""
    if not isinstance(one, Slot) or not isinstance(other, Slot) or one.name != other.name:
        return False
    return all(slot.part and slot.part not in PARTS for slot in (one, other))


def _both(pair: Pair, reading: Reading | None, style: Style, words: Mapping[str, str]) -> str:
    """150/94; 150 systolic (diastolic not known)."""
    told = [_filled(slot, reading, style, words) for slot in pair]
    if told.count(NOTHING) != 1:
        return NOTHING if told[0] == NOTHING else "/".join(told)
    known = 1 if told[0] == NOTHING else 0
    names = [slot.part.replace("_", " ") for slot in pair]
    return f"{told[known]} {names[known]} ({names[1 - known]} not known)"


def _filled(part: Slot | Pair, reading: Reading | None, style: Style, words: Mapping[str, str]) -> str:
    if isinstance(part, Pair):
        return _both(part, reading, style, words)
    if part.name in words:
        return words[part.name]
    if reading is None:
        return NOTHING
    if part.name == "missing_count":
        return str(len(reading.questions()))
    if part.name == "missing_questions":
        return style.lines(reading.questions())
    return answer(part, reading, style)


def answer(slot: Slot, reading: Reading, style: Style) -> str:
    """What the facts say for a placeholder, "unknown" if they do not know."""
    finding = reading.finding(slot.name)
    match slot.part:
        case "":
            return wording.value_of(finding, style)
        case "display":
            return wording.display(finding, style)
        case "date":
            return wording.date(finding)
        case "unit":
            return wording.unit(finding, reading.unit(slot.name), style)
        case "rows":
            return wording.rows(finding.rows, style)
        case "rejected":
            return wording.rows(finding.rejected, style)
        case column:
            return wording.column(finding, column, style)


def paragraphs(lines: Sequence[str]) -> str:
    """A detail of several lines is a list; of one, that line alone. A line that is a list stays one."""
    if len(lines) == 1:
        return lines[0]
    return "\n".join(line if line.startswith("- ") else bullet(line) for line in lines)


def bullet(text: str) -> str:
    """One list item; what follows its first line is indented into it."""
    return "- " + text.replace("\n", "\n  ")
