"""One file after the first reading: checked against its shape, its sound parts kept if some are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cds_service.errors import Place, Problem
from cds_service.rulebook.criterion import NOT_READ
from cds_service.rulebook.problems import named, problems_of
from cds_service.rulebook.walk import everything
from cds_service.rulebook.yamlfile import DataPath, YamlFile

Shaped = TypeVar("Shaped", bound=BaseModel)
_ROUNDS = 8
_SOURCES = ("find", "view", "like", "calculate", "conclusion")
"""The keys of a fact of which exactly one stands in it."""
_VALUES: Mapping[str, Any] = {
    "indicator": "info",
    "summary": "?",
    "source": 1,
    "ask": "Could not be read?",
    "text": "?",
    "label": "?",
    "description": "?",
    "claim": "?",
    "direction": "for",
    "strength": "consensus",
    "certainty": "not-graded",
    "find": "?",
    "give": NOT_READ,
    "type": "create",
}
"""Stand for a refused or missing value of a key, so that what holds it can still be checked."""


@dataclass(frozen=True)
class Parsed(Generic[Shaped]):
    """A file and its model. `broken` are the paths left out of the model because they were refused.

    They are paths of the file as read; `origins` tells those of the model there, which lost list items move.
    """

    file: YamlFile
    model: Shaped
    broken: frozenset[DataPath] = frozenset()
    origins: Mapping[DataPath, DataPath] = field(default_factory=dict)

    @cached_property
    def parts(self) -> tuple[tuple[DataPath, Any], ...]:
        """Every value of the model with its path."""
        return tuple(everything(self.model))

    @property
    def sound(self) -> bool:
        """Whether the model is the whole file."""
        return not self.broken

    def at(self, *path: str | int) -> Place:
        """Where a value of the model stands."""
        return self.file.place(path)

    def problem(self, path: DataPath, code: str, message: str, hint: str = "") -> Problem:
        """A problem at a value."""
        return Problem(self.file.place(path), code, message, hint)

    def problem_at_key(self, path: DataPath, code: str, message: str, hint: str = "") -> Problem:
        """A problem at the key of a value."""
        return Problem(self.file.key_place(path), code, message, hint)

    def broken_under(self, *path: str | int) -> bool:
        """Whether anything at, above or below this path was refused."""
        held = self.file.resolve(path)
        read = _original(held if held[-1:] == path[-1:] else (*held, path[-1]), self.origins)
        return any(one[: len(read)] == read or read[: len(one)] == one for one in self.broken)


def parse(
    file: YamlFile, model: type[Shaped], stand_in: Mapping[str, Any] | None = None
) -> tuple[Parsed[Shaped] | None, list[Problem]]:
    """Check a file against its shape: what can be used of it, and every problem.

    With a `stand_in` (a value for each required key) a file with mistakes is still returned, without the
    refused parts, so that the same run can check the rest of it.
    """
    problems = list(file.problems)
    if () in file.bad:
        return None, problems
    file, empty = _without_nothing(file)
    problems += empty
    try:
        shaped = model.model_validate(file.data)
    except ValidationError as error:
        problems += problems_of(error, file, model)
        return (None if stand_in is None else _salvage(file, model, stand_in)), problems
    return Parsed(file, shaped, file.bad), problems


def _without_nothing(file: YamlFile) -> tuple[YamlFile, list[Problem]]:
    """Refuses keys with nothing after the colon: to a program absent, but surely meant by the author."""
    empty = [path for path in _empty_paths(file.data, ()) if path not in file.bad and not _removes(path)]
    problems = [
        Problem(
            file.key_place(path),
            "schema/empty-value",
            f"nothing stands after {named(path)}" if path else "the file is empty",
            "write its value, or remove it",
        )
        for path in empty
    ]
    return replace(file, bad=file.bad | set(empty)), problems


def _removes(path: DataPath) -> bool:
    """Whether nothing is what is meant: an update sets an element to null to remove it."""
    return path[:1] == ("cards",) and path[-3:-1] == ("resource", "set")


def _empty_paths(data: Any, path: DataPath) -> Iterator[DataPath]:
    if data is None:
        yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _empty_paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _empty_paths(value, (*path, index))


def _salvage(file: YamlFile, model: type[Shaped], stand_in: Mapping[str, Any]) -> Parsed[Shaped] | None:
    """The file without its refused parts; None if too little is left."""
    removed = set(file.bad)
    for _ in range(_ROUNDS):
        trimmed, origins, filled = _trim(file, removed, stand_in)
        try:
            return Parsed(trimmed, model.model_validate(trimmed.data), frozenset(removed | filled), origins)
        except ValidationError as error:
            spots = _removed_for(error.errors(include_url=False), trimmed)
        gone = {_original(spot, origins) for spot in spots}
        if () in gone or gone <= removed:
            return None
        removed |= gone
    return None


def _removed_for(details: list[ErrorDetails], file: YamlFile) -> list[DataPath]:
    """What to leave out; a list is not too short for an item that is left out itself."""
    found = [(detail["type"], spot) for detail in details for spot in _removable(detail, file)]
    return [
        spot
        for kind, spot in found
        if kind != "too_short" or not any(one != spot and one[: len(spot)] == spot for _, one in found)
    ]


def _removable(detail: ErrorDetails, file: YamlFile) -> Iterator[DataPath]:
    """The smallest parts to leave out; for a missing key, the mapping that lacks it.

    Of a fact that does not say clearly what it looks through, only what says it.
    """
    where = file.resolve(detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"])
    if detail["type"] == "missing" and detail["loc"][-1] in _VALUES:
        yield (*where, detail["loc"][-1])
    elif detail["type"] == "bad_fact" and isinstance(detail["input"], dict):
        yield from ((*where, key) for key in _SOURCES)
    else:
        yield where


def _original(path: DataPath, origins: Mapping[DataPath, DataPath]) -> DataPath:
    """The path in the file as read, also of a key that is missing there."""
    if path in origins:
        return origins[path]
    holder = path[:-1]
    return (*origins[holder], path[-1]) if path and holder in origins else path


def _trim(
    file: YamlFile, removed: set[DataPath], stand_in: Mapping[str, Any]
) -> tuple[YamlFile, Mapping[DataPath, DataPath], set[DataPath]]:
    """The file without the removed paths, where each part of it came from, and what was filled in."""
    origins: dict[DataPath, DataPath] = {}
    data = _copy(file.data, (), (), removed, origins)
    filled = set(_fill(data, stand_in, ())) if isinstance(data, dict) else set()
    places = {new: file.places[old] for new, old in origins.items() if old in file.places}
    keys = {new: file.key_places[old] for new, old in origins.items() if old in file.key_places}
    return YamlFile(file.name, data, places, keys), origins, filled


def _copy(
    data: Any, old: DataPath, new: DataPath, removed: set[DataPath], origins: dict[DataPath, DataPath]
) -> Any:
    origins[new] = old
    if isinstance(data, dict):
        kept = {
            key: _copy(value, (*old, key), (*new, key), removed, origins)
            for key, value in data.items()
            if (*old, key) not in removed
        }
        return kept | {key: value for key, value in _VALUES.items() if (*old, key) in removed}
    if isinstance(data, list):
        left = [index for index in range(len(data)) if (*old, index) not in removed]
        return [
            _copy(data[index], (*old, index), (*new, place), removed, origins)
            for place, index in enumerate(left)
        ]
    return data


def _fill(data: dict[Any, Any], stand_in: Mapping[str, Any], path: DataPath) -> Iterator[DataPath]:
    """Put in what is missing, and say where."""
    for key, value in stand_in.items():
        held = data.get(key)
        if held is None or held == {} or held == []:
            data[key] = value
            yield (*path, key)
        elif isinstance(held, dict) and isinstance(value, Mapping) and key != "data":
            yield from _fill(held, value, (*path, key))
