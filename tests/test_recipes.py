"""The recipes: their foolsgold commands, run on raw data of each kind, and what they say lies there afterwards."""

from __future__ import annotations

import csv
import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conftest import write_jsonl
from foolsgold.cli import command_parser, main
from foolsgold.training_formats import TRAINING_FORMATS

RECIPES = Path(__file__).parents[1] / "docs" / "recipes"
PAGES = sorted(path for path in RECIPES.glob("*.md") if path.name != "README.md")
NOT_FRAMEWORKS = {"msmarco-triples", "msmarco-ids", "msmarco-hard-negatives", "trec", "beir"}
PAIRS = [
    (f"What is the {thing} made of?", f"The {thing} is made of {stuff}.")
    for thing, stuff in (
        ("table", "oak"), ("window", "glass"), ("coin", "nickel"), ("candle", "wax"), ("bread", "flour"),
        ("shirt", "cotton"), ("tyre", "rubber"), ("mirror", "silvered glass"), ("rope", "hemp"), ("kettle", "copper"),
        ("violin", "spruce and maple"), ("snowman", "snow"),
    )
]  # fmt: skip


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("foolsgold ")]


def write_raw_data(folder: Path) -> None:
    """Each kind that a page starts from."""
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "answer"), *PAIRS])
    write_jsonl(folder / "pairs.jsonl", [{"query": query, "positive": positive} for query, positive in PAIRS])
    write_jsonl(folder / "raw.jsonl", [{"query": query, "pos": [positive]} for query, positive in PAIRS])
    contexts = [
        {"question": query, "answers": [], "positive_ctxs": [{"title": "", "text": positive}]}
        for query, positive in PAIRS
    ]
    (folder / "raw.json").write_text(json.dumps(contexts), encoding="utf-8")
    write_jsonl(folder / "pool.jsonl", [{"text": f"A fact about {n} things."} for n in range(12)])
    (folder / "my-collection").mkdir()
    for place in (folder, folder / "my-collection"):
        write_jsonl(
            place / "corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": text} for n, (_, text) in enumerate(PAIRS)]
        )
        write_jsonl(place / "queries.jsonl", [{"_id": f"q{n}", "text": query} for n, (query, _) in enumerate(PAIRS)])
        lines = ["query-id\tcorpus-id\tscore", *(f"q{n}\td{n}\t1" for n in range(len(PAIRS)))]
        (place / "qrels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def offline(command: list[str], model: str) -> list[str]:
    """With a model that needs no hub, and without the bound that would draw random documents of so few."""
    command = [model if before == "--model" else word for before, word in pairwise(["", *command])]
    if command[0] == "prepare":
        return [*command, "--quiet", *(() if "--model" in command else ("--model", model))]
    return [*command, "--quiet", *(("--max-false-negative-rate", "none") if command[0] == "mine" else ())]


def test_every_link_leads_somewhere() -> None:
    for page in [*RECIPES.glob("*.md"), RECIPES.parents[1] / "README.md"]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_there_is_a_page_for_every_framework_and_a_line_for_every_page() -> None:
    words = set(re.findall(r"[a-z-]+", "".join(page.read_text("utf-8") for page in PAGES)))
    assert words >= set(TRAINING_FORMATS) - NOT_FRAMEWORKS
    index = (RECIPES / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"\]\(([a-z-]+\.md)\)", index)) == [page.name for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_have_flags_that_there_are(page: Path) -> None:
    for command in commands(page):
        assert callable(command_parser().parse_args(command).run)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_examples_compile(page: Path) -> None:
    for code in blocks(page, "python"):
        compile(code, page.name, "exec")
    assert blocks(page, "python") or blocks(page, "sh")[1:]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_run_and_write_what_the_page_names(
    page: Path, static_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static_model.save_pretrained(str(tmp_path / "static"))
    write_raw_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        assert main(offline(command, str(tmp_path / "static"))) == 0, command
    named = set(re.findall(r"\bmined/[\w./-]*\w", page.read_text("utf-8")))
    assert named
    assert [path for path in sorted(named) if not (tmp_path / path).exists()] == []
