"""Why something was ordered, given or done: the codes it tells, and those of the conditions it refers to.

A reference is looked for where FHIR says (FHIR R4, Bundle, "Resolving references"): inside the resource,
among the addresses with which the problems came, and by its id on the caller's server. What is on another
server and did not come is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.facts import fhir
from cds_service.facts.address import tail_of
from cds_service.facts.chart import Chart
from cds_service.facts.coding import concept_codes
from cds_service.facts.drugs import contained_in
from cds_service.facts.read import Owner
from cds_service.facts.shelf import Entry
from cds_service.facts.statuses import UNREAD, disowned
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import KEY_OF_TYPE

_CONDITIONS = (KEY_OF_TYPE["Condition"],)
DANGLING = "dangling"
"""The system of a reference whose resource is nowhere; UNREAD of one that data not obtained may hold."""


def reasons_of(resource: Any, chart: Chart) -> Iterator[tuple[Coded, ...]]:
    """The codes of each reason; of one that names a condition, the condition's, UNREAD or DANGLING."""
    for concept in resource.reason_code:
        yield concept_codes(concept)
    for named in resource.reason_reference:
        inside = named.reference.startswith("#")
        codes = _inside(resource, named.reference, chart) if inside else _on_record(named.reference, chart)
        lost = UNREAD if not inside and chart.not_obtained(_CONDITIONS) else DANGLING
        yield codes if codes is not None else (Coded(lost, named.reference, named.display),)


def _on_record(reference: str, chart: Chart) -> tuple[Coded, ...] | None:
    """The codes of the live condition of the chart that a reference names, by its id or its address."""
    known: Mapping[str, Entry] | None = chart.cache.get("conditions-by-reference")
    if known is None:
        known = {one.reference: one for one in chart.shelf("conditions", "Condition").entries}
        chart.cache["conditions-by-reference"] = known
    found = known.get(tail_of(reference))
    if found is not None:
        return found.codes
    return _by_address(chart).get(reference.partition("/_history/")[0]) if ":" in reference else None


def _by_address(chart: Chart) -> Mapping[str, tuple[Coded, ...]]:
    """The codes of the live conditions by the addresses they came with; two that differ have none."""
    known: dict[str, tuple[Coded, ...]] | None = chart.cache.get("conditions-by-address")
    if known is None:
        known, doubtful = {}, set()
        live = {id(one.resource): one.codes for one in chart.shelf("conditions", "Condition").entries}
        for entry in chart.conditions_came:
            address, codes = entry.full_url.partition("/_history/")[0], live.get(id(entry.resource))
            if address and (codes is None or known.setdefault(address, codes) != codes):
                doubtful.add(address)
        known = {address: codes for address, codes in known.items() if address not in doubtful}
        chart.cache["conditions-by-address"] = known
    return known


def _inside(resource: Any, reference: str, chart: Chart) -> tuple[Coded, ...] | None:
    """The codes of a condition contained in the resource; read once per chart."""
    known: dict[tuple[int, str], Any] = chart.cache.setdefault("conditions-inside", {})
    name = (id(resource), reference)
    if name not in known:
        owner = Owner(chart.patient_id)
        found = [
            concept_codes(one.code)
            for one in contained_in(resource)
            if isinstance(one, fhir.Condition)
            and f"#{one.id}" == reference
            and not disowned(one)
            and (owner.names_nobody(one) or owner.owns(one))
        ]
        known[name] = found[0] if len(found) == 1 else None
    codes: tuple[Coded, ...] | None = known[name]
    return codes
