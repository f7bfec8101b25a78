"""The shipped value sets and tables: every code has a source, each set holds what its rules mean by it."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cds_service.rulebook.drugs import DrugTable
from cds_service.rulebook.files import Code, Prefix, TableFile, ValueSetFile
from cds_service.rulebook.terminology import SYSTEMS, Coded, Terminology

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "rules" / "ketamine-trd"
CODES_CSV = Path("/work/shared/terminology/codes.csv")
ICD, SNOMED, LOINC = (SYSTEMS[name] for name in ("icd-10-cm", "snomed", "loinc"))
NAMELESS = ("text", "local", "boolean")
UNVERIFIED = ("recalled", "local policy")
YES = {"affirmative-answers", "pregnancy-status-positive-answers"}
NO = {"negative-answers", "pregnancy-status-negative-answers"}

yaml = YAML(typ="safe")
SETS = {
    one.valueset: one
    for one in (ValueSetFile.model_validate(yaml.load(path)) for path in (BOOK / "valuesets").glob("*.yaml"))
}
TABLES = {
    one.table: one
    for one in (TableFile.model_validate(yaml.load(path)) for path in (BOOK / "tables").glob("*.yaml"))
}
DRUGS = DrugTable.read(ROOT / "rules" / "terminology" / "rxnorm.csv")
TERMINOLOGY = Terminology.build(SETS, DRUGS)
MEMBERS = [(name, member) for name, one in sorted(SETS.items()) for member in (*one.include, *one.exclude)]

needs_working_lists = pytest.mark.skipif(not CODES_CSV.is_file(), reason="the working lists are not here")


def working_codes() -> dict[tuple[str, str], set[str]]:
    """Displays by system and code of the working list."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    with CODES_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["system"], row["code"]].add(row["display"])
    return found


WORKING = working_codes() if CODES_CSV.is_file() else {}


def codes(name: str) -> set[tuple[str, str]]:
    return {(one.system, one.code) for one in SETS[name].include if isinstance(one, Code)}


def holds(name: str, system: str, *wanted: str) -> bool:
    return all(name in TERMINOLOGY.sets_of(system, code) for code in wanted)


def lacks(name: str, system: str, *unwanted: str) -> bool:
    return all(name not in TERMINOLOGY.sets_of(system, code) for code in unwanted)


def test_file_names_are_ids_and_every_set_says_who_owns_it() -> None:
    for folder, found in (("valuesets", SETS), ("tables", TABLES)):
        assert {path.stem for path in (BOOK / folder).glob("*.yaml")} == set(found)
        assert all(one.owner.endswith("@example.org") for one in found.values())


def spelled(member: Code | Prefix) -> str:
    return member.code if isinstance(member, Code) else member.starts_with


def test_every_member_has_a_display_and_says_where_it_was_checked() -> None:
    assert [(name, spelled(one)) for name, one in MEMBERS if not (one.display and one.checked)] == []


def _has_a_source(member: Code | Prefix) -> bool:
    if member.system in NAMELESS or member.checked.startswith(UNVERIFIED):
        return True
    if isinstance(member, Prefix):
        # What lies outside the working list was compared with the whole table of the named package.
        return "simple-icd-10-cm" in member.checked
    if member.system == "rxnorm":
        return member.code in DRUGS.entries
    return (SYSTEMS[member.system], member.code) in WORKING


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


@pytest.mark.parametrize(
    ("name", "held", "not_held", "snomed"),
    [
        ("avm", "Q28.2 Q28.0 Q27.30 Q2739 Q25.72", "Q28.3 Q27.4 I77.0 K55.21", "234142008 277299009"),
        ("avm-review", "Q28.3 Q28.1 I77.0 I28.0", "Q28.2 I77.1 Q28.9", "234143007"),
        ("ich", "I61.0 I61.9 I615", "I60.9 I62.9 I63.9 I69.10 S06.340A", "274100004 449020009 75038005"),
        ("ich-sequela", "I69.10 I69.198 I69120", "I69.00 I69.20 I69.30", ""),
        (
            "sah-and-other-intracranial-hemorrhage",
            "I60.9 I62.00 I62.9 I69.00 I69.298 S06.360A S06.381D",
            "I61.9 I69.10 I63.9 S06.0X0A S06.330A",
            "1386000 270907008 230706003 276286003",
        ),
        (
            "pregnancy",
            "Z33.1 Z33.3 Z34.90 Z3400 O09.A0 O00.101 O07.4 O24.410 O26.891 O71.02 O99.340 O99.011 O9A.211",
            "Z33.2 O03.9 O80 O85 O90.6 O91.23 O94 O99.03 O99.345 O24.430 O98.43 O9A.23 Z32.02",
            "77386006 47200007 169560008",
        ),
        ("pregnancy-review", "O03.9 O80 O82 O90.6 O99.345 O94 Z33.2", "O99.340 Z33.1 O09.90", ""),
        ("breastfeeding", "Z39.1 O91.03 O92.79", "O92.5 O91.01 Z39.2", "866041003 69840006"),
        ("psychosis", "F20.9 F21 F22 F23 F24 F25.1 F28 F29 F53.1", "F32.3 F31.2 F10.959 F06.2", "69322001"),
        ("mdd-psychotic", "F32.3 F33.3", "F33.2 F31.5", "73867007"),
        (
            "substance-use-disorder-active",
            "F10.10 F10.229 F11.20 F12.288 F19.20 F16.10 F1820",
            "F10.11 F11.21 F1821 F19.21 F17.210 F17.211 F10.90 F55.2 Z72.0 Z87.891 O99.330",
            "724715004 66590003",
        ),
        ("substance-use-disorder-remission", "F10.11 F11.21 F19.91", "F10.10 F17.211 F10.90", ""),
        ("ketamine-use-disorder", "", "F16.20 F19.20", "724715004 724713006"),
        (
            "hepatic-failure-or-cirrhosis",
            "K74.60 K72.90 K70.31 K76.6 K76.82",
            "K74.3 K70.0 K76.0",
            "19943007",
        ),
        ("liver-disease", "B18.1 B18.2 K70.0 K74.3 K75.81", "K74.60 K70.30 K71.7 B19.0 K76.0", "328383001"),
        (
            "cardio-cerebrovascular",
            "I20.0 I21.9 I25.10 I50.9 I16.1 I67.4 G45.9 I61.9 I63.9 I69.30",
            "I10 I11.9 I26.99 I48.91 I70.0 I73.9 I83.90 R03.0 Z86.73",
            "53741008 84114007 443482000 230690007",
        ),
        (
            "cystitis-ulcerative-interstitial",
            "N30.10 N3011",
            "N30.00 N30.20 N30.90 N39.0",
            "197834003 36139001",
        ),
        ("mdd-or-bipolar", "F31.4 F33.2 F32.A F31.9", "F30.10 F32.5 F34.1", "370143000 13746004"),
    ],
)
def test_conditions_are_held_by_the_right_set(name: str, held: str, not_held: str, snomed: str) -> None:
    assert [code for code in held.split() if not holds(name, ICD, code)] == []
    assert [code for code in not_held.split() if not lacks(name, ICD, code)] == []
    assert holds(name, SNOMED, *snomed.split())


HARMLESS = (
    "E11.9 I10 J06.9 M54.50 K21.9 E78.5 F41.1 J45.909 Z00.00 E66.9 G47.00 F17.210 E03.9 N39.0 G43.909 F43.10 "
    "F90.9 K76.0 N30.00 D64.9 F10.90 Z79.899"
)


@pytest.mark.parametrize("code", HARMLESS.split())
def test_common_harmless_diagnoses_are_in_no_set(code: str) -> None:
    assert TERMINOLOGY.sets_of(ICD, code) == frozenset()


def test_codes_of_another_axis_are_in_no_set() -> None:
    for system, code in ((SNOMED, "24551003"), (SNOMED, "225444004"), (ICD, "Z88.4"), (ICD, "R45.88")):
        assert TERMINOLOGY.sets_of(system, code) == frozenset()


def members(name: str) -> set[tuple[str, str]]:
    return {(one.system, spelled(one)) for one in SETS[name].include}


def test_neighbouring_sets_share_nothing_and_unions_are_exact() -> None:
    apart = [
        ("avm", "avm-review"),
        ("ich", "sah-and-other-intracranial-hemorrhage"),
        ("pregnancy-test", "pregnancy-test-quantitative"),
        ("pregnancy-test-positive-answers", "pregnancy-test-negative-answers"),
        ("pregnancy-status-positive-answers", "pregnancy-status-negative-answers"),
        ("intravenous-route", "oral-route"),
        ("intravenous-route", "nasal-route"),
        ("oral-route", "nasal-route"),
    ]
    assert [pair for pair in apart if members(pair[0]) & members(pair[1])] == []
    assert members("mdd-or-bipolar") == members("mdd-any") | members("bipolar")
    assert codes("mdd-psychotic") <= codes("mdd-active")


def test_a_bleeding_aneurysm_is_an_aneurysm_and_perhaps_a_hemorrhage() -> None:
    sets = TERMINOLOGY.sets_of(SNOMED, "276286003")
    assert sets == {"aneurysm-ruptured", "sah-and-other-intracranial-hemorrhage"}


ANSWERED_BY_WORKING = {
    "psychosis": ("psychosis",),
    "pregnancy": ("pregnancy",),
    "substance-use-disorder-active": ("substance-use-disorder-active",),
    "liver-disease": ("liver-disease", "hepatic-failure-or-cirrhosis"),
    "hepatic-failure-or-cirrhosis": ("hepatic-failure-or-cirrhosis",),
    "ich-and-sah": ("ich", "sah-and-other-intracranial-hemorrhage"),
    "sah-sequela": ("sah-and-other-intracranial-hemorrhage",),
    "ich-sequela": ("ich-sequela",),
    "hypertensive-crisis": ("cardio-cerebrovascular",),
    "pregnancy-test": ("pregnancy-test", "pregnancy-test-quantitative"),
    "maoi-antidepressant": ("mao-inhibitor",),
    "maoi-other": ("mao-inhibitor",),
    "cyp2b6-modulator": ("cyp2b6-inhibitor", "cyp2b6-inducer"),
    "cyp3a4-strong-inhibitor": ("cyp3a4-strong-inhibitor",),
    "cyp3a4-strong-inducer": ("cyp3a4-strong-inducer",),
    "cns-depressant-opioid": ("cns-depressant-opioid",),
    "cns-depressant-benzodiazepine": ("cns-depressant-benzodiazepine",),
    "cns-depressant-hypnotic": ("cns-depressant-hypnotic",),
    "cns-depressant-barbiturate": ("cns-depressant-barbiturate",),
}


@needs_working_lists
def test_every_code_of_a_working_list_is_in_its_set() -> None:
    with CODES_CSV.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["valueset"] in ANSWERED_BY_WORKING]
    lost = [
        (row["valueset"], row["code"])
        for row in rows
        if TERMINOLOGY.sets_of(row["system"], row["code"]).isdisjoint(ANSWERED_BY_WORKING[row["valueset"]])
    ]
    assert rows and lost == []


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("Ativan 1 mg tablet", {"cns-depressant-benzodiazepine"}),
        ("oxycodone 5 mg", {"cns-depressant-opioid"}),
        ("phenobarbital 30 mg", {"cns-depressant-barbiturate", "cyp3a4-strong-inducer"}),
        ("zolpidem", {"cns-depressant-hypnotic"}),
        ("armodafinil 150 mg", {"psychostimulant"}),
        ("linezolid 600 mg", {"mao-inhibitor"}),
        ("aminophylline", {"theophylline-aminophylline"}),
        ("rifampin 300 mg", {"cyp3a4-strong-inducer", "cyp2b6-inducer"}),
        ("atazanavir", {"cyp3a4-strong-inhibitor"}),
        ("lamotrigine 100 mg", {"lamotrigine"}),
        ("metformin 500 mg", set()),
    ],
)
def test_drugs_named_in_words_are_in_their_interaction_group(text: str, sets: set[str]) -> None:
    assert TERMINOLOGY.drug([], text).sets == sets


def test_selegiline_by_mouth_inhibits_mao_without_being_an_antidepressant() -> None:
    assert TERMINOLOGY.sets_of(SYSTEMS["rxnorm"], "859186") == {"mao-inhibitor"}


@pytest.mark.parametrize(
    ("name", "system", "code"),
    [
        ("emergency-encounter", SYSTEMS["v3-act-code"], "EMER"),
        ("emergency-encounter", SNOMED, "4525004"),
        ("ketamine-allergy-substance", SYSTEMS["rxnorm"], "2119381"),
        ("ketamine-allergy-substance", SNOMED, "373464007"),
        ("no-known-allergy", SNOMED, "716186003"),
        ("pregnancy-status-negative-answers", LOINC, "LA26683-5"),
        ("intravenous-route", "text", "iv"),
        ("oral-route", SNOMED, "26643006"),
        ("nasal-route", "text", "Intranasal"),
        ("ketamine-treatment-procedure", "text", "Esketamine administration"),
    ],
)
def test_words_and_codes_beside_diagnoses_are_understood(name: str, system: str, code: str) -> None:
    assert holds(name, system, code)
