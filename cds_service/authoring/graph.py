"""Rules and the conclusions they pass on, as Mermaid text or as a drawing (SVG) that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cds_service.rulebook.book import Rulebook, consumed
from cds_service.rulebook.rule import SAFETY_KINDS, Rule

_WIDE, _HIGH, _ACROSS, _DOWN, _EDGE = 300, 34, 110, 14, 20
_STYLE = (
    "text{font:13px system-ui,sans-serif}rect{fill:#fff;stroke:#667;rx:5}"
    ".safety rect{stroke:#b3261e;stroke-width:2}.other text{fill:#667}path{fill:none;stroke:#99a}"
)


@dataclass(frozen=True, slots=True)
class Graph:
    """The rules shown, in dependency order, and who uses whose conclusion (consumed, consumer)."""

    rules: tuple[Rule, ...]
    edges: tuple[tuple[str, str], ...]


def graph_of(book: Rulebook, rule_id: str = "") -> Graph:
    """Every rule that gives or uses a conclusion, or one rule with all above and below it."""
    edges = tuple((used, rule.rule) for rule in book.rules for used in consumed(rule))
    if rule_id:
        kept = _reached(rule_id, edges) | _reached(rule_id, [(to, of) for of, to in edges])
    else:
        kept = {rule.rule for rule in book.rules}
    held = tuple(rule for rule in book.rules if rule.rule in kept)
    return Graph(held, tuple(edge for edge in edges if set(edge) <= kept))


def _reached(start: str, edges: Sequence[tuple[str, str]]) -> set[str]:
    found, step = {start}, {start}
    while step:
        step = {to for of, to in edges if of in step} - found
        found |= step
    return found


def mermaid(graph: Graph) -> str:
    """A flowchart: from the rule that concludes to the rules that use it."""
    return "\n".join(_mermaid(graph)) + "\n"


def _mermaid(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    for rule in graph.rules:
        yield f'  {rule.rule}["{rule.rule}<br/>{_kind(rule)}"]'
    yield from (f"  {of} --> {to}" for of, to in graph.edges)
    safety = [rule.rule for rule in graph.rules if rule.kind in SAFETY_KINDS]
    if safety:
        yield "  classDef safety stroke:#b3261e,stroke-width:2px"
        yield f"  class {','.join(safety)} safety"


def _kind(rule: Rule) -> str:
    return rule.kind if rule.status == "active" else f"{rule.kind}, {rule.status}"


def svg(graph: Graph) -> str:
    """The same drawn: columns by how far a rule stands from those that use no conclusion."""
    columns = _columns(graph)
    places = _places(columns)
    width = max((x for x, _ in places.values()), default=0) + _WIDE + _EDGE
    height = max((y for _, y in places.values()), default=0) + _HIGH + _EDGE
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    lines = [_line(places[of], places[to]) for of, to in graph.edges]
    boxes = [_box(rule, *places[rule.rule]) for rule in graph.rules]
    return "\n".join([head, f"<style>{_STYLE}</style>", *lines, *boxes, "</svg>"]) + "\n"


def _columns(graph: Graph) -> list[list[Rule]]:
    depth: dict[str, int] = {}
    for rule in graph.rules:
        depth[rule.rule] = max((depth[of] + 1 for of, to in graph.edges if to == rule.rule), default=0)
    count = max(depth.values(), default=-1) + 1
    return [[rule for rule in graph.rules if depth[rule.rule] == column] for column in range(count)]


def _places(columns: Sequence[Sequence[Rule]]) -> Mapping[str, tuple[int, int]]:
    return {
        rule.rule: (_EDGE + column * (_WIDE + _ACROSS), _EDGE + row * (_HIGH + _DOWN))
        for column, rules in enumerate(columns)
        for row, rule in enumerate(rules)
    }


def _line(of: tuple[int, int], to: tuple[int, int]) -> str:
    x, y, far, low = of[0] + _WIDE, of[1] + _HIGH // 2, to[0], to[1] + _HIGH // 2
    bend = _ACROSS // 2
    return f'<path d="M{x} {y}C{x + bend} {y} {far - bend} {low} {far} {low}"/>'


def _box(rule: Rule, x: int, y: int) -> str:
    kind = "safety" if rule.kind in SAFETY_KINDS else "other" if rule.status != "active" else "rule"
    return (
        f'<g class="{kind}"><title>{escape(rule.title)} ({escape(_kind(rule))})</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}"/>'
        f'<text x="{x + 10}" y="{y + 22}">{escape(rule.rule)}</text></g>'
    )
