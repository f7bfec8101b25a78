"""Any valid rule, written to a file and loaded, is the same rule; any scramble is told, never a crash."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from small_rulebook import FILES, RULE, SETS, Builder, valueset

from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import parse_yaml

FACTS: dict[str, dict[str, Any]] = {
    "age": {"ask": "How old is the patient?", "find": "Patient", "give": "age"},
    "illness": {
        "ask": "Is the illness on the list?",
        "find": "Condition",
        "code_in": ["illness", "score"],
        "where": {"clinicalStatus": {"not": ["resolved"]}, "code": {"in": "illness"}},
        "within": "3 months [2]",
        "give": "exists",
        "record": "partial",
    },
    "visits": {
        "ask": "How many visits were there?",
        "find": "Encounter",
        "give": "count",
        "record": "complete",
        "because": "Every visit is recorded here.",
    },
    "last": {"ask": "When was the last visit?", "find": "Encounter", "give": "latest date"},
    "bp": {"ask": "What is the pressure?", "view": "blood_pressure", "give": "latest reading"},
    "other": {"ask": "Does the other rule hold?", "conclusion": "other-rule"},
}
CRITERIA = st.one_of(
    st.sampled_from(["illness", "other", "visits > 0", "last <= 4 weeks [2]"]),
    st.integers(1, 120).map(lambda number: f"age >= {number} [1]"),
    st.integers(2, 9).map(lambda number: f"visits == {number} [2] [1]"),
    st.integers(50, 250).map(lambda number: f"bp.systolic > {number}.5 [1]"),
)
LOGIC = st.recursive(
    CRITERIA,
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(part, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        st.lists(part, min_size=1, max_size=3),
        part.map(lambda one: {"not": one}),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: {"at_least": {"n": 2, "of": parts}}),
    ),
    max_leaves=10,
)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], exclude_characters="{}[]"))
PLACEHOLDERS = st.sampled_from(
    ["", "{age}", "{illness.display}", "{bp.systolic}", "{last}", "{missing_count}", "[1]"]
)
TEXTS = st.tuples(WORDS, PLACEHOLDERS).map(lambda both: f"x{both[0][:40]} {both[1]}")
CARDS = st.fixed_dictionaries(
    {"indicator": st.just("info"), "summary": TEXTS, "source": st.sampled_from([1, 2])},
    optional={
        "detail": st.one_of(
            TEXTS, st.lists(st.fixed_dictionaries({"text": TEXTS, "only_if": LOGIC}), max_size=2)
        ),
        "only_if": LOGIC,
        "hide_if": LOGIC,
        "hooks": st.just(["order-sign"]),
        "merge": st.just("before-start"),
        "override_reasons": st.just(["remeasured-lower"]),
    },
)
OUTCOMES = st.one_of(st.just("silent"), CARDS, st.lists(CARDS, min_size=1, max_size=2))


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """A valid rule as data; every fact is used, since each stands in the first part of its logic."""
    use = ["age >= 18 [1]", "illness", "visits >= 1", "last < 7 days [2]", "bp.diastolic > 90 [1]", "other"]
    return {
        "rule": "raised-pressure",
        "title": "Title: " + draw(WORDS)[:60] + " end",
        "version": draw(st.from_regex(r"[0-9]{1,2}\.[0-9]\.[0-9]", fullmatch=True)),
        "status": draw(st.sampled_from(["draft", "shadow", "active"])),
        "kind": draw(st.sampled_from(["caution", "data-gap", "dose-check"])),
        "about": {
            "purpose": draw(TEXTS),
            "population": draw(TEXTS),
            "owner": "a@b.c",
            "reviewed": "2026-11-16",
        },
        "evidence": [
            {
                "source": number,
                "claim": draw(TEXTS),
                "direction": "for",
                "strength": "consensus",
                "certainty": "low",
            }
            for number in (1, 2)
        ],
        "hooks": ["patient-view", "order-sign"],
        "data": FACTS,
        "logic": {"all": [{"any": use}, draw(LOGIC)]},
        "cards": {when: draw(OUTCOMES) for when in ("when_true", "when_unknown", "when_false")},
    }


def _book(folder: str, rule: str) -> Builder:
    builder = Builder(Path(folder) / "small")
    for name, text in FILES.items():
        builder.write(name, text)
    for name in SETS:
        builder.write(f"valuesets/{name}.yaml", valueset(name))
    builder.write("cautions/raised-pressure.yaml", rule)
    return builder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules())
def test_a_valid_rule_survives_writing_and_loading(data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = _book(folder, json.dumps(data, ensure_ascii=False, indent=1))
        assert [str(problem) for problem in book.problems()] == []
        assert book.load().by_id["raised-pressure"] == Rule.model_validate(data)


@settings(max_examples=60, deadline=None)
@given(rules())
def test_the_strict_reader_agrees_with_a_yaml_writer(data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        with path.open("w", encoding="utf-8") as file:
            writer = YAML()
            writer.representer.ignore_aliases = lambda _value: True
            writer.dump(data, file)
        read = parse_yaml(path.read_text(encoding="utf-8"), "x.yaml")
    assert read.problems == () and read.data == data


LINES = RULE.splitlines(keepends=True)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_rule_with_lines_lost_doubled_or_scrambled_is_told_never_a_crash(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "indent", "cut", "swap"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "indent":
                lines[at] = "  " + lines[at]
            case "cut":
                lines[at] = lines[at][: len(lines[at]) // 2] + "\n"
            case _:
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
    with tempfile.TemporaryDirectory() as folder:
        book = _book(folder, "".join(lines))
        for problem in book.problems():
            assert problem.message and problem.code.count("/") == 1
            assert Path(problem.place.file).is_relative_to(folder)
            assert problem.place.line > 0 and problem.place.column > 0
