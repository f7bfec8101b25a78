"""Examples, schemas and models made by others, read where they lie; what is not there is skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

from .checks import Json
from .rows import ROOT

ORACLE = ROOT.parent / "shared" / "oracle"
OPENAPI = ORACLE / "openapi" / "cds-hooks-1.1-openapi3.yaml"
MODELS = ORACLE / "logical-models"
needed = pytest.mark.skipif(not ORACLE.is_dir(), reason="the examples of others are not on this machine")


def files(*patterns: str) -> list[Path]:
    """The JSON files below these folders, in order."""
    return sorted(path for pattern in patterns for path in ORACLE.glob(f"{pattern}/*.json"))


def named(path: Path) -> str:
    return path.relative_to(ORACLE).as_posix().removesuffix(".json")


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@cache
def schema(name: str) -> Draft202012Validator:
    """A schema of the OpenAPI description of CDS Hooks 1.1."""
    described = YAML(typ="safe").load(OPENAPI.read_text(encoding="utf-8"))
    rooted = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return Draft202012Validator(rooted, format_checker=FormatChecker(["uuid", "date-time"]))


def schema_problems(name: str, body: Any) -> list[str]:
    """What the schema finds wrong, with its place."""
    return [f"{error.json_path}: {error.message}" for error in schema(name).iter_errors(body)]


@cache
def required(model: str) -> tuple[tuple[str, ...], ...]:
    """The paths that a logical model requires of its parent, if that is there."""
    definition = read(MODELS / f"structuredefinition-{model}.json")
    paths = (
        (element["path"].split(".")[1:], element.get("min"))
        for element in definition["differential"]["element"]
    )
    return tuple(tuple(path) for path, least in paths if path and least)


def missing(model: str, body: Any) -> list[str]:
    """The required elements that are not there. Maps of keys and values are read as the model means them."""
    return [
        ".".join(path)
        for path in required(model)
        for parent in _at(body, path[:-1])
        if path[-1] not in parent
    ]


def _at(value: Any, path: Sequence[str]) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif isinstance(value, dict) and not path:
        yield value
    elif isinstance(value, dict) and path[0] == "prefetch":
        yield from ({"key": key, "value": one} for key, one in value.get("prefetch", {}).items())
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
