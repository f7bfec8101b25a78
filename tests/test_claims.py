"""No fact of the reference gets lost: each is used by a rule, or is left out on purpose with a reason."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from cds_service.rulebook.load import load_rulebook

BOOK = Path(__file__).parents[1] / "rules" / "ketamine-trd"
NUMBERED = {"K": 35, "S": 27, "V": 12, "I": 10}
KNOWN = {f"{letter}{number:02d}" for letter, last in NUMBERED.items() for number in range(1, last + 1)}


def used() -> set[str]:
    rules = load_rulebook(BOOK).rules
    return {claim for rule in rules for evidence in rule.evidence for claim in evidence.claims}


def unused() -> dict[str, str]:
    found: dict[str, str] = YAML(typ="safe").load(BOOK / "claims.yaml")["unused"]
    return found


def test_every_claim_is_used_by_a_rule_or_left_out_with_a_reason() -> None:
    assert KNOWN - used() == set(unused())


def test_no_rule_names_a_claim_that_does_not_exist() -> None:
    assert used() <= KNOWN


def test_the_table_of_the_rulebook_knows_these_claims() -> None:
    assert YAML(typ="safe").load(BOOK / "claims.yaml")["known"] == NUMBERED


def test_every_reason_for_leaving_a_claim_out_is_a_sentence() -> None:
    assert all(len(reason.split()) > 5 for reason in unused().values())
