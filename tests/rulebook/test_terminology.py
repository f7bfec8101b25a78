"""Value set membership: how codes are compared, what exclusions do, what hostile codes cost."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.rulebook.drugs import DrugTable
from cds_service.rulebook.files import ValueSetFile
from cds_service.rulebook.terminology import SYSTEMS, Terminology, system_name

ICD, SNOMED, LOINC, RXNORM = (SYSTEMS[name] for name in ("icd-10-cm", "snomed", "loinc", "rxnorm"))
V2 = SYSTEMS["v2-0136"]


def valueset(name: str, include: list[dict[str, str]], exclude: list[dict[str, str]] | None = None) -> Any:
    return ValueSetFile.model_validate(
        {
            "valueset": name,
            "title": name,
            "owner": "terminology@example.org",
            "include": include,
            "exclude": exclude or [],
        }
    )


def code(system: str, value: str) -> dict[str, str]:
    return {"system": system, "code": value}


def prefix(system: str, value: str) -> dict[str, str]:
    return {"system": system, "starts_with": value}


SETS = (
    valueset(
        "vessels", [prefix("icd-10-cm", "I71"), code("icd-10-cm", "I67.1"), code("snomed", "128609009")]
    ),
    valueset("torn", [prefix("icd-10-cm", "I71.0")]),
    valueset("harm", [prefix("icd-10-cm", "X78")], [prefix("icd-10-cm", "X7?.???S")]),
    valueset("poison", [prefix("icd-10-cm", "T43.??2"), prefix("icd-10-cm", "T43.?2X")]),
    valueset("part", [prefix("icd-10-cm", "F3")], [code("icd-10-cm", "F32.5"), prefix("icd-10-cm", "F33.4")]),
    valueset(
        "yes", [code("boolean", "true"), code("v2-0136", "Y"), code("text", "Oh  yes"), code("local", "Y1")]
    ),
    valueset("items", [code("loinc", "44260-8"), code("loinc", "44261-6")], [code("loinc", "44261-6")]),
    valueset("scored", [code("loinc", "8480-6"), code("local", "score")]),
)


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return Terminology.build({one.valueset: one for one in SETS}, DrugTable.of(()))


def test_a_code_is_found_with_and_without_its_dot_and_in_any_case(terminology: Terminology) -> None:
    for written in ("I67.1", "I671", "i67.1", " I67.1 "):
        assert terminology.sets_of(ICD, written) == {"vessels"}


def test_a_prefix_holds_itself_and_everything_below_it(terminology: Terminology) -> None:
    assert terminology.sets_of(ICD, "I71") == {"vessels"}
    assert terminology.sets_of(ICD, "I71.43") == {"vessels"}
    assert terminology.sets_of(ICD, "I7100") == {"vessels", "torn"}
    assert terminology.sets_of(ICD, "I7") == set()
    assert terminology.sets_of(ICD, "I67.10") == set()


def test_a_question_mark_stands_for_exactly_one_character(terminology: Terminology) -> None:
    assert terminology.sets_of(ICD, "T43.012A") == {"poison"}
    assert terminology.sets_of(ICD, "T43.92XA") == {"poison"}
    assert terminology.sets_of(ICD, "T43.011A") == set()
    assert terminology.sets_of(ICD, "T43.2") == set()
    assert terminology.sets_of(ICD, "T43.01") == set()


def test_exclusions_win_over_inclusions_by_code_and_by_prefix(terminology: Terminology) -> None:
    assert terminology.sets_of(ICD, "X78.1XXA") == {"harm"}
    assert terminology.sets_of(ICD, "X78.1XXS") == set()
    assert terminology.sets_of(ICD, "F32.1") == {"part"}
    assert terminology.sets_of(ICD, "F325") == set()
    assert terminology.sets_of(ICD, "F33.41") == set()


def test_codes_of_other_systems_are_compared_exactly(terminology: Terminology) -> None:
    assert terminology.sets_of(SNOMED, "128609009") == {"vessels"}
    assert terminology.sets_of(SNOMED, "1286090090") == set()
    assert terminology.sets_of(ICD, "128609009") == set()
    assert terminology.sets_of(V2, "Y") == {"yes"}
    assert terminology.sets_of(V2, "y") == set()


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("urn:oid:2.16.840.1.113883.6.90", "icd-10-cm"),
        ("urn:oid:2.16.840.1.113883.6.96", "snomed"),
        ("urn:oid:2.16.840.1.113883.6.1", "loinc"),
        ("urn:oid:2.16.840.1.113883.6.88", "rxnorm"),
        ("http://snomed.info/sct/731000124108", "snomed"),
        ("https://loinc.org/", "loinc"),
        ("http://hl7.org/fhir/sid/ndc", "ndc"),
        ("http://hospital.example/codes", "local"),
        ("", "local"),
        ("unread", "unknown"),
    ],
)
def test_systems_are_known_by_their_aliases(alias: str, name: str) -> None:
    assert system_name(alias) == name


def test_every_short_name_has_a_url_that_leads_back_to_it() -> None:
    assert {name: system_name(url) for name, url in SYSTEMS.items()} == {name: name for name in SYSTEMS}


def test_aliases_reach_the_same_sets(terminology: Terminology) -> None:
    assert terminology.sets_of("urn:oid:2.16.840.1.113883.6.90", "I71.4") == {"vessels"}


def test_a_text_is_compared_as_a_whole_in_any_case(terminology: Terminology) -> None:
    assert terminology.sets_of("text", " OH yes ") == {"yes"}
    assert terminology.sets_of("text", "oh yes, often") == set()


def test_a_local_code_is_found_in_any_unlisted_system_and_in_no_listed_one(terminology: Terminology) -> None:
    for system in ("local", "", "http://hospital.example/answers"):
        assert terminology.sets_of(system, "y1") == {"yes"}
    for system in (LOINC, "http://hl7.org/fhir/sid/ndc", "unread"):
        assert terminology.sets_of(system, "Y1") == set()


def test_a_system_is_known_only_if_a_value_set_draws_on_it(terminology: Terminology) -> None:
    assert terminology.knows_system(ICD)
    assert terminology.knows_system("urn:oid:2.16.840.1.113883.6.96")
    assert terminology.knows_system("boolean")
    assert not terminology.knows_system(RXNORM)
    assert not terminology.knows_system("http://hl7.org/fhir/sid/ndc")


def test_an_unlisted_text_or_local_code_is_never_known_to_be_something_else(terminology: Terminology) -> None:
    for system in ("text", "local", "", "http://hospital.example/answers"):
        assert not terminology.knows_system(system)


def test_search_tokens_are_sorted_and_leave_out_what_is_excluded(terminology: Terminology) -> None:
    assert terminology.search_codes(["items"]) == (f"{LOINC}|44260-8",)
    assert terminology.search_codes(["scored", "items"]) == (
        f"{LOINC}|44260-8",
        f"{LOINC}|8480-6",
        "score",
    )


def test_a_set_that_a_search_cannot_name_gives_no_tokens(terminology: Terminology) -> None:
    assert terminology.search_codes(["vessels"]) == ()


def test_texts_are_not_searched_for_and_local_codes_are_in_any_system(terminology: Terminology) -> None:
    found = terminology.search_codes(["items", "yes"])
    assert f"{LOINC}|44260-8" in found
    assert "Y1" in found
    assert not any(token.startswith(("text", "boolean")) for token in found)


@given(st.sampled_from(["I71.43", "I67.1", "X78.1XXS", "T43.012A", "F32.5", "F33.1", "Z99"]), st.data())
def test_dots_and_case_change_nothing(plain: str, data: st.DataObject) -> None:
    terminology = Terminology.build({one.valueset: one for one in SETS}, DrugTable.of(()))
    letters = plain.replace(".", "")
    upper = data.draw(st.lists(st.booleans(), min_size=len(letters), max_size=len(letters)))
    written = "".join(a.upper() if up else a.lower() for a, up in zip(letters, upper, strict=True))
    cut = data.draw(st.integers(0, len(written)))
    assert terminology.sets_of(ICD, written[:cut] + "." + written[cut:]) == terminology.sets_of(ICD, plain)


@given(st.text(), st.text())
def test_any_text_as_system_and_code_is_answered(system: str, value: str) -> None:
    terminology = Terminology.build({one.valueset: one for one in SETS}, DrugTable.of(()))
    assert terminology.sets_of(system, value) == terminology.sets_of(system, value)
    terminology.knows_system(system)


def test_codes_made_up_by_a_caller_do_not_fill_the_memory(terminology: Terminology) -> None:
    for number in range(30_000):
        terminology.sets_of(ICD, f"Q{number}")
        terminology.sets_of(f"http://made.up/{number}", "x" * 10_000)
    held = sum(sys.getsizeof(part) for key in terminology._found for part in key)
    assert len(terminology._found) <= 8192
    assert held < 4_000_000


def test_a_code_asked_again_after_the_cache_was_emptied_has_the_same_sets(terminology: Terminology) -> None:
    before = terminology.sets_of(ICD, "I71.43")
    for number in range(10_000):
        terminology.sets_of(ICD, f"R{number}")
    assert terminology.sets_of(ICD, "I71.43") == before == {"vessels"}
