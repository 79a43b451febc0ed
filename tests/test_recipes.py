"""The pages of docs/recipes: their commands and their Python, as written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from foolsgold.cli import command_parser
from foolsgold.training_formats import TRAINING_FORMATS

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "recipes").glob("*.md"))
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}


def blocks(language: str) -> list[tuple[str, str]]:
    found = re.compile(rf"```{language}\n(.*?)```", re.DOTALL)
    return [(name, block) for name, text in TEXTS.items() for block in found.findall(text)]


def commands() -> list[tuple[str, str]]:
    return [
        (name, line)
        for name, block in blocks("sh")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("foolsgold ")
    ]


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_has_flags_that_there_are(page: str, command: str) -> None:
    command_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_compiles(page: str, code: str) -> None:
    compile(code, page, "exec")


def test_files_that_are_trained_on_are_those_that_commands_write() -> None:
    for page, text in TEXTS.items():
        formats = set(re.findall(r"--format ([\w-]+)", text))
        assert formats <= set(TRAINING_FORMATS), page
        for name in re.findall(r"mined/train\.([\w-]+?)(?:\.jsonl|[\"` ])", text):
            assert name in formats | {"jsonl", "json"}, (page, name)


def test_every_page_is_listed_and_every_link_leads_somewhere() -> None:
    assert all(f"({page.name})" in TEXTS["README.md"] for page in PAGES if page.name != "README.md")
    for page in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
