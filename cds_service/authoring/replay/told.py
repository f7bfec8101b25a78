"""The impact as text for a terminal, and as Markdown for the comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.replay import sequence
from cds_service.authoring.replay.changes import CardText, Change, Turn
from cds_service.authoring.replay.impact import HEADINGS, ORDER, Impact, reading, summary
from cds_service.authoring.replay.worddiff import marked, pieces, shortened

_ROWS = 15
"""Rows per table in Markdown; the rest is counted. A comment that nobody can read to its end is not read."""


def as_text(impact: Impact) -> str:
    """Everything, line by line."""
    return "\n".join(_text(impact)) + "\n"


def _text(impact: Impact) -> Iterator[str]:
    yield f"{impact.before} → {impact.after}: {summary(impact)}"
    for rule, kinds in impact.by_rule().items():
        yield from ("", f"{rule} {impact.version(rule)}".rstrip())
        for kind, held in kinds.items():
            yield f"  {HEADINGS[kind]} ({len(held)})"
            for change in held:
                yield from _one(change)
    if impact.moved:
        yield from ("", ORDER)
        for moved in impact.rearranged():
            yield f"  {moved.rule}"
            yield from (f"    {line}" for line in sequence.told(moved))
            yield f"    on {', '.join(moved.calls)}"
    if impact.refused:
        yield from ("", "refused by one version only")
        yield from (f"  {one.call}: {one}" for one in impact.refused)
    if impact.failures:
        yield from ("", "could not be replayed")
        yield from (f"  {call}: {why}" for call, why in impact.failures)


def _one(change: Change) -> Iterator[str]:
    old, new = change.verdicts
    yield f"    {change.call}  " + (f"{old} → {new}" if old != new else f"{old}, as before")
    for turn in change.why.turns:
        yield f"      {_owner(turn, change)}{turned(turn)}"
        yield from (f"        was {line}" for line in (turn.before.seen if turn.before else ()))
        yield from (f"        now {line}" for line in (turn.after.seen if turn.after else ()))
    if old == new:
        yield from (f"      was {why}" for why in (change.why.before,) if why)
        yield from (f"      now {why}" for why in (change.why.after,) if why)
    yield from (f"      {line}" for line in _cards(change))


def _owner(turn: Turn, change: Change) -> str:
    side = turn.after or turn.before
    return f"in {side.rule}: " if side is not None and side.rule != change.rule else ""


def turned(turn: Turn) -> str:
    """`was … → now …` of one deciding line."""
    if turn.alone:
        return f"now {reading(turn.after)}"
    return f"{reading(turn.before)} → {reading(turn.after)}"


def _cards(change: Change) -> Iterator[str]:
    old, new = change.cards
    if old is None or new is None:
        yield from (f"- {_line(old)}",) if old else ()
        yield from (f"+ {_line(new)}",) if new else ()
        return
    if old.indicator != new.indicator:
        yield f"tone: {old.indicator} → {new.indicator}"
    if change.verdicts[0] != change.verdicts[1]:  # another card of the rule; its words are all new
        yield from (f"- {_line(old)}", f"+ {_line(new)}") if old != new else ()
        return
    for name, before, after in (("summary", old.summary, new.summary), ("detail", old.detail, new.detail)):
        if before != after:
            found = shortened(pieces(before, after))
            yield f"{name}: " + " ".join(marked(found, ("[-", "-]"), ("{+", "+}")).split())
    if old.beside != new.beside:
        yield "suggestions, links or reasons differ"


def _line(card: CardText) -> str:
    return f"[{card.indicator}] {card.summary}"


# --- Markdown ------------------------------------------------------------------------------------


def as_markdown(impact: Impact) -> str:
    """Short enough for a comment: a table per rule, cards before verdicts, long tables cut."""
    return "\n".join(_markdown(impact)) + "\n"


def _markdown(impact: Impact) -> Iterator[str]:
    yield f"### Whose cards change: {_cell(impact.before)} → {_cell(impact.after)}"
    yield from ("", f"{summary(impact)}.")
    for rule, kinds in impact.by_rule().items():
        yield from ("", f"**`{rule}`** {impact.version(rule)}".rstrip(), "")
        yield from ("| call | what | verdict | decided by |", "|---|---|---|---|")
        rows = [(kind, change) for kind, held in kinds.items() for change in held]
        yield from (_row(HEADINGS[kind], change) for kind, change in rows[:_ROWS])
        if len(rows) > _ROWS:
            yield from ("", f"… and {len(rows) - _ROWS} more.")
    if impact.moved:
        yield from ("", f"**{ORDER}**", "")
        for moved in impact.rearranged()[:_ROWS]:
            calls = ", ".join(moved.calls[:_ROWS]) + (", …" if len(moved.calls) > _ROWS else "")
            yield f"- `{moved.rule}`: {_cell('; '.join(sequence.told(moved)))}; on {_cell(calls)}"
    told = [(one.call, str(one)) for one in impact.refused]
    told += [(call, f"not replayed: {why}") for call, why in impact.failures]
    if told:
        yield ""
    yield from (f"- {_cell(call)}: {_cell(what)}" for call, what in told[:_ROWS])


def _row(what: str, change: Change) -> str:
    old, new = change.verdicts
    verdict = f"{old} → {new}" if old != new else old
    turns = [turned(turn) for turn in change.why.turns] or [change.why.after]
    return f"| {_cell(change.call)} | {what} | {verdict} | {_cell('; '.join(turns))} |"


def _cell(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|~#" else sign for sign in plain)
