"""What a medication turns out to be: by code, by ingredient, by text; and what it belongs to."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cds_service.rulebook.drugs import DrugTable
from cds_service.rulebook.files import ValueSetFile
from cds_service.rulebook.terminology import SYSTEMS, Coded, Drug, Terminology

ROOT = Path(__file__).parents[2]
RXNORM_CSV = ROOT / "rules" / "terminology" / "rxnorm.csv"
CODES_CSV = Path("/work/shared/terminology/codes.csv")
RXNORM, NDC = SYSTEMS["rxnorm"], "http://hl7.org/fhir/sid/ndc"
ANTIDEPRESSANT = "antidepressant"


def read_sets() -> dict[str, ValueSetFile]:
    yaml = YAML(typ="safe")
    files = (ROOT / "rules" / "ketamine-trd" / "valuesets").glob("*.yaml")
    sets = [ValueSetFile.model_validate(yaml.load(path)) for path in files]
    return {one.valueset: one for one in sets}


@pytest.fixture(scope="module")
def table() -> DrugTable:
    return DrugTable.read(RXNORM_CSV)


@pytest.fixture(scope="module")
def terminology(table: DrugTable) -> Terminology:
    return Terminology.build(read_sets(), table)


def rx(code: str, display: str = "") -> Coded:
    return Coded(RXNORM, code, display)


def ingredients(drug: Drug) -> list[str]:
    return sorted(one.name for one in drug.ingredients)


def test_a_product_code_gives_its_ingredient_and_strength(terminology: Terminology) -> None:
    drug = terminology.drug([rx("312938")])
    assert (drug.resolution, drug.product, drug.name) == ("code", "312938", "sertraline 100 MG Oral Tablet")
    (ingredient,) = drug.ingredients
    assert (ingredient.rxcui, ingredient.strength, ingredient.unit) == ("36437", 100, "MG")
    assert ANTIDEPRESSANT in drug.sets


@pytest.mark.parametrize(
    ("code", "strength", "unit"),
    [
        ("208149", 100, "MG"),  # brand
        ("1738527", 40, "MG"),  # obsolete
        ("898704", 300, "MG"),  # obsolete
        ("865206", 0.25, "MG/HR"),  # patch
        ("238084", 50, "MG/ML"),  # injection
        ("2119388", 140, "MG/ML"),  # pack of three devices
        ("2119390", 140, "MG/ML"),  # pack of two devices
        ("1653469", None, ""),  # pack of tablets of two strengths
    ],
)
def test_strengths_come_with_their_unit(
    terminology: Terminology, code: str, strength: float | None, unit: str
) -> None:
    drug = terminology.drug([rx(code)])
    assert drug.resolution == "code"
    assert [(one.strength, one.unit) for one in drug.ingredients] == [(strength, unit)]


def test_brand_and_generic_are_the_same_ingredient(terminology: Terminology) -> None:
    brand, generic = terminology.drug([rx("208149")]), terminology.drug([rx("312938")])
    assert [one.rxcui for one in brand.ingredients] == [one.rxcui for one in generic.ingredients]


def test_a_combination_has_every_ingredient_with_its_own_strength(terminology: Terminology) -> None:
    drug = terminology.drug([rx("2611260")])
    assert {one.name: one.strength for one in drug.ingredients} == {"bupropion": 105, "dextromethorphan": 45}
    assert ANTIDEPRESSANT in drug.sets
    assert ingredients(terminology.drug([rx("403969")])) == ["fluoxetine", "olanzapine"]


@pytest.mark.parametrize("code", ["36437", "203204", "321988", "2611256"])
def test_an_ingredient_salt_or_combination_code_has_no_strength(terminology: Terminology, code: str) -> None:
    drug = terminology.drug([rx(code)])
    assert (drug.resolution, drug.product) == ("ingredient", "")
    assert all(one.strength is None for one in drug.ingredients)
    assert ANTIDEPRESSANT in drug.sets


@pytest.mark.parametrize(
    ("code", "display", "strength"),
    [("312940", "Sertraline 50 MG Oral Tablet", 25), ("321988", "Escitalopram 10 MG Oral Tablet", None)],
)
def test_a_wrong_display_changes_nothing_and_can_be_told(
    terminology: Terminology, code: str, display: str, strength: float | None
) -> None:
    drug = terminology.drug([rx(code, display)])
    assert [one.strength for one in drug.ingredients] == [strength]
    assert (drug.also_said, drug.other_strength) == (None, True)


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("312940", "sertraline 25 MG Oral Tablet"),
        ("312940", "Zoloft"),
        ("312940", ""),
        ("313581", "24 HR venlafaxine 150 MG Extended Release Oral Capsule"),
        ("861225", "Adderall XR 20 mg"),
        ("999999999", "anything 10 mg"),
        ("312941", "sertraline hydrochloride 50 mg (from 100 mg, halved)"),
        ("312941", "Lisinopril 10 mg or 50 mg"),
        ("6448", "lithium carbonate"),
        ("403969", "olanzapine 6 mg with fluoxetine 25 mg"),
    ],
)
def test_a_fitting_display_is_no_conflict(terminology: Terminology, code: str, display: str) -> None:
    drug = terminology.drug([rx(code, display)], display)
    assert (drug.also_said, drug.other_strength) == (None, False)


def test_no_name_of_the_table_contradicts_its_own_code(terminology: Terminology) -> None:
    named = [terminology.drug([rx(one.rxcui, one.name)]) for one in terminology.drugs.entries.values()]
    assert not [drug for drug in named if drug.also_said is not None or drug.other_strength]


def test_words_and_codes_that_name_another_drug_are_told_beside_the_code(terminology: Terminology) -> None:
    ways = (
        terminology.drug([rx("312940", "Nardil 15 MG Oral Tablet")]),
        terminology.drug([rx("312940")], "phenelzine"),
        terminology.drug([rx("8123"), rx("312940")]),
        terminology.drug([rx("312940"), Coded("urn:site", "x", "phenelzine 15 mg")]),
    )
    for drug in ways:
        assert (drug.product, ingredients(drug)) == ("312940", ["sertraline"])
        assert drug.also_said is not None
        assert (ingredients(drug.also_said), drug.also_said.product) == (["phenelzine"], "")
        assert "mao-inhibitor" in drug.also_said.sets
    both = terminology.drug([rx("312940", "phenelzine")], "Ketalar").also_said
    assert both is not None
    assert ingredients(both) == ["ketamine", "phenelzine"]


def test_the_most_specific_coding_wins_wherever_it_stands(terminology: Terminology) -> None:
    codings = [Coded("http://x.example", "1"), rx("36437"), rx("0000"), rx("312938")]
    assert terminology.drug(codings).product == "312938"
    assert terminology.drug(iter(codings)).product == "312938"
    assert terminology.drug([Coded("urn:oid:2.16.840.1.113883.6.88", "312938")]).product == "312938"


def test_ingredient_codings_of_a_medication_count_before_its_text(terminology: Terminology) -> None:
    drug = terminology.drug([], "Zoloft 50 mg", [rx("39786", "venlafaxine"), rx("313581")])
    assert (drug.resolution, ingredients(drug)) == ("ingredient", ["venlafaxine"])
    assert drug.ingredients[0].strength is None
    assert ANTIDEPRESSANT in drug.sets


def test_ingredients_told_only_by_name_are_a_text(terminology: Terminology) -> None:
    drug = terminology.drug([], "", [Coded("http://x.example", "7", "Venlafaxine")])
    assert (drug.resolution, ingredients(drug)) == ("text", ["venlafaxine"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Effexor XR 150mg daily", ["venlafaxine"]),
        ("Zoloft", ["sertraline"]),
        ("sertraline HCl 100 mg tab", ["sertraline"]),
        ("SERTRALINE50MG", ["sertraline"]),
        ("Wellbutrin XL 300 mg po qam", ["bupropion"]),
        ("Zoloft (sertraline) 50 mg", ["sertraline"]),
        ("Spravato 84 mg", ["esketamine"]),
        ("S-ketamine spray", ["esketamine"]),
        ("Ketamine HCl 500 mg/10 mL vial", ["ketamine"]),
        ("olanzapine-fluoxetine 6-25 mg", ["fluoxetine", "olanzapine"]),
        ("Symbyax 6/25", ["fluoxetine", "olanzapine"]),
        ("Adderall XR 20 mg", ["amphetamine", "dextroamphetamine"]),
        ("Elavil 25 mg", ["amitriptyline"]),
        ("aspirin and Paxil CR", ["paroxetine"]),
    ],
)
def test_a_text_is_read_for_brands_and_ingredients(
    terminology: Terminology, text: str, names: list[str]
) -> None:
    drug = terminology.drug([], text)
    assert (drug.resolution, ingredients(drug)) == ("text", names)
    assert drug.product == ""
    assert all(one.strength is None for one in drug.ingredients)


def test_only_whole_words_count(terminology: Terminology) -> None:
    assert terminology.drug([], "norketamines").resolution == "unresolved"
    assert "ketamine" not in ingredients(terminology.drug([], "esketamine"))


@pytest.mark.parametrize("text", ["", "   ", "blue pill", "123 mg", "Xyzzy 10 mg"])
def test_an_unknown_text_is_unresolved(terminology: Terminology, text: str) -> None:
    drug = terminology.drug([], text)
    assert (drug.resolution, drug.ingredients, drug.sets) == ("unresolved", (), frozenset())


def test_a_drug_outside_the_table_is_known_to_be_another_by_its_name(terminology: Terminology) -> None:
    for drug in (
        terminology.drug([], "Metformin 500 mg tab"),
        terminology.drug([rx("860975", "metformin hydrochloride 500 MG Oral Tablet")]),
    ):
        assert (drug.resolution, drug.ingredients, drug.sets) == ("other", (), frozenset())
    assert terminology.drug([rx("860975")]).resolution == "unresolved"


def test_a_display_is_read_only_if_code_and_text_say_nothing(terminology: Terminology) -> None:
    coding = Coded(NDC, "00000-0000-00", "Lexapro 10 mg")
    assert ingredients(terminology.drug([coding])) == ["escitalopram"]
    assert ingredients(terminology.drug([coding], "Prozac")) == ["fluoxetine"]
    assert ingredients(terminology.drug([coding], "see chart")) == ["escitalopram"]


def test_an_ndc_alone_is_unresolved(terminology: Terminology) -> None:
    assert terminology.drug([Coded(NDC, "50458-028-02")]).resolution == "unresolved"


LOOK_ALIKES = """966787 966791 966793 966795 1000091 1000093 1000095 1801289 1551468 1551474 1430122 1430128
    859186 859188 859190 859192 859193""".split()


@pytest.mark.parametrize("code", LOOK_ALIKES)
def test_look_alikes_are_no_antidepressants_by_code_or_by_name(
    terminology: Terminology, table: DrugTable, code: str
) -> None:
    by_code = terminology.drug([rx(code)])
    assert by_code.resolution == "code"
    assert ANTIDEPRESSANT not in by_code.sets
    assert ANTIDEPRESSANT not in terminology.drug([], table.entries[code].name).sets


@pytest.mark.parametrize(
    "text",
    [
        "Silenor 3 mg",
        "doxepin 6mg nightly",
        "Zonalon cream",
        "Zyban",
        "Contrave",
        "bupropion/naltrexone 90-8",
        "paroxetine 7.5 mg",
        "Brisdelle",
        "Eldepryl",
        "Zelapar",
        "selegiline 5 mg capsule",
    ],
)
def test_look_alikes_told_by_text_are_no_antidepressants(terminology: Terminology, text: str) -> None:
    drug = terminology.drug([], text)
    assert drug.resolution == "text"
    assert ANTIDEPRESSANT not in drug.sets


@pytest.mark.parametrize(
    "text", ["doxepin 75 mg", "doxepin", "Emsam 6 mg/24 hr", "bupropion SR 150 mg", "Paxil"]
)
def test_their_namesakes_are_antidepressants(terminology: Terminology, text: str) -> None:
    assert ANTIDEPRESSANT in terminology.drug([], text).sets


@pytest.mark.parametrize("code", ["2669905", "2121777", "6130", "2119365", "2119388", "7243", "6448"])
def test_neurosteroids_ketamines_and_others_are_no_antidepressants(
    terminology: Terminology, code: str
) -> None:
    assert ANTIDEPRESSANT not in terminology.drug([rx(code)]).sets


def test_ketamine_and_esketamine_are_told_apart(terminology: Terminology) -> None:
    assert terminology.drug([rx("238084")]).sets == {"ketamine", "ketamine-allergy-substance"}
    assert terminology.drug([rx("2119390")]).sets == {"esketamine", "ketamine-allergy-substance"}
    assert terminology.drug([], "Spravato").sets == {"esketamine", "ketamine-allergy-substance"}


def test_the_sets_of_a_product_code_are_those_of_its_drug(terminology: Terminology) -> None:
    for code in ("312938", "966787", "2119388", "36437"):
        assert terminology.sets_of(RXNORM, code) == terminology.drug([rx(code)]).sets


@pytest.mark.skipif(not CODES_CSV.is_file(), reason="the working lists are not here")
def test_every_antidepressant_code_of_the_working_lists_resolves_to_its_ingredient(
    terminology: Terminology,
) -> None:
    with CODES_CSV.open(encoding="utf-8", newline="") as file:
        codes = [row for row in csv.DictReader(file) if row["valueset"].startswith("antidepressant-")]
    with (CODES_CSV.parent / "rxnorm_subset.csv").open(encoding="utf-8", newline="") as file:
        expected = defaultdict(set)
        for row in csv.DictReader(file):
            if row["group"].startswith("antidepressant-"):
                expected[row["rxcui"]].add(row["ingredient_rxcui"])
    assert len(codes) > 300
    for row in codes:
        drug = terminology.drug([rx(row["code"])])
        assert drug.resolution in ("code", "ingredient"), row
        assert expected[row["code"]] <= {one.rxcui for one in drug.ingredients}, row


@given(st.text())
def test_any_text_is_answered_and_never_with_a_strength(text: str) -> None:
    drug = _TERMINOLOGY.drug([Coded("http://x.example", text, text)], text)
    assert all(one.strength is None for one in drug.ingredients)
    assert drug.resolution in ("text", "other", "unresolved")


@pytest.mark.parametrize(
    "text", ["a" * 10_000, "sertraline " * 1_000, "9" * 10_000, "[" * 10_000, "ﷺ" * 10_000]
)
def test_long_texts_are_read_to_a_limit_and_not_kept(text: str) -> None:
    terminology = Terminology.build({}, _TERMINOLOGY.drugs)
    drug = terminology.drug([], text)
    assert len(drug.ingredients) <= 1
    assert len(drug.name) <= 200
    assert not terminology._read


def test_names_made_up_by_a_caller_do_not_fill_the_memory() -> None:
    terminology = Terminology.build({}, _TERMINOLOGY.drugs)
    for number in range(20_000):
        terminology.drug([rx(str(10**9 + number))], f"pill {number}")
    assert len(terminology._read) <= 8192


def test_every_brand_of_the_table_resolves_to_the_ingredients_of_its_products(table: DrugTable) -> None:
    branded = [one for one in table.entries.values() if one.kind == "SBD"]
    assert len(branded) > 700
    for entry in branded:
        brand = entry.name[entry.name.rindex("[") + 1 : -1]
        meaning = table.meaning_of(brand)
        assert meaning is not None
        assert {one.rxcui for one in entry.ingredients} <= {one.rxcui for one in meaning.ingredients}
        assert entry.rxcui in meaning.products


def test_every_name_of_the_table_means_its_own_ingredients(table: DrugTable) -> None:
    for entry in table.entries.values():
        meaning = table.meaning_of(entry.name)
        assert meaning is not None, entry.name
        assert {one.rxcui for one in meaning.ingredients} == {one.rxcui for one in entry.ingredients}


def test_an_empty_table_leaves_every_drug_unresolved() -> None:
    drug = Terminology.build({}, DrugTable.of(())).drug([rx("312938")], "sertraline")
    assert drug.resolution == "unresolved"


def test_a_file_that_is_no_drug_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rxnorm.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(KeyError):
        DrugTable.read(path)


_TERMINOLOGY = Terminology.build(read_sets(), DrugTable.read(RXNORM_CSV))
