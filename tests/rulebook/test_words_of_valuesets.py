"""The words of the shipped value sets, held against how problems are really written."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from everyday import EVERYDAY, SAYS_NOTHING
from phrasings import MAY_BE

from cds_service.rulebook.load import load_rulebook
from cds_service.rulebook.words import Words


@cache
def words() -> Words:
    return load_rulebook(Path(__file__).parents[2] / "rules" / "ketamine-trd").terminology.words


@pytest.mark.parametrize("valueset", MAY_BE)
def test_every_way_to_write_it_may_be_it(valueset: str) -> None:
    read_as_clear = [text for text in MAY_BE[valueset] if valueset not in words().may_mean([text])]
    assert read_as_clear == []
    assert len(set(MAY_BE[valueset])) >= 8


def test_every_value_set_with_words_has_such_a_table() -> None:
    assert words().sets == MAY_BE.keys()


@pytest.mark.parametrize("text", EVERYDAY)
def test_an_everyday_problem_is_about_none_of_them(text: str) -> None:
    assert words().may_mean([text]) == frozenset()


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_what_says_nothing_or_cannot_be_read_may_be_any(text: str) -> None:
    assert words().may_mean([text]) == words().sets
