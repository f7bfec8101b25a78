"""The JSON Schema of a rule file, for completion and checks in an editor.

Run `python -m cds_service.rulebook.schema` to write rules/rule.schema.json after a change to the shapes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cds_service.rulebook.examples import example
from cds_service.rulebook.fact import LikeFact
from cds_service.rulebook.logic import LOGIC_LIST
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.views import FINDABLE, VIEWS

SCHEMA_ID = "urn:cds-service:schema:rule"
SCHEMA_PATH = Path("rules") / "rule.schema.json"


def rule_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a rule file."""
    schema = Rule.model_json_schema()
    _likened(schema)
    parts = schema["$defs"]["All"]["properties"]["all"]["items"]
    tidy = _tidy(schema, parts)
    # Before the items of a list of criteria stand the criteria themselves, once and by name.
    tidy["$defs"]["Logic"] = _tidy(parts, None) | {"description": "a criterion, or all, any, not, at_least"}
    _complete(tidy["$defs"])
    for part, shape in {"Rule": tidy, **tidy["$defs"]}.items():
        for key, told in shape.get("properties", {}).items():
            if "examples" not in told:
                told["examples"] = [example(part, key)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **tidy,
        "title": "A clinical rule",
    }


def _likened(schema: dict[str, Any]) -> None:
    """Allow a fact that is like another: it is gone when the models see a rule, and an author writes it."""
    like = LikeFact.model_json_schema()
    schema["$defs"] |= like.pop("$defs", {}) | {"LikeFact": like}
    (facts,) = schema["properties"]["data"]["patternProperties"].values()
    facts["oneOf"].append({"$ref": "#/$defs/LikeFact"})


def _complete(parts: dict[str, Any]) -> None:
    """Name what can be looked for, so that an editor can offer it."""
    parts["FindFact"]["properties"]["find"]["enum"] = list(FINDABLE)
    parts["ViewFact"]["properties"]["view"]["enum"] = list(VIEWS)


def _tidy(node: Any, logic: Any) -> Any:
    """Without what only pydantic says: titles, null alternatives and defaults; logic by reference."""
    if isinstance(node, list):
        return [_tidy(one, logic) for one in node]
    if not isinstance(node, dict):
        return node
    if logic is not None and node.get("oneOf") == logic["oneOf"]:
        told = {"description": node["description"]} if "description" in node else {}
        return {"$ref": "#/$defs/Logic", **told}
    if node.get("description") == LOGIC_LIST:
        return {**node, "items": {"$ref": "#/$defs/Logic"}}
    kept = {
        key: {name: _tidy(one, logic) for name, one in value.items()}
        if key in _BY_NAME
        else _tidy(value, logic)
        for key, value in node.items()
        if key not in ("title", "default")
    }
    return _without_null(kept)


_BY_NAME = ("properties", "$defs")


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    choices = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == len(node.get("anyOf", ())):
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of another file of a rulebook."""
    schema: dict[str, Any] = _tidy(model.model_json_schema(), None)
    return schema


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(rule_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path = SCHEMA_PATH) -> None:
    """Write the schema file."""
    path.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write_schema()
