"""Everything that can be wrong between files: one small function per check, all of them run every time.

A check of a rule gets the rule and the shelf, a check of the book only the shelf; each yields problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cds_service.errors import Problem
from cds_service.rulebook.checks import (
    arguments,
    cards,
    criteria,
    derived,
    evidence,
    facts,
    identity,
    shared,
    suggestions,
    templates,
    unwritten,
)
from cds_service.rulebook.order import cycles
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.shelf import Shelf

RULE_CHECKS: tuple[Callable[[Parsed[Rule], Shelf], Iterator[Problem]], ...] = (
    identity.conclusion_is_known,
    identity.conclusion_is_not_retired,
    identity.conclusion_is_not_a_draft,
    identity.conclusions_are_few,
    identity.hooks_are_known,
    facts.source_is_known,
    facts.codes_are_named,
    facts.codes_are_known,
    facts.dates_are_known,
    facts.conditions_fit,
    facts.give_fits,
    facts.silence_is_decided,
    facts.facts_are_used,
    arguments.arguments_fit,
    arguments.view_has_its_valuesets,
    derived.used_facts_are_known,
    derived.facts_have_an_order,
    derived.operands_are_numbers,
    derived.calculations_can_be_done,
    derived.anchors_are_dates,
    derived.arguments_give_what_is_needed,
    criteria.facts_are_defined,
    criteria.comparison_fits,
    criteria.unit_fits,
    criteria.count_is_possible,
    criteria.logic_is_small,
    evidence.sources_are_known,
    evidence.citations_have_claims,
    evidence.claims_are_known,
    evidence.numbers_cite,
    cards.placeholders_are_known,
    cards.summary_is_short,
    cards.override_reasons_are_given,
    cards.override_reasons_are_known,
    cards.templates_are_known,
    suggestions.facts_give_rows,
    suggestions.actions_are_whole,
    suggestions.drafts_are_changed,
    suggestions.paths_are_sound,
    suggestions.paths_do_not_meet,
    suggestions.values_are_known,
    suggestions.changed_orders_are_fhir,
    cards.merge_group_is_known,
    cards.card_can_appear,
    unwritten.served_rules_are_written,
)
BOOK_CHECKS: tuple[Callable[[Shelf], Iterator[Problem]], ...] = (
    identity.ids_are_unique,
    identity.titles_are_unique,
    shared.table_rows_are_complete,
    shared.table_sources_are_known,
    shared.could_not_check_fits,
    shared.wording_is_used,
    templates.templates_are_fhir,
)


def check(shelf: Shelf) -> Iterator[Problem]:
    """Every problem between the files of a rulebook."""
    for parsed in shelf.rules:
        for one in RULE_CHECKS:
            yield from one(parsed, shelf)
    for book_check in BOOK_CHECKS:
        yield from book_check(shelf)
    yield from cycles(shelf.rules)
