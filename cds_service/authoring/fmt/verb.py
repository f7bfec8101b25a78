"""`cds fmt`: rule files in their canonical form, or which of them are not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import click

from cds_service.authoring.fmt.text import formatted
from cds_service.authoring.lint.report.what import counted
from cds_service.errors import CdsError, UsageError
from cds_service.rulebook.load import find_rulebooks, rulebook_of
from cds_service.rulebook.overlay import overlay_path
from cds_service.rulebook.shelf import BOOK

_HELP = """Put rule files in canonical form: order of keys, indentation, blank lines, quotes, line width.

Rules, tests, value sets, tables, sources and templates. Comments stay with what they stand before, and no
file is written whose meaning would change. PATHS are rulebook folders, folders of rulebooks, or folders and
files in one (default: rules/).

\b
  cds fmt
  cds fmt --check
  cds fmt --diff rules/ketamine-trd/definitions
"""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file as it is and as it should be; `problem` says why it cannot be formatted."""

    path: Path
    before: str = ""
    after: str = ""
    problem: str = ""

    @property
    def changed(self) -> bool:
        """Whether the file is not in its canonical form."""
        return not self.problem and self.before != self.after


@click.command(help=_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not in its canonical form.")
@click.option("--diff", is_flag=True, help="Write nothing, print what would change.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def fmt(ctx: click.Context, paths: tuple[Path, ...], check: bool, diff: bool, style: str) -> None:
    """Format files. Exit 1 if --check finds one that differs, or a file cannot be read."""
    files = [_formatted(path) for path in rulebook_files(paths or (Path("rules"),))]
    changed = [one for one in files if one.changed]
    if not check and not diff:
        for one in changed:
            one.path.write_text(one.after, encoding="utf-8")
    if style == "json":
        told = [{"file": one.path.as_posix(), "problem": one.problem} for one in files if _told(one)]
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(files, written=not (check or diff), diff=diff)
    ctx.exit(1 if any(one.problem for one in files) or (check and changed) else 0)


def rulebook_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Every YAML file of the rulebooks named, or of the folders and files named in one.

    Raises UsageError for a path that does not exist or lies in no rulebook.
    """
    return tuple(dict.fromkeys(file for path in paths for file in _files(path)))


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise UsageError(f"there is no {path}: name a rulebook folder, or run this where rules/ is")
    books = find_rulebooks(path)
    if not books and rulebook_of(path.resolve()) is None:
        raise UsageError(f"no rulebook in {path}: a rulebook folder holds a {BOOK}")
    if path.is_file():
        yield path
    for folder in books or (path,):
        if overlay_path(folder).is_file():
            yield overlay_path(folder)
        yield from sorted(one for one in folder.rglob("*.yaml") if not one.name.startswith("."))


def _formatted(path: Path) -> Formatted:
    try:
        before = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Formatted(path, problem=f"{path.as_posix()}: the file cannot be read as UTF-8 text")
    try:
        return Formatted(path, before, formatted(before, path))
    except CdsError as error:
        return Formatted(path, problem=str(error))


def _told(one: Formatted) -> bool:
    return one.changed or bool(one.problem)


def _print(files: Sequence[Formatted], *, written: bool, diff: bool) -> None:
    changed = [one for one in files if one.changed]
    for one in files:
        if one.problem:
            click.echo(one.problem)
        elif one.changed and diff:
            click.echo("".join(_diff(one)), nl=False)
        elif one.changed:
            click.echo(f"{one.path.as_posix()}: {'formatted' if written else 'not in canonical form'}")
    if any(one.problem for one in files):
        return
    if changed:
        told = f"{len(changed)} of {counted(len(files), 'file')}"
        click.echo(f"{told} formatted" if written else f"{told} to format (run cds fmt)")
    else:
        click.echo(f"clean: {counted(len(files), 'file')}")


def _diff(one: Formatted) -> Iterator[str]:
    name = one.path.as_posix()
    before, after = one.before.splitlines(keepends=True), one.after.splitlines(keepends=True)
    for line in unified_diff(before, after, name, f"{name} (canonical)"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
