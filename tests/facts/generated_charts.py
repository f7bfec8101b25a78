"""Random small charts around the edges rules care about, and random ways to lose or disturb what was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chart_builder import (
    CITALOPRAM,
    ESCITALOPRAM,
    LOINC,
    NO_RESPONSE,
    NOT_TOLERATED,
    SERTRALINE,
    VENLAFAXINE,
    Json,
    administration,
    bundle,
    coding,
    concept,
    condition,
    day,
    dispense,
    failed,
    item,
    keys_of,
    observation,
    order,
    patient,
    raw,
    response,
    statement,
    tablets,
)
from hypothesis import strategies as st

from cds_service.facts.request import HookRequest

DRUGS: list[Any] = [
    *[SERTRALINE, VENLAFAXINE] * 3,
    *[CITALOPRAM, ESCITALOPRAM],
    "856377",  # trazodone 50 mg
    "312940",  # sertraline 25 mg
    "2119381",  # esketamine
    "238082",  # ketamine
    "314076",  # lisinopril, in no set
    concept(text="Effexor XR 150mg daily"),
    concept(text="something for sleep"),
    concept(coding("LOCAL-1", "urn:site")),
]
CONDITIONS: list[Any] = [
    *["F33.2"] * 4,
    *["F32.A", "F33.41", "F31.4", "F30.9", "I67.1", "I25.3", "R45.851", "T14.91XA", "E11.9"],
    concept(text="depression, off and on"),
    concept("F33.2", text="recurrent depression"),
    concept(coding("X1", "urn:site")),
    None,
]
DATES: list[str | None] = [
    *["2025-01-10", "2025-02-01", "2025-02-01", "2025-03-01", "2025-04-01", "2025-06-01", "2025-08-20"],
    *["2026-02-15", "2026-02-15T10:00:00Z", "2026-02-20", "2026-01-30", "2025-12-01", "2026-03-01"],
    *["2026-02-28T23:30:00-05:00", "2026-03-02", "2027-01-01", "2025", "2025-02", "2026-02", "soon", None],
]
SCORES, SAFETY = (
    ["44261-6"] * 3,
    ["44260-8", "93249-1", "93250-9", "93246-7", "93267-3", "93269-9", "93374-7"],
)
dates, drugs = st.sampled_from(DATES), st.sampled_from(DRUGS)
starts = st.sampled_from(["2025-02-01", "2025-02-01", "2025-03-10", "2025-05-01", "2025-06-01", "2024-11-01"])
reasons = st.sampled_from([NO_RESPONSE, NO_RESPONSE, NO_RESPONSE, NOT_TOLERATED, "182992009", None])
lengths = st.sampled_from([10, 28, 30, 42, 43, 84, 84, 90, None])
amounts = st.sampled_from([tablets(), tablets(), tablets(2), tablets(0.5), {"text": "as told"}])
as_needed = st.sampled_from([tablets(), tablets(), tablets() | {"asNeededBoolean": True}])


@st.composite
def conditions(draw: st.DrawFn) -> Json:
    return condition(
        draw(st.sampled_from(CONDITIONS)),
        draw(dates),
        draw(dates),
        clinical=draw(st.sampled_from(["active", "active", "resolved", "remission", None])),
        verification=draw(st.sampled_from(["confirmed", "confirmed", "provisional", "refuted", None])),
    )


@st.composite
def courses(draw: st.DrawFn) -> list[Json]:
    """An order and what was dispensed on it; the dose stands in one, the other, or neither."""
    code, start = draw(drugs), draw(starts)
    made = order(
        code,
        start,
        why=draw(reasons),
        status=draw(st.sampled_from(["stopped", "stopped", "active", "cancelled", "draft"])),
        dosage=draw(as_needed),
    )
    given: list[Json] = []
    for number in range(draw(st.integers(0, 3))):
        fill = dispense(
            code,
            day(start, number * draw(st.sampled_from([28, 30, 40, 44, 60]))),
            draw(lengths),
            order=made if draw(st.booleans()) else None,
            dosage=draw(amounts) if draw(st.booleans()) else None,
            status=draw(st.sampled_from(["completed", "completed", "completed", "in-progress", "cancelled"])),
        )
        given.append(fill)
    return [made, *given] if draw(st.booleans()) or not given else given


@st.composite
def failures(draw: st.DrawFn) -> list[Json]:
    """Adequate trials that failed, by reason or by score: what random courses hardly ever are."""
    made: list[Json] = []
    for code, start, length in ((SERTRALINE, "2025-02-01", 84), (VENLAFAXINE, "2025-06-01", 90)):
        kind = draw(st.sampled_from(["reason", "reason", "score", "statement", "none"]))
        if kind == "reason":
            made += failed(code, start, length)
        elif kind == "score":
            after = observation("44261-6", draw(st.sampled_from([11, 12, 17])), day(start, length))
            made += [dispense(code, start, length), observation("44261-6", 22, start), after]
        elif kind == "statement":
            made.append(statement(code, start, day(start, length), why=NO_RESPONSE))
    return made


@st.composite
def statements(draw: st.DrawFn) -> Json:
    return statement(
        draw(drugs),
        draw(st.one_of(starts, dates)),
        draw(dates),
        why=draw(reasons),
        dosage=draw(as_needed),
        status=draw(st.sampled_from(["stopped", "active", "completed", "not-taken", "entered-in-error"])),
    )


@st.composite
def administrations(draw: st.DrawFn) -> Json:
    reason = draw(st.sampled_from([None, [concept("F33.2")], [concept("R52")], [concept(text="pain?")]]))
    status = draw(st.sampled_from(["completed", "completed", "unknown", "not-done"]))
    made = administration(draw(st.sampled_from(["238082", "2119381"])), draw(dates), status)
    return made | ({"reasonCode": reason} if reason else {})


values = st.sampled_from(
    [
        *[5, 10, 11, 17, 22],
        *[True, False, "yes", "no", "perhaps"],
        {"valueCodeableConcept": concept("LA33-6")},
        {"valueCodeableConcept": concept("LA32-8")},
        {"valueCodeableConcept": concept("LA6571-9")},
        {"valueInteger": 3},
        {},
    ]
)


@st.composite
def observations(draw: st.DrawFn) -> Json:
    code = draw(st.sampled_from([*SCORES, *SAFETY]))
    value = draw(st.sampled_from([22, 20, 17, 11, 10, 5])) if code in SCORES else draw(values)
    when = day(draw(starts), draw(st.sampled_from([-30, -5, 0, 28, 60, 84, 98, 110])))
    if code in SAFETY or draw(st.integers(0, 5)) == 0:
        when = draw(dates)
    status = draw(st.sampled_from(["final", "final", "final", "preliminary", "entered-in-error"]))
    return observation(code, value, when, status=status)


@st.composite
def responses(draw: st.DrawFn) -> Json:
    answers = [{"valueBoolean": True}, {"valueBoolean": False}, {"valueCoding": coding("LA33-6", LOINC)}]
    asked = draw(st.lists(st.sampled_from(SAFETY), min_size=1, max_size=3))
    items = [item(f"/{link}", draw(st.sampled_from(answers))) for link in asked]
    return response(*items, when=draw(dates), status=draw(st.sampled_from(["completed", "in-progress"])))


@st.composite
def charts(draw: st.DrawFn) -> list[Json]:
    """A patient with a few entries of every type; ids follow from the place."""
    made = [patient(draw(st.sampled_from(["1980-05-05", "1980", "2008", "2015-01-01", None])))]
    if draw(st.integers(0, 3)):
        made.append(condition("F33.2", draw(st.sampled_from(["2025-01-10", "2025-01-10", "2025-04-01"]))))
    made += draw(st.lists(conditions(), max_size=3))
    if draw(st.booleans()):
        made += draw(failures())
    for course in draw(st.lists(courses(), max_size=2)):
        made += course
    made += draw(st.lists(statements(), max_size=2))
    made += draw(st.lists(administrations(), max_size=2))
    made += draw(st.lists(observations(), max_size=4))
    made += draw(st.lists(responses(), max_size=1))
    return _numbered(made)


def _numbered(made: list[Json]) -> list[Json]:
    """Ids by place, and the links of dispenses to orders with them."""
    names = {one["id"]: one["id"] if one["id"] == "p" else f"e{place}" for place, one in enumerate(made)}
    numbered: list[Json] = []
    for one in made:
        links = one.get("authorizingPrescription", [])
        tails = [link["reference"].removeprefix("MedicationRequest/") for link in links]
        linked = [{"reference": f"MedicationRequest/{names.get(tail, tail)}"} for tail in tails]
        numbered.append(
            one | {"id": names[one["id"]]} | ({"authorizingPrescription": linked} if linked else {})
        )
    return numbered


# --- losing and disturbing -----------------------------------------------------------------------

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
LOSSES = ("absent", "outcome", "outcome entry", "next", "total", "stranger", "unreadable", "nothing readable")


def lose(call: HookRequest, key: str, loss: str, kept: list[bool]) -> HookRequest:
    """The call with some of a key's entries lost, and the sign of the loss that an EHR would leave."""
    entries = json.loads(bytes(call.prefetch[key])).get("entry", [])
    resources = [entry["resource"] for entry in entries]
    rest = [one for place, one in enumerate(resources) if kept[place % len(kept)]]
    gone = [one for one in resources if one not in rest]
    signs: Mapping[str, Any] = {
        "outcome": OUTCOME,
        "outcome entry": bundle(*rest, OUTCOME),
        "next": bundle(*rest, more=True),
        "total": bundle(*rest, total=len(rest) + max(1, len(gone))),
        "stranger": bundle(*rest, *(_strange(one) for one in gone or [condition()])),
        "unreadable": bundle(*rest, *(one | {"id": 7} for one in gone or [condition()])),
        "nothing readable": b"{",
    }
    brought = {name: value for name, value in call.prefetch.items() if name != key}
    return replace(call, prefetch=brought if loss == "absent" else brought | {key: raw(signs[loss])})


def _strange(resource: Json) -> Json:
    owner = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
    return resource | {owner: {"reference": "Patient/someone-else"}}


def losable(call: HookRequest) -> list[str]:
    return [key for key in call.prefetch if key not in ("patient", "encounter")]


def used_keys(resources: list[Json]) -> list[str]:
    """The keys that bring anything at all."""
    return sorted({key for one in resources for key in keys_of(one)} - {"patient"})
