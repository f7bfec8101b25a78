"""A code without a word of where it was seen: nobody can say that it means what the set believes."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen

_WORDS_ONLY = ("text", "local", "boolean")


def _look(linted: Linted) -> Iterator[Seen]:
    for parsed in linted.shelf.valuesets.values():
        for key, members in (("include", parsed.model.include), ("exclude", parsed.model.exclude)):
            for index, member in enumerate(members):
                if not member.checked and member.system not in _WORDS_ONLY:
                    yield Seen(
                        parsed.file.place((key, index)),
                        "it is not said where this code was looked up",
                        "look it up and say where in checked",
                    )


CHECK = Check(
    "terminology/code-never-checked", "warning", "auditor", "Nobody says where a code was looked up.", _look
)
