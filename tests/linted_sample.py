"""What `cds lint` prints of one mistake, for docs/lint/README.md."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from cds_service.authoring.cli import cli

SMALL = Path(__file__).parent / "authoring" / "lint" / "clean" / "small"


def linted() -> str:
    """A threshold was changed, its claim was not."""
    with TemporaryDirectory() as made:
        book = Path(made) / "small"
        copytree(SMALL, book)
        rule = book / "cautions" / "raised-pressure.yaml"
        text = rule.read_text(encoding="utf-8").replace("bp.systolic > 140 [1]", "bp.systolic > 150 [1]")
        rule.write_text(text, encoding="utf-8")
        result = CliRunner().invoke(cli, ["lint", str(book), "--today", "2026-11-23"])
    return result.output.replace(str(book), "rules/small").rstrip()
