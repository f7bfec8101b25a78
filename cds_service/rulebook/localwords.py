"""What a site may make of a shipped text: which words, numbers and citations of it have to stay.

Each function names one fault of a text, or none. Words of a sentence that cites local policy are the site's
own; whether they are wise is for whoever reviews them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

_HELD = re.compile(r"\{[^{}]*\}|\[\d+\]")
_CITED = re.compile(r"\[(\d+)\]")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
TELEPHONE = re.compile(r"\d(?:[\s()./-]{0,2}\d){2,}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")


class Fault(NamedTuple):
    """What is wrong with a text, and what to try."""

    message: str
    hint: str


class Lines(NamedTuple):
    """Telephone numbers of declared phrases: those of the shipped ones, and those said here instead."""

    shipped: tuple[str, ...] = ()
    local: tuple[str, ...] = ()

    @classmethod
    def of(cls, phrases: Iterable[tuple[str, str]]) -> Lines:
        """The numbers of phrases, each with what is said here in its place."""
        pairs = list(phrases)
        return cls(
            tuple(one for shipped, _ in pairs for one in TELEPHONE.findall(shipped)),
            tuple(one for _, local in pairs for one in TELEPHONE.findall(local)),
        )


def differs(shipped: str, local: str) -> Fault | None:
    """Citations or placeholders are not those of the shipped text."""
    if set(_HELD.findall(shipped)) == set(_HELD.findall(local)):
        return None
    held = ", ".join(sorted(set(_HELD.findall(shipped)))) or "none"
    return Fault("the citations or placeholders differ", f"keep them: {held}")


def empty(shipped: str, local: str) -> Fault | None:
    """The text has no words, or no telephone number where the shipped one gives one."""
    before, after = _HELD.sub("", shipped), _HELD.sub("", local)
    if _WORD.search(before) and not _WORD.search(after):
        return Fault("no word would be left of this text", "say it in the words that hold here")
    if TELEPHONE.search(before) and not TELEPHONE.search(after):
        return Fault("the shipped text gives a telephone number, this one none", "give the one to call here")
    return None


def declared(shipped: str, local: str, phrases: Iterable[str]) -> Fault | None:
    """A phrase that is declared under `wording` was changed in one of its texts."""
    if all(local.count(phrase) >= shipped.count(phrase) for phrase in phrases):
        return None
    hint = "keep it as shipped here, and say it otherwise under wording:"
    return Fault("the text holds a declared phrase, which differs", hint)


def others(shipped: str, local: str, policies: Set[int]) -> Fault | None:
    """A sentence that rests on another source than local policy does not stay word for word."""
    if [*_foreign(shipped, policies)] == [*_foreign(local, policies)]:
        return None
    hint = "keep every sentence that cites such a source as it is, with those before it that cite none"
    return Fault("what another source than local policy says would be changed", hint)


def moved(shipped: str, local: str) -> Iterator[tuple[str, str]]:
    """The numbers of a line that are others here, each with the one that stands in its place."""
    pairs = zip(_numbers(shipped), _numbers(local), strict=True)
    return (pair for pair in pairs if pair[0] != pair[1])


def says(text: str, telephones: Iterable[str]) -> bool:
    """Whether a text says one of these telephone numbers."""
    return _without(text, telephones) != text


def numbers(shipped: str, local: str, pairs: Set[tuple[str, str]], lines: Lines) -> Fault | None:
    """A number is neither the shipped one nor the one changed for it, or none was changed."""
    dialled = says(shipped, lines.shipped) and says(local, lines.local)
    kept = Lines() if not dialled else lines
    before, after = _numbers(_without(shipped, kept.shipped)), _numbers(_without(local, kept.local))
    fits = len(before) == len(after) and all(
        old == new or (old, new) in pairs for old, new in zip(before, after, strict=True)
    )
    if fits and (before != after or dialled):
        return None
    changed = {**dict(zip(lines.shipped, lines.local, strict=False)), **dict(sorted(pairs))}
    wanted = ", ".join(changed.get(one, one) for one in _numbers(shipped))
    told = "the numbers of the text are not the shipped ones with those changed here in place"
    return Fault(told, f"in this order it should say: {wanted}")


def _without(text: str, telephones: Iterable[str]) -> str:
    for one in telephones:
        text = re.sub(rf"(?<!\d){re.escape(one)}(?!\d)", "_", text)
    return text


def _numbers(text: str) -> list[str]:
    return _DIGITS.findall(_HELD.sub(" ", text))


def _foreign(text: str, policies: Set[int]) -> Iterator[str]:
    """What rests on other sources: a sentence that cites one, with those before it that cite none.

    Where local policy is cited beside it, the numbers are left out: one of them may be the site's.
    """
    before: list[str] = []
    for sentence in _ENDS.split(text.strip()):
        before.append(" ".join(sentence.split()))
        cited = {int(number) for number in _CITED.findall(sentence)}
        if cited:
            stretch, before = " ".join(before), []
            if not cited <= policies:
                yield _DIGITS.sub("#", stretch) if cited & policies else stretch
