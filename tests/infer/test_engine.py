"""Which engine serves, and what is said where one cannot."""

from __future__ import annotations

import sys

import pytest
from generated import flat

from cds_service.errors import UsageError
from cds_service.infer.engine import make_engine
from cds_service.infer.program import program_of
from cds_service.truth import FALSE, TRUE, UNKNOWN

PROGRAM = program_of([flat("r", {"all": ["a", "b"]})])


@pytest.fixture
def without_durable(monkeypatch):
    """As on Python 3.13, where the library's extension cannot be imported."""
    monkeypatch.delitem(sys.modules, "cds_service.infer.durable", raising=False)
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)


@pytest.fixture
def with_durable():
    pytest.importorskip("durable_rules_engine", exc_type=ImportError)


@pytest.mark.parametrize("name", [None, "direct"])
def test_direct_evaluation_serves_where_durable_does_not_load(without_durable, name):
    assert make_engine(PROGRAM, name).name == "direct"


def test_asking_for_durable_where_it_does_not_load_says_what_to_do(without_durable):
    with pytest.raises(UsageError, match=r"cannot be loaded.*CDS_ENGINE=direct"):
        make_engine(PROGRAM, "durable")


def test_an_engine_that_does_not_exist_is_refused_with_those_that_do(without_durable):
    with pytest.raises(UsageError, match=r"there is no engine 'durabel'.*did you mean 'durable'"):
        make_engine(PROGRAM, "durabel")


@pytest.mark.parametrize(
    ("name", "expected"), [(None, "durable"), ("durable", "durable"), ("direct", "direct")]
)
def test_durable_serves_where_it_loads_unless_direct_is_asked_for(with_durable, name, expected):
    engine = make_engine(PROGRAM, name)
    assert engine.name == expected
    engine.close()


@pytest.mark.parametrize("name", ["direct", "durable"])
def test_every_engine_gives_verdict_missing_and_states(request, name):
    if name == "durable":
        request.getfixturevalue("with_durable")
    engine = make_engine(PROGRAM, name)
    answer = engine.infer({"r": {"a": TRUE, "b": UNKNOWN}})["r"]
    assert (answer.rule, answer.verdict, answer.missing) == ("r", UNKNOWN, ("b",))
    assert answer.states == {"a": TRUE, "b": UNKNOWN}
    assert engine.infer({"r": {"a": FALSE, "b": UNKNOWN}})["r"].missing == ()
    engine.close()


def test_an_empty_program_concludes_nothing(with_durable):
    engine = make_engine(program_of([]))
    assert engine.infer({}) == {}
    engine.close()
