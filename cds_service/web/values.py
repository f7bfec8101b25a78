"""Typed values of a call's members; what does not fit is refused with its place, never with its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from cds_service.errors import RequestError
from cds_service.facts.members import objects_of

T = TypeVar("T")
ABSENT, NULL = Raw(b""), Raw(b"null")
REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-._]{1,64}")
_text = msgspec.json.Decoder(str | None)
_IN_JSON = {"str": "string", "int": "number", "float": "number", "bool": "true/false"}
_NAME_OF_TYPE = re.compile(r"\b(?:str|int|float|bool)\b")


def decode(decoder: msgspec.json.Decoder[T], raw: bytes, where: str) -> T:
    """The typed value of a member. Raises RequestError (400)."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        expected, place = _explained(str(error), where)
        raise RequestError(expected, code="structure", where=place) from None
    except msgspec.DecodeError as error:
        raise RequestError(f"The body is not JSON: {error}.", code="structure", where=where) from None
    except RecursionError:
        raise RequestError("The body is nested too deeply.", code="structure", where=where) from None


def _explained(message: str, where: str) -> tuple[str, str]:
    """msgspec's words, with JSON's names of types, and the path as ours; neither holds a value."""
    said, _, path = message.partition(" - at `$")
    steps = path.rstrip("`").replace("[...]", "").strip(".")
    place = where + steps if steps.startswith("[") else ".".join(part for part in (where, steps) if part)
    plain = _NAME_OF_TYPE.sub(lambda found: _IN_JSON[found[0]], said.replace("`", "").lower())
    return f"Wrong type at {place or 'the body'}: {plain}.", place


def missing(where: str, expected: str) -> RequestError:
    """The refusal of a call without a member it needs."""
    return RequestError(f"{where} is missing; expected {expected}.", code="required", where=where)


def unusable(where: str, expected: str) -> RequestError:
    """The refusal of a member that is not what it has to be."""
    return RequestError(f"{where} is not usable; expected {expected}.", code="value", where=where)


def members_of(raw: Raw, where: str) -> dict[str, Raw]:
    """The members of an object. Raises RequestError (400)."""
    return decode(objects_of, raw, where)


def text_of(raw: Raw, where: str) -> str:
    """A text, empty if it is absent or null. Raises RequestError (400)."""
    return (decode(_text, raw, where) or "") if len(raw) else ""


def text_in(members: Mapping[str, Raw], name: str, where: str) -> str:
    """The text of one member of an object, empty if absent or null. Raises RequestError (400)."""
    return text_of(members.get(name, ABSENT), f"{where}.{name}")
