"""Whatever is typed into a rulebook file, the answer is a list of located problems, never a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.rulebook.load import check_rulebook

SHIPPED = Path(__file__).parents[2] / "rules"
FILES = [
    "rulebook.yaml",
    "sources.yaml",
    "override-reasons.yaml",
    "definitions/trd-definition-met.yaml",
    "suicidality/suicidality-critical.yaml",
    "contraindications/contraindication-aneurysmal-disease.yaml",
    "valuesets/antidepressant.yaml",
    "tables/antidepressant-minimum-dose.yaml",
    "templates/servicerequest-suicide-risk-evaluation.yaml",
]
JUNK = [
    "",
    "x",
    "- ",
    "x: 1",
    "  y: [",
    "{}",
    "[]",
    "null",
    "true",
    "3",
    "&a b",
    "*a",
    "!!str 1",
    "\t",
    '"',
    "é: ☃",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("rules")
    shutil.copytree(SHIPPED, copy, dirs_exist_ok=True)
    return copy / "ketamine-trd"


spoiling = st.tuples(
    st.sampled_from(FILES),
    st.lists(
        st.tuples(
            st.sampled_from(["drop", "replace", "value", "indent"]),
            st.integers(0, 400),
            st.sampled_from(JUNK),
        ),
        min_size=1,
        max_size=6,
    ),
)


def spoil(text: str, changes: list[tuple[str, int, str]]) -> str:
    lines = text.splitlines()
    for kind, at, junk in changes:
        index = at % max(1, len(lines))
        if kind == "drop" and len(lines) > 1:
            del lines[index]
        elif kind == "replace":
            lines[index] = junk
        elif kind == "value":
            lines[index] = f"{lines[index].split(':')[0]}: {junk}"
        else:
            lines[index] = "  " + lines[index]
    return "\n".join(lines) + "\n"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(spoiling)
def test_a_spoiled_file_gives_problems_with_places(
    folder: Path, spoiled: tuple[str, list[tuple[str, int, str]]]
) -> None:
    name, changes = spoiled
    path = folder / name
    original = path.read_text(encoding="utf-8")
    try:
        path.write_text(spoil(original, changes), encoding="utf-8")
        _, problems = check_rulebook(folder)
    finally:
        path.write_text(original, encoding="utf-8")
    for problem in problems:
        assert problem.message and problem.code and problem.place.file


@pytest.mark.parametrize("name", FILES)
def test_an_almost_empty_file_gives_problems(folder: Path, name: str) -> None:
    path = folder / name
    original = path.read_text(encoding="utf-8")
    try:
        for text in (
            "",
            "{}\n",
            "nonsense: 1\n",
            "- 1\n",
            "3\n",
            original.splitlines()[0] + "\nnonsense: 1\n",
        ):
            path.write_text(text, encoding="utf-8")
            _, problems = check_rulebook(folder)
            assert problems
    finally:
        path.write_text(original, encoding="utf-8")
