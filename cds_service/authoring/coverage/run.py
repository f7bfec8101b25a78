"""Rules measured, each by a worker process that loads the rulebook by its path."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from cds_service.authoring.coverage.measure import RuleCoverage, measured
from cds_service.authoring.coverage.mutants import RuleMutants, mutated
from cds_service.authoring.coverage.trial import trials
from cds_service.authoring.testrun import Suite, read_suite
from cds_service.errors import RuleError


@dataclass(frozen=True)
class Measured:
    """One rule measured; `mutants` is None unless they were asked for and its cases pass."""

    coverage: RuleCoverage
    mutants: RuleMutants | None = None


def suite_of(folder: Path, fixtures: Path) -> Suite:
    """A rulebook with its cases. Raises RuleError for mistakes in either: nothing can be measured then."""
    suite = read_suite(folder, None, fixtures)
    if suite.problems:
        raise RuleError(suite.problems)
    return suite


def measure_rule(suite: Suite, rule_id: str, *, mutate: bool = False) -> Measured:
    """Measure one rule of a rulebook."""
    rule = suite.runner.bench.book.by_id[rule_id]
    tried = tuple(trials(suite.runner, tuple(one for one in suite.items if one.rule.rule == rule_id)))
    coverage = measured(suite.runner, rule, tried)
    if not mutate or coverage.failed:
        return Measured(coverage)
    return Measured(coverage, mutated(suite.runner, rule, tried))


def measure(
    suite: Suite, rules: Sequence[str], *, mutate: bool = False, workers: int | None = None
) -> Iterator[Measured]:
    """Measure rules, in the order they are done; the largest begin first. One worker means this process."""
    count = min(workers or os.cpu_count() or 1, len(rules))
    if count <= 1:
        yield from (measure_rule(suite, rule, mutate=mutate) for rule in rules)
        return
    book, fixtures = suite.runner.bench.book, suite.runner.fixtures
    largest = sorted(rules, key=lambda rule: -book.paths[rule].stat().st_size)
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_in_worker, book.folder, fixtures, rule, mutate) for rule in largest]
        for done in as_completed(waiting):
            yield done.result()


def _in_worker(folder: Path, fixtures: Path, rule_id: str, mutate: bool) -> Measured:
    return measure_rule(_suite_in_worker(folder, fixtures), rule_id, mutate=mutate)


@cache
def _suite_in_worker(folder: Path, fixtures: Path) -> Suite:
    """A worker lives for one run, so what it has loaded does not change under it."""
    return suite_of(folder, fixtures)
