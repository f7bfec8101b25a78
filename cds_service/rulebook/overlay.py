"""What a site changes in a rulebook without editing it: codes, local-policy numbers, declared wording.

`local/<rulebook>.yaml` beside the rulebook's folder is read with it. Changes are made to the data of the
files before anything is checked, so every check of a rulebook holds for the local one too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_core import PydanticCustomError

from cds_service.errors import Place, Problem, nearest
from cds_service.rulebook import localwords as said
from cds_service.rulebook.changed import moved, put, renumbered, strings
from cds_service.rulebook.criterion import Amount, Criterion, Duration, Threshold
from cds_service.rulebook.files import Member
from cds_service.rulebook.formula import Anchor
from cds_service.rulebook.localwords import Fault
from cds_service.rulebook.parsed import Parsed
from cds_service.rulebook.shape import Day, FactName, RuleId, SetId, Shape
from cds_service.rulebook.yamlfile import DataPath, YamlFile

LOCAL = "local"
"""The folder of what a site changes, beside the rulebooks."""
POLICY = "local-policy"
"""The kind of sources whose numbers a site may change."""
_NUMBER = re.compile(r"(?<![\w\[.])-?\d+(?:\.\d+)?(?![\w\]]|\.\d)")
_CITED = re.compile(r"\[\d+\]")
_LINES = (Criterion, Threshold, Duration, Amount, Anchor)
_PROSE = frozenset(
    "title purpose population limits claim ask because summary detail text label description".split()
)


class CodesChange(Shape):
    """Codes that a value set has here in addition, and codes that it has not."""

    add: tuple[Member, ...] = Field(default=(), description="codes added, as in the value set's own file")
    remove: tuple[Member, ...] = Field(default=(), description="members of `include` taken out")


class NumberChange(Shape):
    """Another number in a line of a rule; only where the line cites local policy and nothing else."""

    rule: RuleId = Field(description="the rule")
    fact: FactName | None = Field(
        default=None, description="only in this fact; everywhere in the rule without"
    )
    shipped: str = Field(min_length=1, description="the line as it stands in the rule")
    local: str = Field(min_length=1, description="the same line with the number that holds here")


class TextChange(Shape):
    """A text of a rule that says a number changed here; it is given even if it stays as it was."""

    rule: RuleId = Field(description="the rule")
    shipped: str = Field(min_length=1, description="the text as it stands in the rule")
    local: str = Field(min_length=1, description="the text that holds here, with the same [n] and {…}")


class OverlayFile(Shape):
    """local/<rulebook>.yaml: everything that a site changes in one rulebook."""

    overlay: SetId = Field(description="the id of the rulebook: the file name")
    owner: str = Field(min_length=1, description="who answers for the changes")
    reviewed: Day | None = Field(default=None, description="when they were reviewed")
    valuesets: dict[SetId, CodesChange] = Field(default_factory=dict, description="codes by value set")
    numbers: tuple[NumberChange, ...] = Field(default=(), description="numbers of local policy")
    texts: tuple[TextChange, ...] = Field(default=(), description="texts that say a changed number")
    wording: dict[SetId, str] = Field(
        default_factory=dict, description="phrases that rulebook.yaml declares under `wording`"
    )


@dataclass(frozen=True, slots=True)
class LocalChange:
    """One change as it was made: in which rule, value set or file, where, from what to what."""

    target: str
    path: DataPath
    shipped: str
    local: str
    place: Place


def overlay_path(folder: Path) -> Path:
    """Where the changes of a rulebook's site stand."""
    book = folder if folder.name else folder.resolve()
    return book.parent / LOCAL / f"{book.name}.yaml"


@dataclass
class Overlay:
    """Makes the changes file by file, and holds what was made and what could not be."""

    parsed: Parsed[OverlayFile]
    policies: frozenset[int]
    phrases: dict[str, str]
    changes: list[LocalChange] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    valuesets: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, parsed: Parsed[OverlayFile], sources: Any, book: Any) -> Overlay:
        """The changes for a rulebook, given the data of its sources and of its rulebook.yaml."""
        listed = sources.items() if isinstance(sources, dict) else ()
        policies = (one for one, told in listed if isinstance(told, dict) and told.get("kind") == POLICY)
        phrases = book.get("wording") if isinstance(book, dict) else None
        return cls(parsed, frozenset(policies), phrases if isinstance(phrases, dict) else {})

    @property
    def model(self) -> OverlayFile:
        """The changes asked for."""
        return self.parsed.model

    # --- value sets ------------------------------------------------------------------------------

    def valueset(self, name: str, file: YamlFile) -> YamlFile:
        """A value set's file with its codes added and removed."""
        self.valuesets.add(name)
        change = self.model.valuesets.get(name)
        include = file.data.get("include") if isinstance(file.data, dict) else None
        if change is None or not isinstance(include, list):
            return file
        kept = [at for at, member in enumerate(include) if not self._removed(name, member, change)]
        members = [include[at] for at in kept]
        places = renumbered(file.places, "include", kept)
        for at, code in enumerate(change.add):
            path = ("valuesets", name, "add", at)
            raw = self._raw(path)
            if raw in include:
                self._refuse(path, "already-so", "the value set has this code already", "remove it here")
                continue
            places |= moved(self.parsed.file.places, path, ("include", len(members)))
            members.append(raw)
            self._made(name, ("include",), "", _member(code), path)
        self._missing(name, include, change)
        if not members and change.remove:
            told, hint = "no code of the value set would be left", "keep one, or add what takes their place"
            self._refuse(("valuesets", name, "remove"), "not-allowed", told, hint)
            return file
        keys = renumbered(file.key_places, "include", kept)
        if len(kept) < len(include):  # what else is wrong with the set now, is so because of this
            keys[("exclude",)] = places[("include",)] = self.parsed.at("valuesets", name, "remove")
        return replace(file, data={**file.data, "include": members}, places=places, key_places=keys)

    def _removed(self, name: str, member: Any, change: CodesChange) -> bool:
        for at, code in enumerate(change.remove):
            if isinstance(member, dict) and _same_code(member, code):
                told = f"{_member(code)} {member.get('display') or ''}".strip()
                self._made(name, ("include",), told, "", ("valuesets", name, "remove", at))
                return True
        return False

    def _missing(self, name: str, include: Sequence[Any], change: CodesChange) -> None:
        for at, code in enumerate(change.remove):
            if not any(isinstance(one, dict) and _same_code(one, code) for one in include):
                self._refuse(
                    ("valuesets", name, "remove", at),
                    "unknown-name",
                    f"{_member(code)} is not a member of {name}",
                    "name a member of its include: as it stands there",
                )

    def _raw(self, path: DataPath) -> Any:
        data: Any = self.parsed.file.data
        for part in path:
            data = data[part]
        return data

    # --- rules -----------------------------------------------------------------------------------

    def rule(self, name: str, file: YamlFile) -> YamlFile:
        """A rule's file with its numbers, texts and phrases changed."""
        self.rules.add(name)
        data = file.data
        if not isinstance(data, dict):
            return file
        before = len(self.changes)
        for at, number in enumerate(self.model.numbers):
            if number.rule == name and self._allowed(number, ("numbers", at)):
                data = self._number(data, number, ("numbers", at))
        for at, text in enumerate(self.model.texts):
            if text.rule == name:
                data = self._text(data, text, ("texts", at))
        return self.phrased(name, self._placed(file, data, before), ("cards",))

    def _placed(self, file: YamlFile, data: Any, before: int) -> YamlFile:
        """The file with what was changed since; what is wrong there now is told at the overlay."""
        places = {one.path: one.place for one in self.changes[before:] if one.shipped != one.local}
        return replace(file, data=data, places={**file.places, **places})

    def _number(self, data: Any, change: NumberChange, path: DataPath) -> Any:
        under = ("data", change.fact) if change.fact else ()
        found = [one for one in strings(data) if one[0][: len(under)] == under]
        wanted = [one for one in found if one[1].strip() == change.shipped.strip()]
        if not wanted:
            where = f"{change.fact} of {change.rule}" if change.fact else change.rule
            hint = nearest(change.shipped, [text for _, text in found if _CITED.search(text)][:200])
            self._refuse((*path, "shipped"), "unknown-name", f"no line of {where} reads so", hint)
        for at, shipped in wanted:
            data = put(data, at, change.local.strip())
            self._made(change.rule, at, shipped.strip(), change.local.strip(), path)
        if wanted:
            self._said(data, change, path)
        return data

    def _allowed(self, change: NumberChange, path: DataPath) -> bool:
        """Whether the two lines differ in a number only, and cite local policy only."""
        if not _is_line(change.shipped) or _skeleton(change.shipped) != _skeleton(change.local):
            told, hint = "the lines differ in more than a number", "keep everything but the number"
        elif change.shipped.strip() == change.local.strip():
            told, hint = "the number is the shipped one", "remove it here"
        elif not _cites(change.shipped) or not _cites(change.shipped) <= self.policies:
            told = "the number is not local policy: it cites another source, or none"
            hint = "only a number whose sources are all of kind local-policy can be changed here"
        else:
            return True
        self._refuse((*path, "local"), "not-allowed", told, hint)
        return False

    def _said(self, data: Any, change: NumberChange, path: DataPath) -> None:
        """Every text of the rule that says the shipped number has to be given under texts."""
        given = {one.shipped.strip() for one in self.model.texts if one.rule == change.rule}
        for at, text in strings(data):
            if is_prose(at) and _numbers(text) & _numbers(change.shipped) and text.strip() not in given:
                self._refuse(
                    (*path, "shipped"),
                    "text-keeps-number",
                    f"a text of {change.rule} says the shipped number: {text.strip()!r}",
                    "give it under texts: with the text that holds here (it may stay as it is)",
                )

    def _text(self, data: Any, change: TextChange, path: DataPath) -> Any:
        wanted = [one for one in strings(data) if one[1].strip() == change.shipped.strip()]
        numbers, lines = [one for one in self.model.numbers if one.rule == change.rule], self._lines(data)
        if not any(_numbers(change.shipped) & _numbers(one.shipped) for one in numbers) and not said.says(
            change.shipped, lines.shipped
        ):
            told, hint = "the text says no number that is changed here", "change declared wording only"
            self._refuse((*path, "shipped"), "not-allowed", told, hint)
        elif not wanted:
            hint = nearest(change.shipped, [text for at, text in strings(data) if is_prose(at)])
            self._refuse((*path, "shipped"), "unknown-name", f"no text of {change.rule} reads so", hint)
        elif self._kept(change.shipped, change.local, (*path, "local")) and self._faultless(
            self._reworded(change, lines), (*path, "local")
        ):
            for at, shipped in wanted:
                if self._is_others(data, at) and shipped.strip() != change.local.strip():
                    told = "this is what another source says, not local policy"
                    self._refuse((*path, "local"), "not-allowed", told, "leave it as it is")
                    continue
                data = put(data, at, change.local)
                self._made(change.rule, at, shipped.strip(), change.local.strip(), path)
        return data

    def _lines(self, data: Any) -> said.Lines:
        """The telephone numbers of the phrases in the rule's cards that are said otherwise here."""
        held = [text for path, text in strings(data) if path[0] == "cards"]
        changed = [(self.phrases.get(key, ""), local) for key, local in self.model.wording.items()]
        return said.Lines.of(one for one in changed if one[0] and any(one[0] in text for text in held))

    def _reworded(self, change: TextChange, lines: said.Lines) -> Fault | None:
        """What is wrong with the words of a text that says a changed number."""
        if change.shipped.strip() == change.local.strip():
            return None
        numbers = [one for one in self.model.numbers if one.rule == change.rule]
        moved = {pair for one in numbers for pair in said.moved(one.shipped, one.local)}
        return (
            said.declared(change.shipped, change.local, self.phrases.values())
            or said.others(change.shipped, change.local, self.policies)
            or said.numbers(change.shipped, change.local, moved, lines)
        )

    def _is_others(self, data: Any, path: DataPath) -> bool:
        """Whether a text is the claim of a source that is not local policy."""
        if path[0] != "evidence":
            return False
        return data["evidence"][path[1]].get("source") not in self.policies

    # --- wording ---------------------------------------------------------------------------------

    def phrased(self, name: str, file: YamlFile, under: DataPath) -> YamlFile:
        """A file with the declared phrases of its cards said as the site says them."""
        data, before = file.data, len(self.changes)
        for key, local in self.model.wording.items():
            shipped = self.phrases.get(key)
            for at, text in strings(data):
                if shipped is not None and at[: len(under)] == under and shipped in text:
                    data = put(data, at, text.replace(shipped, local))
                    self._made(name, at, shipped, local, ("wording", key))
        return self._placed(file, data, before)

    def _kept(self, shipped: str, local: str, path: DataPath) -> bool:
        """Whether a text has the citations and placeholders of the shipped one, and still says something."""
        fault = said.differs(shipped, local) or said.empty(shipped, local)
        return self._faultless(fault, path)

    def _faultless(self, fault: Fault | None, path: DataPath) -> bool:
        if fault is not None:
            self._refuse(path, "not-allowed", *fault)
        return fault is None

    # --- the end ---------------------------------------------------------------------------------

    def finish(self, rulebook: str) -> None:
        """Refuse what names nothing of the rulebook."""
        if self.model.overlay != rulebook:
            told = f"{self.model.overlay!r} is not the rulebook beside it"
            self._refuse(("overlay",), "unknown-name", told, nearest(self.model.overlay, [rulebook]))
        for name in self.model.valuesets:
            self._known(name, ("valuesets", name), self.valuesets, "value set")
        named = {
            "numbers": [one.rule for one in self.model.numbers],
            "texts": [one.rule for one in self.model.texts],
        }
        for part, rules in named.items():
            for at, rule in enumerate(rules):
                self._known(rule, (part, at, "rule"), self.rules, "rule")
        for key, local in self.model.wording.items():
            self._known(key, ("wording", key), set(self.phrases), "declared wording")
            if key in self.phrases:
                self._kept(self.phrases[key], local, ("wording", key))

    def _known(self, name: str, path: DataPath, known: set[str], what: str) -> None:
        if name not in known:
            told = f"there is no {what} {name!r} in the rulebook"
            hint = nearest(name, sorted(known)) or f"the rulebook has no {what}; remove it here"
            self._refuse(path, "unknown-name", told, hint)

    def _made(self, target: str, path: DataPath, shipped: str, local: str, at: DataPath) -> None:
        self.changes.append(LocalChange(target, path, shipped, local, self.parsed.at(*at)))

    def _refuse(self, path: DataPath, code: str, message: str, hint: str) -> None:
        self.problems.append(self.parsed.problem(path, f"overlay/{code}", message, hint))


def _is_line(text: str) -> bool:
    """Whether a text is a line with a number: a comparison, an amount, a time."""
    for one in _LINES:
        with suppress(PydanticCustomError):
            one.parse(text)
            return bool(_NUMBER.search(_CITED.sub("", text)))
    return False


def _skeleton(text: str) -> str:
    return " ".join(_NUMBER.sub("#", text).split())


def _cites(text: str) -> set[int]:
    return {int(one.strip("[]")) for one in _CITED.findall(text)}


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(text))


def is_prose(path: DataPath) -> bool:
    """Whether what stands at a path of a rule is a text for readers."""
    return any(part in _PROSE for part in path[-2:]) and path[:1] != ("logic",)


def _same_code(member: dict[str, Any], code: Any) -> bool:
    key = "code" if hasattr(code, "code") else "starts_with"
    return bool(member.get("system") == code.system and member.get(key) == getattr(code, key))


def _member(code: Any) -> str:
    return f"{code.system} {getattr(code, 'code', '') or f'{code.starts_with}…'}"
