"""`cds docs`: a page for every rule, written from the rule, for those who do not read YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import click

from cds_service.authoring.page import MARK, Page, item, wrapped
from cds_service.authoring.testfile import Case, RuleTests, paths_beside
from cds_service.errors import RuleError, UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.rulebook.load import find_rulebooks, load_rulebook
from cds_service.rulebook.parsed import parse
from cds_service.rulebook.rule import Kind, Rule
from cds_service.rulebook.yamlfile import read_yaml

OUT = Path("docs") / "rules"
INDEX = "README.md"
_HELP = """Write docs/rules/<rule>.md for every rule of every rulebook, and an index.

A page says in words what a rule asks, decides and shows, and on what evidence. Pages of rules that are gone
are removed. With --check nothing is written; exit 1 if a page is not what its rule says.

\b
  cds docs
  cds docs --check

With --program also the pages about the program, in the folder above: every key of every file, every command,
every setting.
"""


class Stale(NamedTuple):
    """A page that is not what it should be: missing, out of date, or of a rule that is gone."""

    file: str
    problem: str


@click.command(help=_HELP)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("rules"),
    show_default=True,
    help="The folder of the rulebooks, or one rulebook.",
)
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--check", is_flag=True, help="Write nothing, say what is out of date.")
@click.option("--program", is_flag=True, help="Also the pages about the program itself.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def docs(ctx: click.Context, rules: Path, out: Path, check: bool, program: bool, style: str) -> None:
    """Write or check the pages. Exit 1 if a page is stale or a rulebook does not load."""
    folders = {out: rule_pages(rules, out)}
    if program:
        folders[out.parent] = _program_pages(ctx)
    found = [one for folder, pages in folders.items() for one in stale(pages, folder)]
    if not check:
        for folder, pages in folders.items():
            write(pages, folder)
    if style == "json":
        click.echo(json.dumps([one._asdict() for one in found], indent=2))
    else:
        _print(found, sum(map(len, folders.values())), out, check=check)
    ctx.exit(1 if check and found else 0)


def _program_pages(ctx: click.Context) -> Mapping[str, str]:
    """The pages about the program; the group this verb belongs to knows the others."""
    from cds_service.authoring.programdocs import program_pages

    verbs = ctx.find_root().command
    if not isinstance(verbs, click.Group):
        raise UsageError("--program is for the whole command line: run it as cds docs --program")
    return program_pages(verbs)


def _print(found: Sequence[Stale], pages: int, out: Path, *, check: bool) -> None:
    if check:
        for one in found:
            click.echo(f"{one.file}: {one.problem} (run cds docs)")
    else:
        click.echo(f"{out.as_posix()}: {pages} pages, {len(found)} of them changed")
    if check and not found:
        click.echo(f"clean: {pages} pages")


# --- the pages -----------------------------------------------------------------------------------


def rule_pages(rules: Path, out: Path) -> Mapping[str, str]:
    """The text of every page by its file name, the index first.

    Raises UsageError if there is no rulebook or two rules share an id, RuleError for files with mistakes.
    """
    books = [load_rulebook(folder) for folder in find_rulebooks(rules)]
    if not books:
        raise UsageError(f"no rulebook in {rules}: run this where rules/ is, or give --rules FOLDER")
    pages = {INDEX: index(books)}
    for book in books:
        for rule in book.rules:
            name = f"{rule.rule}.md"
            if name in pages:
                raise UsageError(f"two rulebooks have a rule {rule.rule!r}; one page cannot be of both")
            pages[name] = _page(book, rule, rules, out).text()
    return pages


def _page(book: Rulebook, rule: Rule, rules: Path, out: Path) -> Page:
    path = book.paths[rule.rule]
    inside = path.resolve().relative_to(rules.resolve().parent).as_posix()
    cases = tuple(case for beside in paths_beside(path) for case in _cases(beside))
    return Page(book, rule, inside, cases, out)


def _cases(path: Path) -> tuple[Case, ...]:
    parsed, problems = parse(read_yaml(path), RuleTests)
    if parsed is None:
        raise RuleError(problems)
    return parsed.model.tests


def index(books: Sequence[Rulebook]) -> str:
    """The list of all rules, and how to read their pages."""
    return "\n".join(_index(books)) + "\n"


def _index(books: Sequence[Rulebook]) -> Iterator[str]:
    yield from (f"{MARK}; change the rules. -->", "", "# The rules in words", "")
    yield from wrapped(
        "One page per rule. A rule is decided **true**, **false** or **unknown**: unknown where an answer is "
        "missing that could still change the verdict. An answer is never taken to be no because somebody "
        "could not look. Each question says what it means that nothing is found."
    )
    for book in books:
        about = book.about
        yield from ("", f"## {about.title}", "")
        yield from wrapped(about.description)
        yield from ("", f"`{book.id}` {about.version}, {about.publisher}.")
        if about.usage:
            yield from ("", *wrapped(about.usage))
        yield from _kinds(book)


def _kinds(book: Rulebook) -> Iterator[str]:
    for kind in get_args(Kind):
        rules = sorted((rule for rule in book.rules if rule.kind == kind), key=lambda rule: rule.rule)
        if rules:
            yield from ("", f"### {kind.replace('-', ' ').capitalize()}", "")
        for rule in rules:
            approved = "" if rule.about.approved_by.strip() else ", not approved yet"
            told = f"`{rule.rule}` {rule.version}, {rule.status}{approved}"
            yield from item(f"[{rule.title}]({rule.rule}.md) ({told})")


# --- files ---------------------------------------------------------------------------------------


def stale(pages: Mapping[str, str], out: Path) -> tuple[Stale, ...]:
    """Every page of the folder that is not what its rule says."""
    found = [Stale((out / name).as_posix(), problem) for name, problem in _differences(pages, out)]
    return tuple(sorted(found))


def _differences(pages: Mapping[str, str], out: Path) -> Iterator[tuple[str, str]]:
    for name, text in pages.items():
        path = out / name
        if not path.is_file():
            yield name, "the page is missing"
        elif path.read_text(encoding="utf-8") != text:
            yield name, "the page is out of date"
    for path in _leftover(pages, out):
        yield path.name, "nothing is behind this page"


def _leftover(pages: Mapping[str, str], out: Path) -> list[Path]:
    """Pages this verb has written and would no longer write; files of others are left alone."""
    held = sorted(out.glob("*.md")) if out.is_dir() else []
    return [
        path for path in held if path.name not in pages and path.read_text(encoding="utf-8").startswith(MARK)
    ]


def write(pages: Mapping[str, str], out: Path) -> None:
    """Write what differs, remove what is of no rule."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        path = out / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in _leftover(pages, out):
        path.unlink()
