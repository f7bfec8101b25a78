"""A chart replayed as the hook call an EHR would make of it, and recorded hook calls read from files.

A chart is a FHIR Bundle of one patient whose `timestamp` is its "now". Replayed, every prefetch key of the
hook is supplied: found, or searched and empty. Which entries a key finds follows from the key's template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import Raw

from cds_service.errors import UsageError, nearest
from cds_service.facts.prefetch import group_sets, hook_keys
from cds_service.facts.request import HookRequest
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS
from cds_service.web.request import read_request

Json = dict[str, Any]

FIXTURES = Path("fhir_fixtures")
CHARTS, REQUESTS = "charts", "requests"
REPLAYER = "Practitioner/replay"
"""The user of every replayed call."""

_SINGLE = {"patient": "Patient", "encounter": "Encounter"}
_TYPE_OF_KEY = {key: kind for kind, key in KEY_OF_TYPE.items() if kind != "Observation"}


# --- finding files -------------------------------------------------------------------------------


def find_chart(name: str, folder: Path) -> Path:
    """The file of a chart by its name. Raises UsageError naming the nearest one."""
    return _find(name, folder, "chart")


def find_request(name: str, folder: Path) -> Path:
    """The file of a recorded hook call by its name (`story.hook`). Raises UsageError."""
    return _find(name, folder, "request")


def _find(name: str, folder: Path, what: str) -> Path:
    stem = name.removesuffix(".json")
    known = sorted(one.name.removesuffix(".json") for one in folder.glob("*.json"))
    if stem in known:
        return folder / f"{stem}.json"
    if not known:
        raise UsageError(f"there is no {what} {name!r}: {folder.as_posix()} holds none")
    hint = nearest(name, known)
    raise UsageError(f"there is no {what} {name!r} in {folder.as_posix()} ({hint})")


# --- a chart -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChartFile:
    """A chart Bundle as read: its own "now", its patient, and its resources in file order.

    `name` is what messages call it. `now` is None if the Bundle has no timestamp.
    """

    name: str
    now: datetime | None
    patient: str
    resources: tuple[Json, ...]

    @classmethod
    def read(cls, bundle: bytes | Path) -> ChartFile:
        """Read a chart. Raises UsageError if it is not a Bundle of one patient's resources."""
        name = bundle.as_posix() if isinstance(bundle, Path) else "the chart"
        data = _json(bundle, name)
        if data.get("resourceType") != "Bundle":
            raise UsageError(f"{name} is not a FHIR Bundle; a chart is one Bundle of one patient")
        held = [entry.get("resource") for entry in data.get("entry", []) if isinstance(entry, dict)]
        resources = tuple(one for one in held if isinstance(one, dict) and one.get("resourceType"))
        people = [str(one.get("id", "")) for one in resources if one["resourceType"] == "Patient"]
        if people == [""]:
            raise UsageError(f"{name}: its Patient has no id")
        if len(people) != 1:
            raise UsageError(f"{name} holds {len(people)} Patient resources; a chart is of one patient")
        return cls(name, _instant(data.get("timestamp"), name), people[0], resources)


def _json(source: bytes | Path, name: str) -> Json:
    try:
        data = msgspec.json.decode(source.read_bytes() if isinstance(source, Path) else source)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{name} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{name} is not a JSON object")
    return data


def _instant(text: object, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise UsageError(f"{name}: its timestamp {text!r} is no instant") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def chart_request(
    bundle: bytes | Path | ChartFile,
    book: Rulebook,
    hook: str,
    *,
    as_of: datetime | None = None,
    zone: tzinfo = UTC,
    keys: Sequence[str] | None = None,
    drafts: Sequence[Mapping[str, Any]] = (),
    selections: Sequence[str] | None = None,
    encounter: str = "",
) -> HookRequest:
    """The call an EHR with this chart would make to the hook's service.

    `as_of` is the chart's timestamp unless given, `keys` are those of the hook unless given. `drafts` are the
    unsigned orders of the call; all of them are selected unless `selections` names some. The encounter of the
    call is `encounter` (`Encounter/id`), else the one in progress, if there is one. Raises UsageError for a
    chart that cannot be replayed.
    """
    chart = bundle if isinstance(bundle, ChartFile) else ChartFile.read(bundle)
    now = as_of or chart.now
    if now is None:
        raise UsageError(f"{chart.name} has no timestamp to take as its now; give --today DATE")
    visit = _named_encounter(chart, encounter) if encounter else _encounter(chart)
    wanted = hook_keys(book, hook) if keys is None else keys
    named = [f"{draft['resourceType']}/{draft['id']}" for draft in drafts]
    return HookRequest(
        hook=hook,
        hook_instance=str(uuid5(NAMESPACE_URL, f"replay/{chart.patient}/{hook}")),
        service_id=f"{book.id}-{hook}",
        user=REPLAYER,
        patient_id=chart.patient,
        as_of=now,
        zone=zone,
        encounter_id=visit["id"] if visit else "",
        prefetch={key: _supplied(key, chart, book, visit) for key in wanted},
        draft_orders=_raw(_bundle("collection", drafts, ())) if drafts else None,
        selections=tuple(named if selections is None else selections),
    )


def _named_encounter(chart: ChartFile, reference: str) -> Json:
    visits = {f"Encounter/{one.get('id', '')}": one for one in _typed(chart, "Encounter")}
    if reference not in visits:
        hint = nearest(reference, list(visits)) or "it holds no encounter"
        raise UsageError(f"{chart.name} has no {reference} ({hint})")
    return visits[reference]


def _encounter(chart: ChartFile) -> Json | None:
    """The encounter in progress, else one about to begin; of several the one begun last."""
    visits = [one for one in chart.resources if one["resourceType"] == "Encounter"]
    for statuses in (("in-progress",), ("arrived", "triaged")):
        running = [one for one in visits if one.get("status") in statuses]
        if running:
            return max(running, key=lambda one: str(one.get("period", {}).get("start", "")))
    return None


def _supplied(key: str, chart: ChartFile, book: Rulebook, encounter: Json | None) -> Raw:
    if key == "encounter":
        return _raw(encounter)
    if key == "patient":
        return _raw(_patient(chart))
    if key.startswith(f"{OBSERVATIONS}-"):
        group = key.removeprefix(f"{OBSERVATIONS}-")
        found = [one for one in _typed(chart, "Observation") if _in_group(one, group, book)]
    else:
        found = _typed(chart, _TYPE_OF_KEY[key])
    along = _typed(chart, "Medication") if key.startswith("medication-") else []
    return _raw(_bundle("searchset", found, along))


def _patient(chart: ChartFile) -> Json:
    people = _typed(chart, "Patient")
    if not people:
        raise UsageError(f"{chart.name} holds no Patient any more; a chart is of one patient")
    return people[0]


def _typed(chart: ChartFile, kind: str) -> list[Json]:
    return [one for one in chart.resources if one["resourceType"] == kind]


def _in_group(observation: Json, group: str, book: Rulebook) -> bool:
    """Whether a search for the group finds an observation: by its codes, its components' codes included.

    A group whose codes cannot be listed in a search is searched without codes, and finds all.
    """
    terminology = book.terminology
    sets = group_sets(group, book)
    if not terminology.search_codes(sets):
        return True
    parts = [observation, *observation.get("component", [])]
    codings = [coding for part in parts for coding in part.get("code", {}).get("coding", [])]
    held = [terminology.sets_of(one.get("system", ""), one.get("code", "")) for one in codings]
    # A search finds no text; an EHR that has only that sends it under the same key (docs/ehr.md).
    held += [terminology.sets_of("text", part.get("code", {}).get("text", "")) for part in parts]
    return any(not found.isdisjoint(sets) for found in held)


def _bundle(kind: str, found: Iterable[Mapping[str, Any]], along: Iterable[Mapping[str, Any]]) -> Json:
    """A Bundle: what was searched for, then what came along; the total counts only the former."""
    matches = list(found)
    entries = [_entry(one, "match" if kind == "searchset" else "") for one in matches]
    entries += [_entry(one, "include") for one in along] if matches else []
    body: Json = {"resourceType": "Bundle", "type": kind}
    if kind == "searchset":
        body["total"] = len(matches)
    return body | ({"entry": entries} if entries else {})


def _entry(resource: Mapping[str, Any], mode: str) -> Json:
    return {"resource": resource} | ({"search": {"mode": mode}} if mode else {})


def _raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


# --- a recorded call -----------------------------------------------------------------------------


def request_file(
    path: Path,
    book: Rulebook,
    *,
    as_of: datetime | None = None,
    zone: tzinfo = UTC,
    charts: Path | None = None,
) -> HookRequest:
    """A recorded hook call. Its time is `as_of`, else that of the chart of its story, else of its patient.

    A story's calls are named `<story>.<hook>.json`; `charts` is looked for beside the folder of the call.
    Raises UsageError if it cannot be read or no time is known, RequestError if it is not a hook call.
    """
    data = _json(path, path.as_posix())
    hook = data.get("hook")
    if not isinstance(hook, str):
        raise UsageError(f"{path.as_posix()} is not a hook call: it names no hook")
    now = as_of or ChartTimes(charts or path.parent.parent / CHARTS).of_call(path, data)
    return read_request(path.read_bytes(), service_id=f"{book.id}-{hook}", hook=hook, as_of=now, zone=zone)


@dataclass(frozen=True)
class ChartTimes:
    """When a recorded call was made: the "now" of its story's chart, else of a chart of its patient."""

    folder: Path

    def of_call(self, path: Path, data: Json) -> datetime:
        """The time of a call. Raises UsageError if no chart says it, or several disagree."""
        own = self.folder / f"{path.name.split('.')[0]}.json"
        if own.is_file():
            times = frozenset({ChartFile.read(own).now} - {None})
        else:
            patient = str((data.get("context") or {}).get("patientId", ""))
            times = self._by_patient.get(patient, frozenset())
        if len(times) == 1:
            return next(time for time in times if time is not None)
        raise UsageError(f"{path.as_posix()}: no chart says when this call was made; give --today DATE")

    @cached_property
    def _by_patient(self) -> Mapping[str, frozenset[datetime | None]]:
        found: dict[str, frozenset[datetime | None]] = {}
        for path in sorted(self.folder.glob("*.json")):
            try:
                chart = ChartFile.read(path)
            except UsageError:
                continue
            found[chart.patient] = found.get(chart.patient, frozenset()) | ({chart.now} - {None})
        return found
