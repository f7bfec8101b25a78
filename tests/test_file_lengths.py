"""No file that people write is over 400 lines; what a command writes is as long as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

MOST = 400
WRITTEN = (".py", ".yaml", ".yml", ".md", ".toml", ".sh", "Makefile", "Dockerfile", ".ci/run", ".conf")
MADE = "<!-- Written by `cds docs`"
"""How a page begins that a command writes from the rules or the program."""


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    return [Path(name) for name in listed.stdout.decode().split("\0") if name.endswith(WRITTEN)]


def test_no_file_that_people_write_is_over_400_lines() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in tracked() if path.is_file()}
    lengths = {
        path.as_posix(): len(text.splitlines()) for path, text in texts.items() if MADE not in text[:80]
    }
    assert len(lengths) > 500
    assert {path: lines for path, lines in lengths.items() if lines > MOST} == {}
