"""The check digits of LOINC and SNOMED CT codes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.lint.checks.terminology.code_check_digit import luhn, verhoeff

LOINC = ("44261-6", "44260-8", "85354-9", "8480-6", "29463-7")
SNOMED = ("73211009", "22298006", "38341003", "370143000", "900000000000207008")


def test_published_codes_fit() -> None:
    assert all(luhn(code.replace("-", "")) for code in LOINC)
    assert all(verhoeff(code) for code in SNOMED)


@given(st.sampled_from(SNOMED), st.data())
def test_one_wrong_digit_never_fits(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != code[place]]))
    assert not verhoeff(code[:place] + digit + code[place + 1 :])


@given(st.sampled_from(SNOMED), st.data())
def test_two_neighbours_swapped_never_fit(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 2))
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert verhoeff(swapped) is (swapped == code)
