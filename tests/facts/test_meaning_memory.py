"""What codes mean is remembered between calls, within a bound whatever the calls hold."""

from __future__ import annotations

from pathlib import Path

from cds_service.facts import meaning
from cds_service.facts.fhir import CodeableConcept, Coding
from cds_service.facts.meaning import Meanings
from cds_service.rulebook.load import load_rulebook

ROOT = Path(__file__).parents[2]


def test_memory_is_emptied_when_calls_with_news_add_up_to_the_bound() -> None:
    meanings = Meanings(load_rulebook(ROOT / "rules" / "ketamine-trd").terminology)
    size = meaning._HELD_AT_MOST // 4
    for number in range(6):
        meanings.of(CodeableConcept((Coding("http://snomed.info/sct", str(number)),), "x" * 10))
        meanings.settle(size)
    assert meanings._concepts.cache_info().currsize < 6


def test_calls_without_news_keep_what_is_remembered() -> None:
    meanings = Meanings(load_rulebook(ROOT / "rules" / "ketamine-trd").terminology)
    concept = CodeableConcept((Coding("http://snomed.info/sct", "1"),))
    for _ in range(10):
        meanings.of(concept)
        meanings.settle(meaning._HELD_AT_MOST // 2)
    assert meanings._concepts.cache_info().hits == 9
