"""A hospital's own repository of rules under plain pytest, with nothing but the package installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench_example import one_case, write_tests

BOOK = Path("rules/small")


def pytest_here(*words: str) -> tuple[int, str]:
    """A process of its own, as a user starts it; without the plugins that only our suite needs."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_the_tests_beside_the_rules_are_items_chosen_by_their_words(home: Path) -> None:
    code, output = pytest_here("rules/", "-k", "chart and fracture", "-v")
    assert code == 0, output
    assert "1 passed, 8 deselected" in output
    assert "broken-and-heavy.test.yaml::" in output


def test_a_failure_shows_what_was_got_and_why_and_no_traceback(home: Path) -> None:
    write_tests(BOOK, one_case(expect=False))
    code, output = pytest_here("rules/")
    assert code == 1
    assert "broken-and-heavy / the only case: verdict: expected false, got true" in output
    assert "broken-and-heavy 1.2.0: TRUE" in output
    assert "Traceback" not in output and "pytest_plugin.py" not in output


def test_a_mistake_in_a_test_file_is_told_with_its_place(home: Path) -> None:
    write_tests(BOOK, one_case(given={"fractur": True}))
    code, output = pytest_here("rules/")
    assert code == 2
    assert "broken-and-heavy.test.yaml:14:" in output
    assert "did you mean 'fracture'?" in output


def test_a_rulebook_with_a_mistake_is_told_with_its_place(home: Path) -> None:
    (BOOK / "cautions" / "tried-out.yaml").write_text("rule: tried-out\n")
    code, output = pytest_here("rules/")
    assert code == 2
    assert "tried-out.yaml:" in output


def test_the_folder_of_the_charts_is_a_setting(home: Path) -> None:
    (home / "fhir_fixtures").rename(home / "charts-of-ours")
    (home / "pytest.ini").write_text("[pytest]\ncds_fixtures = charts-of-ours\n")
    code, output = pytest_here("rules/")
    assert code == 0, output


def test_a_sites_own_tests_stand_in_for_the_shipped_ones(home: Path) -> None:
    local = home / "rules/local/small/broken-and-heavy.test.yaml"
    local.parent.mkdir(parents=True)
    local.write_text(one_case(expect=True))
    code, output = pytest_here("rules/")
    assert code == 0, output
    assert "1 passed" in output


def test_a_part_of_a_rules_tests_is_collected_too(home: Path) -> None:
    (BOOK / "contraindications" / "broken-and-heavy.charts.test.yaml").write_text(one_case())
    code, output = pytest_here("rules/")
    assert code == 0, output
    assert "10 passed" in output


def test_files_outside_a_rulebook_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pressure.test.yaml").write_text("not: ours\n")
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): pass\n")
    code, output = pytest_here(str(tmp_path))
    assert (code, "1 passed" in output) == (0, True), output


def test_the_plugin_imports_nothing_of_ours_until_there_is_something_to_run(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n\ndef test_theirs():\n"
        "    ours = {name for name in sys.modules if name.startswith('cds_service')}\n"
        "    assert ours == {'cds_service', 'cds_service.authoring', 'cds_service.authoring.pytest_plugin'}\n"
    )
    code, output = pytest_here(str(tmp_path))
    assert code == 0, output
