"""Strict YAML: plain data with the place of every key and value, and no traps.

Only `true` and `false` are booleans, so `no`, `on` and `yes` stay words; dates and times stay text.
Refused, each with its place: duplicate keys (the first wins), tabs, anchors, aliases, merge keys, tags,
several documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from cds_service.errors import Place, Problem

Part = str | int
DataPath = tuple[Part, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_BOOLEANS = {"true": True, "false": False}
_ALMOST = frozenset({"True", "TRUE", "False", "FALSE"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CITED_ITEM = re.compile(r"[\[{,:]\s*((?:[^\[\]{},:\"']|\[\d+\])*?\[\d+\])\s*(?=[,\]}])")


@dataclass(frozen=True)
class YamlFile:
    """A file as read; `places` and `key_places` by path in `data`, `bad` the paths already refused."""

    name: str
    data: Any = None
    places: Mapping[DataPath, Place] = field(default_factory=dict)
    key_places: Mapping[DataPath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    bad: frozenset[DataPath] = frozenset()

    def resolve(self, path: DataPath) -> DataPath:
        """The path of the data a model's path speaks of: parts that only the model has are skipped."""
        here, found = self.data, []
        for part in path:
            if _holds(here, part):
                here = here[part]
                found.append(part)
        return tuple(found)

    def place(self, path: DataPath = ()) -> Place:
        """Where the value stands."""
        return self.places.get(self.resolve(path), Place(self.name))

    def key_place(self, path: DataPath) -> Place:
        """Where the key of the value stands; the value itself for items of a list and the whole file."""
        resolved = self.resolve(path)
        return self.key_places.get(resolved) or self.place(resolved)


def read_yaml(path: Path) -> YamlFile:
    """Read one file; never raises for what stands in it. The file is named as the path is written."""
    name = path.as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        return _refused(name, "schema/unreadable", f"the file cannot be read: {error.strerror}", "")
    if len(content) > MAX_BYTES:
        return _refused(
            name,
            "schema/too-large",
            f"the file is larger than {MAX_BYTES:,} bytes",
            "split it into several files",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _refused(name, "schema/not-utf-8", "the file is not UTF-8 text", "save it as UTF-8", line)
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> YamlFile:
    """Parse the text of the file called `name`."""
    reader = _Reader(text, name)
    try:
        data = reader.document()
    except YAMLError as error:
        reader.refuse_syntax(error)
        return YamlFile(name, None, {}, {}, tuple(reader.problems), frozenset({()}))
    except _StopError:
        return YamlFile(name, None, {}, {}, tuple(reader.problems), frozenset({()}))
    return YamlFile(
        name, data, reader.places, reader.key_places, tuple(reader.problems), frozenset(reader.bad)
    )


class _StopError(Exception):
    """Nothing more can be read from this file."""


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.events: Iterator[Any] = YAML(typ="safe").parse(text)
        self.places: dict[DataPath, Place] = {}
        self.key_places: dict[DataPath, Place] = {}
        self.problems: list[Problem] = []
        self.bad: set[DataPath] = set()

    def document(self) -> Any:
        """The data of the one document."""
        data: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(
                        event,
                        "schema/several-documents",
                        "a second document begins here",
                        "keep one document per file: remove the line ---",
                    )
                    return data
                data = self.value(next(self.events), ())
        if data is None and not self.problems:
            self.problems.append(
                Problem(
                    Place(self.name, 1, 1),
                    "schema/empty-file",
                    "the file is empty",
                    "write the keys of its kind",
                )
            )
            raise _StopError
        return data

    def value(self, event: Any, path: DataPath, keep: bool = True) -> Any:
        """The value that begins with `event`; its places are kept unless it is thrown away."""
        if len(path) > MAX_DEPTH:
            self.refuse(
                event,
                "schema/too-deep",
                f"more than {MAX_DEPTH} levels stand inside one another",
                "write it flatter",
            )
            raise _StopError
        if keep:
            self.places[path] = self.at(event)
        if isinstance(event, AliasEvent):
            self.refuse(
                event,
                "schema/alias",
                f"*{event.anchor} refers to another place of the file",
                "write the value out",
            )
            self.bad.add(path)
            return None
        self.refuse_decoration(event)
        if isinstance(event, MappingStartEvent):
            return self.mapping(path, keep)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(path, keep)
        return self.scalar(event)

    def sequence(self, path: DataPath, keep: bool) -> list[Any]:
        """A list."""
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self.value(event, (*path, len(items)), keep))
        return items

    def mapping(self, path: DataPath, keep: bool) -> dict[Part, Any]:
        """A mapping; the first of equal keys wins."""
        held: dict[Part, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            key = self.key(event)
            usable = key is not None and key not in held
            if key is not None and key in held:
                first = self.key_places.get((*path, key))
                self.refuse(
                    event,
                    "schema/duplicate-key",
                    f"the key {key!r} stands here a second time",
                    f"keep one of the two; the first is in line {first.line}"
                    if first
                    else "keep one of them",
                )
            where = (*path, key if key is not None else "")
            if usable and keep:
                self.key_places[where] = self.at(event)
            value = self.value(next(self.events), where, keep and usable)
            if usable and key is not None:
                held[key] = value
        return held

    def key(self, event: Any) -> Part | None:
        """The key, or None if it was refused."""
        if not isinstance(event, ScalarEvent):
            self.refuse(
                event,
                "schema/odd-key",
                "a key is one word, this is a list or mapping",
                "put quotes round a text that begins with [ or {",
            )
            self.skip(event)
            return None
        self.refuse_decoration(event)
        plain = not event.style
        if plain and event.value == "<<":
            self.refuse(
                event,
                "schema/merge-key",
                "<< would merge another mapping into this one",
                "write the keys out",
            )
            return None
        if plain and event.value in _NULLS:
            self.refuse(event, "schema/odd-key", "a key is missing before the colon", "write the key")
            return None
        number = plain and len(event.value) < 16 and _INT.fullmatch(event.value)
        return int(event.value) if number else str(event.value)

    def skip(self, event: Any) -> None:
        """Pass over a refused list, mapping or alias."""
        if not isinstance(event, AliasEvent):
            self.value(event, (), keep=False)

    def scalar(self, event: Any) -> Any:
        """Text, number, true or false, or nothing."""
        text = event.value
        if event.style or event.tag:
            return text
        if text in _NULLS:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if text in _ALMOST:
            self.refuse(
                event,
                "schema/ambiguous-scalar",
                f"{text} is neither a word nor a boolean here",
                f"write {text.lower()}, or put quotes round it if the word is meant",
            )
            return text == "True" or text == "TRUE"
        return _number(text)

    def refuse_decoration(self, event: Any) -> None:
        """Anchors and tags are errors; the value itself is read on."""
        if isinstance(event, AliasEvent):
            return
        if event.anchor:
            self.refuse(
                event,
                "schema/anchor",
                f"&{event.anchor} names this value for use elsewhere",
                "remove the anchor and write values out",
            )
        if event.tag:
            self.refuse(
                event,
                "schema/tag",
                f"the tag {_short(event.tag)} changes how this value is read",
                "remove the tag; quotes make a value text",
            )

    def refuse(self, event: Any, code: str, message: str, hint: str) -> None:
        """Note a problem at an event."""
        self.problems.append(Problem(self.at(event), code, message, hint))

    def refuse_syntax(self, error: YAMLError) -> None:
        """Note that the text is not YAML, in words an author can use."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if not isinstance(error, MarkedYAMLError) or mark is None:
            place, seen, hint = Place(self.name), "an unprintable character stands in the file", "remove it"
            bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", self.text)
            if bad:
                before = self.text[: bad.start()]
                place = Place(self.name, before.count("\n") + 1, len(before) - before.rfind("\n"))
                seen = f"the unprintable character U+{ord(bad.group()):04X} stands here"
        else:
            place = Place(self.name, mark.line + 1, mark.column + 1)
            lines = self.text.splitlines()
            line = lines[mark.line] if mark.line < len(lines) else ""
            seen, hint = _explain(error, line, mark.column)
        self.problems.append(Problem(place, "schema/syntax", seen, hint))

    def at(self, event: Any) -> Place:
        """The place of an event, counted from 1."""
        return Place(self.name, event.start_mark.line + 1, event.start_mark.column + 1)


def _holds(data: Any, part: Part) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and -1 < part < len(data)
    return isinstance(data, dict) and part in data


def _refused(name: str, code: str, message: str, hint: str, line: int = 0) -> YamlFile:
    problem = Problem(Place(name, line, 1 if line else 0), code, message, hint)
    return YamlFile(name, problems=(problem,), bad=frozenset({()}))


def _number(text: str) -> int | float | str:
    if len(text) > 15:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.fullmatch(text):
        return float(text)
    return text


def _short(tag: str) -> str:
    return "!!" + tag.rpartition(":")[2] if tag.startswith("tag:yaml.org") else tag


def _explain(error: MarkedYAMLError, line: str, column: int) -> tuple[str, str]:
    """What was seen and what to try, from the parser's error and the line it stopped in."""
    problem = error.problem or ""
    if column < len(line) and line[column] == "\t":
        return "a tab stands here, where YAML wants spaces", "indent with two spaces"
    cited = _CITED_ITEM.search(line)
    if cited and ("','" in problem or "cannot start any token" in problem or "expected key" in problem):
        item = cited.group(1).strip()
        return (
            "a citation inside [ ] or { } needs quotes: YAML stops at the inner bracket",
            f'put quotes round the whole line: "{item}"',
        )
    if line[column : column + 1] == "?":
        text = re.split(r"[\[{,]\s*|:\s+", line[: column + 1])[-1]
        return "a question mark inside [ ] or { } needs quotes", f'put quotes round the text: "{text}"'
    if "mapping values are not allowed" in problem:
        return "a second colon stands in this line, so its text cannot be told from a key", (
            "put quotes round a text that holds a colon and a space"
        )
    if "cannot start any token" in problem or "block scalar" in (error.context or ""):
        start = column - 1 if line[column - 1 : column] in (">", "|") else column
        seen = line[start : column + 1]
        return f"a text cannot begin with {seen!r}", "put quotes round the text"
    if "end of stream" in problem:
        return "the file ends inside a quoted text", "close the quotes"
    if "','" in problem:
        return (
            "a list or mapping in brackets is not closed, or a comma is missing",
            "close it, or add the comma",
        )
    if "'-' indicator" in problem or "expected key" in problem:
        return "this line fits neither the list nor the mapping it stands in", (
            "line it up with the lines before it; put quotes round texts with : # [ ] { }"
        )
    return (
        f"this is not YAML: {problem or 'it cannot be read'}",
        "put quotes round the text, or check the indentation",
    )
