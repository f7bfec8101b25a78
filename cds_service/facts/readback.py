"""What a call did not bring is read from the caller's FHIR server: which keys, and what that makes of them.

A key is read if it is not in the call, and read on if its Bundle ends with a `next` link. A key that is known
empty, or that the caller tried and failed to get, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from msgspec import Raw

from cds_service.facts import fhir
from cds_service.facts.read import (
    DEADLINE,
    EMPTY,
    FAILED,
    FOUND,
    NOT_SUPPLIED,
    OTHER_PATIENT,
    TRUNCATED,
    Note,
    Supplied,
    kind_of,
)
from cds_service.facts.references import missing_medications, read_medication, with_medications
from cds_service.facts.request import HookRequest
from cds_service.facts.server import source
from cds_service.facts.server.pages import next_of
from cds_service.facts.server.query import url_of
from cds_service.facts.server.source import Answer, FhirSource, Outcome, Query

NOT_KEPT = "not-kept-by-ehr"
"""The note for a key whose resource type the EHR does not have."""

MOST_MEDICATIONS = 40
"""How many medications that entries only refer to are read for one call."""

_TROUBLES = {
    FAILED: "its answer was an error, or nothing that can be read",
    DEADLINE: "it did not answer in time",
    OTHER_PATIENT: "it answered with a Patient of another id",
}

Read = Callable[[str, Raw | None], Supplied]
"""Reads the value of one key as that of the call's patient."""


@dataclass(frozen=True)
class ReadBack:
    """The FHIR server of one call, and the searches of its hook: `templates` by prefetch key."""

    source: FhirSource
    templates: Mapping[str, str]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every read so far."""
        return self.source.outcomes

    def not_asked(self, request: HookRequest) -> str:
        """A sentence on why the FHIR server was not asked, for a caller who wonders; empty if it was."""
        reason = self.source.refusal(request)
        return f". The FHIR server was not asked: {reason}" if reason else ""

    def why_missing(self, key: str, state: str, request: HookRequest) -> str:
        """A sentence on why a key was not had from the FHIR server; empty if nobody tried, or it came."""
        if state == NOT_SUPPLIED:
            return self.not_asked(request)
        read = any(one.key == key for one in self.outcomes)
        return (
            f". The FHIR server was asked for it: {_TROUBLES[state]}" if read and state in _TROUBLES else ""
        )

    def complete(
        self, supplied: Mapping[str, Supplied], request: HookRequest, read: Read
    ) -> dict[str, Supplied]:
        """The keys; those that did not come, or not in full, read from the server where that is allowed."""
        completed = {key: self._declared(key, brought) for key, brought in supplied.items()}
        queries = dict(self._queries(completed, request)) if request.fhir_server else {}
        if queries:
            for key, answer in self.source.read(request, queries).items():
                completed[key] = brought = self._brought(key, answer, read)
                self._record(key, brought.state, answer)
        return completed

    def add_medications(
        self, supplied: Mapping[str, Supplied], request: HookRequest
    ) -> Mapping[str, Supplied]:
        """The keys with the medications that their entries refer to and that did not come along."""
        if not request.fhir_server:
            return supplied
        wanted = {key: missing_medications(brought) for key, brought in supplied.items()}
        references = list(dict.fromkeys(reference for each in wanted.values() for reference in each))
        if not references:
            return supplied
        found, refused = self._medications(references[:MOST_MEDICATIONS], request)
        return {
            key: with_medications(brought, wanted[key], found, refused) if wanted[key] else brought
            for key, brought in supplied.items()
        }

    def _declared(self, key: str, brought: Supplied) -> Supplied:
        """A key that did not come because the EHR keeps nothing of its type counts as searched and empty."""
        if brought.state == NOT_SUPPLIED and kind_of(key) in self.source.absent:
            return Supplied(EMPTY, notes=(Note(NOT_KEPT, key),))
        return brought

    def _queries(self, supplied: Mapping[str, Supplied], request: HookRequest) -> Iterator[tuple[str, Query]]:
        for key, brought in supplied.items():
            if brought.state == NOT_SUPPLIED:
                url = url_of(self.templates[key], request)
                if url:
                    yield key, Query(url)
            elif brought.state == TRUNCATED and key in request.prefetch:
                following = next_of(request.prefetch[key])
                if following:
                    yield key, Query(following, request.prefetch[key])

    def _medications(
        self, references: list[str], request: HookRequest
    ) -> tuple[dict[str, fhir.Medication], set[str]]:
        """Those found, by reference, and those we were not allowed to read."""
        found: dict[str, fhir.Medication] = {}
        refused: set[str] = set()
        answers = self.source.read(request, {reference: Query(reference) for reference in references})
        for reference, answer in answers.items():
            medication = read_medication(answer.raw, reference)
            if medication is not None:
                found[reference] = medication
            elif answer.ended == source.REFUSED:
                refused.add(reference)
            failed = answer.ended if answer.ended == source.DEADLINE else FAILED
            self._record("Medication", FOUND if medication is not None else failed, answer)
        return found, refused

    def _record(self, key: str, state: str, answer: Answer) -> None:
        outcome = source.REFUSED if answer.ended == source.REFUSED else state
        size = memoryview(answer.raw).nbytes if answer.raw is not None else 0
        self.source.record(Outcome(key, outcome, answer.milliseconds, size))

    def _brought(self, key: str, answer: Answer, read: Read) -> Supplied:
        """The answer to a key's search as if it had been supplied. A read of one resource is never empty."""
        if answer.raw is not None:
            brought = read(key, answer.raw)
            alone = "?" not in self.templates[key]
            return Supplied(FAILED, notes=brought.notes) if alone and brought.state == EMPTY else brought
        if answer.ended == source.REFUSED:
            return Supplied(NOT_SUPPLIED)
        return Supplied(DEADLINE if answer.ended == source.DEADLINE else FAILED)
