"""Eight cards at most: many rules true at once become few cards, and nothing but info is lost on the way."""

from __future__ import annotations

import pytest
from card_example import body, book, card, cards, decided, rule, rules_of
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.arrange import MOST
from cds_service.cards.cardbook import CardBook

CAUTIONS = [f"caution-{at}" for at in range(7)]
AGAINST = ["against-a", "against-b"]


def fifteen() -> CardBook:
    """Two criticals and four infos alone, seven cautions in one group, two more infos in another."""
    merged = {"indicator": "warning", "merge": "group", "override_reasons": ["seen"]}
    return book(
        *(rule(f"note-{at}", card(summary=f"Note {at}"), kind="monitoring") for at in range(4)),
        *(
            rule(name, card(summary=f"Mind {name}", source=at % 3 + 1) | merged)
            for at, name in enumerate(CAUTIONS)
        ),
        rule("late-a", card(merge="second"), kind="treatment"),
        rule("late-b", card(merge="second"), kind="treatment"),
        *(rule(name, card(indicator="critical"), kind="contraindication") for name in AGAINST),
    )


def test_fifteen_true_rules_become_eight_cards_and_every_rule_is_on_one():
    held = fifteen()
    shown = cards(held)
    assert len(held.rulebook.rules) == 15
    assert [(each["indicator"], rules_of(each)) for each in shown] == [
        ("critical", ["against-a"]),
        ("critical", ["against-b"]),
        ("warning", CAUTIONS),
        ("info", ["late-a", "late-b"]),
        *(("info", [f"note-{at}"]) for at in range(4)),
    ]
    assert len(shown) == MOST
    assert all(each["card"] for each in decided(held)["verdicts"])


def test_related_cautions_are_one_card_that_lists_each_with_its_source():
    merged = cards(fifteen())[2]
    assert merged["summary"] == "Before you start: 7 things"
    assert body(merged).split("\n") == [
        f"- **Mind {name}** [{at % 3 + 1}]" for at, name in enumerate(CAUTIONS)
    ]
    assert all(f"[{number}] " in merged["detail"].partition("Sources: ")[2] for number in (1, 2, 3))


def test_with_more_info_the_last_notes_give_way_and_are_reported_as_not_shown():
    held = fifteen()
    more = book(
        *held.rulebook.rules, *(rule(f"late-note-{at}", card(), kind="definition") for at in range(3))
    )
    assert [rules_of(each) for each in cards(more)] == [rules_of(each) for each in cards(held)]
    assert [each["rule"] for each in decided(more)["verdicts"] if not each["card"]] == [
        f"late-note-{at}" for at in range(3)
    ]


@pytest.mark.parametrize("tone", ["critical", "warning"])
def test_nine_cards_that_matter_are_all_shown_and_no_info(tone):
    held = book(
        *(rule(f"info-{at}", card()) for at in range(3)),
        *(rule(f"firm-{at}", card(indicator=tone)) for at in range(9)),
    )
    assert [rules_of(each)[0] for each in cards(held)] == [f"firm-{at}" for at in range(9)]


drawn = st.lists(
    st.tuples(st.sampled_from(["critical", "warning", "info"]), st.sampled_from([None, "group", "second"])),
    min_size=15,
    max_size=25,
)


@given(drawn)
def test_no_warning_or_critical_is_ever_lost_and_only_whole_info_cards_give_way(given_cards):
    held = book(
        *(
            rule(f"r{at}", card(indicator=tone) | ({"merge": group} if group else {}))
            for at, (tone, group) in enumerate(given_cards)
        )
    )
    shown = cards(held)
    on_cards = [name for each in shown for name in rules_of(each)]
    assert len(on_cards) == len(set(on_cards))
    firm = {f"r{at}" for at, (tone, _) in enumerate(given_cards) if tone != "info"}
    assert firm <= set(on_cards)
    infos = [each for each in shown if each["indicator"] == "info"]
    assert len(shown) <= MOST or not infos
    merged = {group for _, group in given_cards if group}
    alone = sum(group is None for _, group in given_cards)
    assert len(shown) == MOST or len(shown) > MOST or len(shown) == len(merged) + alone
