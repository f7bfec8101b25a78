"""The resources of all served charts in memory, found by type and id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from cds_service.authoring.charts import ChartFile
from cds_service.errors import UsageError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    """Charts under one base: resources by type, then by id, in the order of the charts.

    `patients` tells the Patient's id of each chart by the chart's name.
    """

    resources: Mapping[str, Mapping[str, Json]]
    patients: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, charts: Iterable[ChartFile]) -> Store:
        """Put charts side by side.

        A resource that several charts hold is kept once if it is the same in all. Raises UsageError if two
        charts mean different things by one type and id: a reader could not tell them apart.
        """
        resources: dict[str, dict[str, Json]] = {}
        patients: dict[str, str] = {}
        origin: dict[tuple[str, str], str] = {}
        for chart in charts:
            patients[Path(chart.name).stem] = chart.patient
            for one in chart.resources:
                kind, number = str(one["resourceType"]), str(one.get("id", ""))
                if not number:
                    raise UsageError(
                        f"{chart.name}: a {kind} has no id, so nobody could read it; give it one"
                    )
                held = resources.setdefault(kind, {}).setdefault(number, one)
                if held != one:
                    raise UsageError(
                        f"{chart.name} and {origin[kind, number]} hold different resources {kind}/{number}; "
                        "change one of the ids, or serve fewer charts: --chart NAME"
                    )
                origin.setdefault((kind, number), chart.name)
        return cls(resources, patients)

    @classmethod
    def read(cls, files: Iterable[Path]) -> Store:
        """Read chart files. Raises UsageError for one that is no chart."""
        return cls.of(ChartFile.read(path) for path in files)

    def get(self, kind: str, number: str) -> Json | None:
        """One resource, or None."""
        return self.resources.get(kind, {}).get(number)

    def all(self, kind: str) -> Iterable[Json]:
        """Every resource of a type."""
        return self.resources.get(kind, {}).values()

    def about(self, kind: str, patient: str) -> Iterable[Json]:
        """Every resource of a type that names a patient (`Patient/id`)."""
        return self._by_patient.get((kind, patient), ())

    @cached_property
    def _by_patient(self) -> Mapping[tuple[str, str], list[Json]]:
        found: dict[tuple[str, str], list[Json]] = {}
        for kind, held in self.resources.items():
            for one in held.values():
                owner = one.get("subject", one.get("patient"))
                reference = owner.get("reference", "") if isinstance(owner, dict) else ""
                found.setdefault((kind, str(reference)), []).append(one)
        return found

    @cached_property
    def digest(self) -> str:
        """Changes with the content: links to further pages are good for one content only."""
        return hashlib.sha256(msgspec.json.encode(self.resources)).hexdigest()[:12]
