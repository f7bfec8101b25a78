"""From a hook call to a chart: whose data it is, what was not obtained, drafts before what they revise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts.chart import Chart
from cds_service.facts.coding import reference_of
from cds_service.facts.drafts import Orders, file_drafts, read_drafts
from cds_service.facts.finding import DRAFTS
from cds_service.facts.meaning import Meanings
from cds_service.facts.read import (
    EMPTY,
    FAILED,
    FOUND,
    NOT_SUPPLIED,
    OTHER_PATIENT,
    TRUNCATED,
    Owner,
    Supplied,
    misfit_of,
    read_key,
)
from cds_service.facts.readback import ReadBack
from cds_service.facts.request import HookRequest
from cds_service.facts.shelf import Shelf, build_shelves
from cds_service.rulebook.hooks import hook_named

_PICKING_HOOK = "order-select"


def gather(
    request: HookRequest,
    keys: Sequence[str],
    meanings: Meanings,
    *,
    explain: bool = False,
    back: ReadBack | None = None,
) -> Chart:
    """Read what the call brought for the keys of its hook, and with `back` what it did not bring.

    Raises RequestError (400) if the Patient is not the one of the context, DataUnavailable (412) if the
    Patient cannot be had.
    """
    owner = Owner(request.patient_id, request.fhir_server)
    supplied = {key: _supplied(key, request, owner) for key in keys}
    _refuse_another_patient(supplied["patient"])
    orders = read_drafts(request, owner)
    if back is not None:
        supplied = back.complete(supplied, request, partial(_read, request=request, owner=owner))
        supplied, orders = _with_medications(supplied, orders, request, back)
    _require_the_patient(supplied["patient"], request, back)
    drafts = file_drafts(orders, meanings)
    replaced = frozenset(
        reference_of(r) for shelf in drafts.shelves.values() for r in shelf.resources if r.id
    )
    shelves, notes = build_shelves(supplied, meanings, replaced)
    reads = back.outcomes if back is not None else ()
    sent = sum(memoryview(raw).nbytes for raw in request.prefetch.values())
    meanings.settle(sent + sum(read.size for read in reads))
    states = {key: brought.state for key, brought in supplied.items()}
    states[DRAFTS] = drafts.state
    if not hook_named(request.hook).field("encounterId"):
        states["encounter"] = NOT_SUPPLIED  # the hook names none, so nobody can say that there is none
    return Chart(
        patient_id=request.patient_id,
        as_of=request.as_of,
        zone=request.zone,
        states=states,
        shelves=shelves,
        drafts=drafts.shelves,
        selections=_selected(request, drafts.shelves),
        notes=(*notes, *drafts.notes),
        terminology=meanings.terminology,
        explain=explain,
        draft_raw=drafts.raw,
        reads=reads,
        conditions_came=supplied["conditions"].entries if "conditions" in supplied else (),
    )


def _selected(request: HookRequest, drafts: Mapping[str, Shelf]) -> frozenset[str]:
    """The orders picked in the call; one that picks none, or whose list is empty, is about all its drafts."""
    if request.hook == _PICKING_HOOK and request.selections:
        return frozenset(request.selections)
    return frozenset(reference_of(r, i) for s in drafts.values() for i, r in enumerate(s.resources))


def _supplied(key: str, request: HookRequest, owner: Owner) -> Supplied:
    if key == "encounter" and not request.encounter_id and key not in request.prefetch:
        return Supplied(EMPTY)
    return _read(key, request.prefetch.get(key), request=request, owner=owner)


def _read(key: str, raw: msgspec.Raw | None, *, request: HookRequest, owner: Owner) -> Supplied:
    supplied = read_key(key, raw, owner)
    if key == "encounter" and supplied.resources and request.encounter_id:
        return _this_encounter(supplied, request.encounter_id)
    return supplied


def _this_encounter(supplied: Supplied, encounter_id: str) -> Supplied:
    mine = tuple(resource for resource in supplied.resources if resource.id == encounter_id)
    return supplied if mine == supplied.resources else Supplied(FAILED, mine, supplied.notes)


def _with_medications(
    supplied: Mapping[str, Supplied], orders: Orders, request: HookRequest, back: ReadBack
) -> tuple[dict[str, Supplied], Orders]:
    """The keys and the drafts, with the medications they only refer to."""
    completed = back.add_medications({**supplied, DRAFTS: orders.supplied}, request)
    return {key: completed[key] for key in supplied}, orders._replace(supplied=completed[DRAFTS])


def _refuse_another_patient(supplied: Supplied) -> None:
    if supplied.state == OTHER_PATIENT:
        raise RequestError(
            "the Patient in prefetch is not the patient of the context; send the Patient whose id is "
            "context.patientId",
            where="prefetch.patient",
        )


def _require_the_patient(supplied: Supplied, request: HookRequest, back: ReadBack | None) -> None:
    if not supplied.resources:
        if supplied.notes and request.prefetch.get("patient") is not None:
            place = misfit_of(request.prefetch["patient"])
            where = f" at {place}" if place else ""
            raise DataUnavailable(
                f"the Patient in prefetch cannot be read{where}: send it as FHIR R4 has it, members "
                "without a value left out",
                {"patient": supplied.state},
            )
        why = back.why_missing("patient", supplied.state, request) if back is not None else ""
        raise DataUnavailable(
            f"the Patient could not be had: send it in prefetch under the key 'patient'{why}",
            {"patient": supplied.state},
        )


def nothing_but_the_patient(chart: Chart) -> tuple[str, ...]:
    """The keys to name in a 412 if not one key beside the patient was obtained; empty otherwise."""
    others = [key for key in chart.states if key not in ("patient", "encounter", DRAFTS)]
    if not others or any(chart.states[key] in (FOUND, EMPTY, TRUNCATED) for key in others):
        return ()
    return tuple(others)
