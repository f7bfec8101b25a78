"""Which data a rulebook needs, derived from what its facts ask: authors never write prefetch.

Templates stay inside the subset that the specification recommends (2.0.1, "Prefetch template"): an instance
read, or a search by type with `patient` and `code`; no `_count`, because a capped answer is a truncated one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.hooks import hook_named
from cds_service.rulebook.rule import Fact, FindFact, RowsFact, Rule, ViewFact
from cds_service.rulebook.views import KEY_OF_TYPE, OBSERVATIONS, VIEWS

_READS = {"Patient": "Patient/{{context.patientId}}", "Encounter": "Encounter/{{context.encounterId}}"}
_ORDER = tuple(KEY_OF_TYPE.values())
_TOKEN = re.compile(r"\{\{context\.([A-Za-z]+)\}\}")


def fact_keys(fact: Fact | RowsFact, book: Rulebook) -> tuple[str, ...]:
    """The prefetch keys a fact reads, in a stable order."""
    if not isinstance(fact, RowsFact):
        return ()
    return ordered(_fact_keys(fact, book))


def _fact_keys(fact: RowsFact, book: Rulebook) -> Iterator[str]:
    if fact.origin in ("chart", "drafts-and-chart"):
        for kind in _types(fact):
            if kind == "Observation":
                yield from observation_keys(_observation_sets(fact), book)
            else:
                yield KEY_OF_TYPE[kind]
    yield from reason_keys(fact)


def _types(fact: RowsFact) -> tuple[str, ...]:
    """The resource types a fact reads; of a view those its arguments ask for."""
    if isinstance(fact, FindFact):
        return (fact.find,)
    assert isinstance(fact, ViewFact)
    view = VIEWS[fact.view]
    return tuple(kind for kind in view.reads if view.read_for.get(kind, "") in ("", *fact.arguments))


def reason_keys(fact: RowsFact) -> tuple[str, ...]:
    """The key of the conditions that a reason may point to, for a fact that tests reasons."""
    tested = "reason" in fact.where or "reason" in fact.unsure
    return (KEY_OF_TYPE["Condition"],) if tested else ()


def _observation_sets(fact: RowsFact) -> tuple[str, ...]:
    if isinstance(fact, FindFact):
        return fact.code_in or ()
    assert isinstance(fact, ViewFact)
    signature = VIEWS[fact.view]
    if signature.observation_arguments:
        named = (fact.arguments.get(name) for name in signature.observation_arguments)
        return tuple(part for value in named for part in _names(value))
    return signature.valuesets or fact.code_in or ()


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(part) for part in value) if isinstance(value, tuple) else ()


def observation_keys(sets: Iterable[str], book: Rulebook) -> Iterator[str]:
    """The observation keys that hold these value sets' codes."""
    for name in sets:
        yield f"{OBSERVATIONS}-{group_of(name, book)}"


def group_of(valueset: str, book: Rulebook) -> str:
    """The group an observation value set is prefetched in; its own id if it names none."""
    return book.terminology.valuesets[valueset].group or valueset


def ordered(keys: Iterable[str]) -> tuple[str, ...]:
    """Keys in the order of DESIGN 5, observations last and by name."""
    return tuple(sorted(set(keys), key=lambda key: (_rank(key), key)))


def _rank(key: str) -> int:
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def rule_keys(rule: Rule, book: Rulebook) -> tuple[str, ...]:
    """The keys a rule's own facts read (not those of the rules it consumes)."""
    return ordered(key for fact in rule.data.values() for key in fact_keys(fact, book))


def hook_keys(book: Rulebook, hook: str) -> tuple[str, ...]:
    """Every key the rules of a hook need, of those its context can ask for; the patient always."""
    keys = {key for rule in book.for_hook(hook) for key in rule_keys(rule, book)}
    can = hook_named(hook).tokens
    return ordered(key for key in {"patient", *keys} if can.issuperset(_TOKEN.findall(template(key, book))))


def templates(book: Rulebook, hook: str) -> dict[str, str]:
    """Prefetch templates of a hook's service, by key."""
    return {key: template(key, book) for key in hook_keys(book, hook)}


def template(key: str, book: Rulebook) -> str:
    """The FHIR read or search of one key."""
    if key.startswith(OBSERVATIONS + "-"):
        return _observation_search(key.removeprefix(OBSERVATIONS + "-"), book)
    kind = next(kind for kind, stem in KEY_OF_TYPE.items() if stem == key)
    return _READS.get(kind) or f"{kind}?patient={{{{context.patientId}}}}"


def group_sets(group: str, book: Rulebook) -> tuple[str, ...]:
    """The value sets whose observations a group holds: those that name it, else the one it is named after."""
    named = tuple(name for name, one in book.terminology.valuesets.items() if one.group == group)
    return named or (group,)


def _observation_search(group: str, book: Rulebook) -> str:
    sets = group_sets(group, book)
    codes = book.terminology.search_codes(sets)
    search = "Observation?patient={{context.patientId}}"
    return search + "&code=" + ",".join(codes) if codes else search
