"""Every call decided, in worker processes, in the order given, with the memory of one window of calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cds_service.authoring.replay.calls import Call, windows

T = TypeVar("T")
Decide = Callable[[Call], T]

_WINDOW = 128
_CHUNK = 4


def cores() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(calls: Iterable[Call], decide: Decide[T], jobs: int) -> Iterator[T]:
    """`decide` of every call, in order. One job runs here; more run as processes.

    On Linux the processes are forks and find the rules loaded; elsewhere each loads them by path and digest.
    """
    if jobs <= 1:
        yield from map(decide, calls)
        return
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    with context.Pool(jobs) as pool:
        for window in windows(calls, _WINDOW * jobs):
            yield from pool.imap(decide, window, _CHUNK)


@contextmanager
def progress(results: Iterator[T], total: int) -> Iterator[Iterator[T]]:
    """The results as they come, with a bar on stderr if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("replay", total=total)
        yield _counted(results, lambda: bar.advance(task))


def _counted(results: Iterator[T], tick: Callable[[], None]) -> Iterator[T]:
    for one in results:
        tick()
        yield one
