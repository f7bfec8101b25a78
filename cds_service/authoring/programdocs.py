"""The pages about the program itself, written from it: every key, every command, every setting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from pydantic import BaseModel

from cds_service.authoring.page import MARK, wrapped
from cds_service.authoring.testfile import RuleTests
from cds_service.rulebook.files import (
    OverrideReason,
    RulebookFile,
    Source,
    TableFile,
    TemplateFile,
    ValueSetFile,
)
from cds_service.rulebook.overlay import OverlayFile
from cds_service.rulebook.schema import plain_schema, rule_schema
from cds_service.settings import MEANINGS, NAMES, Settings

WIDTH = 100
_FILES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Tests: `x.test.yaml`", RuleTests),
    ("`rulebook.yaml`", RulebookFile),
    ("A source of `sources.yaml`", Source),
    ("A reason of `override-reasons.yaml`", OverrideReason),
    ("A value set: `valuesets/x.yaml`", ValueSetFile),
    ("A table: `tables/x.yaml`", TableFile),
    ("A template: `templates/x.yaml`", TemplateFile),
    ("What a site changes: `local/<rulebook>.yaml`", OverlayFile),
)


def program_pages(verbs: click.Group) -> Mapping[str, str]:
    """The text of each page by its file name."""
    return {
        "rule-reference.md": _page(_reference()),
        "cli.md": _page(_commands(verbs)),
        "settings.md": _page(_settings()),
    }


def _page(lines: Iterator[str]) -> str:
    return "\n".join((f"{MARK} with --program; change the program. -->", "", *lines)) + "\n"


# --- every key -----------------------------------------------------------------------------------


def _reference() -> Iterator[str]:
    yield from ("# Every key of every file", "")
    yield from wrapped(
        "The guide is [rule-format.md](rule-format.md). Here each key stands once, with an example. A key "
        "in bold has to be there. Keys not named here are errors."
    )
    yield from _parts("A rule", rule_schema())
    for title, model in _FILES:
        yield from _parts(title, plain_schema(model))


def _parts(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """A file's own keys, then those of its parts."""
    yield from ("", f"## {title}", "")
    yield from _keys(schema)
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            yield from ("", f"### {name.rstrip('_')}", "")
            yield from wrapped(" ".join(str(part.get("description", "")).split()))
            yield ""
            yield from _keys(part)


def _keys(part: Mapping[str, Any]) -> Iterator[str]:
    """A table of keys; the column of examples only where there are any."""
    required, keys = part.get("required", ()), part["properties"]
    shown = any(_example(told) for told in keys.values())
    yield from _row("key", "what it is", *(["for example"] if shown else []))
    yield from _row("---", "---", *(["---"] if shown else []))
    for key, told in keys.items():
        name = f"**`{key}`**" if key in required else f"`{key}`"
        yield from _row(name, _meaning(told), *([_example(told)] if shown else []))


def _row(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(map(_cell, cells))} |"


def _meaning(told: Mapping[str, Any]) -> str:
    choices = told.get("enum") or told.get("items", {}).get("enum") or ()
    listed = f": {', '.join(f'`{_plain(one)}`' for one in choices)}" if choices else ""
    return str(told["description"]) + listed


def _example(told: Mapping[str, Any]) -> str:
    return ", ".join(f"`{_plain(one)}`" for one in told.get("examples", ()))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


# --- every command -------------------------------------------------------------------------------


def _commands(verbs: click.Group) -> Iterator[str]:
    yield from ("# Every command", "")
    yield from wrapped(
        "What each command says with `--help`. Exit codes: 0 clean, 1 findings or failures, 2 wrong use."
    )
    yield from _command(verbs, "cds", None)


def _command(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield from ("", f"## `{context.command_path}`", "", "```text")
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            below = command.get_command(context, verb)
            if below is not None:
                yield from _command(below, verb, context)


# --- every setting -------------------------------------------------------------------------------


def _settings() -> Iterator[str]:
    yield from ("# Every setting", "")
    yield from wrapped(
        "Read once from the environment when a process starts, every value checked. An empty value counts as "
        "unset; a name that begins with `CDS_` and is none of these is refused."
    )
    yield from ("", "| name | decides | default |", "|---|---|---|")
    defaults = Settings.from_environment({})
    for name in NAMES:
        told = str(_shown(getattr(defaults, name.removeprefix("CDS_").lower())))
        yield f"| `{name}` | {_cell(MEANINGS[name])} | {f'`{told}`' if told else '–'} |"


def _shown(value: object) -> object:
    """A default as one would write it; empty for none."""
    if isinstance(value, bool):
        return int(value)
    return "" if value is None or value == () else value
