"""Whether a problem is over: by its clinical status, or for want of that by its abatement.

A problem without a status that ended in the past is not active. One called active that ended in the past
contradicts itself (FHIR's con-4), and so is neither; one that came back (recurrence, relapse) is active.
"""

from __future__ import annotations

from typing import Any

from cds_service.facts import fhir
from cds_service.facts.chart import Chart
from cds_service.facts.dates import When
from cds_service.facts.read import Note
from cds_service.facts.statuses import CLINICAL, NOT_READ, UNCLEAR, Status, read_status, verification_status
from cds_service.rulebook.terminology import Coded
from cds_service.rulebook.views import KEY_OF_TYPE
from cds_service.truth import FALSE, TRUE, UNKNOWN, Truth

_ENDED = (Coded("", "inactive"),)


def clinical_status(resource: Any, chart: Chart) -> Status:
    """The status as recorded, else as its end tells; None if nothing says that it is not active."""
    status = read_status(resource.clinical_status, CLINICAL)
    ended = _abated(resource, chart)
    if ended is FALSE or status is NOT_READ:
        return status
    if status is None:
        return _ENDED if ended is TRUE else NOT_READ
    contradicts = ended is TRUE and any(code.code == "active" for code in status)
    return NOT_READ if contradicts else status


def notes_unclear(chart: Chart) -> tuple[Note, ...]:
    """A note on each problem or allergy whose status cannot be read, or contradicts when it ended."""
    return tuple(
        Note(UNCLEAR, entry.reference)
        for kind in ("Condition", "AllergyIntolerance")
        for entry in chart.shelf(KEY_OF_TYPE[kind], kind).filed
        if NOT_READ in (clinical_status(entry.resource, chart), verification_status(entry.resource))
    )


def _abated(resource: Any, chart: Chart) -> Truth:
    """Whether it has ended; an end told by words or an age, or that may be to come, leaves it open."""
    if not isinstance(resource, fhir.Condition):
        return FALSE
    when = chart.when(resource.abatement_date_time) or _end(resource.abatement_period, chart)
    if when is None:
        return UNKNOWN if _told_otherwise(resource) else FALSE
    if when.end <= chart.as_of:
        return TRUE
    return FALSE if when.start > chart.as_of else UNKNOWN


def _end(period: fhir.Period | None, chart: Chart) -> When | None:
    return chart.period(period) if period is not None and period.end else None


def _told_otherwise(condition: fhir.Condition) -> bool:
    return any(
        (
            condition.abatement_date_time,
            condition.abatement_period,
            condition.abatement_age,
            condition.abatement_range,
            condition.abatement_string,
        )
    )
