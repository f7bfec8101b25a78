"""What a value set calls a code, for entries that came with bare codes: a number alone tells nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import shorten

from cds_service.rulebook.files import Code, Prefix, ValueSetFile
from cds_service.rulebook.systems import plain_code, system_name

_SPOKEN = frozenset({"text", "boolean", "local"})
"""Systems whose codes are words already, or mean something else in every place."""
_LONGEST = 60
"""Signs of a name, so that a line has room for its code."""


def name_beside(name: str, code: str) -> str:
    """A name of ours with the code that came, which marks it as ours: "Body weight (29463-7)"."""
    return f"{shorten(name, _LONGEST, placeholder='…')} ({code})"


def name_in(valuesets: Iterable[ValueSetFile], system: str, code: str) -> str:
    """The display of the member that holds a code, of several beginnings the longest's; else empty."""
    name = system_name(system)
    plain, best, length = plain_code(name, code), "", 0
    for member in (member for one in valuesets for member in one.include):
        if member.system != name or name in _SPOKEN or not member.display:
            continue
        if isinstance(member, Code):
            if plain_code(name, member.code) == plain:
                return member.display
        elif (held := len(begins(member))) > length and matches(member, plain):
            best, length = member.display, held
    return best


def begins(member: Prefix) -> str:
    """How the codes of a prefix begin, as codes are compared."""
    return plain_code(member.system, member.starts_with)


def matches(member: Prefix, plain: str) -> bool:
    """Whether a plain code begins so; `?` stands for any one character."""
    return pattern(begins(member)).match(plain) is not None


def pattern(prefix: str) -> re.Pattern[str]:
    """A prefix as a pattern in which `?` is any one character."""
    return re.compile("".join("." if sign == "?" else re.escape(sign) for sign in prefix))
