"""A prefetch template outside what CDS Hooks recommends: a code of an observation set cannot be searched.

Templates are derived, so all else in them is right by construction: one type, the patient, codes by equality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.facts.prefetch import group_sets, hook_keys
from cds_service.rulebook.files import Code
from cds_service.rulebook.views import OBSERVATIONS

_SEARCHABLE = re.compile(r"[^\s,|&$#%+{}\\]+")
_NOT_ASKED_FOR = ("text", "boolean")


def _look(linted: Linted) -> Iterator[Seen]:
    for name in sorted(_searched(linted)):
        parsed = linted.shelf.valuesets[name]
        for index, member in enumerate(parsed.model.include):
            if isinstance(member, Code) and _odd(member):
                yield Seen(
                    parsed.file.place(("include", index, "code")),
                    "a code with a space or a sign of searches cannot stand in a prefetch template",
                    "write the code as its system does, or use system: text for an answer in words",
                )


def _odd(member: Code) -> bool:
    return member.system not in _NOT_ASKED_FOR and not _SEARCHABLE.fullmatch(member.code)


def _searched(linted: Linted) -> set[str]:
    """The value sets whose codes stand in a template of some hook."""
    keys = {key for hook in linted.book.hooks for key in hook_keys(linted.book, hook)}
    groups = [key.removeprefix(f"{OBSERVATIONS}-") for key in keys if key.startswith(f"{OBSERVATIONS}-")]
    return {name for group in groups for name in group_sets(group, linted.book)}


CHECK = Check(
    "data/prefetch-outside-subset",
    "warning",
    "regular",
    "A code cannot stand in a prefetch template.",
    _look,
)
