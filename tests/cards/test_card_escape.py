"""Chart text is data: whatever it says, a renderer shows its letters and nothing else."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec

import pytest
from card_example import book, card, cards, finding, only_card, rule
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cds_service.cards.escape import NOTHING, VALUE_LIMIT, clean, clip, escape, literal, sentence
from cds_service.facts.finding import Evidence, Finding, Row
from cds_service.truth import TRUE

HOSTILE = [
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &#60;i&#62; &copy",
    "https://evil.example/path",
    "HTTP://EVIL.EXAMPLE",
    "www.evil.example",
    "someone@evil.example",
    "mailto:someone@evil.example",
    "//localhost/x",
    "evil.com",
    "<https://evil.example>",
    "# heading",
    "heading\n===",
    "===",
    "---",
    ":-:",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "1",
    "123456789",
    "> quote",
    "    code",
    "\tcode",
    "`code`",
    "```\ncode\n```",
    "~~~",
    "~~gone~~",
    "**bold** __bold__ *i* _i_",
    "a | b",
    "| a | b |\n| --- | --- |\n| 1 | 2 |",
    "[1]: https://evil.example",
    "[^1]",
    "[ ] task",
    "$x^2$",
    "ends with \\",
    "\\<b>",
    "\\[7\\]",
    "[7]",
    "/\u200b/evil.example",
    "ht\u200dtps:/\x00/evil.example",
    "\u202egnp.exe",
    "\ud800",
    "\x00\x1b[31m",
    "line\r\nbreak\u2028and\u2029more\u0085",
    "{score}",
    "%s {0}",
    "",
    " ",
]
hostile = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=200),
    st.text(alphabet="[]()<>!#*_`~|\\-+=:.&;/@$ \n\t1aw", max_size=40),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=4).map("".join),
)
BENIGN = "aspirin"


@cache
def parsers() -> tuple[MarkdownIt, ...]:
    commonmark = MarkdownIt("commonmark")
    rich = MarkdownIt("js-default", {"html": True}).enable(["table", "strikethrough"])
    if find_spec("linkify_it") is None:
        return commonmark, rich
    return commonmark, rich, MarkdownIt("gfm-like", {"html": True})


def shape(tokens: list[Token]) -> list[str]:
    """The structure of a document: every token but plain text, whose pieces may differ."""
    kinds: list[str] = []
    for token in tokens:
        if token.type not in ("text", "text_special"):
            kinds.append(f"{token.type}:{token.tag}")
        kinds += shape(token.children or [])
    return kinds


def words(tokens: list[Token]) -> str:
    """The text a reader sees."""
    return "".join(token.content if not token.children else words(token.children) for token in tokens)


PLACES = [
    "{problem.display}",
    "{problem.display}. Recorded.",
    "Found {problem.display}, {problem.display} and more",
    "First line\n{problem.display}",
    "- {problem.display}",
    "**{problem.display}** [3]",
    "{problem.kind} ({problem})",
    "{problem.rows}",
    "Rejected:\n{problem.rejected}",
]
COMPILED = [(book(rule("r", card(detail=place))), place) for place in PLACES]


def detail(held: object, text: str) -> str:
    row = Row(Evidence("Condition/c1", None, text), {"kind": text}, why=(text, "too short"))
    found = Finding(TRUE, row, (row,), (row,))
    return only_card(held, findings={"r": {"problem": found}})["detail"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", range(len(PLACES)), ids=PLACES)
def test_every_known_attack_leaves_the_structure_as_it_was(text, place):
    held, _ = COMPILED[place]
    for parser in parsers():
        assert shape(parser.parse(detail(held, text))) == shape(parser.parse(detail(held, BENIGN)))


@given(hostile, st.integers(0, len(PLACES) - 1))
def test_no_chart_text_changes_the_structure_of_a_detail(text, place):
    held, _ = COMPILED[place]
    for parser in parsers():
        assert shape(parser.parse(detail(held, text))) == shape(parser.parse(detail(held, BENIGN)))


# What renderers look for in text after parsing (mdast-util-gfm-autolink-literal, cmark-gfm, linkify).
LIKE_A_LINK = re.compile(
    r"https?://|ftp://|//\S|www\.|[-.\w+]@[-\w]+\.[-\w]|\w\.(?:com|org|net|example|io|ru|museum)\b",
    re.IGNORECASE,
)


@given(hostile)
@example("www.www.//a@b.co")
def test_what_is_shown_never_reads_as_an_address(text):
    shown = words(MarkdownIt("commonmark").parse(escape(text)))
    assert not LIKE_A_LINK.search(shown)


@given(hostile)
def test_what_is_shown_is_what_was_recorded_apart_from_breaks(text):
    shown = words(MarkdownIt("commonmark").parse(escape(text)))
    assert shown.replace(" ", "") == clean(text).replace(" ", "")


@given(hostile)
def test_a_detail_holds_no_tag_and_no_citation_of_the_charts_own(text):
    escaped = escape(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert not re.search(r"\[\d+\]", escaped)


@given(hostile)
def test_a_value_is_one_printable_line_of_bounded_length(text):
    plain = clean(text)
    assert 0 < len(plain) <= VALUE_LIMIT
    assert plain.isprintable()
    assert plain == plain.strip()


def test_nothing_printable_is_unknown():
    assert clean("\u200b\x00 ") == NOTHING


@pytest.mark.parametrize(
    "text",
    ["Major depressive disorder, severe (F33.2)", "sertraline 100 mg/day b.i.d.", "0.5 mg/kg", "type 1.5"],
)
def test_ordinary_words_are_printed_unchanged(text):
    assert escape(text) == text


def test_a_source_name_is_made_literal_without_breaking_its_address():
    assert literal("drugs.com [x]") == "drugs.com \\[x\\]"


# --- summaries -----------------------------------------------------------------------------------

SUMMARY = book(rule("r", card(summary="Found {problem.display} {problem.rows} at {problem.kind}")))


@given(hostile, st.integers(1, 30))
def test_a_summary_stays_under_140_characters_whatever_the_chart_says(text, times):
    row = Row(Evidence("Condition/c1", None, text * times), {"kind": text})
    found = Finding(TRUE, rows=(row,) * times)
    summary = only_card(SUMMARY, findings={"r": {"problem": found}})["summary"]
    assert len(summary.encode("utf-16-le", "surrogatepass")) // 2 < 140
    assert summary.isprintable()
    assert summary.strip() == summary != ""


@given(st.text(min_size=1, max_size=300), st.integers(2, 139))
def test_a_sentence_is_never_longer_than_asked_in_characters_or_utf16_units(text, limit):
    shown = sentence(text, limit) if limit >= len(NOTHING) else NOTHING
    assert len(shown.encode("utf-16-le")) // 2 <= max(limit, len(NOTHING))


@given(st.text(alphabet="ab ", max_size=60), st.integers(2, 40))
def test_clipping_keeps_a_beginning(text, limit):
    shown = clip(text, limit)
    assert len(shown) <= limit
    assert text.startswith(shown.removesuffix("…"))


def test_a_merged_card_escapes_what_its_summaries_hold():
    first = rule("a", card(summary="Found {problem.display}", merge="group"))
    second = rule("b", card(summary="Other", merge="group"))
    (shown,) = cards(
        book(first, second), findings={"a": {"problem": finding(text="<b>[x](https://evil.example)")}}
    )
    for parser in parsers():
        kinds = shape(parser.parse(shown["detail"]))
        assert not [kind for kind in kinds if kind.startswith(("html", "link", "image"))]
