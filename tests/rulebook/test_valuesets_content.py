"""The shipped value sets and tables: every code has a source, each set holds what its rules mean by it."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
from shipped_terminology import (
    BOOK,
    CODES_CSV,
    DRUGS,
    ICD,
    LOINC,
    MEMBERS,
    NAMELESS,
    NO,
    SETS,
    SNOMED,
    TABLES,
    TERMINOLOGY,
    UNVERIFIED,
    WORKING,
    YES,
    codes,
    holds,
    lacks,
    needs_working_lists,
    spelled,
)

from cds_service.rulebook.files import Code, Prefix
from cds_service.rulebook.terminology import SYSTEMS, Coded


def test_file_names_are_ids_and_every_set_says_who_owns_it() -> None:
    for folder, found in (("valuesets", SETS), ("tables", TABLES)):
        assert {path.stem for path in (BOOK / folder).glob("*.yaml")} == set(found)
        assert all(one.owner.endswith("@example.org") for one in found.values())


def test_every_member_has_a_display_and_says_where_it_was_checked() -> None:
    assert [(name, spelled(one)) for name, one in MEMBERS if not (one.display and one.checked)] == []


def _has_a_source(member: Code | Prefix) -> bool:
    if member.system in NAMELESS or member.checked.startswith(UNVERIFIED):
        return True
    if isinstance(member, Prefix) or member.system == "icd-10-cm":
        # What lies outside the working list was compared with the whole table of the named package.
        return "simple-icd-10-cm" in member.checked or _in_working_list(member)
    if member.system == "rxnorm":
        return member.code in DRUGS.entries
    return _in_working_list(member)


def _in_working_list(member: Code | Prefix) -> bool:
    return isinstance(member, Code) and (SYSTEMS[member.system], member.code) in WORKING


@needs_working_lists
def test_every_code_is_in_the_working_list_or_marked_as_not_verified() -> None:
    assert [(name, spelled(one)) for name, one in MEMBERS if not _has_a_source(one)] == []


def _rightly_displayed(member: Code | Prefix) -> bool:
    if isinstance(member, Prefix) or member.system in NAMELESS:
        return True
    if member.system == "rxnorm":
        return member.display == DRUGS.entries[member.code].name
    official = WORKING.get((SYSTEMS[member.system], member.code), set())
    if member.system == "snomed":
        plain = {display.rpartition(" (")[0].casefold() for display in official}
        return member.display.casefold() not in plain
    return member.display in official or not official or "FHIR R4" in member.checked


@needs_working_lists
def test_displays_are_the_sources_own_but_for_snomed_never() -> None:
    assert [(name, spelled(one)) for name, one in MEMBERS if not _rightly_displayed(one)] == []


def test_every_drug_named_by_a_value_set_is_in_the_drug_table() -> None:
    named = {
        member.code
        for one in SETS.values()
        for member in (*one.include, *one.exclude)
        if isinstance(member, Code) and member.system == "rxnorm"
    }
    assert named <= set(DRUGS.entries)


def test_current_major_depression_leaves_out_every_remission() -> None:
    assert holds("mdd-active", ICD, *"F32.0 F32.1 F32.2 F32.3 F32.9 F33.0 F33.1 F33.2 F33.3 F33.9".split())
    assert lacks(
        "mdd-active", ICD, *"F32.4 F32.5 F32.A F32.81 F32.89 F33.40 F33.41 F33.42 F33.8 F34.1".split()
    )
    assert holds("mdd-active", SNOMED, "370143000") and lacks("mdd-active", SNOMED, "35489007")
    assert len(codes("mdd-active")) == 65


def test_perhaps_depressed_is_apart_from_depressed_and_any_is_both() -> None:
    assert holds("mdd-uncertain", ICD, "F32.A", "F32.4", "F33.41")
    assert holds("mdd-uncertain", SNOMED, "35489007")
    assert not codes("mdd-active") & codes("mdd-uncertain")
    assert codes("mdd-any") == codes("mdd-active") | codes("mdd-uncertain")


def test_full_remission_is_in_no_diagnosis_set() -> None:
    for code in ("F32.5", "F33.40", "F33.42"):
        assert TERMINOLOGY.sets_of(ICD, code) == {"depression-or-suicidality-reason"}


def test_bipolar_and_mania_share_no_icd_code() -> None:
    assert TERMINOLOGY.sets_of(ICD, "F30.2") == {"mania"}
    assert "bipolar" in TERMINOLOGY.sets_of(ICD, "F31.4") and lacks("mania", ICD, "F31.4")
    assert holds("bipolar", SNOMED, "13746004")


def test_reasons_are_depressive_or_suicidal_not_manic() -> None:
    name = "depression-or-suicidality-reason"
    assert holds(name, ICD, "F32.A", "F33.42", "F34.1", "F31.4", "F31.9", "R45.851", "T14.91XA", "X78.1XXD")
    assert lacks(name, ICD, "F31.2", "F30.2", "F31.0", "F20.9", "R52", "G89.4", "S06.0X0A")
    assert holds(name, SNOMED, "370143000", "35489007", "6471006", "82313006", "191627008")
    assert lacks(name, SNOMED, "68569003")
    for part in ("mdd-active", "mdd-uncertain", "suicidal-ideation"):
        assert codes(part) <= {*codes(name), *((one.system, one.code) for one in _reached(part, name))}


def _reached(part: str, name: str) -> list[Code]:
    """The members of a set that another one reaches by prefix."""
    members = [one for one in SETS[part].include if isinstance(one, Code)]
    return [one for one in members if holds(name, SYSTEMS[one.system], one.code)]


def test_aneurysms_are_told_from_those_of_the_heart() -> None:
    assert holds("aneurysm", ICD, "I71.4", "I7143", "I71.00", "I72.9", "I67.1", "I79.0", "I71.30")
    assert lacks("aneurysm", ICD, "I67.10", "I60.9", "I25.3", "I25.41", "I77.0")
    assert holds("aneurysm", SNOMED, "128609009", "233985008", "67362008")
    assert TERMINOLOGY.sets_of(ICD, "I25.41") == {"coronary-or-heart-aneurysm", "cardio-cerebrovascular"}
    assert TERMINOLOGY.sets_of(SNOMED, "73067008") == {"aneurysm-ruptured"}


def test_an_attempt_is_no_sequela_no_history_and_no_accident() -> None:
    name = "suicide-attempt"
    assert holds(name, ICD, "T14.91XA", "T1491XD", "X83.8XXA", "X72.XXXD", "T43.012A", "T58.02XA", "T71.162A")
    assert lacks(name, ICD, "T14.91XS", "X83.8XXS", "X72.XXXS", "T43.012S", "T58.02XS", "T71.162S")
    assert lacks(name, ICD, "T43.011A", "T43.2", "T58.01XA", "Z91.51", "R45.851", "R45.88", "X84", "X70.XXXA")


@needs_working_lists
def test_every_attempt_code_of_the_working_list_is_held_unless_a_sequela() -> None:
    with CODES_CSV.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["valueset"] == "suicide-attempt"]
    assert len(rows) > 130
    for row in rows:
        held = "suicide-attempt" in TERMINOLOGY.sets_of(row["system"], row["code"])
        assert held is not row["code"].endswith("S"), row["code"]


def test_observation_sets_are_grouped_for_prefetch() -> None:
    groups = defaultdict(set)
    for name, one in SETS.items():
        if one.group:
            groups[one.group].add(name)
    assert groups["depression-scores"] == {"phq9-total", "madrs-total", "phq9-panel"}
    assert groups["blood-pressure"] == {f"{kind}-blood-pressure" for kind in ("systolic", "diastolic")} | {
        "blood-pressure-panel"
    }
    assert groups["body-weight"] == {"body-weight"}
    assert len(groups["suicidality"]) == 7
    assert groups["pregnancy"] == {"pregnancy-test", "pregnancy-test-quantitative", "pregnancy-status"}
    assert set(groups) == {"depression-scores", "blood-pressure", "body-weight", "suicidality", "pregnancy"}


@pytest.mark.parametrize(
    ("group", "wanted"),
    [
        ("depression-scores", {"44261-6", "44249-1"}),
        ("suicidality", {"44260-8", "44249-1", "93373-9", "93245-9", "93250-9"}),
        ("pregnancy", {"82810-3", "2112-1", "2106-3", "21198-7"}),
    ],
)
def test_a_group_is_searched_by_its_questions_and_their_panels(group: str, wanted: set[str]) -> None:
    found = TERMINOLOGY.search_codes(name for name, one in SETS.items() if one.group == group)
    assert {f"{LOINC}|{code}" for code in wanted} <= set(found)


@pytest.mark.parametrize(
    ("system", "code", "sets"),
    [
        (LOINC, "LA33-6", YES),
        ("boolean", "true", YES),
        ("text", "YES", YES),
        (LOINC, "LA32-8", NO),
        ("boolean", "false", NO),
        ("text", "No", NO),
        ("text", "High risk", {"suicide-risk-high-answers"}),
        ("http://hospital.example/risk", "HIGH", {"suicide-risk-high-answers"}),
        ("text", "low", {"suicide-risk-lower-answers"}),
        ("text", "madrs", {"madrs-total"}),
        ("http://hospital.example/scales", "madrs-total", {"madrs-total"}),
        ("text", "not high", set()),
    ],
)
def test_answers_are_understood_by_code_and_by_whole_text(system: str, code: str, sets: set[str]) -> None:
    assert TERMINOLOGY.sets_of(system, code) == sets


def test_opposite_answers_share_nothing() -> None:
    assert not codes("affirmative-answers") & codes("negative-answers")
    assert not codes("suicide-risk-high-answers") & codes("suicide-risk-lower-answers")


def test_the_dose_table_has_a_row_for_every_antidepressant_and_for_nothing_else() -> None:
    rows = TABLES["antidepressant-minimum-dose"].rows
    wanted = {one.code for one in SETS["antidepressant"].include if isinstance(one, Code)}
    products = set(rows) - wanted
    assert wanted <= set(rows)
    for code in products:
        assert "antidepressant" in TERMINOLOGY.sets_of(SYSTEMS["rxnorm"], code)
        assert DRUGS.entries[code].is_product


def test_dose_rows_are_named_after_the_drug_and_no_strict_dose_is_below_the_minimum() -> None:
    table = TABLES["antidepressant-minimum-dose"]
    assert (table.unit, table.columns) == ("mg/d", ("minimum", "strict"))
    for code, row in table.rows.items():
        assert row.name == DRUGS.entries[code].name
        assert row.source == 14 and row.note
        minimum, strict = row.values["minimum"], row.values["strict"]
        assert not isinstance(minimum, str) and not isinstance(strict, str)
        assert 0 < minimum <= strict


def test_every_antidepressant_has_a_greatest_dose_that_leaves_room_above_the_strict_one() -> None:
    least, table = TABLES["antidepressant-minimum-dose"], TABLES["antidepressant-greatest-dose"]
    wanted = {one.code for one in SETS["antidepressant"].include if isinstance(one, Code)}
    assert (table.unit, table.columns) == ("mg/d", ("most",))
    assert wanted <= set(table.rows)
    for code, row in table.rows.items():
        assert row.name == DRUGS.entries[code].name
        assert row.source == 13 and row.note
        assert float(row.values["most"]) > float(least.rows[code].values["strict"])


@pytest.mark.parametrize(
    ("product", "a_day", "reaches"),
    [
        ("313995", 1 / 7, True),  # fluoxetine weekly
        ("1738803", 1, False),  # paroxetine CR 12.5 mg
        ("1738805", 1, True),  # paroxetine CR 25 mg
        ("2611260", 1, False),  # dextromethorphan-bupropion once a day
        ("2611266", 2, True),
        ("993550", 1, True),  # bupropion hydrobromide 174 mg
    ],
)
def test_products_reach_their_own_minimum(product: str, a_day: float, reaches: bool) -> None:
    rows = TABLES["antidepressant-minimum-dose"].rows
    drug = TERMINOLOGY.drug([Coded(SYSTEMS["rxnorm"], product)])
    (ingredient,) = (one for one in drug.ingredients if one.rxcui in rows)
    row = rows.get(product) or rows[ingredient.rxcui]
    assert ingredient.strength is not None
    assert (ingredient.strength * a_day >= float(row.values["minimum"])) is reaches


def test_a_patch_of_a_quarter_milligram_an_hour_reaches_the_minimum() -> None:
    (patch,) = TERMINOLOGY.drug([Coded(SYSTEMS["rxnorm"], "865206")]).ingredients
    assert patch.strength is not None and patch.unit == "MG/HR"
    minimum = TABLES["antidepressant-minimum-dose"].rows["9639"].values["minimum"]
    assert patch.strength * 24 == minimum


def test_an_enantiomer_counts_as_its_racemate_and_a_metabolite_as_itself() -> None:
    rows = TABLES["antidepressant-same-drug"].rows
    assert {code: row.values["counts_as"] for code, row in rows.items()} == {"321988": "2556"}


def test_phq9_answers_score_the_same_by_code_and_by_text() -> None:
    rows = TABLES["phq9-answer-scores"].rows
    by_name = defaultdict(list)
    for row in rows.values():
        by_name[row.name].append(row.values["score"])
    assert sorted(map(tuple, by_name.values())) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert rows["LA6568-5"].values["score"] == 0 and rows["LA6571-9"].values["score"] == 3
    assert all(key == key.lower() for key in rows if not key.startswith("LA"))
