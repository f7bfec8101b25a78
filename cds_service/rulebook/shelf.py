"""Everything that was read from one rulebook folder, before anybody asked whether it fits together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.errors import Place, Problem
from cds_service.rulebook.files import (
    ClaimsFile,
    OverrideReasonsFile,
    RulebookFile,
    SourcesFile,
    TableFile,
    TemplateFile,
    ValueSetFile,
)
from cds_service.rulebook.like import likes_of, spelled_out
from cds_service.rulebook.overlay import LOCAL, Overlay, OverlayFile, overlay_path
from cds_service.rulebook.parsed import Parsed, Shaped, parse
from cds_service.rulebook.rule import Rule
from cds_service.rulebook.yamlfile import YamlFile, read_yaml

BOOK, SOURCES, REASONS = "rulebook.yaml", "sources.yaml", "override-reasons.yaml"
CLAIMS = "claims.yaml"
_OTHERS = (CLAIMS, "known-cards.yaml")
VALUESETS, TABLES, TEMPLATES = "valuesets", "tables", "templates"
RULE = "rule"
DRUGS = Path("terminology") / "rxnorm.csv"
UNREADABLE = "unreadable"
"""Stands for a fact that was left out because of a mistake in it."""

FOLDERS = (
    "definitions",
    "suicidality",
    "contraindications",
    "cautions",
    "interactions",
    "treatment",
    "monitoring",
    "data-gaps",
)
_RULE_STAND_IN: Mapping[str, Any] = {
    "rule": UNREADABLE,
    "title": "Unreadable rule",
    "version": "0.0.0",
    "status": "draft",
    "kind": "definition",
    "about": {"purpose": "?", "population": "?", "owner": "?"},
    "evidence": [
        {"source": 1, "claim": "?", "direction": "for", "strength": "consensus", "certainty": "not-graded"}
    ],
    "data": {UNREADABLE: {"ask": "Could not be read?", "conclusion": UNREADABLE}},
    "logic": UNREADABLE,
    "cards": {"when_true": "silent", "when_unknown": "silent", "when_false": "silent"},
}


@dataclass
class Shelf:
    """The files of a rulebook by id. `named` also holds the ids of files that could not be read.

    `likes` are the places where facts take over the rows of others.
    """

    folder: Path
    about: Parsed[RulebookFile] | None = None
    sources: Parsed[SourcesFile] | None = None
    reasons: Parsed[OverrideReasonsFile] | None = None
    claims: Parsed[ClaimsFile] | None = None
    valuesets: dict[str, Parsed[ValueSetFile]] = field(default_factory=dict)
    tables: dict[str, Parsed[TableFile]] = field(default_factory=dict)
    templates: dict[str, Parsed[TemplateFile]] = field(default_factory=dict)
    rules: list[Parsed[Rule]] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    likes: set[Place] = field(default_factory=set)
    overlay: Overlay | None = None

    def path(self, name: str) -> Path:
        """Where a file of `files` stands, as its places name it."""
        local = overlay_path(self.folder)
        return local if name == _local_name(local) else self.folder / name

    @property
    def phrases(self) -> Mapping[str, str]:
        """The declared wording as it is said here."""
        shipped = self.about.model.wording if self.about is not None else {}
        changed = self.overlay.model.wording if self.overlay is not None else {}
        return {key: changed.get(key, phrase) for key, phrase in shipped.items()}

    def known(self, kind: str) -> frozenset[str]:
        """The ids of value sets, tables, templates, rules or reasons, readable or not."""
        return frozenset(self.named.get(kind, ()))

    @property
    def source_numbers(self) -> frozenset[int] | None:
        """The numbers of sources.yaml; None if it could not be read."""
        if self.sources is None:
            return None
        return frozenset(key for key in self.listed(SOURCES) if isinstance(key, int))

    def listed(self, name: str) -> frozenset[str | int]:
        """The keys of a file of the folder, whether what stands below them is right or not."""
        data = self.files.get(name)
        return frozenset(data) if isinstance(data, dict) else frozenset()


def read_shelf(folder: Path, *, local: bool = True) -> Shelf:
    """Read every file of a rulebook folder once; without `local` as shipped, before what the site changes."""
    shelf = Shelf(folder)
    shelf.overlay = _overlay(shelf) if local else None
    shelf.about = _single(shelf, BOOK, RulebookFile)
    shelf.sources = _single(shelf, SOURCES, SourcesFile)
    shelf.reasons = _single(shelf, REASONS, OverrideReasonsFile)
    shelf.named["reason"] = {str(key) for key in shelf.listed(REASONS)}
    shelf.claims = _claims(shelf)
    _collect(shelf, VALUESETS, ValueSetFile, shelf.valuesets)
    _collect(shelf, TABLES, TableFile, shelf.tables)
    _collect(shelf, TEMPLATES, TemplateFile, shelf.templates)
    for path in rule_paths(folder):
        _rule(shelf, path)
    shelf.problems += _strays(folder)
    if shelf.overlay is not None:
        shelf.overlay.finish(overlay_path(folder).stem)
        shelf.problems += shelf.overlay.problems
    return shelf


def _overlay(shelf: Shelf) -> Overlay | None:
    """What the site changes in this rulebook; None if nothing, or if its file cannot be used."""
    path = overlay_path(shelf.folder)
    if not path.is_file():
        return None
    file = read_yaml(path)
    shelf.files[_local_name(path)] = file.data
    parsed, problems = parse(file, OverlayFile)
    shelf.problems += problems
    if parsed is None or not parsed.sound:
        return None
    sources, book = read_yaml(shelf.folder / SOURCES), read_yaml(shelf.folder / BOOK)
    return Overlay.of(parsed, sources.data, book.data)


def _local_name(path: Path) -> str:
    """The key of `files` of what a site changes, which stands beside the folder."""
    return f"../{LOCAL}/{path.name}"


def rule_paths(folder: Path) -> Iterator[Path]:
    """The rule files in folder order, then by name; tests and the files rules refer to are left out."""
    folders = [
        one for one in folder.iterdir() if one.is_dir() and one.name not in (VALUESETS, TABLES, TEMPLATES)
    ]
    for one in sorted(folders, key=_folder_order):
        yield from (path for path in _yaml_files(one) if not path.name.endswith(".test.yaml"))


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.yaml") if not path.name.startswith("."))


def _strays(folder: Path) -> Iterator[Problem]:
    """Files that look like rules and would never be read."""
    for path in sorted(folder.rglob("*.yml")):
        yield Problem(
            Place(path.as_posix()),
            "schema/stray-file",
            "this file is not read",
            f"rename it to {path.stem}.yaml",
        )
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in (BOOK, SOURCES, REASONS, *_OTHERS) and not path.name.startswith("."):
            yield Problem(
                Place(path.as_posix()),
                "schema/stray-file",
                f"{path.name} is not a file of a rulebook, so it is not read",
                "move a rule into a folder, such as definitions/",
            )


def _folder_order(folder: Path) -> tuple[int, str]:
    return (FOLDERS.index(folder.name) if folder.name in FOLDERS else len(FOLDERS), folder.name)


def _read(shelf: Shelf, path: Path, kind: str = "") -> YamlFile:
    """A file as it holds here: with what the site changes in it."""
    file = read_rule(path) if kind == RULE else read_yaml(path)
    shelf.likes.update(likes_of(file))
    if shelf.overlay is not None and not file.problems:
        file = _changed(shelf.overlay, file, path, kind)
    shelf.files[path.relative_to(shelf.folder).as_posix()] = file.data
    return file


def read_rule(path: Path) -> YamlFile:
    """A rule's file with its facts written out in full; never raises for what stands in it."""
    return spelled_out(read_yaml(path))


def _changed(overlay: Overlay, file: YamlFile, path: Path, kind: str) -> YamlFile:
    if kind == VALUESETS:
        return overlay.valueset(path.stem, file)
    if kind == RULE:
        return overlay.rule(path.stem, file)
    return overlay.phrased(path.name, file, ("could_not_check",)) if path.name == BOOK else file


def _single(shelf: Shelf, name: str, model: type[Shaped]) -> Parsed[Shaped] | None:
    path = shelf.folder / name
    if not path.is_file():
        place = Place(path.as_posix())
        problem = Problem(place, "schema/missing-file", f"the rulebook has no {name}", "add the file")
        shelf.problems.append(problem)
        return None
    parsed, problems = parse(_read(shelf, path), model, {})
    shelf.problems += problems
    return parsed


def _claims(shelf: Shelf) -> Parsed[ClaimsFile] | None:
    """The table of claims, if there is one; it decides nothing, so no digest holds it."""
    path = shelf.folder / CLAIMS
    if not path.is_file():
        return None
    parsed, problems = parse(read_yaml(path), ClaimsFile)
    shelf.problems += problems
    return parsed


def _collect(shelf: Shelf, folder: str, model: type[Shaped], into: dict[str, Parsed[Shaped]]) -> None:
    """Read a folder of files whose id is the file name."""
    key = next(iter(model.model_fields))
    names = shelf.named.setdefault(key, set())
    for path in _yaml_files(shelf.folder / folder):
        file = _read(shelf, path, folder)
        names.add(path.stem)
        parsed, problems = parse(file, model)
        shelf.problems += problems
        if parsed is not None:
            into[path.stem] = parsed
            _same_name(shelf, parsed, key, path)


def _rule(shelf: Shelf, path: Path) -> None:
    names = shelf.named.setdefault("rule", set())
    names.add(path.stem)
    parsed, problems = parse(_read(shelf, path, RULE), Rule, _RULE_STAND_IN)
    shelf.problems += problems
    if parsed is None:
        return
    shelf.rules.append(parsed)
    if not parsed.broken_under("rule"):
        names.add(parsed.model.rule)
        shelf.paths.setdefault(parsed.model.rule, path)
        _same_name(shelf, parsed, "rule", path)


def _same_name(shelf: Shelf, parsed: Parsed[Any], key: str, path: Path) -> None:
    held = getattr(parsed.model, key)
    if held != path.stem:
        shelf.problems.append(
            parsed.problem(
                (key,),
                "identity/file-name-is-id",
                f"{held!r} is not the name of its file, {path.stem!r}",
                f"rename the file to {held}.yaml, or change the id",
            )
        )
