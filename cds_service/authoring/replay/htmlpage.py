"""The impact as one HTML file that needs nothing else: cards before and after, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from cds_service.authoring.replay.changes import CardText, Change, Step
from cds_service.authoring.replay.impact import HEADINGS, ORDER, Impact, reading, summary
from cds_service.authoring.replay.sequence import told
from cds_service.authoring.replay.worddiff import Piece, pieces

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --gone: #d9302530; --new: #1a7f3730; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; } article { margin: 1rem 0 2rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.side { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-wrap: anywhere; }
.side.critical { border-left: 5px solid #d93025; } .side.warning { border-left: 5px solid #e3a008; }
.side.info { border-left: 5px solid #2f6fde; } .side.none { color: #888; }
.detail { white-space: pre-wrap; font-size: .9rem; } .tone { font-size: .8rem; letter-spacing: .03em; }
del { background: var(--gone); } ins { background: var(--new); text-decoration: none; }
table { border-collapse: collapse; margin: .5rem 0 .8rem; }
td, th { text-align: left; padding: .15rem .8rem .15rem 0; }
th { font-weight: 600; font-size: .85rem; } td { vertical-align: top; }
.small { font-size: .85rem; color: #777; }
@media (max-width: 50rem) { .sides { grid-template-columns: 1fr; } }
@media print { article { break-inside: avoid; } }
"""


def as_html(impact: Impact) -> str:
    """The whole page."""
    return "\n".join(_page(impact)) + "\n"


def _page(impact: Impact) -> Iterator[str]:
    title = f"Whose cards change: {escape(impact.before)} → {escape(impact.after)}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{title}</h1>\n<p>{escape(summary(impact))}.</p>"
    yield from (f'<p class="small">{_versions(one.id, one.before, one.after)}</p>' for one in impact.books)
    yield from _contents(impact)
    for rule, kinds in impact.by_rule().items():
        yield f'<section>\n<h2 id="{escape(rule)}">{escape(rule)} {escape(impact.version(rule))}</h2>'
        for kind, held in kinds.items():
            yield f"<h3>{escape(HEADINGS[kind])} ({len(held)})</h3>"
            for change in held:
                yield from _article(change)
        yield "</section>"
    yield from _order(impact)
    yield from _others(impact)
    yield "</main>\n</body>\n</html>"


def _versions(name: str, before: str, after: str) -> str:
    return escape(f"{name}: {before or 'not there'} → {after or 'not there'}")


def _contents(impact: Impact) -> Iterator[str]:
    rules = impact.by_rule()
    if len(rules) > 1:
        yield "<ul>"
        for rule, kinds in rules.items():
            told = ", ".join(f"{HEADINGS[kind]}: {len(held)}" for kind, held in kinds.items())
            yield f'<li><a href="#{escape(rule)}">{escape(rule)}</a> ({escape(told)})</li>'
        yield "</ul>"


def _article(change: Change) -> Iterator[str]:
    old, new = change.verdicts
    yield f"<article>\n<h4>{escape(change.call)}</h4>"
    yield f"<p>Verdict: {escape(old)}{f' → {escape(new)}' if old != new else ', as before'}</p>"
    if change.why.turns:
        yield "<table><tr><th>decided by, before</th><th>decided by, after</th></tr>"
        for turn in change.why.turns:
            then = "as answered then" if turn.alone else _step(turn.before)
            yield f"<tr><td>{then}</td><td>{_step(turn.after)}</td></tr>"
        yield "</table>"
    before, after = change.cards
    if before or after:
        yield '<div class="sides">'
        yield _side(before, after, change.why.before, "before")
        yield _side(after, before, change.why.after, "after")
        yield "</div>"
    yield "</article>"


def _step(step: Step | None) -> str:
    seen = step.seen if step is not None else ()
    lines = [escape(reading(step)), *(f'<span class="small">{escape(one)}</span>' for one in seen)]
    return "<br>".join(lines)


def _side(card: CardText | None, other: CardText | None, why: str, which: str) -> str:
    if card is None:
        return f'<div class="side none"><div class="tone">{which}</div>no card<br>{escape(why)}</div>'
    summary = _marked(card.summary, other.summary if other else card.summary, which)
    detail = _marked(card.detail, other.detail if other else card.detail, which)
    tone = escape(card.indicator)
    return (
        f'<div class="side {tone}"><div class="tone">{which}: {tone}</div>'
        f'<p><strong>{summary}</strong></p><div class="detail">{detail}</div></div>'
    )


def _marked(text: str, other: str, which: str) -> str:
    """The text of one side, with what only this side has marked."""
    found = pieces(text, other) if which == "before" else pieces(other, text)
    return "".join(_piece(one, which) for one in found)


def _piece(piece: Piece, which: str) -> str:
    own = "gone" if which == "before" else "new"
    if piece.kind == "same":
        return escape(piece.text)
    mark = "del" if own == "gone" else "ins"
    return f"<{mark}>{escape(piece.text)}</{mark}>" if piece.kind == own else ""


def _order(impact: Impact) -> Iterator[str]:
    if impact.moved:
        yield f"<section><h2>{ORDER.capitalize()}</h2><ul>"
        for one in impact.rearranged():
            lines = "<br>".join(escape(line) for line in told(one))
            calls = f'<span class="small">on {escape(", ".join(one.calls))}</span>'
            yield f"<li><strong>{escape(one.rule)}</strong><br>{lines}<br>{calls}</li>"
        yield "</ul></section>"


def _others(impact: Impact) -> Iterator[str]:
    lines = [(one.call, str(one)) for one in impact.refused]
    lines += [(call, f"not replayed: {why}") for call, why in impact.failures]
    if lines:
        yield "<section><h2>Refused or not replayed</h2><ul>"
        yield from (f"<li>{escape(call)}: {escape(what)}</li>" for call, what in lines)
        yield "</ul></section>"
