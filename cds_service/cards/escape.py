"""Words from a chart made safe to print: plain for a summary, escaped for the markdown of a detail.

A display text is somebody else's data. In a detail it must never become a link, an image, a tag, a heading, a
list, a table or code, whichever GitHub-flavoured renderer shows it. Some renderers look for addresses after
parsing, where no escape protects; there a visible space breaks the address.
"""

from __future__ import annotations

import re
import unicodedata

VALUE_LIMIT = 80
REASON_LIMIT = 160
NOTHING = "unknown"

_SLASHES = re.compile(r"/(?=/)")
_AT = re.compile(r"(?<=\S)@(?=\S)")
_HOST = re.compile(r"(?<=\S)\.(?=[^\W\d_]{2})")
_WWW = re.compile(r"www(?=\.)", re.IGNORECASE)
_ADDRESS = re.compile(r"//|@|\.[^\W\d_]|www\.", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\`*_\[\]#!|~$&<>]")
_ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]#!|~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_NUMBERED = re.compile(r"([0-9]{1,9})(?:[.)](?: |$)|$)")
# What Unicode calls a space, line end or control becomes a space; what has no width or no meaning goes.
_SPACE_KINDS = frozenset({"Cc", "Zl", "Zp", "Zs"})
_GONE_KINDS = frozenset({"Cf", "Cs", "Co", "Cn"})


def clean(text: str, limit: int = VALUE_LIMIT) -> str:
    """One printable line of at most `limit` characters; "unknown" if nothing printable is left."""
    text = text[: limit * 8]
    if not text.isprintable():
        text = "".join(map(_printable, text))
    return clip(" ".join(text.split()), limit) or NOTHING


def _printable(mark: str) -> str:
    kind = unicodedata.category(mark)
    if kind in _SPACE_KINDS:
        return " "
    return "" if kind in _GONE_KINDS else mark


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    word = head.rfind(" ") if not text[limit - 1].isspace() else len(head)
    return head[: word if word > limit // 2 else len(head)].rstrip() + "…"


def sentence(text: str, limit: int) -> str:
    """A summary: one line of at most `limit` characters, counted as both browsers and servers count."""
    text = clean(text, limit)
    if text.isascii():
        return text
    room = limit
    while _units(text) > limit:
        room -= max(1, (_units(text) - limit) // 2)
        text = clip(text, room)
    return text


def _units(text: str) -> int:
    """Length in UTF-16 units, which is what a browser counts; never less than the characters."""
    return len(text) + sum(mark > "\uffff" for mark in text)


def escape(text: str, limit: int = VALUE_LIMIT) -> str:
    """Chart text as literal GitHub markdown and HTML, wherever in a line it is put."""
    return literal(_unlinked(clean(text, limit)))


def literal(text: str) -> str:
    """One line of text with every mark that markdown or HTML reads made literal."""
    if _SPECIAL.search(text):
        text = text.translate(_ESCAPES)
    if text[:1] in ("-", "+", "=", ":"):
        return "\\" + text
    numbered = _NUMBERED.match(text)
    if numbered is None:
        return text
    digits = numbered.group(1)
    # A digit cannot be escaped, only the mark after it; a lone number may meet that mark in the template.
    return f"{digits}\\{text[len(digits) :]}" if text != digits else f"&#{ord(text[0])};{text[1:]}"


def _unlinked(text: str) -> str:
    if not _ADDRESS.search(text):
        return text
    text = _SLASHES.sub("/ ", text)
    text = _AT.sub("@ ", text)
    text = _WWW.sub(lambda match: match.group() + " ", text)
    return _HOST.sub(". ", text)
