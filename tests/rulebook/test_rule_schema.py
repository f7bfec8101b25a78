"""The published JSON Schema: fresh, whole, and said in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cds_service.rulebook import card, fact, logic, rule
from cds_service.rulebook.examples import OWN, SHARED
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.schema import SCHEMA_PATH, rule_schema, schema_text, write_schema

ROOT = Path(__file__).parents[2]


def test_the_published_schema_is_fresh() -> None:
    written = (ROOT / SCHEMA_PATH).read_text(encoding="utf-8")
    assert written == schema_text(), "run python -m cds_service.rulebook.schema"


def test_writing_the_schema_writes_what_is_published(tmp_path: Path) -> None:
    write_schema(tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == rule_schema()


def test_the_schema_names_itself() -> None:
    schema = rule_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["$id"] and schema["title"] and schema["additionalProperties"] is False


def _properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, one in (
            node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ()
        ):
            yield f"{path}.{name}", one
        for key, value in node.items():
            yield from _properties(value, f"{path}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from _properties(value, path)


def test_every_key_of_a_rule_has_a_description() -> None:
    without = [path for path, one in _properties(rule_schema()) if not one.get("description")]
    assert without == []


def models() -> dict[str, type[BaseModel]]:
    """Every model of a rule file by the name it has in the schema."""
    known = rule_schema()["$defs"]
    return {"Rule": Rule} | {
        name: one
        for module in (rule, fact, card, logic)
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, BaseModel) and name in known
    }


def parts() -> dict[str, dict[str, Any]]:
    schema = rule_schema()
    return {"Rule": schema["properties"]} | {
        name: one["properties"] for name, one in schema["$defs"].items() if "properties" in one
    }


def test_every_key_of_a_rule_has_an_example() -> None:
    without = [
        (part, key) for part, keys in parts().items() for key, one in keys.items() if not one["examples"]
    ]
    assert without == []


def test_every_example_is_what_the_key_takes() -> None:
    known = models()
    assert set(known) == set(parts())
    for part, keys in parts().items():
        for key, told in keys.items():
            for one in told["examples"]:
                assert list(refused(known[part], key, one)) == [], (part, key)


def refused(model: type[BaseModel], key: str, value: Any) -> Iterator[str]:
    """What the model has against the value of one key; that its other keys are missing does not count."""
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        yield from (str(one) for one in error.errors() if one["loc"][:1] == (key,))


def test_no_example_is_left_over() -> None:
    used = parts()
    assert [(part, key) for part, keys in OWN.items() for key in keys if key not in used[part]] == []
    assert set(SHARED) <= {key for keys in used.values() for key in keys}


def test_every_reference_leads_somewhere() -> None:
    schema = rule_schema()
    named = {f"#/$defs/{name}" for name in schema["$defs"]}
    text = json.dumps(schema)
    used = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert used <= named and named - {"#/$defs/Logic"} <= used | {"#/$defs/All"}


def test_the_schema_knows_every_key_of_the_models() -> None:
    schema = rule_schema()
    keys = {field.alias or name for name, field in Rule.model_fields.items()}
    assert set(schema["properties"]) == keys
    assert "from" in schema["$defs"]["FindFact"]["properties"]
    assert "not" in schema["$defs"]["Not"]["properties"]


def test_the_plain_model_schema_can_be_generated_too() -> None:
    assert Rule.model_json_schema()["$defs"]
