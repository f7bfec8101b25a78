"""What a hook call costs beside the floor: the shipped rules under the real server, one worker, loopback.

    python -m benchmarks.latency [--requests N] [--json | --markdown]

Requests to the product and to the floor alternate on one kept connection each, so that whatever slows the
machine slows both. The figure to read is the ratio: the median over blocks of p50(product) / p50(floor).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bodies import SIZES, check, patient_view, shipped
from benchmarks.figures import done, judged, p95, progress, ratio_of_blocks, show, style_of
from benchmarks.servers import Caller, floor, product

TARGETS = {20: 2.0, 500: 1.3}
"""The largest ratio allowed at a size (DESIGN 7); other sizes are for information."""
BLOCK = 25
_CHARTS = 8
_WARM_UP = 40


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--requests", type=int, default=1000, metavar="N", help="pairs per size and engine [1000]"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="resources [20 100 500]"
    )
    parser.add_argument("--engines", nargs="+", default=engines(), metavar="NAME", help="durable, direct")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/performance.md")
    args = parser.parse_args(argv)
    rows = list(measure(args.requests, args.sizes, args.engines))
    done()
    show("Latency, milliseconds at the client", rows, style_of(args))


def engines() -> list[str]:
    """The engines this Python can load."""
    default = shipped()
    name = default.engine
    default.close()
    return list(dict.fromkeys([name, "direct"]))


def measure(requests: int, sizes: Sequence[int], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row per size and engine. Raises AssertionError if a body does not show v01's cards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        services = {name: stack.enter_context(product(name)) for name in names}
        for size in sizes:
            bodies = charts(size)
            answer = folder / f"{size}.json"
            answer.write_bytes(next(iter(services.values())).call(bodies[0]))
            with floor(answer) as beneath:
                for name, service in services.items():
                    progress(f"{size} resources, {name} …")
                    yield row(size, name, len(bodies[0]), *alternate(service, beneath, bodies, requests))


def charts(size: int) -> list[bytes]:
    """Some charts of one size: the same answer, other data around it."""
    bodies = [patient_view(size, seed=seed) for seed in range(_CHARTS)]
    served = shipped("direct")
    for body in bodies:
        check(body, served)
    return bodies


def alternate(
    service: Caller, beneath: Caller, bodies: Sequence[bytes], requests: int
) -> tuple[list[float], list[float]]:
    """Times of the product and of the floor, request by request."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(-min(_WARM_UP, requests), requests):
        body = bodies[number % len(bodies)]
        pair = service.timed(body), beneath.timed(body)
        if number >= 0:
            ours.append(pair[0])
            theirs.append(pair[1])
    return ours, theirs


def row(
    size: int, engine: str, length: int, ours: Sequence[float], beneath: Sequence[float]
) -> dict[str, Any]:
    """The figures of one size and engine."""
    ratio = ratio_of_blocks(ours, beneath, BLOCK)
    return {
        "resources": size,
        "kB": round(length / 1000),
        "engine": engine,
        "p50": round(median(ours), 3),
        "p95": round(p95(ours), 3),
        "floor p50": round(median(beneath), 3),
        "floor p95": round(p95(beneath), 3),
        "ratio": round(ratio, 3),
        "target": judged(ratio, TARGETS.get(size)),
    }


if __name__ == "__main__":
    main()
