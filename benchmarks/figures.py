"""Numbers for people: medians, tables for the terminal and for docs/performance.md, and the machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bodies import ROOT

Row = Mapping[str, Any]


def p95(values: Sequence[float]) -> float:
    """The 95th percentile; the largest value of a handful."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def ratio_of_blocks(ours: Sequence[float], floor: Sequence[float], block: int) -> float:
    """The median over blocks of p50(ours) / p50(floor), taken side by side so that drift hits both."""
    starts = range(0, len(ours), block)
    return median(median(ours[at : at + block]) / median(floor[at : at + block]) for at in starts)


def judged(value: float, limit: float | None) -> str:
    """Whether a target is met, and by how much it is missed."""
    if limit is None:
        return "no target"
    if value <= limit:
        return f"met (≤ {limit:g})"
    return f"missed by {value - limit:.2f} (≤ {limit:g})"


def machine() -> dict[str, str]:
    """What the figures depend on, as far as the machine tells."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _line(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "memory": _memory(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "?",
        "rulebook": _rules(),
    }


def show(title: str, rows: Sequence[Row], style: str) -> None:
    """Print rows of the same members: `style` is table, markdown or json."""
    if style == "json":
        print(json.dumps({"title": title, "machine": machine(), "rows": list(rows)}, ensure_ascii=False))
    elif style == "markdown":
        print(_markdown(title, rows))
    else:
        _print_table(title, rows)


def style_of(args: Any) -> str:
    """The style an argument parser's --json and --markdown ask for."""
    return "json" if args.json else "markdown" if args.markdown else "table"


def progress(text: str) -> None:
    """Say on a terminal what is being measured; silent where nobody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def done() -> None:
    """Remove the progress line."""
    progress("")


def _markdown(title: str, rows: Sequence[Row]) -> str:
    names = list(rows[0])
    lines = [f"**{title}** ({'; '.join(f'{name} {value}' for name, value in machine().items())})", ""]
    lines += [
        _bar(names),
        _bar("---" for _ in names),
        *(_bar(_text(row[name]) for name in names) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _bar(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _print_table(title: str, rows: Sequence[Row]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in rows[0]:
        numeric = isinstance(rows[0][name], (int, float))
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _text(value: object) -> str:
    if isinstance(value, float):
        return (
            f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
        )
    return str(value)


def _line(path: Path, name: str) -> str:
    if not path.is_file():
        return ""
    found = (line for line in path.read_text().splitlines() if line.startswith(name))
    return next(found, "").partition(":")[2].strip()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError, AttributeError):
        return "?"


def _rules() -> str:
    files = [path for path in (ROOT / "rules").glob("*/*/*.yaml") if path.with_suffix(".test.yaml").is_file()]
    return f"{len(files)} rules with tests"
