"""A fact looks for a code among codes that such a code never is: a drug order among LOINC questions.

A set passes if any of its members could match. Of drugs only RxNorm codes are looked at: texts, brands and
codes of other systems lead to these through the drug table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.fact import Fact, FindFact, InSet, NotInSet, RowsFact, ViewFact
from cds_service.rulebook.views import VIEWS
from cds_service.rulebook.yamlfile import DataPath

_DRUG = frozenset({"rxnorm"})
_IN_WORDS = frozenset({"local", "text"})
_SYSTEMS: Mapping[str, frozenset[str]] = {
    "MedicationRequest": _DRUG,
    "MedicationStatement": _DRUG,
    "MedicationDispense": _DRUG,
    "MedicationAdministration": _DRUG,
    "Condition": frozenset({"icd-10-cm", "snomed"}) | _IN_WORDS,
    "AllergyIntolerance": frozenset({"icd-10-cm", "rxnorm", "snomed"}) | _IN_WORDS,
    "Procedure": frozenset({"icd-10-cm", "loinc", "snomed"}) | _IN_WORDS,
    "Observation": frozenset({"loinc", "snomed"}) | _IN_WORDS,
}
"""Which systems the code of a resource type is taken from, of those that value sets may name."""


def _look(linted: Linted) -> Iterator[Seen]:
    sets = {
        name: frozenset(member.system for member in parsed.model.include)
        for name, parsed in linted.shelf.valuesets.items()
    }
    for parsed in linted.rules:
        for fact_name, fact in parsed.model.data.items():
            for path, kind, name in _asked(fact):
                expected = _SYSTEMS.get(kind)
                if expected is not None and not expected & sets[name]:
                    yield Seen(
                        parsed.file.place(("data", fact_name, *path)),
                        f"{name} holds {_named(sets[name])} codes, and the code of a {kind} is never one",
                        f"name a value set with {_named(expected)} codes",
                    )


def _asked(fact: Fact) -> Iterator[tuple[DataPath, str, str]]:
    """Every value set that the code of a resource is looked for in: where, of which type, which set."""
    if isinstance(fact, FindFact):
        yield from _by_code(fact, fact.find)
    elif isinstance(fact, ViewFact):
        view = VIEWS[fact.view]
        yield from _by_code(fact, view.reads[0])  # whose code it is that code_in judges
        kinds = {name: kind for kind, name in view.read_for.items() if view.arguments[name] == "valueset"}
        kinds |= dict.fromkeys(view.observation_arguments, "Observation")
        for name, kind in kinds.items():
            given = fact.arguments.get(name, ())
            yield from ((path, kind, one) for path, one in _each(("with", name), given))


def _by_code(fact: RowsFact, kind: str) -> Iterator[tuple[DataPath, str, str]]:
    yield from ((path, kind, name) for path, name in _each(("code_in",), fact.code_in or ()))
    for key, tests in (("where", fact.where), ("unsure", fact.unsure)):
        test = tests.get("code")
        if isinstance(test, (InSet, NotInSet)):
            inner = "in" if isinstance(test, InSet) else "not_in"
            yield from ((path, kind, name) for path, name in _each((key, "code", inner), test.valuesets))


def _each(path: DataPath, given: object) -> Iterator[tuple[DataPath, str]]:
    """The names given as one or as a list, each with its path."""
    if isinstance(given, str):
        yield path, given
    elif isinstance(given, Sequence):
        yield from (((*path, index), name) for index, name in enumerate(given))


def _named(systems: frozenset[str]) -> str:
    return " or ".join(sorted(systems))


CHECK = Check(
    "data/valueset-of-another-kind",
    "error",
    "regular",
    "A code is looked for among codes that it can never be.",
    _look,
)
