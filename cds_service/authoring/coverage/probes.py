"""Cases nobody wrote yet, near those that are there: one of them may kill a mutant, and is then proposed.

A probe is judged as a pasted case would be: it must pass on the rule and fail on the mutant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cds_service.authoring.cases import Runner
from cds_service.authoring.coverage.chartprobes import chart_cases
from cds_service.authoring.coverage.factprobes import fact_cases
from cds_service.authoring.coverage.trial import Trial, Variant, tried
from cds_service.authoring.testfile import Case, Detail, Item
from cds_service.errors import CdsError
from cds_service.rulebook.rule import Rule

MOST = 4000
"""Probes tried per rule and kind; beyond it a mutant is reported without a proposal."""


@dataclass(frozen=True)
class Probes:
    """The probes of one rule, worked out when first needed."""

    runner: Runner
    rule: Rule
    trials: Sequence[Trial]

    def killer(self, variant: Variant) -> str:
        """A case, as YAML to paste, that passes on the rule and fails on the variant; empty if none is found."""
        found = self.killing(variant)
        return as_yaml(found.item.case) if found is not None else ""

    def killing(self, variant: Variant) -> Trial | None:
        """The first probe that tells the variant from the rule, with what the rule makes of it as expectation."""
        for probe in self.tried:
            told = _told(probe, variant)
            if told is not None:
                return told
        return None

    @cached_property
    def tried(self) -> tuple[Trial, ...]:
        """Every probe as the rule decides it."""
        return tuple(self._tried())

    def _tried(self) -> Iterator[Trial]:
        for case in self._cases():
            try:
                yield tried(self.runner, case)
            except (CdsError, KeyError, ValueError, TypeError):
                continue

    def _cases(self) -> Iterator[Item]:
        yield from _first(fact_cases(self.rule, [one.item for one in self.trials]))
        yield from _first(chart_cases(self.runner, self.rule, self.trials))


def _first(items: Iterator[Item]) -> Iterator[Item]:
    for item, _ in zip(items, range(MOST), strict=False):
        yield item


def _told(probe: Trial, variant: Variant) -> Trial | None:
    """The probe with expectations that the variant does not meet; None if it answers the same."""
    try:
        other = variant.on(probe)
    except CdsError:
        return None
    case = expected(probe, other)
    if case is None:
        return None
    return replace(probe, item=replace(probe.item, case=case))


def expected(probe: Trial, other: Trial) -> Case | None:
    """The case of a probe with what the rule makes of it, and just what the other does not."""
    own, made = probe.conclusion, probe.card.made
    case = probe.item.case.model_copy(update={"expect": own.verdict})
    if own.verdict is not other.conclusion.verdict:
        return case
    if set(own.missing) != set(other.conclusion.missing):
        return case.model_copy(update={"missing": own.missing})
    if made is not other.card.made:
        return case.model_copy(update={"card": made})
    if not made or probe.card.built is None or other.card.built is None:
        return None
    mine, its = probe.card.built, other.card.built
    if mine.summary != its.summary:
        return case.model_copy(update={"card": True, "summary": mine.summary})
    labels, others = (tuple(one.label for one in card.suggestions) for card in (mine, its))
    if labels != others:
        return case.model_copy(update={"suggestions": labels})
    detail = _detail(mine.body, its.body)
    return None if detail is None else case.model_copy(update={"detail": detail})


def _detail(mine: str, its: str) -> Detail | None:
    """A line that only one of two texts has."""
    own, other = _lines(mine), _lines(its)
    kept = next((line for line in own if line not in its), None)
    if kept is not None:
        return Detail(contains=(kept,))
    gone = next((line for line in other if line not in mine), None)
    return None if gone is None else Detail(lacks=(gone,))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def as_yaml(case: Case) -> str:
    """A case as it stands in a test file, only what differs from the defaults."""
    body = case.model_dump(exclude_defaults=True, mode="json")
    body["expect"] = {"true": True, "false": False}.get(case.expect.value, case.expect.value)
    lines = [f"{key}: {_written(value)}" for key, value in body.items()]
    return "\n".join(["  - " + lines[0], *("    " + line for line in lines[1:])]) + "\n"


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if key.replace("_", "a").replace("/", "a").replace("-", "a").isalnum() else json.dumps(key)
