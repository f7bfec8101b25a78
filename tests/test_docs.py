"""The documents say what is: their commands run, their links lead somewhere, samples are what one sees.

Samples stand between `<!-- sample: name -->` and `<!-- end -->`. UPDATE_DOCS=1 writes
them anew; read the diff.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from cds_service.authoring.cli import VERBS, cli
from cds_service.authoring.connection.words import told
from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.facts.prefetch import templates
from cds_service.facts.read import DEADLINE, FAILED, NOT_SUPPLIED, OTHER_PATIENT, TRUNCATED
from cds_service.facts.views import READERS, READERS_OF_FACTS
from cds_service.rulebook.hooks import HOOKS
from cds_service.rulebook.views import VIEWS
from cds_service.settings import NAMES, Settings
from cds_service.web.app import create_app
from cds_service.web.rules import load_rulebooks
from cds_service.web.serve import start_message
from tests import linted_sample, observed_samples

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORY = "v01-clear-trd.patient-view.json"
DECISION, RULES = "org.cds-service.decision", "org.cds-service.rules"
WIDTH = 110
TEMPORARY = {"house-rules.md"}
PAGES = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"))
    if path.name not in TEMPORARY
)
FOLDERS = ("cds_service", "rules", "fhir_fixtures", "tests", "docs", "benchmarks", ".ci")
RUNNERS = {"make", "cds", "pytest", "curl", "python"}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the documents is meant to be typed in the folder of the README."""
    monkeypatch.chdir(ROOT)


# --- commands ------------------------------------------------------------------------------------


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every command in the page's sh blocks, without settings and the path of the venv."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if words:
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def is_path(word: str) -> bool:
    return word.startswith(tuple(f"{folder}/" for folder in FOLDERS))


@cache
def options(verb: str) -> frozenset[str]:
    """The options a verb's help lists."""
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    return frozenset(re.findall(r"(?<!\w)--?[a-z][a-z-]*", result.output))


@pages
def test_every_command_of_a_page_is_one_we_ship(page: Path) -> None:
    for words in commands(page):
        assert words[0] in RUNNERS, words
        if words[0] == "make":
            named = {word for word in words[1:] if "=" not in word}
            assert named <= targets(), words
        if words[0] == "cds":
            used = {word for word in words[2:] if word.startswith("-")}
            assert words[1] in VERBS, words
            assert used <= options(words[1]), words


@pages
def test_every_file_a_command_names_exists(page: Path) -> None:
    for words in commands(page):
        for word in words[1:]:
            path = word.removeprefix("@")
            if is_path(path):
                assert (ROOT / path).exists(), words


def test_the_readme_begins_with_the_two_commands() -> None:
    assert list(commands(ROOT / "README.md"))[:2] == [["make", "run"], ["make", "test"]]


@pages
def test_every_cds_command_of_a_page_runs_clean(page: Path) -> None:
    """Servers would not end, `check-connection` needs one, and `test` is what `make test` runs.

    `replay` ends with 1 while rules are being edited, `coverage` until nothing is left to try.
    """
    for words in commands(page):
        if words[0] == "cds" and words[1] not in ("serve", "fhir-server", "check-connection", "test"):
            result = CliRunner().invoke(cli, words[1:])
            assert result.exit_code in ((0, 1) if words[1] in ("replay", "coverage") else (0,)), (
                words,
                result.output,
            )


# --- links and names -----------------------------------------------------------------------------


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pages
def test_every_link_and_every_file_named_exists(page: Path) -> None:
    text = prose(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target
    for name in re.findall(r"`([^`\s]+)`", text):
        if is_path(name) and not re.search(r"[<>*{…]|NAME", name):
            assert (ROOT / name).exists(), name
        if re.fullmatch(r"[a-z_]+(/[a-z_]+)*\.py", name):
            assert any((folder / name).exists() for folder in (ROOT, ROOT / "cds_service")), name


@pages
def test_every_setting_named_exists(page: Path) -> None:
    assert set(re.findall(r"\bCDS_[A-Z_]+\b", page.read_text(encoding="utf-8"))) <= set(NAMES)


def test_every_setting_has_its_row_with_its_default() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(CDS_[A-Z_]+)` \| [^|]+ \| ([^|]+) \|", text, re.M))
    assert set(rows) == set(NAMES)
    plain = {name: default.strip("`") for name, default in rows.items() if default.startswith("`")}
    told = Settings.from_environment({name: default for name, default in plain.items() if " " not in default})
    assert replace(told, timezone=UTC) == Settings()


@pages
def test_no_line_of_prose_is_too_long(page: Path) -> None:
    text = re.sub(r"<!-- sample: .*?<!-- end -->", "", prose(page), flags=re.S)
    long = [line for line in text.splitlines() if len(line) > WIDTH and not line.startswith("|")]
    assert long == []


def test_every_view_has_its_section_with_its_columns_and_arguments() -> None:
    sections = re.split(r"^## ", (DOCS / "views.md").read_text(encoding="utf-8"), flags=re.M)
    by_name = {section.split("\n")[0].strip("` "): section for section in sections}
    for name in (*READERS, *READERS_OF_FACTS):
        view = VIEWS[name]
        assert name in by_name, f"docs/views.md has no section for the view {name}"
        words = [*view.columns, *view.arguments, *view.reads]
        assert [word for word in words if f"`{word}`" not in by_name[name]] == [], name


def test_every_decision_is_listed_and_numbered_without_a_gap() -> None:
    records = sorted(path.name for path in (DOCS / "decisions").glob("0*.md"))
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (DOCS / "decisions/README.md").read_text())
    assert listed == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))


def test_every_decision_says_why_what_was_measured_and_what_follows() -> None:
    for record in (DOCS / "decisions").glob("0*.md"):
        headings = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.M)
        assert headings == ["Context", "Decision", "Measurement", "Consequences"], record.name


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)} ", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_the_examples_about_missing_data_run() -> None:
    failed, tried = doctest.testfile(str(DOCS / "missing-data.md"), module_relative=False)
    assert tried > 10
    assert failed == 0


@pytest.mark.parametrize("state", [NOT_SUPPLIED, FAILED, TRUNCATED, OTHER_PATIENT, DEADLINE])
@pytest.mark.parametrize("name", ["missing-data.md", "ehr.md"])
def test_every_state_of_a_key_is_explained(name: str, state: str) -> None:
    assert f"`{state}`" in (DOCS / name).read_text(encoding="utf-8")


def members(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from members(one)
    elif isinstance(value, list):
        for one in value:
            yield from members(one)


def test_every_member_of_the_decision_is_explained() -> None:
    text = (DOCS / "ehr.md").read_text(encoding="utf-8")
    calls = [json.loads(path.read_bytes()) for path in (ROOT / "fhir_fixtures/requests").glob("*.json")]
    calls.append(calls[0] | {"context": calls[0]["context"] | {"userId": "Patient/1"}})
    for call in calls:
        body = answer(call)
        assert {name for name in members(body["extension"][DECISION]) if f"`{name}`" not in text} == set()
        codes = {note["code"] for note in body["extension"][DECISION].get("notes", [])}
        assert {code for code in codes if f"`{code}`" not in text} == set()


# --- samples -------------------------------------------------------------------------------------


@cache
def app() -> Any:
    return create_app(Settings(rules=ROOT / "rules", today=NOW)).test_client()


def answer(call: dict[str, Any]) -> dict[str, Any]:
    response = app().post(f"/cds-services/ketamine-trd-{call['hook']}", json=call)
    assert response.status_code == 200, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    return body


@cache
def story() -> dict[str, Any]:
    return answer(json.loads((ROOT / "fhir_fixtures/requests" / STORY).read_bytes()))


def steady(text: str) -> str:
    """What changes with every change of any rule is cut short: the digest, and ids made with it."""
    text = re.sub(r"sha256:[0-9a-f]+", "sha256:…", text)
    text = re.sub(r'("id": ")[0-9a-f]{8}-[0-9a-f-]{27}"', r'\1…"', text)
    return re.sub(r'("uuid": "[0-9a-f]{8}-[0-9a-f]{4}-8)[0-9a-f-]{21}"', r'\1…"', text)


def laid_out(value: Any, indent: str = "", room: int = 140) -> str:
    """JSON with what fits on one line on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= room or not isinstance(value, (dict, list)) or not value:
        return flat
    deeper = indent + "  "
    if isinstance(value, list):
        lines = [laid_out(one, deeper, room) for one in value]
        return "[\n" + ",\n".join(deeper + line for line in lines) + f"\n{indent}]"
    lines = [f"{json.dumps(name)}: {laid_out(one, deeper, room)}" for name, one in value.items()]
    return "{\n" + ",\n".join(deeper + line for line in lines) + f"\n{indent}}}"


def fenced(text: str, kind: str) -> str:
    return f"```{kind}\n{text}\n```"


def started() -> str:
    settings = Settings(rules=Path("rules"), today=NOW)
    return fenced(steady(start_message(settings, load_rulebooks(settings), "durable")), "text")


def answered() -> str:
    return fenced(steady(laid_out(story())), "json")


def rendered() -> str:
    """The first card as an EHR would lay it out, as a markdown quotation."""
    card = story()["cards"][0]
    source = card["source"]
    label = f"[{source['label']}]({source['url']})" if "url" in source else source["label"]
    reasons = " · ".join(reason["display"] for reason in card["overrideReasons"])
    lines = [
        f"**{card['indicator'].upper()} · {card['summary']}**",
        "",
        *card["detail"].split("\n"),
        "",
        f"Source: {label}",
        "",
        f"Dismiss because: {reasons}",
    ]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def explained() -> str:
    words = ["explain", "trd-definition-met", "--chart", "v03-short-trials"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    return fenced("\n".join(line.rstrip() for line in result.output.strip().splitlines()), "text")


def replayed() -> str:
    """A threshold of a copy of the rules raised, compared with the rules as they are."""
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(ROOT / "rules", Path(folder) / "rules"))
        path = copy / "ketamine-trd/definitions/trd-definition-met.yaml"
        path.write_text(path.read_text().replace('adherence: ">= 0.8 [13]"', 'adherence: ">= 0.9 [13]"'))
        words = ["replay", "--rules", str(copy), "--against", "rules", "--jobs", "1"]
        result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1, result.output
    return fenced(result.output.strip().replace(f"rules → {copy}", "HEAD (0a1b2c3d4e) → rules"), "text")


def asked_for() -> str:
    (book,) = load_rulebooks(Settings(rules=ROOT / "rules"))
    rows: dict[str, tuple[str, list[str]]] = {}
    for hook in book.hooks:
        for key, template in templates(book, hook).items():
            rows.setdefault(key, (template, []))[1].append(hook)
    lines = ["| key | template | hooks |", "|---|---|---|"]
    for key, (template, hooks) in rows.items():
        told = "all" if len(hooks) == len(book.hooks) else ", ".join(hooks)
        lines.append(f"| `{key}` | `{template.replace('|', chr(92) + '|')}` | {told} |")
    return "\n".join(lines)


def hooked() -> str:
    """The hooks with their fields, in other spellings too."""
    lines = ["| hook | called | context |", "|---|---|---|"]
    for hook in HOOKS.values():
        told = []
        for field in hook.fields:
            first = f"**`{field.name}`**" if field.token else f"`{field.name}`"
            names = " or ".join((first, *(f"`{name}`" for name in field.spellings)))
            told.append(names if field.required else f"[{names}]")
        lines.append(f"| {hook.name} | {hook.when} | {', '.join(told)} |")
    return "\n".join(lines)


def connected() -> str:
    """One search fails, one is cut short; times are not shown, since they are different every time."""
    faults = Knobs(fail={"Procedure": 503}, truncate={"QuestionnaireResponse": 0})
    store = Store.read([ROOT / "fhir_fixtures/charts/v01-clear-trd.json"])
    with serving(create_fhir_app(store, faults)) as base:
        words = ["check-connection", "--fhir", base, "--patient", "v01", "--today", "2026-03-01"]
        result = CliRunner(env={"CDS_DEADLINE_MS": "60000"}).invoke(cli, [*words, "--format", "json"])
    assert result.exit_code == 1, result.output
    found = json.loads(result.output) | {"fhir": "http://127.0.0.1:8090/fhir"}
    for key in found["rulebooks"][0]["keys"]:
        key["milliseconds"] = 9
    paper = Console(file=StringIO(), width=WIDTH)
    paper.print(told(found))
    lines = paper.file.getvalue().strip().splitlines()  # type: ignore[attr-defined]
    return fenced("\n".join(line.rstrip() for line in lines), "text")


def recorded() -> dict[str, Any]:
    """The call of the story, without a key: so there is something missing to show."""
    call: dict[str, Any] = json.loads((ROOT / "fhir_fixtures/requests" / STORY).read_bytes())
    del call["prefetch"]["medication-administrations"]
    return call


def logged() -> str:
    settings = Settings(rules=ROOT / "rules", today=NOW)
    return fenced(steady(observed_samples.line(recorded(), settings, laid_out)), "json")


def scraped() -> str:
    settings = Settings(rules=ROOT / "rules", today=NOW)
    return fenced(steady(observed_samples.counters(recorded(), settings)), "text")


SAMPLES: dict[str, Callable[[], str]] = {
    "decision-line": logged,
    "metrics": scraped,
    "start": started,
    "answer": answered,
    "card": rendered,
    "explain": explained,
    "prefetch": asked_for,
    "replay": replayed,
    "hooks": hooked,
    "connection": connected,
    "lint": lambda: fenced(linted_sample.linted(), "text"),
}
_SAMPLE = re.compile(r"(<!-- sample: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.S)


@pages
def test_every_sample_is_what_one_sees(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fresh = _SAMPLE.sub(lambda match: f"{match[1]}{SAMPLES[match[2]]()}\n{match[4]}", text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(fresh, encoding="utf-8")
    assert text == fresh or os.environ.get("UPDATE_DOCS"), "run UPDATE_DOCS=1 pytest tests/test_docs.py"


def test_every_sample_stands_in_some_page() -> None:
    shown = {name for page in PAGES for _, name, _, _ in _SAMPLE.findall(page.read_text(encoding="utf-8"))}
    assert shown == set(SAMPLES)
