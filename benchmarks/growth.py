"""How evaluation grows with resources, rules and the codes of a value set; how long starting takes.

    python -m benchmarks.growth [--requests N] [--json | --markdown]

Evaluation runs in this process, from the bytes of the body to the bytes of the answer; figures are medians
of processor time. What is compared is measured in turns. Start-up and `cds lint` are wall times of new
processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.bodies import ROOT, answer, patient_view, shipped
from benchmarks.copies import copied, enlarge, multiply
from benchmarks.figures import done, judged, progress, show, style_of
from benchmarks.servers import clean_environment
from cds_service.errors import InferenceError
from cds_service.pipeline import ServedRulebook
from cds_service.rulebook.load import load_rulebook

STEPS = (20, 50, 100, 200, 500, 1000, 2000)
PARTS = ("resources", "rules", "codes", "starts")
RULES_TIMES, RULES_LIMIT = 10, 4.0
SMALL_SET, LARGE_SET, SET_LIMIT = 10, 10_000, 1.1
LINEAR_LIMIT = 1.5
START_LIMIT, LINT_LIMIT, LINT_RULES, HELP_LIMIT = 1.5, 2.0, 100, 0.3
_START = """
from pathlib import Path
from cds_service.settings import Settings
from cds_service.web.app import create_app
"""
_WARM_UP = 5
_encode = msgspec.json.Encoder().encode

Row = dict[str, Any]
Work = Callable[[], object]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=100, metavar="N", help="evaluations per figure [100]")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS, metavar="N", help="resources")
    parser.add_argument("--times", type=int, default=RULES_TIMES, metavar="N", help="times the rules [10]")
    parser.add_argument("--codes", type=int, default=LARGE_SET, metavar="N", help="codes of the set [10000]")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--starts", type=int, default=5, metavar="N", help="new processes per wall time [5]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/performance.md")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        tables: dict[str, tuple[str, Callable[[], list[Row]]]] = {
            "resources": ("Growth with resources", lambda: resources(args.steps, args.requests)),
            "rules": (
                f"Growth with rules, 100 resources, shipped rules x {args.times}",
                lambda: rules(Path(folder), args.requests, args.times),
            ),
            "codes": (
                "Growth with the codes of a value set, 100 resources",
                lambda: codes(Path(folder), args.requests, args.codes),
            ),
            "starts": ("Wall times of new processes, seconds", lambda: starts(Path(folder), args.starts)),
        }
        for part in args.parts:
            title, rows = tables[part]
            show(title, rows(), style_of(args))


def resources(steps: Sequence[int], calls: int) -> list[Row]:
    """Time at each size, and what one more resource costs since the size before."""
    served = shipped()
    bodies = {size: patient_view(size) for size in steps}
    times = in_turns({str(size): _work(body, served) for size, body in bodies.items()}, calls)
    rows: list[Row] = []
    for size in steps:
        spent, before = times[str(size)], rows[-1] if rows else None
        each = (spent - before["µs"]) / (size - before["resources"]) if before else spent / size
        rows.append({"resources": size, "µs": round(spent, 1), "µs per added resource": round(each, 2)})
    slopes = [row["µs per added resource"] for row in rows[1:]]
    for row in rows:
        row["target"] = ""
    if len(slopes) > 1 and min(slopes) > 0:
        rows[-1]["target"] = f"last slope / median slope: {judged(slopes[-1] / median(slopes), LINEAR_LIMIT)}"
    return rows


def rules(folder: Path, calls: int, multiple: int = RULES_TIMES) -> list[Row]:
    """So many times the rules, sharing facts or not, under each engine."""
    rows: list[Row] = []
    for name, own_sets in (("equal facts", False), ("facts of their own", True)):
        progress(f"copying rules with {name} …")
        book = copied(folder / f"rules-{own_sets}")
        count = multiply(book, multiple, own_sets=own_sets)
        rows += [
            {"copies with": name, "rules": count, "engine": engine, **_times_rules(book, engine, calls)}
            for engine in dict.fromkeys([shipped().engine, "direct"])
        ]
    done()
    return rows


def _times_rules(book: Path, engine: str, calls: int) -> Row:
    small = shipped(engine)
    try:
        large = ServedRulebook.prepare(load_rulebook(book), engine)
    except InferenceError as error:
        return {"µs": "-", "µs with all": "-", "ratio": "-", "target": f"refused: {error}"}
    body = patient_view(100)
    times = in_turns({"small": _work(body, small), "large": _work(body, large)}, calls)
    return _compared(times["small"], times["large"], RULES_LIMIT, "µs with all")


def codes(folder: Path, calls: int, many: int = LARGE_SET) -> list[Row]:
    """The same request, a value set of ten codes and one of many."""
    served: dict[str, ServedRulebook] = {}
    for count in (SMALL_SET, many):
        progress(f"a value set of {count} codes …")
        book = copied(folder / f"codes-{count}")
        enlarge(book, count)
        served[str(count)] = ServedRulebook.prepare(load_rulebook(book))
    done()
    body = patient_view(100)
    times = in_turns({name: _work(body, one) for name, one in served.items()}, calls)
    small, large = (times[str(count)] for count in (SMALL_SET, many))
    return [{"codes": f"{SMALL_SET} → {many}", **_compared(small, large, SET_LIMIT, "µs with more")}]


def starts(folder: Path, times: int) -> list[Row]:
    """How long a process takes to be ready to serve, to check a hundred rules, and to list the verbs."""
    book = copied(folder / "lint")
    count = multiply(book, LINT_RULES, at_most=LINT_RULES)
    start = f"{_START}create_app(Settings(rules=Path({str(ROOT / 'rules')!r})))"
    lint = ["-m", "cds_service.authoring.cli", "lint", str(book)]
    return [
        _wall("python, nothing else", ["-c", "pass"], times, None),
        _wall("create_app, shipped rules", ["-c", start], times, START_LIMIT),
        _wall(f"cds lint, {count} rules", lint, times, LINT_LIMIT),
        _wall("cds --help", ["-m", "cds_service.authoring.cli", "--help"], times, HELP_LIMIT),
    ]


def _wall(what: str, command: Sequence[str], times: int, limit: float | None) -> Row:
    seen: list[float] = []
    for _ in range(times):
        progress(f"{what} …")
        before = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=clean_environment(), capture_output=True, text=True
        )
        seen.append(time.perf_counter() - before)
        if ended.returncode:
            raise RuntimeError(f"{what} failed: {(ended.stderr or ended.stdout).strip()[-500:]}")
    done()
    middle = median(seen)
    return {
        "what": what,
        "median s": round(middle, 3),
        "longest s": round(max(seen), 3),
        "target": judged(middle, limit),
    }


def _compared(small: float, large: float, limit: float, name: str) -> Row:
    ratio = large / small
    return {
        "µs": round(small, 1),
        name: round(large, 1),
        "ratio": round(ratio, 2),
        "target": judged(ratio, limit),
    }


def _work(body: bytes, served: ServedRulebook) -> Work:
    return lambda: _encode(answer(body, served))


def in_turns(works: Mapping[str, Work], calls: int) -> dict[str, float]:
    """Median processor time of each work in microseconds; one call of each after the other, in turns."""
    times: dict[str, list[int]] = {name: [] for name in works}
    for number in range(-min(_WARM_UP, calls), calls):
        progress(f"{', '.join(works)}: {max(0, number)} of {calls}")
        for name, work in works.items():
            before = time.process_time_ns()
            work()
            spent = time.process_time_ns() - before
            if number >= 0:
                times[name].append(spent)
    done()
    return {name: median(found) / 1000 for name, found in times.items()}


if __name__ == "__main__":
    main()
