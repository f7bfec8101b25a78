"""Calls that a service kept beside its decision log (CDS_CAPTURE): what was judged, when, and the answer.

The log is read line by line and the calls one at a time, so a log of any length needs the memory of one call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from cds_service.errors import UsageError
from cds_service.facts.request import HookRequest
from cds_service.facts.server.heard import Retold
from cds_service.facts.server.source import Answer
from cds_service.web.observe.capture import CAPTURE, folder_beside, place_of
from cds_service.web.request import read_request


class _Read(msgspec.Struct):
    ended: str = ""
    resource: Raw | None = None


class _Judged(msgspec.Struct, rename="camel"):
    service: str
    as_of: datetime
    timezone: str
    absent: list[str] = []
    reads: dict[str, _Read] = {}
    answer: dict[str, Any] | None = None
    refused: str = ""


class _Kept(msgspec.Struct):
    hook: str
    extension: dict[str, Raw]


class _Line(msgspec.Struct):
    time: datetime | None = None
    status: int = 0
    hook: str = ""
    captured: str = ""


_kept = msgspec.json.Decoder(_Kept)
_judged = msgspec.json.Decoder(_Judged)
_line = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class KeptCall:
    """A call as it was judged by `service`: answered with `answer`, or `refused` (`412: …`)."""

    service: str
    request: HookRequest
    source: Retold
    answer: Mapping[str, Any] | None = field(repr=False)
    refused: str = ""

    @classmethod
    def read(cls, path: Path, digest: str = "", as_of: datetime | None = None) -> KeptCall:
        """Read a kept call; `as_of` is another instant to judge it at. Raises UsageError, RequestError.

        With `digest` the file must be the one that was written.
        """
        try:
            body = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path.as_posix()}: the kept call cannot be read ({error.strerror})") from None
        if digest and hashlib.sha256(body).hexdigest() != digest:
            raise UsageError(f"{path.as_posix()}: the kept call is not as it was written")
        try:
            kept = _kept.decode(body)
            judged = _judged.decode(kept.extension[CAPTURE])
            zone = ZoneInfo(judged.timezone)
        except (msgspec.MsgspecError, KeyError, ValueError):
            raise UsageError(f"{path.as_posix()} is not a call that a service kept") from None
        now = as_of or judged.as_of
        request = read_request(body, service_id=judged.service, hook=kept.hook, as_of=now, zone=zone)
        answers = {name: Answer(one.resource, one.ended) for name, one in judged.reads.items()}
        source = Retold(answers, frozenset(judged.absent))
        return cls(judged.service, request, source, judged.answer, judged.refused)


class LoggedCall(NamedTuple):
    """A line of the log whose call was kept: its name for readers, its hook, file and digest."""

    name: str
    hook: str
    path: Path
    digest: str


@dataclass(frozen=True)
class DecisionLines:
    """A decision log: how many of its lines have their call kept, how many not. Iterated in its order."""

    path: Path
    folder: Path
    kept: int
    others: int

    @classmethod
    def of(cls, path: Path) -> DecisionLines:
        """Look through the log once. Raises UsageError if no call was kept."""
        kept = others = 0
        for _, line in _lines(path):
            has = bool(line.captured and line.time)
            kept, others = kept + has, others + (not has)
        if not kept:
            raise UsageError(
                f"{path.as_posix()}: none of its {others} lines has its call kept; the service keeps calls "
                "while CDS_CAPTURE=1 (docs/operations.md)"
            )
        return cls(path, _folder(path), kept, others)

    def __iter__(self) -> Iterator[LoggedCall]:
        """The calls that were kept."""
        for number, line in _lines(self.path):
            if line.captured and line.time:
                name = f"{line.time:%Y-%m-%d %H:%M:%S}, line {number}, {line.hook}"
                place = place_of(self.folder, line.captured, line.time)
                yield LoggedCall(name, line.hook, place, line.captured)


def is_decision_log(path: Path) -> bool:
    """Whether a file begins with a line of a decision log."""
    with path.open("rb") as file:
        first = file.readline(1_000_000)
    line = _read_line(first)
    return line.time is not None and line.status > 0


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    """Every line with its number; one that a full disk cut off is as one without its call."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if raw.strip():
                yield number, _read_line(raw)


def _read_line(raw: bytes) -> _Line:
    try:
        return _line.decode(raw)
    except msgspec.MsgspecError:
        return _Line()


def _folder(log: Path) -> Path:
    """The folder of the log's calls; a log that was moved aside has those of its first name."""
    name = log.name
    while name:
        folder = folder_beside(log.with_name(name))
        if folder.is_dir():
            return folder
        name = name.rpartition(".")[0]
    expected = folder_beside(log).as_posix()
    raise UsageError(f"{log.as_posix()}: there is no {expected} with the calls; keep it beside the log")
