"""Turns what pydantic refuses into problems a rule author understands: where, what was seen, what to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cds_service.errors import Problem, nearest
from cds_service.rulebook.shape import ID_PATTERN, NAME_PATTERN, VERSION_PATTERN
from cds_service.rulebook.shapewalk import keys_at
from cds_service.rulebook.yamlfile import DataPath, YamlFile


class Seen(NamedTuple):
    """One refusal: pydantic's details, the path in the data, its name, what stood there."""

    error: ErrorDetails
    path: DataPath
    key: str
    value: object

    @property
    def limit(self) -> Mapping[str, Any]:
        """pydantic's numbers about the refusal."""
        return self.error.get("ctx", {})


class Wording(NamedTuple):
    """The code of a problem, what was seen and expected, what to try."""

    code: str
    message: str
    hint: str = ""


_PATTERNS: Mapping[str, tuple[str, str]] = {
    ID_PATTERN: ("an id is lower-case words joined by hyphens", "for example aneurysmal-disease"),
    NAME_PATTERN: ("a name is lower-case words joined by underscores", "for example adequate_trials"),
    VERSION_PATTERN: ("a version is three numbers", "write it like 1.0.0"),
    r"^https://": ("a link begins with https://", "write the whole address"),
    r"^(https?://|urn:)": ("a code system is named by its address", "write https://… or urn:…"),
    r"^[KSVI]\d{2}$": ("a claim id is a letter and two digits", "for example K01"),
}
_EXPECTED: Mapping[str, tuple[str, str]] = {
    "string_type": ("text", "put quotes round it"),
    "int_type": ("a whole number", "write it without quotes"),
    "int_parsing": ("a whole number", "write digits only"),
    "int_from_float": ("a whole number", "write it without a point"),
    "float_type": ("a number", "write it without quotes"),
    "float_parsing": ("a number", "write digits only"),
    "bool_type": ("true or false", "write true or false without quotes"),
    "tuple_type": ("a list", "write [a, b], or one item per line after a hyphen"),
    "dict_type": ("a mapping", "write one `key: value` per line below it"),
    "model_type": ("a mapping", "write one `key: value` per line below it"),
}
_CHOICE_HINTS: Mapping[str, str] = {
    "bad_logic": "write one criterion, a list (all must hold), or a mapping with one of these keys",
    "bad_where": "write a list, {not: [...]}, {in: value-set}, {not_in: value-set}, {absent: true}, "
    "{unreadable: true} or a comparison in quotes",
    "bad_fact": "find: a resource type, view: a view, calculate: a calculation, conclusion: a rule's id, "
    "like: a fact above",
    "bad_resource": "template: the id of a template, from: a fact, with what to set:",
    "bad_member": "code: one code, starts_with: every code that begins so",
}


def problems_of(error: ValidationError, file: YamlFile, model: type[BaseModel]) -> list[Problem]:
    """One problem per mistake, in file order; what only follows from another mistake is left out."""
    details = error.errors(include_url=False)
    spots = [_spot(detail, file) for detail in details]
    found: dict[Problem, None] = {}
    for detail, path in zip(details, spots, strict=True):
        if not _follows(detail, path, spots, file):
            found[_problem(detail, path, file, model)] = None
    return sorted(found)


def _spot(detail: ErrorDetails, file: YamlFile) -> DataPath:
    """The path in the data; a missing key is the last part of it."""
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "missing":
        return (*file.resolve(loc[:-1]), loc[-1])
    return file.resolve(loc)


def _follows(detail: ErrorDetails, path: DataPath, spots: list[DataPath], file: YamlFile) -> bool:
    if any(path[: len(bad)] == bad for bad in file.bad):
        return True
    return detail["type"] == "too_short" and any(
        len(other) > len(path) and other[: len(path)] == path for other in spots
    )


def _problem(detail: ErrorDetails, path: DataPath, file: YamlFile, model: type[BaseModel]) -> Problem:
    kind = detail["type"]
    seen = Seen(detail, path, named(path), detail["input"])
    if kind == "missing":
        code, message, hint = _missing(seen, keys_at(model, detail["loc"][:-1]))
        return Problem(file.key_place(path[:-1]), code, message, hint)
    if kind == "extra_forbidden":
        code, message, hint = _unknown_key(seen, keys_at(model, detail["loc"][:-1]))
        return Problem(file.key_place(path), code, message, hint)
    code, message, hint = _wording(seen)
    at_key = detail["loc"][-1:] == ("[key]",)
    return Problem(file.key_place(path) if at_key else file.place(path), code, message, hint)


def _wording(seen: Seen) -> Wording:
    kind = seen.error["type"]
    if "message" in seen.limit:
        return Wording(f"schema/{kind.replace('_', '-')}", seen.limit["message"], seen.limit["hint"])
    if kind in _CHOICE_HINTS:
        return Wording(f"schema/{kind.replace('_', '-')}", seen.error["msg"], _CHOICE_HINTS[kind])
    if kind in _EXPECTED:
        what, hint = _EXPECTED[kind]
        return Wording("schema/wrong-type", f"{seen.key} is {what}, not {shown(seen.value)}", hint)
    describe = _DESCRIBE.get(kind)
    if describe is not None:
        return describe(seen)
    return Wording("schema/not-accepted", f"{seen.key} cannot be {shown(seen.value)}: {seen.error['msg']}")


def _missing(seen: Seen, keys: Mapping[str, str]) -> Wording:
    key = str(seen.path[-1])
    holder = named(seen.path[:-1])
    about = keys.get(key, "")
    return Wording(
        "schema/missing-key", f"{holder} has no key {key!r}", f"add {key}: {about}" if about else f"add {key}"
    )


def _unknown_key(seen: Seen, keys: Mapping[str, str]) -> Wording:
    return Wording(
        "schema/unknown-key",
        f"{str(seen.path[-1])!r} is not a key of {named(seen.path[:-1])}",
        nearest(str(seen.path[-1]), list(keys)),
    )


def _literal(seen: Seen) -> Wording:
    known = [word.strip(" '") for word in str(seen.limit["expected"]).replace(" or ", ", ").split(",")]
    listed = ", ".join(known)
    if known == ["True"]:
        return Wording("schema/not-a-choice", f"{seen.key} can only be true", "write true, or leave it out")
    hint = nearest(str(seen.value), known)
    return Wording(
        "schema/not-a-choice",
        f"{seen.key} is one of {listed}, not {shown(seen.value)}",
        hint if hint.startswith("did") else "",
    )


def _pattern(seen: Seen) -> Wording:
    rule, example = _PATTERNS.get(seen.limit["pattern"], (f"it must match {seen.limit['pattern']}", ""))
    return Wording("schema/bad-form", f"{shown(seen.value)} is not well formed: {rule}", example)


def _too_long(seen: Seen) -> Wording:
    most, held = seen.limit["max_length"], len(str(seen.value))
    return Wording(
        "schema/too-long", f"{seen.key} has {held} characters, at most {most} are allowed", "shorten it"
    )


def _too_short(seen: Seen) -> Wording:
    least = seen.limit["min_length"]
    if least == 1:
        return Wording("schema/empty-value", f"{seen.key} is empty", "write its text")
    return Wording(
        "schema/too-short",
        f"{seen.key} has {len(str(seen.value))} characters, at least {least} are expected",
        "write a whole sentence",
    )


def _empty(seen: Seen) -> Wording:
    return Wording("schema/empty-value", f"{seen.key} has no entries, at least one is expected", "add one")


def _too_small(seen: Seen) -> Wording:
    return Wording(
        "schema/out-of-range", f"{seen.key} is {shown(seen.value)}, at least {seen.limit['ge']} is expected"
    )


def _not_above(seen: Seen) -> Wording:
    limit = f"{seen.limit['gt']:g}"
    return Wording("schema/out-of-range", f"{seen.key} is {shown(seen.value)}, more than {limit} is expected")


_DESCRIBE: Mapping[str, Callable[[Seen], Wording]] = {
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_too_long": _too_long,
    "string_too_short": _too_short,
    "too_short": _empty,
    "greater_than_equal": _too_small,
    "greater_than": _not_above,
}


def named(path: DataPath) -> str:
    """The place in words: `find`, `item 2 of detail`, `the file`."""
    if not path:
        return "the file"
    if isinstance(path[-1], int) and len(path) > 1 and isinstance(path[-2], str):
        return f"item {path[-1] + 1} of {path[-2]}"
    return str(path[-1])


def shown(value: object) -> str:
    """A value as an author would recognise it, short."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"
