"""Larger rulebooks made from the shipped one: more rules, or a value set with more codes.

A copied rule has an id of its own, consumes the copies of what its original consumes, and is in shadow: it is
evaluated and shows no card, as most rules of a large rulebook show none for one patient. Copies may share the
value sets of the originals, so that equal facts are read once, or have sets of their own, so that none is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.bodies import ROOT, RULEBOOK

Yaml = dict[str, Any]

SHIPPED_SET = "bipolar"
_NO_RULES = ("valuesets", "tables", "templates")
_AS_WRITTEN = ("ask", "because", "like")
LONGEST_TITLE = 80
"""Characters that a rule may have as its title."""


def copied(folder: Path) -> Path:
    """The shipped rulebook in `folder`, without its tests, beside the shared terminology."""
    shutil.copytree(ROOT / "rules" / "terminology", folder / "terminology")
    made = folder / RULEBOOK.name
    shutil.copytree(RULEBOOK, made, ignore=shutil.ignore_patterns("*.test.yaml"))
    return made


def multiply(book: Path, times: int, *, at_most: int | None = None, own_sets: bool = False) -> int:
    """Give a copied rulebook `times` its rules (or `at_most` so many). The number of rules it then has."""
    rules = {path: _load(path) for path in _rule_files(book)}
    sets = [path.stem for path in (book / "valuesets").glob("*.yaml")] if own_sets else []
    wanted = min(times * len(rules), at_most or times * len(rules))
    left = wanted - len(rules)
    for number in range(1, times):
        ending = f"-copy-{number}"
        for name in sets:
            _copy_set(book / "valuesets" / f"{name}.yaml", f"{name}{ending}")
        renamed = {name: f"{name}{ending}" for name in sets}
        chosen = _in_order(rules)[: max(0, left)]
        left -= len(chosen)
        copied = [rules[path]["rule"] for path in chosen]  # a card may name one that is not
        for path in chosen:
            copy = _copy_of(rules[path], ending, copied, renamed)
            _dump(copy, path.with_name(f"{copy['rule']}.yaml"))
    return wanted


def enlarge(book: Path, codes: int) -> None:
    """Leave the value set `bipolar` of a copied rulebook with exactly so many codes, none in any chart."""
    path = book / "valuesets" / f"{SHIPPED_SET}.yaml"
    made = _load(path)
    made["include"] = [{"system": "local", "code": f"generated {number}"} for number in range(codes)]
    made.pop("exclude", None)
    _dump(made, path)


def _rule_files(book: Path) -> list[Path]:
    kinds = [one for one in book.iterdir() if one.is_dir() and one.name not in _NO_RULES]
    return sorted(path for one in kinds for path in one.glob("*.yaml"))


def _in_order(rules: Mapping[Path, Yaml]) -> list[Path]:
    """Rules after those they consume, so that the first of them stand on their own."""
    by_id = {rule["rule"]: path for path, rule in rules.items()}
    order: dict[Path, None] = {}

    def add(path: Path) -> None:
        for fact in rules[path].get("data", {}).values():
            if "conclusion" in fact and by_id[fact["conclusion"]] not in order:
                add(by_id[fact["conclusion"]])
        order.setdefault(path)

    for path in rules:
        add(path)
    return list(order)


def _copy_of(rule: Yaml, ending: str, ids: list[str], sets: Mapping[str, str]) -> Yaml:
    data = {name: _fact(fact, ending, ids, sets) for name, fact in rule["data"].items()}
    title = rule["title"][: LONGEST_TITLE - len(ending) - 1]
    names = {"rule": f"{rule['rule']}{ending}", "title": f"{title} {ending}"}
    return {**rule, **names, "status": "shadow", "data": data}


def _fact(fact: Yaml, ending: str, ids: list[str], sets: Mapping[str, str]) -> Yaml:
    if fact.get("conclusion") in ids:
        return {**fact, "conclusion": f"{fact['conclusion']}{ending}"}
    return {name: value if name in _AS_WRITTEN else _renamed(value, sets) for name, value in fact.items()}


def _renamed(value: Any, sets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(part, sets) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, sets) for part in value]
    return sets.get(value, value) if isinstance(value, str) else value


def _copy_set(path: Path, name: str) -> None:
    _dump({**_load(path), "valueset": name}, path.with_name(f"{name}.yaml"))


def _load(path: Path) -> Yaml:
    # With its comments: some say why a check is set aside on their line.
    reader: Any = YAML()
    reader.preserve_quotes = True
    loaded: Yaml = reader.load(path)
    return loaded


def _dump(data: Yaml, path: Path) -> None:
    writer: Any = YAML()
    writer.width = 4096
    with path.open("w", encoding="utf-8") as file:
        writer.dump(data, file)
