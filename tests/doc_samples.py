"""What the documents show: each sample made anew by the product itself."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner
from rich.console import Console

from cds_service.authoring.cli import cli
from cds_service.authoring.connection.words import told
from cds_service.authoring.fhirserver.app import create_fhir_app
from cds_service.authoring.fhirserver.knobs import Knobs
from cds_service.authoring.fhirserver.running import serving
from cds_service.authoring.fhirserver.store import Store
from cds_service.facts.prefetch import templates
from cds_service.rulebook.hooks import HOOKS
from cds_service.settings import Settings
from cds_service.web.app import create_app
from cds_service.web.rules import load_rulebooks
from cds_service.web.serve import start_message
from tests import linted_sample, observed_samples

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORY = "v01-clear-trd.patient-view.json"
DECISION, RULES = "org.cds-service.decision", "org.cds-service.rules"
WIDTH = 110


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
