"""Rule tests run one after another or side by side, in processes that read the rules by their path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from cds_service.authoring.bench import Bench
from cds_service.authoring.cases import Difference, Result, Runner
from cds_service.authoring.testfile import SUFFIX, Item, local_tests, read_tests, repeated
from cds_service.errors import Problem, UsageError
from cds_service.rulebook.load import load_rulebook

MAX_PROCESSES = 64


@dataclass(frozen=True)
class Order:
    """What to read: a rulebook, the test files in it (None for all), where the charts are, the time."""

    folder: Path
    files: tuple[Path, ...] | None
    fixtures: Path
    today: datetime | None = None


@dataclass(frozen=True)
class Suite:
    """The cases of one rulebook, what runs them, and every mistake in their files."""

    runner: Runner
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """A result, and how many seconds it took."""

    result: Result
    seconds: float


Told = tuple[tuple[Difference, ...], str, float]
"""What a process says of one case: differences, the explanation, seconds."""
At = tuple[int, int]
"""A case by the numbers of its suite and its item."""


def read_suite(
    folder: Path, files: Sequence[Path] | None, fixtures: Path, today: datetime | None = None
) -> Suite:
    """The tests of a rulebook, or only those in the files named. Raises RuleError if it does not load."""
    runner = Runner(Bench.of(load_rulebook(folder)), fixtures, today)
    items: list[Item] = []
    problems: list[Problem] = []
    for path in case_files(folder) if files is None else files:
        found, wrong = read_tests(path, runner.bench.book, fixtures, runner.zone)
        items += found
        problems += wrong
    return Suite(runner, tuple(items), tuple(sorted((*problems, *repeated(items)))))


def read_suites(orders: Sequence[Order]) -> list[Suite]:
    """The tests of each order. Raises RuleError if a rulebook does not load."""
    return [read_suite(one.folder, one.files, one.fixtures, one.today) for one in orders]


def case_files(folder: Path) -> tuple[Path, ...]:
    """Every test file below a folder, by path; the site's own stand in for those of the same name."""
    local = sorted(local_tests(folder).rglob(f"*{SUFFIX}"))
    names = {path.name for path in local}
    return (*(path for path in sorted(folder.rglob(f"*{SUFFIX}")) if path.name not in names), *local)


def run_cases(
    orders: Sequence[Order], suites: Sequence[Suite], chosen: Sequence[At], processes: int
) -> Iterator[Timed]:
    """The results of the cases chosen, in their order; several processes read the rules anew each."""
    if processes < 2 or len(chosen) < 2:
        told: Iterator[Told] = (_run(suites, at) for at in chosen)
        yield from _results(suites, chosen, told)
        return
    wanted = min(processes, len(chosen))
    share = max(1, len(chosen) // (4 * wanted))
    with ProcessPoolExecutor(wanted, get_context("spawn"), _prepare, (tuple(orders),)) as pool:
        yield from _results(suites, chosen, pool.map(_run_here, chosen, chunksize=share))


def _results(suites: Sequence[Suite], chosen: Sequence[At], told: Iterator[Told]) -> Iterator[Timed]:
    for (suite, item), (differences, why, seconds) in zip(chosen, told, strict=True):
        yield Timed(Result(suites[suite].items[item], differences, why), seconds)


def _run(suites: Sequence[Suite], at: At) -> Told:
    suite, item = at
    started = perf_counter()
    result = suites[suite].runner.run(suites[suite].items[item])
    return result.differences, result.why, perf_counter() - started


# --- in a process of its own ---------------------------------------------------------------------

_HERE: list[Suite] = []
"""The suites of a process that runs cases for another one; filled once, when it starts."""


def _prepare(orders: tuple[Order, ...]) -> None:
    _HERE[:] = read_suites(orders)


def _run_here(at: At) -> Told:
    return _run(_HERE, at)


def processes_of(text: str, count: Callable[[], int | None] = os.cpu_count) -> int:
    """How many processes `-n` asks for. Raises UsageError."""
    if text == "auto":
        return min(count() or 1, MAX_PROCESSES)
    if text.isdecimal() and 1 <= int(text) <= MAX_PROCESSES:
        return int(text)
    raise UsageError(f"-n: seen {text!r}, expected 1 to {MAX_PROCESSES}, or auto")
