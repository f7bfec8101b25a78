"""Finds the keys that a file shape knows at a place, with what each means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, Tag

_UNIONS = (Union, UnionType)


def keys_at(model: type[BaseModel], loc: Iterable[int | str]) -> Mapping[str, str]:
    """The known keys at pydantic's location inside `model`, each with its description."""
    types: list[Any] = [model]
    for part in loc:
        types = [found for one in types for found in _step(one, part)]
    return {
        field.alias or name: field.description or ""
        for one in types
        for leaf in _leaves(one)
        if _is_model(leaf)
        for name, field in leaf.model_fields.items()
    }


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


def _leaves(one: Any) -> Iterator[Any]:
    """The members of a union, without their annotations."""
    if get_origin(one) is Annotated:
        yield from _leaves(get_args(one)[0])
    elif get_origin(one) in _UNIONS:
        for member in get_args(one):
            yield from _leaves(member)
    else:
        yield one


def _step(one: Any, part: int | str) -> Iterator[Any]:
    if isinstance(part, str) and part.startswith("<"):
        yield from _tagged(one, part)
        return
    for leaf in _leaves(one):
        if _is_model(leaf) and issubclass(leaf, RootModel):
            yield from _step(leaf.model_fields["root"].annotation, part)
        elif _is_model(leaf):
            for name, field in leaf.model_fields.items():
                if (field.alias or name) == part:
                    yield field.annotation
        elif get_origin(leaf) in (tuple, list) and isinstance(part, int):
            yield get_args(leaf)[0]
        elif get_origin(leaf) is dict:
            yield get_args(leaf)[1]


def _tagged(one: Any, tag: str) -> Iterator[Any]:
    """The member of a union that carries the tag."""
    if get_origin(one) is Annotated:
        base, *marks = get_args(one)
        if any(isinstance(mark, Tag) and mark.tag == tag for mark in marks):
            yield base
        else:
            yield from _tagged(base, tag)
    elif get_origin(one) in _UNIONS:
        for member in get_args(one):
            yield from _tagged(member, tag)
