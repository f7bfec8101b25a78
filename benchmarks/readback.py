"""What it costs to read back what a call did not bring, and whether the deadline is kept.

    python -m benchmarks.readback [--calls N] [--json | --markdown]

The FHIR server is that of the fixture charts, in threads of this process, made slow by
so many milliseconds per answer. Milliseconds of the wall clock, medians.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from ipaddress import ip_network
from statistics import median
from time import perf_counter

from benchmarks.bodies import HOOK, NOW, ROOT, SERVICE, STORY, shipped
from benchmarks.figures import Row, done, progress, show, style_of
from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.facts.prefetch import hook_keys
from cds_service.facts.request import HookRequest
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.reads import FhirReader
from cds_service.facts.server.search import Limits
from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.web.request import read_request

CHART = ROOT / "fhir_fixtures" / "charts" / "v01-clear-trd.json"
DELAYS = (0, 20, 100)
DEADLINES = (200, 500, 2000)
_POLICY = FhirPolicy(any_base=True, networks=(ip_network("127.0.0.0/8"),), without_token=True)
_LONG = 60_000


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readback", description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=20, metavar="N", help="calls per figure [20]")
    parser.add_argument("--delays", type=int, nargs="+", default=DELAYS, metavar="MS", help="[0 20 100]")
    parser.add_argument(
        "--deadlines", type=int, nargs="+", default=DEADLINES, metavar="MS", help="[200 500 2000]"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print tables in markdown")
    args = parser.parse_args(argv)
    served = shipped("direct")
    request = read_request(STORY.read_bytes(), service_id=SERVICE, hook=HOOK, as_of=NOW, zone=UTC)
    reads, kept = [], []
    for delay in args.delays:
        progress(f"{delay} ms per answer …")
        reads.append(read_times(request, served, delay, args.calls))
    for deadline in args.deadlines:
        progress(f"a deadline of {deadline} ms …")
        kept.append(deadline_kept(request, served, deadline, max(args.calls // 4, 1)))
    progress("nothing to read …")
    nothing = nothing_read(request, served, args.calls * 20)
    done()
    show("Nothing sent, ms", reads, style_of(args))
    show("Deadlines", kept, style_of(args))
    show("All sent, ms", [nothing], style_of(args))


def read_times(request: HookRequest, served: ServedRulebook, delay: int, calls: int) -> Row:
    """A call that sends nothing, its keys read side by side and one by one."""
    keys = len(hook_keys(served.book, HOOK)) - (not request.encounter_id)
    with serving(create_fhir_app(Store.read([CHART]), _slow(delay))) as base:
        bare = replace(request, prefetch={}, fhir_server=base)
        found = {
            "side by side": _reading(bare, served, Limits(), calls),
            "one by one": _reading(bare, served, Limits(threads=1), calls),
        }
    ratio = found["one by one"] / found["side by side"]
    return {
        "delay": delay,
        "keys": keys,
        **{name: round(ms, 1) for name, ms in found.items()},
        "ratio": round(ratio, 1),
    }


def _reading(request: HookRequest, served: ServedRulebook, limits: Limits, calls: int) -> float:
    reader = FhirReader(_LONG, limits=limits)
    try:
        return _median(lambda: evaluate(request, served, reader.begin(_POLICY)), calls)
    finally:
        reader.close()


def deadline_kept(request: HookRequest, served: ServedRulebook, deadline: int, calls: int) -> Row:
    """A call whose server takes twice the deadline for one key, and the longest time of an answer."""
    slow = Knobs(slow={"Condition": 2 * deadline})
    with serving(create_fhir_app(Store.read([CHART]), slow)) as base:
        bare = replace(request, prefetch={}, fhir_server=base)
        reader = FhirReader(deadline)
        times = [_elapsed(lambda: evaluate(bare, served, reader.begin(_POLICY))) for _ in range(calls)]
        reader.close()
    return {"deadline": deadline, "longest": round(max(times), 1), "share": round(max(times) / deadline, 2)}


def nothing_read(request: HookRequest, served: ServedRulebook, calls: int) -> Row:
    """A call that sends everything, with and without a FHIR server that could be read."""
    reader = FhirReader(_LONG)
    named = replace(request, fhir_server="http://127.0.0.1:9/fhir")
    without = _median(lambda: evaluate(request, served), calls)
    beside = _median(lambda: evaluate(named, served, reader.begin(_POLICY)), calls)
    reader.close()
    return {"no server": round(without, 3), "a server": round(beside, 3), "ratio": round(beside / without, 2)}


def _slow(delay: int) -> Knobs:
    return Knobs(slow=dict.fromkeys(KEY_OF_TYPE, delay))


def _median(call: Callable[[], object], calls: int) -> float:
    call()
    return median(_elapsed(call) for _ in range(calls))


def _elapsed(call: Callable[[], object]) -> float:
    begun = perf_counter()
    call()
    return 1000 * (perf_counter() - begun)


if __name__ == "__main__":
    main()
