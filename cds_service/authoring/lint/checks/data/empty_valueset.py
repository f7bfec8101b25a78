"""A value set whose every member its own exclude takes out, so that nothing can ever be in it."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.files import Member, Prefix


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.shelf.valuesets.values():
        one = parsed.model
        if all(any(_covers(out, member) for out in one.exclude) for member in one.include):
            yield Seen(
                parsed.file.key_place(("exclude",)),
                "exclude takes out everything that include puts in",
                "narrow exclude, or list what belongs to the set",
            )


def _covers(out: Member, member: Member) -> bool:
    if out.system != member.system:
        return False
    beginning = _code(member)
    return beginning.startswith(_code(out)) if isinstance(out, Prefix) else _same(out, member)


def _same(out: Member, member: Member) -> bool:
    return not isinstance(member, Prefix) and _code(member) == _code(out)


def _code(member: Member) -> str:
    code = member.starts_with if isinstance(member, Prefix) else member.code
    return code.replace(".", "").upper()


CHECK = Check("data/empty-valueset", "error", "regular", "Nothing can ever be in a value set.", _look)
