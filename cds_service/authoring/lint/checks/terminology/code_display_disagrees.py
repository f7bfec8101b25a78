"""One code with two displays: either a display is loose, or a code was mistyped and means something else.

Displays are compared without case and punctuation. Which of two is right only the code system tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cds_service.authoring.lint.check import Check, Linted, Seen
from cds_service.rulebook.files import Code, ValueSetFile
from cds_service.rulebook.parsed import Parsed

_Key = tuple[str, str]


def _look(linted: Linted) -> Iterator[Seen]:
    first: dict[_Key, tuple[str, str]] = dict(_of_drugs(linted))
    for name, parsed in linted.shelf.valuesets.items():
        for index, key, display in _displays(parsed):
            said, where = first.setdefault(key, (display, f"the value set {name}"))
            if _plain(said) != _plain(display):
                yield Seen(
                    parsed.file.place(("include", index, "display")),
                    f"{where} calls this code {said!r}",
                    "look the code up, and write one display, the code system's own",
                )


def _displays(parsed: Parsed[ValueSetFile]) -> Iterator[tuple[int, _Key, str]]:
    for index, member in enumerate(parsed.model.include):
        if isinstance(member, Code) and member.display:
            yield index, (member.system, member.code.upper()), member.display


def _of_drugs(linted: Linted) -> Iterator[tuple[_Key, tuple[str, str]]]:
    drugs: Mapping[str, str] = {
        code: entry.name for code, entry in linted.book.terminology.drugs.entries.items()
    }
    for code, name in drugs.items():
        yield ("rxnorm", code), (name, "the drug table")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


CHECK = Check(
    "terminology/code-display-disagrees",
    "warning",
    "regular",
    "One code is called by two names.",
    _look,
)
