"""Numbers in square brackets keep their meaning: every card ends with the sources it really cites.

A source we only inferred says so with our confidence; a rule nobody has approved says so in the last line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.cards.escape import literal
from cds_service.rulebook.files import Source

_CITATION = re.compile(r"\[(\d{1,4})\]")
# A short form that says itself how sure we are needs no tag.
_SAID = ("inferred", "not identified")
_URL_ESCAPES = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\\": "%5C"})


def cited(text: str) -> tuple[int, ...]:
    """The source numbers in a text, ascending. Chart text cannot cite: its brackets are escaped."""
    return tuple(sorted({int(number) for number in _CITATION.findall(text)}))


@dataclass(frozen=True, slots=True)
class Reference:
    """One source as cards print it; `link` is empty if the source has no address."""

    label: str
    url: str
    entry: str
    link: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class References:
    """The rulebook's sources, rendered once."""

    by_number: Mapping[int, Reference]

    @classmethod
    def of(cls, sources: Mapping[int, Source]) -> References:
        """Render every source."""
        return cls({number: _reference(number, source) for number, source in sources.items()})

    def known(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Those of the numbers that are sources, ascending, each once."""
        return tuple(sorted({number for number in numbers if number in self.by_number}))

    def line(self, numbers: Iterable[int]) -> str:
        """`Sources: [1] …; [7] …` for the numbers used."""
        return "Sources: " + "; ".join(self.by_number[number].entry for number in self.known(numbers))

    def links(self, numbers: Iterable[int]) -> list[Mapping[str, str]]:
        """A card link for each source that has an address."""
        return [self.by_number[number].link for number in self.known(numbers) if self.by_number[number].link]


def _reference(number: int, source: Source) -> Reference:
    url = source.url or ""
    text = literal(source.short)
    name = f"[{text}]({url.translate(_URL_ESCAPES)})" if url else text
    tag = ""
    if source.listed == "matched" and not any(said in source.short for said in _SAID):
        tag = f", inferred match, {source.confidence or 'unstated'} confidence"
    link = {"label": source.short, "url": url, "type": "absolute"} if url.startswith("https://") else {}
    return Reference(source.short, url, f"[{number}] {name}{tag}", link)


def unapproved(rules: Iterable[tuple[str, str]]) -> str:
    """The last line for rules (id, version) that no clinician has approved; empty if there are none."""
    named = ", ".join(f"{rule} {version}" for rule, version in dict.fromkeys(rules))
    if not named:
        return ""
    which = "these rules" if "," in named else "this rule"
    return f"No clinician has approved {which} yet: {named}."
