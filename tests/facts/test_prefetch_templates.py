"""Prefetch templates follow from the facts and stay in the subset the specification recommends (row P-10)."""

from __future__ import annotations

import re

import pytest
from chart_builder import book, fact

from cds_service.facts.prefetch import fact_keys, hook_keys, rule_keys, template, templates
from cds_service.rulebook.views import KEY_OF_TYPE

HOOKS = sorted(book().hooks)
KEYS = {key: template(key, book()) for hook in HOOKS for key in hook_keys(book(), hook)}
NAMES = (
    "patient encounter conditions allergies medication-requests medication-statements medication-dispenses "
    "medication-administrations procedures questionnaire-responses"
).split()
INSTANCE = re.compile(r"(Patient/\{\{context\.patientId\}\}|Encounter/\{\{context\.encounterId\}\})")
TOKEN = r"[^,|&=?\s{}]+"
SEARCH = re.compile(
    rf"[A-Z][A-Za-z]+\?patient=\{{\{{context\.patientId\}}\}}(&code={TOKEN}(\|{TOKEN})?(,{TOKEN}(\|{TOKEN})?)*)?"
)


@pytest.mark.parametrize("key", KEYS)
def test_a_template_is_an_instance_or_a_search_by_patient_and_code(key: str) -> None:
    assert INSTANCE.fullmatch(KEYS[key]) or SEARCH.fullmatch(KEYS[key])


@pytest.mark.parametrize(
    "word", ["_count", "_include", "_revinclude", "_sort", ":not", ":in", "context.userId"]
)
def test_no_template_caps_or_widens_its_answer(word: str) -> None:
    assert [key for key, made in KEYS.items() if word in made] == []


def test_the_names_of_keys_are_the_stable_ones() -> None:
    assert tuple(NAMES) == tuple(key for key in KEY_OF_TYPE.values() if key != "observations")
    for key in KEYS:
        assert key in NAMES or re.fullmatch(r"observations-[a-z][a-z0-9]*(-[a-z0-9]+)*", key)


def test_the_groups_of_observations_are_those_of_the_fixtures() -> None:
    assert {"observations-suicidality", "observations-depression-scores"} <= set(KEYS)


def test_each_key_asks_for_the_type_it_is_named_for() -> None:
    for key, made in KEYS.items():
        kind = next((kind for kind, stem in KEY_OF_TYPE.items() if stem == key), "Observation")
        assert made.startswith((f"{kind}?", f"{kind}/")), key


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_asks_for_the_patient_and_for_all_its_rules_need(hook: str) -> None:
    keys = hook_keys(book(), hook)
    assert keys[0] == "patient"
    assert len(set(keys)) == len(keys)
    needed = {key for rule in book().for_hook(hook) for key in rule_keys(rule, book())}
    assert set(keys) == {"patient", *needed}
    assert list(templates(book(), hook)) == list(keys)


def test_a_group_asks_for_the_codes_of_all_its_sets_in_one_search() -> None:
    made = template("observations-suicidality", book())
    for code in ("44260-8", "93249-1", "93250-9", "93267-3", "93269-9", "93374-7"):
        assert f"http://loinc.org|{code}" in made
    assert made.count("&code=") == 1


def test_a_group_with_texts_or_local_codes_still_asks_for_what_has_a_code() -> None:
    made = template("observations-depression-scores", book())
    assert "http://loinc.org|44261-6" in made
    assert "MADRS total score" not in made


def keys(data: dict[str, object]) -> tuple[str, ...]:
    return fact_keys(fact({"give": "exists", "record": "partial", **data}), book())


def test_a_fact_reads_the_keys_of_its_type_of_its_view_and_of_the_reasons_it_tests() -> None:
    assert keys({"find": "Condition"}) == ("conditions",)
    assert keys({"find": "MedicationRequest"}) == ("medication-requests",)
    reason = {"reason": {"in": "depression-or-suicidality-reason"}}
    assert keys({"find": "MedicationRequest", "where": reason}) == ("conditions", "medication-requests")
    assert keys({"find": "Observation", "code_in": ["phq9-total"]}) == ("observations-depression-scores",)
    assert keys({"view": "blood_pressure"}) == ("observations-blood-pressure",)
    assert keys({"view": "answers", "code_in": ["phq9-item-9"]}) == (
        "questionnaire-responses",
        "observations-suicidality",
    )


def test_a_view_reads_the_types_its_arguments_ask_for_and_no_more() -> None:
    given, done, handed = "medication-administrations", "procedures", "medication-dispenses"
    sessions = {"view": "treatment_sessions", "code_in": ["esketamine"]}
    assert keys(sessions) == (given,)
    assert keys(sessions | {"with": {"supplies": "esketamine"}}) == (handed, given)
    assert keys(sessions | {"with": {"procedures": "ketamine-treatment-procedure"}}) == (given, done)


def test_what_is_read_from_the_orders_of_the_call_needs_no_prefetch() -> None:
    for origin in ("drafts", "selections"):
        assert keys({"find": "MedicationRequest", "from": origin, "code_in": ["ketamine"]}) == ()
    both = keys({"find": "MedicationRequest", "from": "drafts-and-chart", "code_in": ["ketamine"]})
    assert both == ("medication-requests",)


def test_the_keys_of_a_rule_are_not_those_of_the_rules_it_consumes() -> None:
    own = rule_keys(book().by_id["caution-psychosis"], book())
    assert "medication-dispenses" not in own
    assert "medication-dispenses" in hook_keys(book(), "patient-view")
