"""The commands of the CI recipe in docs/rule-repository.md, and a folder in which they can run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PAGE = Path(__file__).parents[3] / "docs" / "rule-repository.md"
BASE = "main"


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def blocks() -> list[Any]:
    """Every YAML sample of the page."""
    return [read(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.M | re.S)]


def recipe() -> list[str]:
    """The `cds` commands of the recipe for a base branch, without where their output goes."""
    (workflow,) = [block for block in blocks() if "jobs" in block]
    steps = [step.get("run", "") for step in workflow["jobs"]["rules"]["steps"]]
    runs = [re.split(r" > | \|\| ", run)[0] for run in steps if run.startswith("cds ")]
    return [run.replace("${{ github.base_ref }}", BASE) for run in runs]


def commit_as_base(folder: Path) -> None:
    """Commit a folder as what the base branch of its origin holds."""
    name = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("commit", "-qm", "as it was"),
        ("update-ref", f"refs/remotes/origin/{BASE}", "HEAD"),
    ):
        subprocess.run(["git", *name, *words], cwd=folder, check=True)
