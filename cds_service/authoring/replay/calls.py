"""What is replayed: fixtures, folders of charts or hook calls, a FHIR bulk export, a decision log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cds_service.authoring.charts import CHARTS, REQUESTS, ChartTimes, chart_request, request_file
from cds_service.authoring.replay.bulk import BulkExport
from cds_service.authoring.replay.captured import DecisionLines, KeptCall, is_decision_log
from cds_service.errors import UsageError
from cds_service.facts.request import HookRequest
from cds_service.facts.server.source import FhirSource
from cds_service.rulebook.book import Rulebook
from cds_service.web.observe.capture import CAPTURE


@dataclass(frozen=True)
class Call:
    """One call to replay. `name` is `<story>.<hook>`; `source` a file, or the Bundle itself.

    `recorded`: the source is a hook call, not a chart. `as_of` is its time, None for the chart's own.
    `kept`: a service kept the call, with its time and answer; `digest` is that of its file, empty if nobody
    noted it.
    """

    name: str
    hook: str
    source: Path | bytes
    recorded: bool = False
    as_of: datetime | None = None
    kept: bool = False
    digest: str = ""

    def request(
        self, book: Rulebook, keys: Sequence[str], zone: tzinfo
    ) -> tuple[HookRequest, FhirSource | None]:
        """The call as the rulebook's service would get it, and what it read of a FHIR server, if anything.

        A chart is sent with the keys of the hook. Raises UsageError, RequestError.
        """
        if self.kept:
            held = self.held()
            return held.request, held.source
        return self._sent(book, keys, zone), None

    def held(self) -> KeptCall:
        """The kept call with its answer. Raises UsageError, RequestError."""
        assert isinstance(self.source, Path)
        return KeptCall.read(self.source, self.digest, self.as_of)

    def _sent(self, book: Rulebook, keys: Sequence[str], zone: tzinfo) -> HookRequest:
        if self.recorded and isinstance(self.source, Path):
            return request_file(self.source, book, as_of=self.as_of, zone=zone)
        return chart_request(self.source, book, self.hook, as_of=self.as_of, zone=zone, keys=keys)


class Calls(NamedTuple):
    """The calls in their order, how many, and where their approved answers lie (None: nowhere).

    `answered`: each was answered by a service. `passed_over` counts lines of a log whose call was not kept.
    """

    total: int
    each: Iterable[Call]
    approved: Path | None = None
    answered: bool = False
    passed_over: int = 0


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    hook: str = ""
    extension: Any = None


def find_calls(source: Path, hook: str, as_of: datetime | None) -> Calls:
    """What a folder, or one file, holds to replay; `hook` is where charts are opened.

    Fixtures (folders `charts`, `requests`): a story's recorded calls, or its chart where there is none.
    NDJSON files: one chart per patient. A decision log: the calls kept beside it. Else every JSON file, a
    chart or a hook call. Raises UsageError.
    """
    if not source.exists():
        raise UsageError(
            f"there is no {source.as_posix()}: name a folder of charts or calls, a file, or a log"
        )
    if source.is_file():
        return _logged(source, as_of) if is_decision_log(source) else _listed([source], hook, as_of)
    if (source / CHARTS).is_dir() or (source / REQUESTS).is_dir():
        return _fixtures(source, hook, as_of)
    exported = sorted(source.glob("*.ndjson"))
    if exported:
        export = BulkExport.of(exported)
        charts = (Call(f"{one.patient}.{hook}", hook, one.bundle, as_of=as_of) for one in export)
        return Calls(len(export), charts)
    return _listed(sorted(source.glob("*.json")), hook, as_of, source)


def _logged(path: Path, as_of: datetime | None) -> Calls:
    log = DecisionLines.of(path)
    each = (Call(one.name, one.hook, one.path, as_of=as_of, kept=True, digest=one.digest) for one in log)
    return Calls(log.kept, each, answered=True, passed_over=log.others)


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
    if isinstance(head.extension, dict) and CAPTURE in head.extension:
        return Call(f"{path.stem}.{head.hook}", head.hook, path, as_of=as_of, kept=True)
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
