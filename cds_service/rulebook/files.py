"""The shapes of the rulebook files that are not rules: value sets, tables, sources, templates, the book."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    RootModel,
    WithJsonSchema,
    model_validator,
)

from cds_service.rulebook.card import Indicator
from cds_service.rulebook.criterion import mistake
from cds_service.rulebook.shape import VERSION_PATTERN, Day, Number, RuleId, SetId, Shape, branch

SystemName = Literal[
    "icd-10-cm",
    "snomed",
    "loinc",
    "rxnorm",
    "v3-act-code",
    "v3-null-flavor",
    "v2-0136",
    "medicationrequest-status-reason",
    "boolean",
    "text",
    "v3-observation-interpretation",
    "local",
]
"""Short names of code systems in rule files; `boolean` and `text` stand for answers without a code."""


_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "icd-10-cm": (
        re.compile(r"[A-Z][0-9](?:[0-9A-Z](?:\.?[0-9A-Z]{1,4})?)?"),
        "a capital letter, a digit, then up to 5 digits or capital letters after an optional dot: I71.4",
    ),
    "snomed": (re.compile(r"[0-9]+"), "digits only: 128609009"),
    "rxnorm": (re.compile(r"[0-9]+"), "digits only: 6130"),
}
"""How codes of a system are formed; a slip of the finger (I7l for I71) would hold nothing, silently."""
_BEGUN = re.compile(r"[A-Z](?:[0-9?](?:[0-9A-Z?]\.?[0-9A-Z?]{0,4})?)?")


def _formed(system: str, code: str, *, begun: bool) -> None:
    form, told = _FORMS.get(system, (None, ""))
    if form is None:
        return
    if not (_BEGUN if begun and system == "icd-10-cm" else form).fullmatch(code):
        what = "the beginning of a code" if begun else "a code"
        raise mistake("bad_code", f"{code!r} is not {what} of {system}", f"write {told}")


class Code(Shape):
    """One code, with where it was checked. `group` of drugs: rxnorm ingredient or product codes."""

    system: SystemName = Field(description="the code system, by its short name")
    code: Annotated[str, Field(min_length=1)] = Field(description="the code, in quotes")
    display: str = Field(default="", description="the code in words, as its system says it")
    checked: str = Field(default="", description="where the code was seen; `recalled` if nowhere")

    @model_validator(mode="after")
    def _has_its_form(self) -> Code:
        _formed(self.system, self.code, begun=False)
        return self


class Prefix(Shape):
    """Every code of a system that begins so, with or without the dot; `?` stands for any one character."""

    system: SystemName = Field(description="the code system, by its short name")
    starts_with: Annotated[str, Field(min_length=1)] = Field(
        description="how the codes begin; `?` is any one character"
    )
    display: str = Field(default="", description="what they stand for")
    checked: str = Field(default="", description="where the codes were seen")

    @model_validator(mode="after")
    def _has_its_form(self) -> Prefix:
        _formed(self.system, self.starts_with, begun=True)
        return self


def _member_tag(value: object) -> str | None:
    if isinstance(value, Code):
        return "<code>"
    if isinstance(value, Prefix):
        return "<starts_with>"
    if not isinstance(value, dict):
        return None
    keys = [key for key in ("code", "starts_with") if key in value]
    return f"<{keys[0]}>" if len(keys) == 1 else None


Member = Annotated[
    Annotated[Code, branch("code")] | Annotated[Prefix, branch("starts_with")],
    Discriminator(
        _member_tag,
        custom_error_type="bad_member",
        custom_error_message="a member of a value set has exactly one of code, starts_with",
    ),
]


def _stem(value: object) -> object:
    if isinstance(value, str) and _STEM.match(value) and sum(map(str.isalpha, value)) >= 2:
        return value
    raise mistake(
        "bad_stem",
        f"{value!r} is not the beginning of a word",
        "write 2 letters or more in lower case without accents or signs; =ab is that word only",
    )


def _once(stems: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((stem for index, stem in enumerate(stems) if stem in stems[:index]), None)
    if twice is not None:
        raise mistake("stem_twice", f"{twice!r} is listed twice", "remove one of them")
    return stems


_STEM = re.compile(r"^=?[a-z0-9]+(?: [a-z0-9]+)*$")
Stem = Annotated[str, BeforeValidator(_stem)]
Stems = Annotated[tuple[Stem, ...], AfterValidator(_once)]


class ValueSetFile(Shape):
    """A named set of codes; `group` names the key `observations-<group>` that its observations come in.

    `words` are beginnings of words that an entry about this set, told in words only, would contain. Where the
    `codes` are partial, an entry with a known code that is not listed is read by `partial_words` (if none, by
    `words`); else its code settles it. A set for an `element` judges the codes of that element alone, where a
    known code without any words settles nothing.
    """

    valueset: SetId = Field(description="the id: the file name")
    title: Annotated[str, Field(min_length=1)] = Field(description="what the codes have in common")
    owner: Annotated[str, Field(min_length=1)] = Field(description="who answers mail about it")
    reviewed: Day | None = Field(default=None, description="when it was reviewed")
    group: SetId | None = Field(default=None, description="names the prefetch key `observations-<group>`")
    scale: SetId | None = Field(
        default=None,
        description="names the list its answers, or routes, are chosen from: sets of one scale tell of each "
        "other that an answer is known, and is another one",
    )
    note: str = Field(default="", description="what a reader should know: what is left out, and why")
    words: Stems = Field(
        default=(), description="beginnings of words that an entry without codes would contain"
    )
    codes: Literal["complete", "partial"] = Field(
        default="complete",
        description="partial: a known code outside the list may still mean this, by its words",
    )
    partial_words: Stems = Field(
        default=(), description="narrower words, by which an entry with another known code may mean this"
    )
    element: Literal["reason"] | None = Field(
        default=None,
        description="judges this element of resources, not what they are about: a known code that is not "
        "listed cannot be read if its words are partial_words, or if it has none",
    )
    include: tuple[Member, ...] = Field(min_length=1, description="the codes")
    exclude: tuple[Member, ...] = Field(
        default=(), description="codes that are not meant although a beginning covers them"
    )
    excluded_because: str = Field(
        default="left out of the list on purpose",
        description="why what `exclude` names does not count, as a card says it",
    )

    @model_validator(mode="after")
    def _partial_codes_need_words(self) -> Self:
        if self.codes == "partial" and not self.reopening:
            raise mistake(
                "partial_without_words",
                "partial codes are made up for by words, and this set has none",
                "list words, or remove codes",
            )
        if self.codes == "complete" and (self.partial_words or self.element):
            raise mistake(
                "words_without_partial",
                "partial_words and element are read only where the codes are partial",
                "add codes: partial",
            )
        return self

    @property
    def reopening(self) -> tuple[str, ...]:
        """The words by which a code that is not listed may still mean this set."""
        return (self.partial_words or self.words) if self.codes == "partial" else ()


def _cell(value: object) -> object:
    if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise mistake(
        "bad_cell", "a table cell is a number or text", "write a number, or put quotes round a text"
    )


Cell = Annotated[float | str, PlainValidator(_cell), WithJsonSchema({"type": ["number", "string"]})]


class TableFile(Shape):
    """A lookup table: rows keyed by code, one number per column, each row citing its source."""

    table: SetId = Field(description="the id: the file name")
    title: Annotated[str, Field(min_length=1)] = Field(description="what the table tells")
    unit: str = Field(default="", description="the unit of its numbers")
    owner: Annotated[str, Field(min_length=1)] = Field(description="who answers mail about it")
    reviewed: Day | None = Field(default=None, description="when it was reviewed")
    note: str = Field(default="", description="what a reader should know")
    columns: tuple[str, ...] = Field(min_length=1, description="the names of the columns")
    rows: dict[str, TableRow] = Field(min_length=1, description="the rows by code")


class TableRow(Shape):
    """One row: `name` for the reader, `values` by column, `source` that says so."""

    name: Annotated[str, Field(min_length=1)] = Field(description="the code in words")
    values: dict[str, Cell] = Field(description="a number or text for each column")
    source: Number = Field(description="a number of sources.yaml")
    since: Day | None = Field(default=None, description="from when the row holds")
    note: str = Field(default="", description="what a reader should know")


class Source(Shape):
    """One numbered source. `listed` says how we know what the article's number means."""

    cite: Annotated[str, Field(min_length=1)] = Field(description="the whole citation")
    short: Annotated[str, Field(min_length=1, max_length=80)] = Field(description="how a card names it")
    url: Annotated[str, Field(pattern=r"^https://")] | None = Field(
        default=None, description="where it can be read"
    )
    checked: Day | None = Field(default=None, description="when somebody read it; left out until then")
    kind: Literal["article", "drug-label", "consensus", "instrument", "review", "trial", "local-policy"] = (
        Field(description="what sort of source it is")
    )
    listed: Literal["article", "matched", "ours"] = Field(
        description="whether the article lists it, we matched it, or it is ours"
    )
    confidence: Literal["very high", "high", "medium-high", "medium", "medium-low", "low"] | None = Field(
        default=None, description="how sure a match is"
    )
    note: str = Field(default="", description="what a reader should know")


class OverrideReason(Shape):
    """A reason a clinician may give for dismissing a card."""

    display: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="the reason as the clinician reads it"
    )
    system: Annotated[str, Field(pattern=r"^(https?://|urn:)")] = Field(
        default="urn:cds-service:override-reason", description="the code system of the id"
    )


class SourcesFile(RootModel[dict[Number, Source]]):
    """sources.yaml: the sources by number."""

    model_config = ConfigDict(frozen=True)


class OverrideReasonsFile(RootModel[dict[SetId, OverrideReason]]):
    """override-reasons.yaml: the reasons by id."""

    model_config = ConfigDict(frozen=True)


ClaimId = Annotated[str, Field(pattern=r"^[KSVI]\d{2}$")]


class ClaimsFile(Shape):
    """claims.yaml: the claims that rules may rest on, if a rulebook keeps a table of them."""

    known: dict[Literal["K", "S", "V", "I"], Annotated[Number, Field(le=99)]] = Field(
        min_length=1, description="the last number of each letter: {K: 35} is K01 to K35"
    )
    unused: dict[ClaimId, str] = Field(
        default_factory=dict, description="claims that no rule rests on, each with why"
    )

    @property
    def ids(self) -> tuple[str, ...]:
        """Every claim of the table."""
        return tuple(
            f"{letter}{number:02d}" for letter, last in self.known.items() for number in range(1, last + 1)
        )


class TemplateFile(Shape):
    """A FHIR resource with placeholders; validated against FHIR when the rulebook loads."""

    template: SetId = Field(description="the id: the file name")
    title: Annotated[str, Field(min_length=1)] = Field(description="what the resource is")
    owner: Annotated[str, Field(min_length=1)] = Field(description="who answers mail about it")
    resource: dict[str, Any] = Field(description="the FHIR resource, with placeholders")


class Topic(Shape):
    """The coding put on every card's source."""

    system: Annotated[str, Field(pattern=r"^(https?://|urn:)")] = Field(description="the code system")
    code: Annotated[str, Field(min_length=1)] = Field(description="the code")
    display: Annotated[str, Field(min_length=1)] = Field(description="the topic in words")


class CouldNotCheck(Shape):
    """The one card of a response whose safety rules could not look (DESIGN 4.4).

    Where keys were merely not supplied it shows only if one of `only_if_rules` is true, or one of
    `or_unknown_rules` is unknown for want of data; a read that went wrong always shows it.
    """

    indicator: Indicator = Field(description="how urgent it is")
    summary: Annotated[str, Field(min_length=1)] = Field(description="one line")
    detail: Annotated[str, Field(min_length=1)] = Field(
        description="what was not looked at, and what to do; `{keys}` names what is missing"
    )
    source: Number = Field(description="the source named on the card")
    override_reasons: tuple[SetId, ...] = Field(default=(), description="ids of override-reasons.yaml")
    only_if_rules: tuple[RuleId, ...] = Field(
        default=(), description="shown only if one of these is true, where keys were not supplied"
    )
    or_unknown_rules: tuple[RuleId, ...] = Field(
        default=(), description="or if one of these is unknown for want of data"
    )


class MergeGroup(Shape):
    """Cards of this group become one."""

    title: Annotated[str, Field(min_length=1)] = Field(description="the heading of the merged card")


class RulebookFile(Shape):
    """rulebook.yaml: what the whole folder is; `example` is the story of the call `cds serve` shows.

    An entry told in `empty_words` only names nothing ("other", "see notes"): it may be about anything.
    """

    rulebook: SetId = Field(description="the id: the folder's name, and how its services begin")
    title: Annotated[str, Field(min_length=1)] = Field(description="the name in discovery")
    description: Annotated[str, Field(min_length=1)] = Field(description="what it recognises and checks")
    version: Annotated[str, Field(pattern=VERSION_PATTERN)] = Field(description="x.y.z of the whole folder")
    publisher: Annotated[str, Field(min_length=1)] = Field(description="who answers for it")
    topic: Topic = Field(description="the coding put on every card's source")
    usage: str = Field(default="", description="for whom it is, and what it does not see")
    example: str = Field(default="", description="the story of the call that `cds serve` shows")
    could_not_check: CouldNotCheck = Field(
        description="the one card for safety checks that could not be made"
    )
    empty_words: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], ...] = Field(
        default=(), description="words that say nothing about what an entry is"
    )
    wording: dict[SetId, str] = Field(
        default_factory=dict, description="phrases of cards that a site may say otherwise, by id"
    )
    merge: dict[SetId, MergeGroup] = Field(
        default_factory=dict, description="groups of cards that become one, by id"
    )


TableFile.model_rebuild()
