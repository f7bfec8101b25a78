"""Words that an entry about a value set would contain, for entries told in words or codes nobody knows here.

A stem matches a word that begins so; of several words the last one may go on. `=ab` is that word only. Case
and accents do not matter. A match means "may be meant", never "is": an entry in words proves nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

LONGEST_TEXT = 1000
"""What is longer is a letter, not the name of a problem: it may be about anything."""
_CACHE = 8192
_LONGEST_KEPT = 200
_NOTHING: frozenset[str] = frozenset()
_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.)+[^\W\d_]\b")
# Where a word begins: also behind a digit that was written without a space.
_START = re.compile(r"\b[^\W_]|(?<=\d)[^\W\d_]")
_FOLDED = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "\u00ad": "", "\u200c": "", "\u200d": ""})
"""Letters that stay one sign without their accent, and signs that stand unseen inside a word."""
_BEYOND_LATIN = "\u0250"


class Words:
    """Which value sets a text may be about; immutable but for a bounded memory of texts."""

    sets: frozenset[str]

    def __init__(self, stems: Mapping[str, Iterable[str]], empty: Iterable[str] = ()) -> None:
        """`stems` by the id of their value set; `empty` words name nothing: "other", "see", "notes"."""
        self.sets = frozenset(name for name, listed in stems.items() if tuple(listed))
        self._empty = frozenset(empty)
        self._by_head = _by_head(stems)
        self._known: dict[str, frozenset[str] | None] = {}

    def may_mean(self, texts: Iterable[str]) -> frozenset[str]:
        """The sets with words that texts about one entry may be about: all, if no text can be read."""
        found, readable = _NOTHING, False
        for text in texts:
            told = self._told(text)
            if told is not None:
                found, readable = found | told, True
        return found if readable else self.sets

    def named(self, texts: Iterable[str]) -> frozenset[str]:
        """The sets whose words stand in a text; none for a text that cannot be read."""
        told = (self._told(text) for text in texts)
        return _NOTHING.union(*(sets for sets in told if sets is not None and sets is not self.sets))

    def _told(self, text: str) -> frozenset[str] | None:
        try:
            return self._known[text]
        except KeyError:
            told = self._read(text)
            if len(text) <= _LONGEST_KEPT:
                if len(self._known) >= _CACHE:
                    self._known.clear()
                self._known[text] = told
            return told

    def _read(self, text: str) -> frozenset[str] | None:
        """The sets a text may be about; None if it has no word that says anything."""
        plain = plain_words(text) if len(text) <= LONGEST_TEXT else ""
        words = [word for word in _LETTERS.findall(plain) if word not in self._empty]
        if not words:
            return None
        if any(max(word) >= _BEYOND_LATIN for word in words):
            return self.sets
        found = _NOTHING
        for match in _START.finditer(plain):
            at = match.start()
            for stem, sets in self._by_head.get(plain[at : at + 2], ()):
                if plain.startswith(stem, at):
                    found |= sets
        return found


def plain_words(text: str) -> str:
    """The words of a text without case, accents and signs, each followed by one space; A.B. becomes ab."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED))
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    letters = _INITIALS.sub(lambda match: match.group().replace(".", ""), letters)
    return "".join(f"{word} " for word in _WORD.findall(letters))


def _by_head(stems: Mapping[str, Iterable[str]]) -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    """The stems by their first two signs, each once with all its sets; a whole word ends in a space."""
    sets: dict[str, frozenset[str]] = {}
    for name, listed in stems.items():
        for stem in listed:
            sought = f"{stem[1:]} " if stem.startswith("=") else stem
            sets[sought] = sets.get(sought, _NOTHING) | {name}
    heads: dict[str, tuple[tuple[str, frozenset[str]], ...]] = {}
    for sought, named in sets.items():
        heads[sought[:2]] = (*heads.get(sought[:2], ()), (sought, named))
    return heads
