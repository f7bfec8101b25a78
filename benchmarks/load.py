"""Many callers at once for a while: no error, no wrong answer, every call counted, memory flat.

    python -m benchmarks.load [--seconds N] [--connections N] [--workers N] [--engine E] [--json | --markdown]

A real `cds serve` with a decision log, /metrics and feedback. Every recorded call of `fhir_fixtures/requests`
takes its turn, in an order of its own on each connection; one answer in ten is followed by feedback on one
of its cards; /metrics is read once a second. An answer is right if it equals, byte for byte, the answer of
this process, which first has to be the approved one of `fhir_fixtures/cards`. At the end the log must have a
line, and /metrics a count, for every call. Exit 1 if anything is not as it should be.

Memory is the resident size of each worker, read every second. It is flat if its median over the last quarter
of the run is at most 2 % above that over the second quarter; the first quarter is warming up.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from benchmarks.bodies import NOW, ROOT
from benchmarks.callers import Counts, Script, call_all, recorded
from benchmarks.figures import done, p95, progress, show, style_of
from benchmarks.servers import free_port, running
from benchmarks.watching import Watch, counted, worker_pids

FLAT = 1.02


@dataclass(frozen=True)
class Result:
    """What came of one run."""

    counts: Counts
    seconds: float
    lines: int
    samples: dict[str, float]
    memory: dict[int, list[float]]
    scrapes: int

    def figures(self) -> dict[str, float]:
        """What was measured and counted."""
        counts = self.counts
        return {
            "seconds": self.seconds,
            "calls": counts.calls,
            "calls a second": counts.calls / self.seconds,
            "p50 ms": median(counts.milliseconds),
            "p95 ms": p95(counts.milliseconds),
            "feedback": counts.feedback,
            "scrapes": self.scrapes,
            "errors": len(counts.errors),
            "wrong answers": counts.wrong,
            "lines of the log": self.lines,
            "calls in /metrics": int(counted(self.samples, "cds_requests_total", 'endpoint="call"')),
            "feedback in /metrics": int(counted(self.samples, "cds_feedback_total")),
        }

    def memory_rows(self) -> Iterator[dict[str, Any]]:
        """One row per worker; MB."""
        for number, sizes in enumerate(self.memory.values(), 1):
            warm, end = quarter(sizes, 1), quarter(sizes, 3)
            yield {
                "worker": number,
                "at start MB": sizes[0],
                "second quarter MB": warm,
                "last quarter MB": end,
                "last / second": end / warm,
                "flat": "yes" if end <= warm * FLAT else f"no (> {FLAT:g})",
            }

    def faults(self) -> list[str]:
        """What is not as it should be."""
        row = self.figures()
        calls, said = self.counts.calls, self.counts.feedback
        checks = {
            "errors: " + ", ".join(sorted(set(self.counts.errors))): row["errors"] == 0,
            "wrong answers": row["wrong answers"] == 0,
            "no call was made": calls > 0,
            "the log has not one line per call": row["lines of the log"] == calls,
            "/metrics does not count every call": row["calls in /metrics"] == calls,
            "/metrics does not count all feedback": row["feedback in /metrics"] == said,
            "lines of the log were lost": not counted(self.samples, "cds_decision_log_failures_total"),
            "memory grows": all(worker["flat"] == "yes" for worker in self.memory_rows()),
        }
        return [fault for fault, right in checks.items() if not right]


def quarter(values: Sequence[float], number: int) -> float:
    """The median of one quarter of the values, 0 to 3."""
    size = max(len(values) // 4, 1)
    return median(values[number * size : (number + 1) * size] or values[-1:])


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and say whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="[60]")
    parser.add_argument("--connections", type=int, default=8, metavar="N", help="[8]")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="[2]")
    parser.add_argument("--engine", choices=["durable", "direct"], default="durable", help="[durable]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        result = run(Path(folder), args)
    done()
    style = style_of(args)
    title = f"Load: {args.workers} workers, {args.connections} connections, {args.engine}"
    show(title, [{"what": name, "figure": figure} for name, figure in result.figures().items()], style)
    show("Memory of each worker", list(result.memory_rows()), style)
    faults = result.faults()
    for fault in faults:
        print(f"NOT RIGHT: {fault}", file=sys.stderr)
    return 1 if faults else 0


def run(folder: Path, args: argparse.Namespace) -> Result:
    """One run of a server of its own, whose files are in the folder."""
    calls = recorded(args.engine)
    port, log = free_port(), folder / "decisions.jsonl"
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port), "--engine", args.engine]
    command += ["--rules", str(ROOT / "rules"), "--today", NOW.isoformat(), "--workers", str(args.workers)]
    settings = {"CDS_DECISION_LOG": str(log), "CDS_DATABASE_URL": f"sqlite:///{folder}/cds.sqlite3"}
    with running(command, port, **settings) as server:
        watch = Watch(port, worker_pids(server.pid))
        watching = Thread(target=watch.run)
        watching.start()
        progress(f"{args.connections} connections, {args.seconds:g} s")
        begun = time.monotonic()
        scripts = [Script(port, calls, number, begun + args.seconds) for number in range(args.connections)]
        counts = call_all(scripts)
        seconds = time.monotonic() - begun
        watch.stop()
        watching.join()
        samples = watch.scrape()
    lines = len(log.read_bytes().splitlines())
    return Result(counts, seconds, lines, samples, watch.memory, watch.scrapes)


if __name__ == "__main__":
    sys.exit(main())
