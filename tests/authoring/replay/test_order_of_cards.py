"""An edit that changes no card, but which of them is read first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from replay_example import (
    chart,
    commit_all,
    edit,
    fracture,
    impact,
    replayed,
    weight,
    write_call,
    write_chart,
)

BROKEN = "contraindications/broken-and-heavy.yaml"
SORE = "cautions/sore.yaml"


@pytest.fixture
def two_cards(home: Path) -> Path:
    """Two charts that show two critical cards each, a contraindication above a caution; committed."""
    rule = (home / "rules/small" / BROKEN).read_text()
    sore = rule.replace("rule: broken-and-heavy", "rule: sore").replace(
        "kind: contraindication", "kind: caution"
    )
    path = home / "rules/small" / SORE
    path.parent.mkdir(exist_ok=True)
    path.write_text(sore.replace("A heavy patient has", "A sore patient has").replace("On record", "Sore"))
    write_chart(home, "other", chart(fracture("c1"), weight("o1", 105, "2026-02-20")))
    commit_all(home)
    return home


@pytest.fixture
def turned(two_cards: Path) -> Path:
    """The caution made the weightier kind of the two."""
    edit(two_cards, SORE, "kind: caution", "kind: suicidality")
    return two_cards


def test_a_card_that_moved_above_another_is_a_difference(turned: Path) -> None:
    found = impact("--against", "HEAD")
    calls = ["other.patient-view", "toe.patient-view"]
    assert found["callsInAnotherOrder"] == calls
    assert found["rearranged"] == [{"rule": "sore", "nowAbove": {"broken-and-heavy": calls}, "nowBelow": {}}]
    assert (found["changes"], found["callsWithCardChanges"]) == ([], [])


def test_the_text_says_which_and_on_which_calls(turned: Path) -> None:
    text = replayed("--against", "HEAD")
    assert "2 calls replayed, cards change on 0, cards stand in another order on 2\n" in text
    assert text.endswith(
        "\ncards in another order\n  sore\n    now above broken-and-heavy (2)\n"
        "    on other.patient-view, toe.patient-view\n"
    )


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_committee_reads_it_too(turned: Path, form: str) -> None:
    text = re.sub(r"<[^>]*>|[`\\]", " ", replayed("--against", "HEAD", "--format", form))
    assert "ards in another order" in text
    assert re.search(
        r"sore\W+now above broken-and-heavy \(2\)\W+on other\.patient-view, toe\.patient-view", text
    )


def test_what_was_edited_is_named_as_what_moved(two_cards: Path) -> None:
    edit(two_cards, BROKEN, "kind: contraindication", "kind: monitoring")
    (moved,) = impact("--against", "HEAD")["rearranged"]
    assert moved["rule"] == "broken-and-heavy"
    assert list(moved["nowBelow"]) == ["sore"]


def test_a_kind_that_leaves_every_card_in_its_place_changes_nothing(two_cards: Path) -> None:
    edit(two_cards, SORE, "kind: caution", "kind: interaction")
    assert "nothing changes" in replayed("--against", "HEAD", code=0)


def test_a_card_that_is_gone_moved_past_nothing(two_cards: Path) -> None:
    edit(two_cards, BROKEN, "status: active", "status: draft")
    assert impact("--against", "HEAD")["rearranged"] == []


def test_an_approved_answer_in_another_order_is_not_as_approved(two_cards: Path) -> None:
    write_call(two_cards)
    replayed("--accept", code=0)
    edit(two_cards, SORE, "kind: caution", "kind: suicidality")
    assert "not as approved: cards in another order" in replayed()
