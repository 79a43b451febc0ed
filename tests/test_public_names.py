from __future__ import annotations

import re
from pathlib import Path

import foolsgold

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_all_is_sorted_and_complete() -> None:
    assert sorted(foolsgold.__all__) == foolsgold.__all__
    assert all(hasattr(foolsgold, name) for name in foolsgold.__all__)


def test_the_readme_names_every_public_name_and_no_other() -> None:
    table = README.split("## The public names")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)", table, re.MULTILINE))
    assert named == set(foolsgold.__all__) - {"__version__"}
