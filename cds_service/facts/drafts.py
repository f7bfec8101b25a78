"""The unsigned orders of a call: whatever their status says, each with its JSON as it was sent.

An order whose status cannot be read is an order all the same, as one without a status is: nothing says that
it is not to be.

Drafts keep their JSON because an update must give back members that we do not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from cds_service.errors import RequestError
from cds_service.facts import fhir
from cds_service.facts.address import at_home, server_of
from cds_service.facts.coding import reference_of
from cds_service.facts.fhir_types import leads_on
from cds_service.facts.finding import DRAFTS
from cds_service.facts.meaning import Meanings
from cds_service.facts.read import (
    EMPTY,
    FOUND,
    OTHER_PATIENT,
    PARTIAL,
    TRUNCATED,
    WORST,
    Note,
    Owner,
    Supplied,
    odd_entry,
    outcome_state,
)
from cds_service.facts.request import HookRequest
from cds_service.facts.resource_types import KNOWN_TYPES
from cds_service.facts.server.query import is_id
from cds_service.facts.shelf import Shelf, file_resources
from cds_service.facts.statuses import STATUSES, UNCLEAR, as_fhir_writes
from cds_service.facts.whole import says_partial
from cds_service.rulebook.hooks import hook_named


class Drafts(NamedTuple):
    """The unsigned orders of a call by type; each one's JSON by its reference; what was not right."""

    shelves: Mapping[str, Shelf]
    raw: Mapping[str, msgspec.Raw]
    notes: tuple[Note, ...]
    state: str


class Orders(NamedTuple):
    """The unsigned orders of the call as read, each one's JSON beside it, and whether these are all."""

    supplied: Supplied
    texts: tuple[msgspec.Raw, ...] = ()


def read_drafts(request: HookRequest, owner: Owner) -> Orders:
    """The unsigned orders of the call, whatever their status says."""
    if request.draft_orders is None:
        return Orders(Supplied(EMPTY))
    where = f"context.{hook_named(request.hook).drafts}"
    try:
        bundle = fhir.read_loose_bundle(request.draft_orders)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        raise RequestError(f"{where} is not a Bundle of orders that can be read", where=where) from None
    drafts = [_draft(raw, owner) for raw in bundle.entry]
    mine = [one for one in drafts if one.resource is not None]
    if any(isinstance(one.resource, fhir.OfDrug) and one.resource.after_r4 for one in mine):
        raise _not_r4(where)
    named = {reference_of(one.resource) for one in mine}
    named |= {_reference_of_another_type(one.text, where) for one in drafts if one.passed_over}
    states = {FOUND if mine else EMPTY, *(one.trouble for one in drafts if one.trouble)}
    if any(map(leads_on, bundle.link)) or says_partial(bundle.meta):
        states.add(TRUNCATED)
    if (bundle.total or 0) > len(bundle.entry) or not named.issuperset(request.selections):
        states.add(TRUNCATED)  # an order was counted or selected that did not come
    notes = [one.note for one in drafts if one.note is not None]
    server = server_of((one.entry for one in mine), owner.server)
    orders = [at_home(one.resource, one.entry.full_url, server) for one in mine if one.resource]
    resources = tuple(_with_status(order, index, notes) for index, order in enumerate(orders))
    supplied = Supplied(max(states, key=WORST.index), resources, tuple(notes))
    return Orders(supplied, tuple(one.text for one in mine))


def _with_status(order: fhir.Readable, index: int, notes: list[Note]) -> fhir.Readable:
    """The order with its status as FHIR writes it, and without one that nobody can read, which is noted."""
    known = STATUSES.get(order.__class__)
    if known is None or order.status in known:  # type: ignore[union-attr]
        return order
    told = as_fhir_writes(order)
    if told.status in known:
        return told  # type: ignore[no-any-return]
    notes.append(Note(UNCLEAR, reference_of(order, index)))
    return replace(told, status="")  # type: ignore[no-any-return]


def file_drafts(orders: Orders, meanings: Meanings) -> Drafts:
    """The orders filed by type."""
    resources = orders.supplied.resources
    notes = dict.fromkeys(orders.supplied.notes)
    shelves = file_resources(resources, meanings, frozenset(), notes)
    by_type = {kind.__name__: shelf for kind, shelf in shelves.items()}
    return Drafts(by_type, _raw_by_reference(resources, orders.texts), tuple(notes), orders.supplied.state)


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


_NO_ORDER = fhir.Entry()
_ORDERS = frozenset(kind.__name__ for kind in fhir.DrugResource.__args__)


class _Draft(NamedTuple):
    """One entry of the drafts: the order and its JSON as sent; what is wrong with it or its content."""

    text: msgspec.Raw
    entry: fhir.Entry = _NO_ORDER
    trouble: str = ""
    note: Note | None = None

    @property
    def resource(self) -> fhir.Readable | None:
        """The order."""
        return self.entry.resource

    @property
    def passed_over(self) -> bool:
        """Whether it is an order of a type that no rule asks about."""
        return self.resource is None and not self.trouble


def _draft(raw: msgspec.Raw, owner: Owner) -> _Draft:
    try:
        entry, text = fhir.read_entry(raw), fhir.read_raw_entry(raw).resource
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        note = odd_entry(DRAFTS, raw) or _order_inside(raw)
        return _Draft(raw, trouble=TRUNCATED if note is not None else "", note=note)
    resource = entry.resource
    if resource is None:
        return _Draft(raw, trouble=TRUNCATED, note=Note("unreadable", DRAFTS))
    if isinstance(resource, fhir.OperationOutcome):
        return _Draft(raw, trouble=next(outcome_state(resource), ""))
    if not owner.owns(resource):
        return _Draft(raw, trouble=OTHER_PATIENT)
    if says_partial(resource.meta):
        # Not as it was sent: an update made of it would drop what was left out.
        return _Draft(msgspec.Raw(b""), entry, TRUNCATED, Note(PARTIAL, reference_of(resource)))
    return _Draft(text, entry)


def _order_inside(raw: msgspec.Raw) -> Note | None:
    """The note for an order of a type no rule asks about in which another order stands, as in a RequestGroup.

    Whether that one is being ordered cannot be told: a Task may hold one only to speak of it.
    """
    text = fhir.read_raw_entry(raw).resource
    kind = fhir.read_kind(text)
    if kind.resource_type in fhir.BEFORE_R4 or bytes(text).count(b'"resourceType"') < 2:
        return None
    try:
        hidden = any(map(_may_be_an_order, _types_inside(text)))
    except (msgspec.MsgspecError, RecursionError):
        hidden = True
    return (
        Note("unreadable", f"{kind.resource_type}/{kind.id if is_id(kind.id) else '?'}") if hidden else None
    )


def _may_be_an_order(kind: object) -> bool:
    """Whether a resource of that type orders a drug, or may if its name is misspelt or of another version."""
    return kind in _ORDERS or kind not in KNOWN_TYPES if isinstance(kind, str) else True


def _types_inside(text: msgspec.Raw) -> Iterator[object]:
    """The types of the resources inside a resource, however deep; its own is left out."""
    level: list[object] = [*msgspec.json.decode(text).values()]
    while level:
        held = [node for node in level if isinstance(node, (dict, list))]
        yield from (
            node["resourceType"] for node in held if isinstance(node, dict) and "resourceType" in node
        )
        level = [part for node in held for part in (node.values() if isinstance(node, dict) else node)]


def _reference_of_another_type(raw: msgspec.Raw, where: str) -> str:
    """`Type/id` of an order no rule can ask for. Raises RequestError (412) for a type that R4 does not have.

    Its neighbours are then of that FHIR version too, and would be misread.
    """
    kind = fhir.read_kind(fhir.read_raw_entry(raw).resource)
    if kind.resource_type in fhir.BEFORE_R4:
        raise _not_r4(where)
    return f"{kind.resource_type}/{kind.id}"


def _not_r4(where: str) -> RequestError:
    return RequestError(
        f"{where} holds orders of another FHIR version; this service reads R4 (4.0.1)",
        status=412,
        code="not-supported",
        where=where,
    )
