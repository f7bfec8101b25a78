"""FHIR bulk export: NDJSON files, one resource a line, gathered into one chart per patient.

Lines of one patient lie anywhere in any file. A first pass notes where each line begins, on disk; a second
reads one patient's lines at a time. Memory holds one chart, however long the export is.
"""

from __future__ import annotations

import sqlite3
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from cds_service.errors import UsageError
from cds_service.rulebook.views import KEY_OF_TYPE

_TABLES = """
CREATE TABLE line (patient TEXT, file INTEGER, at INTEGER, size INTEGER, drug TEXT);
CREATE TABLE drug (id TEXT PRIMARY KEY, file INTEGER, at INTEGER, size INTEGER);
"""
_BATCH = 1000


class _Reference(msgspec.Struct):
    reference: str = ""


class _Line(msgspec.Struct, rename="camel"):
    resource_type: str = ""
    id: str = ""
    subject: _Reference | None = None
    patient: _Reference | None = None
    medication_reference: _Reference | None = None


class BulkChart(NamedTuple):
    """One patient's resources as a Bundle. It has no timestamp: an export does not say its now per chart."""

    patient: str
    bundle: bytes


@dataclass(frozen=True)
class BulkExport:
    """The files of an export and where each patient's lines are; iterated in the order of patient ids."""

    files: tuple[Path, ...]
    places: sqlite3.Connection

    @classmethod
    def of(cls, files: Sequence[Path]) -> BulkExport:
        """Look through the files once. Raises UsageError naming file and line of what is no resource."""
        places = sqlite3.connect("")  # a temporary file that goes with the connection
        places.executescript(_TABLES)
        for number, path in enumerate(files):
            _note(places, number, path)
        places.execute("CREATE INDEX by_patient ON line (patient, file, at)")
        return cls(tuple(files), places)

    def __len__(self) -> int:
        """How many patients."""
        found: int = self.places.execute("SELECT count(DISTINCT patient) FROM line").fetchone()[0]
        return found

    def __iter__(self) -> Iterator[BulkChart]:
        """One chart per patient."""
        rows = self.places.execute(
            "SELECT patient, file, at, size, drug FROM line ORDER BY patient, file, at"
        )
        with ExitStack() as opened:
            handles = [opened.enter_context(path.open("rb")) for path in self.files]
            for patient, group in groupby(rows, key=itemgetter(0)):
                lines = list(group)
                held = [_read(handles, file, at, size) for _, file, at, size, _ in lines]
                held += self._drugs(handles, sorted({line[4] for line in lines if line[4]}))
                yield BulkChart(patient, _bundle(held))

    def _drugs(self, handles: Sequence[BinaryIO], wanted: Sequence[str]) -> list[bytes]:
        found = []
        for drug in wanted:
            row = self.places.execute("SELECT file, at, size FROM drug WHERE id = ?", (drug,)).fetchone()
            if row is not None:
                found.append(_read(handles, *row))
        return found


def _note(places: sqlite3.Connection, number: int, path: Path) -> None:
    at = 0
    lines: list[tuple[str, int, int, int, str]] = []
    with path.open("rb") as handle:
        for count, line in enumerate(handle, start=1):
            raw = line.removeprefix(BOM_UTF8) if count == 1 else line
            at += len(line) - len(raw)
            head = _head(raw, path, count) if raw.strip() else _Line()
            if head.resource_type == "Medication":
                places.execute(
                    "INSERT OR IGNORE INTO drug VALUES (?, ?, ?, ?)", (head.id, number, at, len(raw))
                )
            elif head.resource_type in KEY_OF_TYPE and (patient := _patient(head)):
                drug = _id(head.medication_reference, "Medication")
                lines.append((patient, number, at, len(raw), drug))
            at += len(raw)
            if len(lines) == _BATCH:
                places.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?)", lines)
                lines.clear()
    places.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?)", lines)


def _head(raw: bytes, path: Path, count: int) -> _Line:
    try:
        return msgspec.json.decode(raw, type=_Line)
    except msgspec.DecodeError:
        raise UsageError(f"{path.as_posix()}:{count}: this line is not a FHIR resource in JSON") from None


def _patient(line: _Line) -> str:
    if line.resource_type == "Patient":
        return line.id
    return _id(line.subject, "Patient") or _id(line.patient, "Patient")


def _id(reference: _Reference | None, kind: str) -> str:
    """The id of a reference to the type, relative or absolute; "" for any other."""
    parts = reference.reference.split("/") if reference is not None else []
    return parts[-1] if len(parts) > 1 and parts[-2] == kind else ""


def _read(handles: Sequence[BinaryIO], file: int, at: int, size: int) -> bytes:
    handles[file].seek(at)
    return handles[file].read(size).strip()


def _bundle(resources: Sequence[bytes]) -> bytes:
    entries = b",".join(b'{"resource":' + one + b"}" for one in resources)
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}"
