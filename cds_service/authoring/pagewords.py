"""A rule in words: its questions, where they look, what silence means, its criteria as sentences.

Everything here is markdown on one line; page.py lays it out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cds_service.authoring.phrases import (
    COMPARED,
    OPPOSITE,
    ORIGINS,
    TYPES,
    answer,
    listed,
    plain,
    silence,
    unit_words,
)
from cds_service.facts.extract import uses_of
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.criterion import TIME_UNITS, Criterion, Threshold
from cds_service.rulebook.fact import (
    Absent,
    Argument,
    CalculateFact,
    ConclusionFact,
    Fact,
    FindFact,
    InSet,
    NotInSet,
    NotListed,
    RowsFact,
    Unreadable,
    ViewFact,
    Where,
    WhereTest,
)
from cds_service.rulebook.formula import Anchor
from cds_service.rulebook.logic import All, Any_, Logic, Not, criteria
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import VIEWS


@dataclass(frozen=True)
class Words:
    """The words of one rule of a rulebook; `out` is the folder the page stands in."""

    book: Rulebook
    rule: Rule
    out: Path

    # --- links -----------------------------------------------------------------------------------

    def file(self, path: Path) -> str:
        """A file as the page links to it."""
        return Path(os.path.relpath(path.resolve(), self.out.resolve())).as_posix()

    def valueset(self, name: str) -> str:
        """A value set by its title."""
        title = self.book.terminology.valuesets[name].title
        return f"[{title}]({self.file(self.book.folder / 'valuesets' / f'{name}.yaml')})"

    def table(self, name: str) -> str:
        """A table by its title."""
        return f"[{self.book.tables[name].title}]({self.file(self.book.folder / 'tables' / f'{name}.yaml')})"

    def page(self, rule_id: str) -> str:
        """The page of another rule, by its title."""
        return f"[{self.book.by_id[rule_id].title}]({rule_id}.md)"

    def source(self, number: int) -> str:
        """A source by its number and short name."""
        return f"[{number}] {self.book.sources[number].short}"

    # --- logic -----------------------------------------------------------------------------------

    def criterion(self, criterion: Criterion, *, opposite: bool = False, linked: bool = True) -> str:
        """A criterion as the question and the answer that meets it."""
        fact = self.rule.data[criterion.fact]
        if criterion.comparator is None:
            met = "no" if opposite else "yes"
            rule = fact.conclusion if isinstance(fact, ConclusionFact) and linked else ""
            of_rule = f" (rule {self.page(rule)})" if rule else ""
            return f"{fact.ask} **{met}**{of_rule}"
        comparator = OPPOSITE[criterion.comparator] if opposite else criterion.comparator
        column = f"{plain(criterion.column)} " if criterion.column else ""
        unit = criterion.unit or self._unit(fact)
        ago = " ago" if unit in TIME_UNITS and _is_date(fact, criterion.column) else ""
        number = f"{criterion.number:g} {unit_words(unit)}".strip() if criterion.number is not None else ""
        cites = "".join(f" [{source}]" for source in criterion.sources)
        return f"{fact.ask} **{column}{COMPARED[comparator]} {number}{ago}**{cites}"

    def _unit(self, fact: Fact) -> str:
        if isinstance(fact, RowsFact) and fact.give.kind == "age":
            return "years"
        counts = isinstance(fact, RowsFact) and fact.give.kind in ("count", "count_distinct")
        return "" if counts else str(getattr(fact, "unit", ""))

    def logic(self, logic: Logic, depth: int = 0) -> Iterator[tuple[int, str]]:
        """The logic as lines of an indented list."""
        if isinstance(logic, Criterion):
            yield depth, self.criterion(logic)
        elif isinstance(logic, Not) and isinstance(logic.part, Criterion):
            yield depth, self.criterion(logic.part, opposite=True)
        else:
            head, parts = _head(logic)
            yield depth, head
            for part in parts:
                yield from self.logic(part, depth + 1)

    def condition(self, logic: Logic) -> str:
        """A condition on one line."""
        if isinstance(logic, Criterion):
            return self.criterion(logic, linked=False)
        if isinstance(logic, Not) and isinstance(logic.part, Criterion):
            return self.criterion(logic.part, opposite=True, linked=False)
        if isinstance(logic, Not):
            return f"not ({self.condition(logic.part)})"
        if isinstance(logic, All | Any_):
            parts, word = (logic.all, " and ") if isinstance(logic, All) else (logic.any, " or ")
            return word.join(self._part(part, single=len(parts) == 1) for part in parts)
        spec = logic.at_least
        return f"at least {spec.n} of: {'; '.join(self._part(part) for part in spec.of)}"

    def _part(self, logic: Logic, *, single: bool = False) -> str:
        text = self.condition(logic)
        return text if single or isinstance(logic, Criterion | Not) else f"({text})"

    # --- facts -----------------------------------------------------------------------------------

    @cached_property
    def decisive(self) -> frozenset[str]:
        """The facts the verdict rests on, those they are made of included."""
        found = {one.fact for one in criteria(self.rule.logic)}
        for name in [*self.rule.data] * 2:
            if name in found:
                found.update(uses_of(self.rule.data[name]))
        return frozenset(found)

    def fact(self, name: str) -> Iterator[tuple[str, str]]:
        """What a fact does, as label and words."""
        fact = self.rule.data[name]
        if isinstance(fact, ConclusionFact):
            yield "Where it looks", f"the rule {self.page(fact.conclusion)}"
            yield "Silence", "unknown where that rule is unknown"
        elif isinstance(fact, CalculateFact):
            yield "Calculation", self.calculation(fact)
            yield "Silence", "unknown where a part is unknown"
        else:
            yield from self.rows(fact)
        if name not in self.decisive:
            yield "Use", "in the texts of the card only; the verdict does not rest on it"

    def calculation(self, fact: CalculateFact) -> str:
        """A calculation with the questions behind its parts."""
        text = fact.calculate.text
        for part in fact.calculate.operands:
            if part.fact:
                named = f"‹{plain(part.text.replace('.', ': '))}›"
                text = text.replace(part.text, named)
        unit = f", in {unit_words(fact.unit)}" if fact.unit else ""
        rounded = f", rounded to {fact.round:g}" if fact.round is not None else ""
        return f"{text.replace('*', '×')}{unit}{rounded}"

    def rows(self, fact: RowsFact) -> Iterator[tuple[str, str]]:
        """A fact that looks for rows."""
        yield "Where it looks", self.place(fact)
        if isinstance(fact, ViewFact) and fact.arguments:
            yield "With", self.arguments(fact)
        if fact.where:
            yield "Counts only if", "; ".join(self.conditions(fact.where))
        if fact.unsure:
            yield "Only maybe if", "; ".join(self.conditions(fact.unsure))
        yield from self.times(fact)
        yield "Answer", answer(fact)
        yield "Silence", silence(fact)

    def place(self, fact: RowsFact) -> str:
        """The source of the rows, and the codes they must have."""
        if isinstance(fact, FindFact):
            source = TYPES.get(fact.find, fact.find)
        else:
            assert isinstance(fact, ViewFact)
            source = f"[{plain(fact.view)}](../views.md#{fact.view})"
        codes = listed([self.valueset(name) for name in fact.code_in or ()] or [""])
        at = "" if isinstance(fact, FindFact) and fact.find == "Patient" else f", {ORIGINS[fact.origin]}"
        coded = f", with a code of {codes}" if codes else ""
        worded = self.book.terminology.words.sets.intersection(fact.code_in or ())
        return f"{source}{at}{coded}" + ("; maybe, if told in words that may mean it" if worded else "")

    def arguments(self, fact: ViewFact) -> str:
        """What a view is told; of several facts that tell it the same only the first says what."""
        for other in self.rule.data.values():
            if other is fact:
                break
            if isinstance(other, ViewFact) and (other.view, other.arguments) == (fact.view, fact.arguments):
                return f"the same as for “{other.ask}”"
        return "; ".join(
            f"{plain(name)}: {self.argument(fact, name, value)}" for name, value in fact.arguments.items()
        )

    def argument(self, fact: ViewFact, name: str, value: Argument) -> str:
        """One argument of a view, in words."""
        kind = VIEWS[fact.view].arguments.get(name)
        if kind == "valueset":
            return listed(
                [self.valueset(one) for one in ((value,) if isinstance(value, str) else _texts(value))]
            )
        if kind == "table":
            return self.table(str(value))
        if kind == "fact":
            return f"the answer to “{self.rule.data[str(value)].ask}”"
        return plain(str(value)) if kind == "text" else str(value)

    def conditions(self, where: Where) -> Iterator[str]:
        """Each condition on an element or column."""
        for name, test in where.items():
            yield f"{plain(name)} {self.test(test)}"

    def test(self, test: WhereTest) -> str:
        """What is asked of one element or column."""
        if isinstance(test, Absent):
            return "is not recorded"
        if isinstance(test, InSet):
            sets = listed([self.valueset(name) for name in test.valuesets])
            absent = ", or is not recorded" if test.or_absent else ""
            return f"is one of {sets}{absent}" + (", or cannot be read" if test.or_unreadable else "")
        if isinstance(test, Unreadable):
            said = f" and mentions {listed([f'“{part}”' for part in test.mentions])}" if test.mentions else ""
            return f"is recorded but cannot be read{said}"
        if isinstance(test, NotInSet):
            sets = listed([self.valueset(name) for name in test.valuesets])
            return f"is none of {sets}" + (", or cannot be read" if test.or_unreadable else "")
        if isinstance(test, Threshold):
            return self._threshold(test)
        word = "is not" if isinstance(test, NotListed) else "is"
        return f"{word} {listed(test.values)}"

    def _threshold(self, test: Threshold) -> str:
        cites = "".join(f" [{source}]" for source in test.sources)
        if test.table:
            return (
                f"is {COMPARED[test.comparator]} the {plain(test.column)} in {self.table(test.table)}{cites}"
            )
        return f"is {COMPARED[test.comparator]} {test.number:g} {unit_words(test.unit)}".rstrip() + cites

    def times(self, fact: RowsFact) -> Iterator[tuple[str, str]]:
        """How far back it looks, and between which moments."""
        if fact.within is not None:
            date = getattr(fact, "date", ())
            read = f" (by {', else '.join(plain(one) for one in date)})" if date else ""
            yield "How far back", f"{fact.within.text}{read}"
        if fact.after is not None:
            yield "Not before", self._moment(fact.after)
        if fact.before is not None:
            yield "Only before", self._moment(fact.before)

    def _moment(self, anchor: Anchor) -> str:
        moved = anchor.text.removeprefix(anchor.fact).strip()
        told = f"the answer to “{self.rule.data[anchor.fact].ask}”"
        return f"{told}, {moved}" if moved else told


def _head(logic: Logic) -> tuple[str, Sequence[Logic]]:
    if isinstance(logic, All):
        return "All of these:", logic.all
    if isinstance(logic, Any_):
        return "At least one of these:", logic.any
    if isinstance(logic, Not):
        return "Not this:", (logic.part,)
    assert not isinstance(logic, Criterion)
    return f"At least {logic.at_least.n} of these:", logic.at_least.of


def _is_date(fact: Fact, column: str) -> bool:
    if not isinstance(fact, RowsFact):
        return False
    if column and isinstance(fact, ViewFact):
        return VIEWS[fact.view].columns.get(column) == "date"
    return column == "day" or fact.give.kind in ("latest date", "earliest date")


def _texts(value: Argument) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)
