"""From a hook call to a chart: whose data it is, what was not obtained, drafts before what they revise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from cds_service.errors import DataUnavailable, RequestError
from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.coding import reference_of
from cds_service.facts.fhir_types import leads_on
from cds_service.facts.finding import DRAFTS
from cds_service.facts.meaning import Meanings
from cds_service.facts.read import (
    EMPTY,
    FAILED,
    FOUND,
    NOT_SUPPLIED,
    OTHER_PATIENT,
    PARTIAL,
    TRUNCATED,
    WORST,
    Note,
    Owner,
    Supplied,
    odd_entry,
    outcome_state,
    read_key,
)
from cds_service.facts.readback import ReadBack
from cds_service.facts.request import HookRequest
from cds_service.facts.shelf import Shelf, build_shelves, file_resources
from cds_service.facts.whole import says_partial
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
    orders = _read_drafts(request, owner)
    if back is not None:
        supplied = back.complete(supplied, request, partial(_read, request=request, owner=owner))
        supplied, orders = _with_medications(supplied, orders, request, back)
    _require_the_patient(supplied["patient"], request, back)
    drafts = _drafts(orders, meanings)
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
    )


def _selected(request: HookRequest, drafts: Mapping[str, Shelf]) -> frozenset[str]:
    """The orders picked in the call; a hook that picks none (order-sign) is about all its drafts."""
    if request.hook == _PICKING_HOOK:
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
    supplied: Mapping[str, Supplied], orders: _Orders, request: HookRequest, back: ReadBack
) -> tuple[dict[str, Supplied], _Orders]:
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


# --- drafts --------------------------------------------------------------------------------------


class _Drafts(NamedTuple):
    """The unsigned orders of the call by type; each one's JSON by its reference; what was not right."""

    shelves: Mapping[str, Shelf]
    raw: Mapping[str, msgspec.Raw]
    notes: tuple[Note, ...]
    state: str


class _Orders(NamedTuple):
    """The unsigned orders of the call as read, each one's JSON beside it, and whether these are all."""

    supplied: Supplied
    texts: tuple[msgspec.Raw, ...] = ()


def _read_drafts(request: HookRequest, owner: Owner) -> _Orders:
    """The unsigned orders of the call, whatever their status says."""
    if request.draft_orders is None:
        return _Orders(Supplied(EMPTY))
    where = f"context.{hook_named(request.hook).drafts}"
    try:
        bundle = fhir.read_loose_bundle(request.draft_orders)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        raise RequestError(f"{where} is not a Bundle of orders that can be read", where=where) from None
    drafts = [_draft(raw, owner) for raw in bundle.entry]
    mine = [(one.resource, one.text) for one in drafts if one.resource is not None]
    named = {reference_of(resource) for resource, _ in mine}
    named |= {_reference_of_another_type(one.text, where) for one in drafts if one.passed_over}
    states = {FOUND if mine else EMPTY, *(one.trouble for one in drafts if one.trouble)}
    if any(map(leads_on, bundle.link)) or says_partial(bundle.meta):
        states.add(TRUNCATED)
    if (bundle.total or 0) > len(bundle.entry) or not named.issuperset(request.selections):
        states.add(TRUNCATED)  # an order was counted or selected that did not come
    notes = tuple(one.note for one in drafts if one.note is not None)
    supplied = Supplied(max(states, key=WORST.index), tuple(resource for resource, _ in mine), notes)
    return _Orders(supplied, tuple(text for _, text in mine))


def _drafts(orders: _Orders, meanings: Meanings) -> _Drafts:
    """The orders filed by type."""
    resources = orders.supplied.resources
    notes = dict.fromkeys(orders.supplied.notes)
    shelves = file_resources(resources, meanings, frozenset(), notes)
    by_type = {kind.__name__: shelf for kind, shelf in shelves.items()}
    return _Drafts(by_type, _raw_by_reference(resources, orders.texts), tuple(notes), orders.supplied.state)


def _raw_by_reference(
    resources: Sequence[fhir.Readable], texts: Sequence[msgspec.Raw]
) -> Mapping[str, msgspec.Raw]:
    """The JSON of each order by `Type/id`; without those that cannot be told apart by it."""
    references = [reference_of(resource) if resource.id else "" for resource in resources]
    times = Counter(references)
    return {
        reference: text
        for reference, text in zip(references, texts, strict=False)  # medications read back have none
        if times[reference] == 1 and reference and "?" not in reference
    }


class _Draft(NamedTuple):
    """One entry of the drafts: the order and its JSON as sent; what is wrong with it, or with what it holds."""

    text: msgspec.Raw
    resource: fhir.Readable | None = None
    trouble: str = ""
    note: Note | None = None

    @property
    def passed_over(self) -> bool:
        """Whether it is an order of a type that no rule asks about."""
        return self.resource is None and not self.trouble


def _draft(raw: msgspec.Raw, owner: Owner) -> _Draft:
    try:
        resource, text = fhir.named(fhir.read_entry(raw)), fhir.read_raw_entry(raw).resource
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        note = odd_entry(DRAFTS, raw)
        return _Draft(raw, trouble=TRUNCATED if note is not None else "", note=note)
    if resource is None:
        return _Draft(raw, trouble=TRUNCATED, note=Note("unreadable", DRAFTS))
    if isinstance(resource, fhir.OperationOutcome):
        return _Draft(raw, trouble=next(outcome_state(resource), ""))
    if not owner.owns(resource):
        return _Draft(raw, trouble=OTHER_PATIENT)
    if says_partial(resource.meta):
        # Not as it was sent: an update made of it would drop what was left out.
        return _Draft(msgspec.Raw(b""), resource, TRUNCATED, Note(PARTIAL, reference_of(resource)))
    return _Draft(text, resource)


def _reference_of_another_type(raw: msgspec.Raw, where: str) -> str:
    """`Type/id` of an order no rule can ask for. Raises RequestError (412) for a type that R4 does not have.

    Its neighbours are then of that FHIR version too, and would be misread.
    """
    kind = fhir.read_kind(fhir.read_raw_entry(raw).resource)
    if kind.resource_type in fhir.BEFORE_R4:
        raise RequestError(
            f"{where} holds orders of a FHIR version before R4; this service reads R4 (4.0.1)",
            status=412,
            code="not-supported",
            where=where,
        )
    return f"{kind.resource_type}/{kind.id}"
