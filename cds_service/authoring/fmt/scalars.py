"""Texts of a YAML file in canonical form: quotes only where they help, folded texts within the width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 120
KEPT = frozenset(("code", "starts_with", "display", "checked"))
"""Keys whose quotes stay: a code in quotes stays text whatever it looks like."""
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ()/_.+-]*[A-Za-z0-9)])?")
_CITING = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ()/_.+*<>=-]|\[\d+\])*\[\d+\](?: [*/+-] [A-Za-z0-9_.]+)?")
"""A line with its source, such as `6 months [1]`; only inside [ ] or { } it needs quotes."""
_NOT_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def requoted(source: str, key: str) -> str:
    """A quoted text of one line without its quotes where they say nothing; else in double ones."""
    mark, inner = source[:1], source[1:-1]
    if len(source) < 3 or mark not in ("'", '"') or source[-1] != mark or "\n" in source:
        return source
    bare = _PLAIN.fullmatch(inner) or _CITING.fullmatch(inner)
    if key not in KEPT and bare and inner.lower() not in _NOT_WORDS:
        return inner
    if mark == "'" and not any(sign in inner for sign in "'\"\\"):
        return f'"{inner}"'
    return source


def refolded(lines: Sequence[str], indent: int) -> list[str]:
    """The lines of a folded text (without indentation), broken anew if one of them is too long.

    A text with lines of its own layout (deeper lines, double spaces) is left alone.
    """
    room = WIDTH - indent
    own_layout = any(line.startswith((" ", "\t")) or "  " in line or "\t" in line for line in lines)
    if own_layout or all(len(line) <= room for line in lines):
        return list(lines)
    folded: list[str] = []
    for paragraph, blanks in _paragraphs(lines):
        folded += textwrap.wrap(" ".join(paragraph), room, break_long_words=False, break_on_hyphens=False)
        folded += [""] * blanks
    return folded


def _paragraphs(lines: Sequence[str]) -> list[tuple[list[str], int]]:
    """The paragraphs, each with the number of blank lines after it."""
    found: list[tuple[list[str], int]] = []
    for line in lines:
        if line.strip():
            if not found or found[-1][1]:
                found.append(([], 0))
            found[-1][0].append(line.rstrip())
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append(([], 1))
    return found
