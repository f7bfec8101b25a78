"""The data of a file with one part of it changed, and the places of what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cds_service.errors import Place
from cds_service.rulebook.yamlfile import DataPath


def strings(data: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """Every text of a file's data with its path."""
    if isinstance(data, str):
        yield path, data
    pairs: Callable[[], Any] = data.items if isinstance(data, dict) else lambda: enumerate(data)
    if isinstance(data, (dict, list)):
        for key, value in list(pairs()):
            yield from strings(value, (*path, key))


def put(data: Any, path: DataPath, value: str) -> Any:
    """The same data with another text at a path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(data, dict):
        return {**data, key: put(data[key], rest, value)}
    return [put(one, rest, value) if at == key else one for at, one in enumerate(data)]


def renumbered(places: Mapping[DataPath, Place], name: str, kept: Sequence[int]) -> dict[DataPath, Place]:
    """The places of a file of whose list `name` only the items `kept` are left, counted anew."""
    now: Mapping[str | int, int] = {old: new for new, old in enumerate(kept)}
    return {
        path if path[:1] != (name,) or len(path) == 1 else (name, now[path[1]], *path[2:]): place
        for path, place in places.items()
        if path[:1] != (name,) or len(path) == 1 or path[1] in now
    }


def moved(places: Mapping[DataPath, Place], old: DataPath, new: DataPath) -> dict[DataPath, Place]:
    """The places of a part of a file, by the paths that it has where it is put."""
    size = len(old)
    return {(*new, *path[size:]): place for path, place in places.items() if path[:size] == old}
