"""The measurement as one page for a browser: every rule as written, each line coloured by its tests.

Nothing is loaded from elsewhere, so the page can be mailed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from cds_service.authoring.coverage.measure import Target
from cds_service.authoring.coverage.mutants import Survivor
from cds_service.authoring.coverage.report import gap, percent, survived
from cds_service.authoring.coverage.run import Measured

_NAMED = 6
"""Cases named per thing seen; the rest is counted."""

_STYLE = """
:root { --ink: #1c2733; --soft: #5d6b7a; --rule: #dfe5eb; --paper: #fff; --full: #e3f4e6; --full-edge:
  #3a8f4c;
  --part: #fff3d1; --part-edge: #c48a00; --none: #fde3e0; --none-edge: #c4392b; --excused: #eceff3; }
@media (prefers-color-scheme: dark) { :root { --ink: #dde5ee; --soft: #93a1b1; --rule: #2f3a46; --paper:
  #161c23;
  --full: #17331e; --full-edge: #5cc274; --part: #3a2f10; --part-edge: #e0ad3a; --none: #431d1a;
  --none-edge: #f0705f; --excused: #242c35; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
table.sum { border-collapse: collapse; width: 100%; margin-top: 1rem; }
.sum td, .sum th { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid
  var(--rule); }
.sum th.number, .sum td.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; width: 8rem; height: .55rem; border-radius: .3rem; background:
  var(--none); }
.bar i { display: block; height: 100%; border-radius: .3rem; background: var(--full-edge); }
a { color: inherit; } ol.code { list-style: none; margin: .75rem 0; padding: .5rem 0; border: 1px solid
  var(--rule);
  border-radius: .4rem; overflow-x: auto; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; }
ol.code li { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); border-left: 4px solid
  transparent; }
ol.code b { font-weight: 400; color: var(--soft); text-align: right; padding-right: 1rem; user-select:
  none; }
ol.code code { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
li.full { background: var(--full); border-color: var(--full-edge) !important; }
li.part { background: var(--part); border-color: var(--part-edge) !important; }
li.none { background: var(--none); border-color: var(--none-edge) !important; }
ul.gaps { margin: .5rem 0; padding-left: 1.2rem; } ul.gaps pre { overflow-x: auto; background:
  var(--excused);
  padding: .5rem; border-radius: .3rem; font-size: 12px; }
.key span { padding: 0 .5rem; border-left: 4px solid; margin-right: .75rem; }
"""


def page(done: Sequence[Measured]) -> str:
    """The whole page."""
    return "".join(_page(done))


def _page(done: Sequence[Measured]) -> Iterator[str]:
    covered = percent([rule.coverage for rule in done])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Rule coverage: {covered:.1f} %</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{covered:.1f} % of what the rules say is tried by a test</h1>"
    yield f'<p class="soft">{_counted(done)}. Point at a line to see which test did what.</p>'
    yield '<p class="key"><span class="soft" style="border-color:var(--full-edge)">all of it tried</span>'
    yield '<span class="soft" style="border-color:var(--part-edge)">partly tried</span>'
    yield '<span class="soft" style="border-color:var(--none-edge)">not tried</span></p>'
    yield from _table(done)
    for rule in done:
        yield from _rule(rule)
    yield "</body></html>\n"


def _counted(done: Sequence[Measured]) -> str:
    cases = sum(rule.coverage.cases for rule in done)
    told = f"{len(done)} rule{'' if len(done) == 1 else 's'}, {cases} cases"
    mutants = [rule.mutants for rule in done if rule.mutants is not None]
    if not mutants:
        return told
    return (
        f"{told}, {sum(one.killed for one in mutants)} of {sum(one.made for one in mutants)} mutants killed"
    )


def _table(done: Sequence[Measured]) -> Iterator[str]:
    yield '<table class="sum"><thead><tr><th>rule<th><th class="number">tried<th class="number">cases'
    yield '<th class="number">mutants killed</tr></thead><tbody>'
    for rule in done:
        coverage, mutants = rule.coverage, rule.mutants
        share = percent([coverage])
        killed = f"{mutants.killed} of {mutants.made}" if mutants is not None else "–"
        yield f'<tr><td><a href="#{escape(coverage.rule)}">{escape(coverage.rule)}</a>'
        yield f'<td><span class="bar"><i style="width:{share:.0f}%"></i></span>'
        yield f'<td class="number">{coverage.seen} of {coverage.wanted}<td class="number">{coverage.cases}'
        yield f'<td class="number">{killed}</tr>'
    yield "</tbody></table>"


def _rule(rule: Measured) -> Iterator[str]:
    coverage, mutants = rule.coverage, rule.mutants
    yield f'<h2 id="{escape(coverage.rule)}">{escape(coverage.rule)}</h2>'
    yield f'<p class="soft">{escape(coverage.file)}</p>'
    told = [gap(target) for target in coverage.targets if target.missing]
    told += [f"the case {name!r} fails" for name in coverage.failed] + list(coverage.stale)
    survivors = mutants.unexplained if mutants is not None else ()
    if told or survivors:
        yield '<ul class="gaps">'
        yield from (f"<li>{escape(_without(one, coverage.file))}</li>" for one in told)
        yield from (_survivor(one, coverage.file) for one in survivors)
        yield "</ul>"
    by_line: Mapping[int, list[Target]] = defaultdict(list)
    for target in coverage.targets:
        by_line[target.place.line].append(target)
    yield '<ol class="code">'
    for number, text in enumerate(Path(coverage.file).read_text(encoding="utf-8").splitlines(), start=1):
        yield _line(number, text, by_line.get(number, []))
    yield "</ol>"


def _without(text: str, file: str) -> str:
    return text.replace(f"{file}:", "line ", 1)


def _survivor(one: Survivor, file: str) -> str:
    proposal = f"<pre>{escape(one.proposal)}</pre>" if one.proposal else ""
    return f"<li>{escape(_without(survived(one), file))}{proposal}</li>"


def _line(number: int, text: str, targets: Sequence[Target]) -> str:
    told = "\n".join(line for target in targets for line in _seen(target))
    title = f' title="{escape(told)}"' if told else ""
    return f"<li{_class(targets)}{title}><b>{number}</b><code>{escape(text) or ' '}</code></li>"


def _class(targets: Sequence[Target]) -> str:
    if not targets:
        return ""
    wanted = sum(len(target.wanted) for target in targets)
    missing = sum(len(target.missing) for target in targets)
    name = "full" if not missing else "none" if missing == wanted else "part"
    return f' class="{name}"'


def _seen(target: Target) -> Iterator[str]:
    """What each aspect of a target was seen in."""
    for what in target.wanted:
        label = f"told from {what}" if target.kind == "number" else what
        if what in target.excused:
            yield f"{label}: cannot be ({target.excused[what].reason})"
            continue
        names = target.seen.get(what, ())
        if not names:
            yield f"{label}: no test"
            continue
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{label}: {'; '.join(names[:_NAMED])}{more}"
