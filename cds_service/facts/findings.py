"""The findings of one chart: each fact is read when it is first asked for, and then known.

A fact of which the chart's index shows nothing is not read at all: its answer stands since the rules were
compiled. So a request pays for the facts that its verdicts and cards hang on, however many the rules ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cds_service.facts.chart import Chart
from cds_service.facts.finding import Finding

Used = Mapping[str, Finding]
Reader = Callable[[Chart, Used], Finding]
_NONE: Used = {}
Sign = tuple[str, str]
"""A resource type, and a value set of which an entry is filed, or one of the words of `silence.py`."""


class Question(NamedTuple):
    """One distinct fact, compiled: how it is read, and the numbers of the facts it is made of, by name.

    `signs` show that it may have a row, and `keys` are those whose loss its answer tells. `silent` is its
    answer on a chart that was obtained in full and shows no sign of it. Without signs it is always read.
    """

    read: Reader
    uses: tuple[tuple[str, int], ...] = ()
    signs: frozenset[Sign] | None = None
    keys: tuple[str, ...] = ()
    silent: Finding | None = None


class RuleFindings(Mapping[str, Finding]):
    """The findings of one rule by fact."""

    __slots__ = ("_answer", "_numbers")

    def __init__(self, numbers: Mapping[str, int], answer: Callable[[int], Finding]) -> None:
        self._numbers, self._answer = numbers, answer

    def __getitem__(self, fact: str) -> Finding:
        return self._answer(self._numbers[fact])

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class ChartFindings(Mapping[str, Mapping[str, Finding]]):
    """The findings of all rules by rule and fact.

    `unread` holds by rule the facts that must be read to know; it does not change as they are.
    """

    __slots__ = ("_chart", "_known", "_numbers", "_questions", "unread")

    def __init__(
        self,
        chart: Chart,
        questions: Sequence[Question],
        numbers: Mapping[str, Mapping[str, int]],
        known: list[Finding | None],
        unread: Mapping[str, set[str]],
    ) -> None:
        """`known` are the answers by number, None for those to be read; it is filled in."""
        self._chart, self._questions, self._numbers = chart, questions, numbers
        self._known, self.unread = known, unread

    def __getitem__(self, rule: str) -> RuleFindings:
        return RuleFindings(self._numbers[rule], self.answer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def answer(self, number: int) -> Finding:
        """The answer to a question, read now if it is not known yet."""
        found = self._known[number]
        if found is None:
            question = self._questions[number]
            used = {name: self.answer(other) for name, other in question.uses} if question.uses else _NONE
            found = self._known[number] = question.read(self._chart, used)
        return found

    def read(self) -> tuple[int, ...]:
        """The numbers of the questions whose answer is known by now."""
        return tuple(number for number, found in enumerate(self._known) if found is not None)
