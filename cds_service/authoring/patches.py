"""A chart changed in one place, so that one chart serves both sides of a number.

    change: {MedicationDispense/v01-fill-3/daysSupply/value: 41}
    remove: [Observation/v01-weight, Condition/v01-mdd/onsetDateTime]

A path is `Type/id`, then member names and list positions (from 0). Setting a whole resource adds or replaces
it; its type, id and patient need not be written again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from cds_service.authoring.charts import ChartFile, Json
from cds_service.errors import UsageError, nearest

_OWNER = {"AllergyIntolerance": "patient"}
"""The member that names the patient, where it is not `subject`."""


def patched(chart: ChartFile, change: Mapping[str, Any], remove: Sequence[str]) -> ChartFile:
    """The chart after the changes, then the removals. Raises UsageError for a path that is not there."""
    resources = {f"{one['resourceType']}/{one.get('id', '')}": one for one in deepcopy(chart.resources)}
    for path, value in change.items():
        _set(resources, path, deepcopy(value), chart)
    for path in remove:
        _remove(resources, path)
    return replace(chart, resources=tuple(resources.values()))


def split_drafts(chart: ChartFile, drafts: Sequence[str]) -> tuple[ChartFile, tuple[Json, ...]]:
    """The chart without the named resources, and those resources. Raises UsageError for one not there."""
    by_name = {f"{one['resourceType']}/{one.get('id', '')}": one for one in chart.resources}
    found = tuple(_resource(by_name, name) for name in drafts)
    rest = tuple(one for name, one in by_name.items() if name not in drafts)
    return replace(chart, resources=rest), found


@dataclass(frozen=True, slots=True)
class Orders:
    """Which resources of a chart are orders being written, and which of those are selected (None: all)."""

    drafts: tuple[str, ...] = ()
    selections: tuple[str, ...] | None = None

    def taken(self, chart: ChartFile) -> tuple[ChartFile, tuple[Json, ...], tuple[str, ...] | None]:
        """The chart without them, them, and the selections. Raises UsageError for one that is not there."""
        for name in self.selections or ():
            if name not in self.drafts:
                hint = nearest(name, self.drafts) or "no order is being written"
                raise UsageError(f"{name} is selected, but not among the orders being written ({hint})")
        rest, found = split_drafts(chart, self.drafts)
        return rest, found, self.selections


def _set(resources: dict[str, Json], path: str, value: Any, chart: ChartFile) -> None:
    name, steps = _steps(path)
    if not steps:
        resources[name] = _whole(name, value, chart)
        return
    place: Any = _resource(resources, name)
    for at, step in enumerate(steps[:-1]):
        following = steps[at + 1]
        place = _into(place, step, path, [] if following.isdigit() else {})
    _put(place, steps[-1], value, path)


def _whole(name: str, value: Any, chart: ChartFile) -> Json:
    if not isinstance(value, dict):
        raise UsageError(f"{name!r} is a resource; write its members, or the path of one of them")
    kind, _, identity = name.partition("/")
    owner = {_OWNER.get(kind, "subject"): {"reference": f"Patient/{chart.patient}"}}
    return {"resourceType": kind, "id": identity, **owner, **value}


def _remove(resources: dict[str, Json], path: str) -> None:
    name, steps = _steps(path)
    place: Any = _resource(resources, name)
    if not steps:
        del resources[name]
        return
    for step in steps[:-1]:
        place = _into(place, step, path, None)
    try:
        del place[int(steps[-1]) if isinstance(place, list) else steps[-1]]
    except (KeyError, IndexError, ValueError):
        raise _absent(path, steps[-1], place) from None


def _steps(path: str) -> tuple[str, list[str]]:
    kind, *rest = path.split("/")
    if not kind[:1].isupper() or not rest or not all(rest):
        raise UsageError(f"{path!r} is not a place in a chart; write Type/id, or Type/id/member")
    return f"{kind}/{rest[0]}", rest[1:]


def _resource(resources: Mapping[str, Json], name: str) -> Json:
    if name not in resources:
        raise UsageError(f"the chart has no {name} ({nearest(name, list(resources))})")
    return resources[name]


def _into(place: Any, step: str, path: str, fresh: Any) -> Any:
    """One step down; where nothing is there yet, `fresh` is put there, unless it is None."""
    try:
        return place[int(step) if isinstance(place, list) else step]
    except (KeyError, IndexError, ValueError, TypeError):
        if fresh is None or not isinstance(place, dict | list):
            raise _absent(path, step, place) from None
        _put(place, step, fresh, path)
        return fresh


def _put(place: Any, step: str, value: Any, path: str) -> None:
    if isinstance(place, dict):
        place[step] = value
    elif isinstance(place, list) and step.isdigit() and int(step) <= len(place):
        place[int(step) : int(step) + 1] = [value]
    else:
        raise _absent(path, step, place)


def _absent(path: str, step: str, place: Any) -> UsageError:
    held = list(place) if isinstance(place, dict) else [str(at) for at in range(len(place or ""))]
    return UsageError(
        f"{path!r}: there is no {step!r} in the chart ({nearest(step, held) or 'nothing there'})"
    )
