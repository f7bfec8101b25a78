"""The value sets of the safety rules: what each holds, what it must not hold, and what stays apart."""

from __future__ import annotations

import csv

import pytest
from shipped_terminology import (
    CODES_CSV,
    ICD,
    LOINC,
    SETS,
    SNOMED,
    TERMINOLOGY,
    codes,
    holds,
    lacks,
    needs_working_lists,
    spelled,
)

from cds_service.rulebook.terminology import SYSTEMS, Coded


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        (LOINC, "93374-7", "Suicide risk level (93374-7)"),
        (LOINC, "93249-1", "Active suicidal ideation with some intent to act, without… (93249-1)"),
        (ICD, "X78.9XXA", "Intentional self-harm: sharp object (X78.9XXA)"),
        (ICD, "x789xxa", "Intentional self-harm: sharp object (x789xxa)"),
        ("text", "high", ""),
        ("urn:site", "high", ""),
        (ICD, "K80.20", ""),
    ],
)
def test_a_bare_code_has_the_name_that_our_lists_give_it(system: str, code: str, name: str) -> None:
    assert TERMINOLOGY.name_of([Coded(system, code)]) == name


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
            "Z33.1 Z33.3 Z34.90 Z3400 Z3A.20 Z3A49 Z36.89 Z32.01 Z64.0 O09.A0 O00.101 O07.4 O24.410 "
            "O26.891 O71.02 O99.340 O99.011 O9A.211",
            "Z33.2 O03.9 O80 O85 O90.6 O91.23 O94 O99.03 O99.345 O24.430 O98.43 O9A.23 Z32.02 Z32.00 "
            "Z37.0 Z39.2 Z87.59",
            "77386006 47200007 169560008",
        ),
        ("pregnancy-review", "O03.9 O80 O82 O90.6 O99.345 O94 Z33.2", "O99.340 Z33.1 O09.90", ""),
        ("breastfeeding", "Z39.1 O91.03 O92.79", "O92.5 O91.01 Z39.2", "866041003 69840006"),
        ("psychosis", "F20.9 F21 F22 F23 F24 F25.1 F28 F29 F53.1 F10.959", "F32.3 F31.2 F06.2", "69322001"),
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
