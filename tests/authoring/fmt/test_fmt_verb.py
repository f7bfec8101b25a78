"""`cds fmt` on the command line: what it writes, what it only tells, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from cds_service.authoring.cli import cli

RULE = Path("rules/small/cautions/heavy-patient.yaml")
BOOK = "rulebook: small\ntitle: Small\n"
MESSY = "title: 'Heavy'\nrule: heavy-patient\n"
TIDY = "rule: heavy-patient\ntitle: Heavy\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["fmt", *words])


def place(folder: Path, text: str = MESSY) -> Path:
    path = folder / RULE
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (folder / "rules/small/rulebook.yaml").write_text(BOOK, encoding="utf-8")
    return path


def test_files_are_written_in_their_canonical_form(tmp_path: Path) -> None:
    path = place(tmp_path)
    result = run(str(tmp_path / "rules"))
    assert result.exit_code == 0
    assert path.read_text() == TIDY
    assert "1 of 2 files formatted" in result.output
    assert "clean: 2 files" in run(str(tmp_path / "rules")).output


def test_one_file_is_one_file(tmp_path: Path) -> None:
    path = place(tmp_path)
    assert "1 of 1 file formatted" in run(str(path)).output
    assert run(str(path)).output == "clean: 1 file\n"


def test_a_file_without_a_last_line_break_is_shown_as_such(tmp_path: Path) -> None:
    path = place(tmp_path, TIDY.rstrip())
    told = run("--diff", str(path)).output.splitlines()
    assert told[-4:-1] == ["-title: Heavy", "\\ No newline at end of file", "+title: Heavy"]


def test_check_writes_nothing_and_exits_1(tmp_path: Path) -> None:
    path = place(tmp_path)
    result = run("--check", str(tmp_path / "rules"))
    assert result.exit_code == 1
    assert f"{path.as_posix()}: not in canonical form" in result.output
    assert path.read_text() == MESSY


def test_check_of_canonical_files_exits_0(tmp_path: Path) -> None:
    place(tmp_path, TIDY)
    assert run("--check", str(tmp_path / "rules")).exit_code == 0


def test_diff_prints_the_lines_that_would_change_and_writes_nothing(tmp_path: Path) -> None:
    path = place(tmp_path)
    result = run("--diff", str(path))
    assert result.exit_code == 0
    assert "-title: 'Heavy'" in result.output and "+title: Heavy" in result.output
    assert path.read_text() == MESSY
    assert run("--diff", "--check", str(path)).exit_code == 1


def test_json_lists_the_files_for_machines(tmp_path: Path) -> None:
    path = place(tmp_path)
    result = run("--check", "--format", "json", str(tmp_path / "rules"))
    assert json.loads(result.output) == [{"file": path.as_posix(), "problem": ""}]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_formatted(tmp_path: Path) -> None:
    path = place(tmp_path)
    broken = path.with_name("broken.yaml")
    broken.write_text("rule: a\nrule: b\n")
    result = run(str(tmp_path / "rules"))
    assert result.exit_code == 1
    assert f"{broken.as_posix()}:2:1" in result.output
    assert broken.read_text() == "rule: a\nrule: b\n"
    assert path.read_text() == TIDY


def test_a_rule_names_the_schema_that_lies_beside_its_rulebook(tmp_path: Path) -> None:
    path = place(tmp_path)
    (tmp_path / "rules/rule.schema.json").write_text("{}")
    run(str(path))
    modeline = "# yaml-language-server: $schema=../../rule.schema.json\n"
    assert path.read_text() == modeline + TIDY
    assert (path.parent / "../../rule.schema.json").is_file()
    assert run("--check", str(path)).exit_code == 0


def test_a_path_outside_any_rulebook_is_wrong_use(tmp_path: Path) -> None:
    assert run(str(tmp_path)).exit_code == 2
    assert run(str(tmp_path / "nowhere")).exit_code == 2
