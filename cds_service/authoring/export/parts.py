"""The other resources of an export: ValueSets, the Library of sources, and the Bundle of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from fhir.resources.R4B.bundle import Bundle

from cds_service.authoring.export.plan import plan_definition
from cds_service.authoring.export.terms import (
    COLLECTION,
    Json,
    canonical,
    extension,
    iso,
    kept,
    system_url,
)
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.files import Code, Member, Prefix, Source, ValueSetFile


def export_bundle(book: Rulebook) -> Json:
    """The rulebook as one Bundle (collection): its Library, a PlanDefinition per rule, its ValueSets.

    Checked with the R4B models; what they refuse is a mistake of ours and raises pydantic's ValidationError.
    """
    resources = [
        library(book),
        *(plan_definition(rule, book) for rule in sorted(book.rules, key=lambda one: one.rule)),
        *(value_set(one, book) for _, one in sorted(book.terminology.valuesets.items())),
    ]
    entries = [{"fullUrl": one["url"], "resource": one} for one in resources]
    bundle: Json = {"resourceType": "Bundle", "id": book.id, "type": "collection", "entry": entries}
    Bundle.model_validate(bundle)
    return bundle


# --- value sets ----------------------------------------------------------------------------------


def value_set(one: ValueSetFile, book: Rulebook) -> Json:
    """A value set. Codes are concepts; "every code that begins so" is a filter by regular expression."""
    compose = {"include": list(_parts(one.include)), "exclude": list(_parts(one.exclude))}
    return kept(
        {
            "resourceType": "ValueSet",
            "id": one.valueset,
            "extension": [extension("word", "String", word) for word in one.words],
            "url": canonical("ValueSet", book.id, one.valueset),
            "version": book.about.version,
            "title": one.title,
            "status": "active",
            "publisher": one.owner,
            "description": one.note.strip(),
            "compose": kept(compose),
        }
    )


def _parts(members: Iterable[Member]) -> Iterator[Json]:
    """One part per run of codes of one system, and one per filter: FHIR forbids both in one."""
    for (system, coded), run in groupby(members, key=lambda one: (one.system, isinstance(one, Code))):
        held = list(run)
        if coded:
            concepts = [_concept(one) for one in held if isinstance(one, Code)]
            yield {"system": system_url(system), "concept": concepts}
        else:
            yield from (_filtered(one) for one in held if isinstance(one, Prefix))


def _concept(code: Code) -> Json:
    checked = [extension("checked", "String", code.checked)] if code.checked else []
    return kept({"extension": checked, "code": code.code, "display": code.display})


def _filtered(prefix: Prefix) -> Json:
    return {
        "extension": [extension("starts-with", "String", prefix.starts_with)],
        "system": system_url(prefix.system),
        "filter": [{"property": "code", "op": "regex", "value": pattern(prefix.starts_with)}],
    }


def pattern(starts_with: str) -> str:
    """The expression of a prefix: the dot may be left out, `?` is any one character."""
    signs = {".": r"\.?", "?": "."}
    return "".join(signs.get(sign, sign) for sign in starts_with) + ".*"


# --- sources -------------------------------------------------------------------------------------


def library(book: Rulebook) -> Json:
    """The rulebook itself: what it is, and every numbered source."""
    return kept(
        {
            "resourceType": "Library",
            "id": book.id,
            "extension": [extension("digest", "String", book.digest)],
            "url": canonical("Library", book.id, book.id),
            "version": book.about.version,
            "title": book.about.title,
            "status": "active",
            "type": {"coding": [COLLECTION]},
            "publisher": book.about.publisher,
            "description": book.about.description.strip(),
            "usage": book.about.usage.strip(),
            "relatedArtifact": [_source(number, one) for number, one in sorted(book.sources.items())],
        }
    )


def _source(number: int, source: Source) -> Json:
    said = [extension("source-kind", "Code", source.kind), extension("listed", "Code", source.listed)]
    said += [extension("confidence", "String", source.confidence)] if source.confidence else []
    said += [extension("checked-on", "Date", iso(source.checked))] if source.checked else []
    return kept(
        {
            "extension": said,
            "type": "citation",
            "label": str(number),
            "display": source.short,
            "citation": source.cite,
            "url": source.url,
        }
    )
