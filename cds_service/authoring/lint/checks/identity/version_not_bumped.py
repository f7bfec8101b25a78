"""A rule changed since the commit compared with and kept its version: one name for two meanings."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.lint.check import Check, Linted, Seen


def _look(linted: Linted) -> Iterator[Seen]:
    earlier = linted.earlier
    for parsed in linted.shelf.rules:
        old = earlier.rules.get(parsed.model.rule) if earlier is not None else None
        if (
            earlier is not None
            and old is not None
            and old != earlier.now.get(parsed.model.rule)
            and _not_after(parsed.model.version, old.version)
        ):
            yield Seen(
                parsed.file.place(("version",)),
                f"the rule differs from {earlier.revision}, its version does not come after {old.version}",
                "raise z for text only, y for criteria or data, x for the meaning",
            )


def _not_after(version: str, old: str) -> bool:
    return _parts(version) <= _parts(old)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


CHECK = Check(
    "identity/version-not-bumped",
    "error",
    "regular",
    "A rule changed and kept its version.",
    _look,
    needs_earlier=True,
)
