"""What is replayed: the fixtures, a folder of charts or of captured hook calls, or a FHIR bulk export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cds_service.authoring.charts import CHARTS, REQUESTS, ChartTimes, chart_request, request_file
from cds_service.authoring.replay.bulk import BulkExport
from cds_service.errors import UsageError
from cds_service.facts.request import HookRequest
from cds_service.rulebook.book import Rulebook


@dataclass(frozen=True)
class Call:
    """One call to replay. `name` is `<story>.<hook>`; `source` a file, or the Bundle itself.

    `recorded`: the source is a hook call, not a chart. `as_of` is its time, None for the chart's own.
    """

    name: str
    hook: str
    source: Path | bytes
    recorded: bool = False
    as_of: datetime | None = None

    def request(self, book: Rulebook, keys: Sequence[str], zone: tzinfo) -> HookRequest:
        """The call as the rulebook's service would get it; of a chart with the keys of the hook.

        Raises UsageError, RequestError.
        """
        if self.recorded and isinstance(self.source, Path):
            return request_file(self.source, book, as_of=self.as_of, zone=zone)
        return chart_request(self.source, book, self.hook, as_of=self.as_of, zone=zone, keys=keys)


class Calls(NamedTuple):
    """The calls in their order, how many, and where their approved answers lie (None: nowhere)."""

    total: int
    each: Iterable[Call]
    approved: Path | None = None


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    hook: str = ""


def find_calls(source: Path, hook: str, as_of: datetime | None) -> Calls:
    """What a folder, or one file, holds to replay; `hook` is where charts are opened.

    Fixtures (folders `charts`, `requests`): a story's recorded calls, or its chart where there is none.
    NDJSON files: one chart per patient. Else every JSON file, a chart or a hook call. Raises UsageError.
    """
    if source.is_file():
        return _listed([source], hook, as_of)
    if (source / CHARTS).is_dir() or (source / REQUESTS).is_dir():
        return _fixtures(source, hook, as_of)
    exported = sorted(source.glob("*.ndjson"))
    if exported:
        export = BulkExport.of(exported)
        charts = (Call(f"{one.patient}.{hook}", hook, one.bundle, as_of=as_of) for one in export)
        return Calls(len(export), charts)
    return _listed(sorted(source.glob("*.json")), hook, as_of, source)


def _listed(paths: list[Path], hook: str, as_of: datetime | None, folder: Path | None = None) -> Calls:
    if not paths:
        where = folder.as_posix() if folder else ""
        raise UsageError(f"{where}: nothing to replay; give a folder of charts, hook calls, or NDJSON files")
    times = ChartTimes(paths[0].parent.parent / CHARTS)
    return Calls(len(paths), [_call(path, hook, as_of, times) for path in paths])


def _fixtures(folder: Path, hook: str, as_of: datetime | None) -> Calls:
    times = ChartTimes(folder / CHARTS)
    requests = sorted((folder / REQUESTS).glob("*.json"))
    told = {path.name.split(".")[0] for path in requests}
    charts = [path for path in sorted((folder / CHARTS).glob("*.json")) if path.stem not in told]
    calls = [_recorded(path, as_of, times) for path in requests]
    calls += [Call(f"{path.stem}.{hook}", hook, path, as_of=as_of) for path in charts]
    if not calls:
        raise UsageError(f"{folder.as_posix()}: nothing to replay; it holds no charts and no requests")
    return Calls(len(calls), sorted(calls, key=lambda one: one.name), folder / "cards")


def _call(path: Path, hook: str, as_of: datetime | None, times: ChartTimes) -> Call:
    try:
        head = msgspec.json.decode(path.read_bytes(), type=_Head)
    except (OSError, msgspec.DecodeError):
        head = _Head()
    if head.hook:
        return _recorded(path, as_of, times)
    return Call(f"{path.stem}.{hook}", hook, path, as_of=as_of)


def _recorded(path: Path, as_of: datetime | None, times: ChartTimes) -> Call:
    """A recorded call; one that cannot be read or dated says so when it is replayed."""
    name = path.name.removesuffix(".json")
    try:
        data = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return Call(name, name.rpartition(".")[2], path, recorded=True, as_of=as_of)
    hook = str(data.get("hook", ""))
    told = name if name.endswith(f".{hook}") else f"{name}.{hook}"
    return Call(told, hook, path, recorded=True, as_of=as_of or _time(path, data, times))


def _time(path: Path, data: dict[str, Any], times: ChartTimes) -> datetime | None:
    try:
        return times.of_call(path, data)
    except UsageError:
        return None


def windows(calls: Iterable[Call], size: int) -> Iterator[list[Call]]:
    """The calls so many at a time, so that an export of any length needs the memory of one window."""
    window: list[Call] = []
    for call in calls:
        window.append(call)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window
