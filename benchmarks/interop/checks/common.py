"""What all checks share: what foolsgold chose, and what a framework's own loader made of its files.

A check runs in the environment of its framework, where foolsgold is not installed: standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import traceback
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Example = tuple[str, str, tuple[str, ...]]
"""A query, a positive, and its negatives, as texts."""


class Files:
    """The folder that foolsgold wrote, and what it chose.

    Attributes:
        folder: with all training files.
        sources: where checkouts of frameworks lie that no package index has.
        scratch: a folder for what a framework writes.
        pairs: of query and positive, each with its negatives.
    """

    def __init__(self, folder: Path, sources: Path, scratch: Path) -> None:
        self.folder, self.sources, self.scratch = folder, sources, scratch
        self.pairs: list[dict[str, Any]] = json.loads((folder / "chosen.json").read_text("utf-8"))

    def path(self, name: str) -> str:
        """Of a training file."""
        return str(self.folder / name)

    @property
    def examples(self) -> list[Example]:
        """Of all pairs."""
        return [
            (pair["query"], pair["positive"]["text"], tuple(negative["text"] for negative in pair["negatives"]))
            for pair in self.pairs
        ]

    @property
    def by_query(self) -> dict[str, tuple[set[str], set[str]]]:
        """All positives and all negatives of each query."""
        sides: dict[str, tuple[set[str], set[str]]] = {}
        for query, positive, negatives in self.examples:
            positives, others = sides.setdefault(query, (set(), set()))
            positives.add(positive)
            others.update(negatives)
        return sides

    @property
    def most_negatives(self) -> int:
        """Of any query."""
        return max(len(negatives) for _, negatives in self.by_query.values())

    @property
    def scores(self) -> dict[tuple[str, str], float]:
        """Of each query and document, by their texts."""
        return {
            (pair["query"], document["text"]): document["score"]
            for pair in self.pairs
            for document in (pair["positive"], *pair["negatives"])
        }

    def texts(self) -> list[str]:
        """All of them."""
        return [text for query, positive, negatives in self.examples for text in (query, positive, *negatives)]

    def source(self, name: str) -> Path:
        """A framework's checkout."""
        if not (self.sources / name).is_dir():
            raise NotInstalledError(f"no checkout at {self.sources.name}/{name}")
        return self.sources / name


class NotInstalledError(Exception):
    """What a check needs is not there."""


Check = Callable[[Files], int]
_CHECKS: list[tuple[str, str, Check]] = []


def check(form: str, loader: str) -> Callable[[Check], Check]:
    """Registers a function that reads `form` with `loader`, compares it, and returns the number of rows read."""

    def register(function: Check) -> Check:
        _CHECKS.append((form, loader, function))
        return function

    return register


def same(got: Iterable[Any], wanted: Iterable[Any]) -> None:
    """They hold the same, whatever the order.

    Raises:
        AssertionError: naming the first few that one of them lacks.
    """
    got_items, wanted_items = sorted(map(repr, got)), sorted(map(repr, wanted))
    if got_items != wanted_items:
        extra = [item for item in got_items if item not in wanted_items][:2]
        missing = [item for item in wanted_items if item not in got_items][:2]
        raise AssertionError(
            f"{len(got_items)} read, {len(wanted_items)} chosen; read but not chosen: {extra}; not read: {missing}"
        )


def same_by_query(files: Files, drawn: Iterable[Example]) -> int:
    """Rows drawn again and again, of a format with a row per query, show all that was chosen and nothing else.

    Returns:
        The number of queries.

    Raises:
        AssertionError: they do not.
    """
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for query, positive, negatives in drawn:
        positives, others = seen.setdefault(query, (set(), set()))
        positives.add(positive)
        others.update(negatives)
    same(_sorted_sides(seen), _sorted_sides(files.by_query))
    return len(seen)


def _sorted_sides(sides: dict[str, tuple[set[str], set[str]]]) -> list[tuple[str, list[str], list[str]]]:
    return [(query, sorted(positives), sorted(negatives)) for query, (positives, negatives) in sides.items()]


def near(got: Iterable[float], wanted: Iterable[float]) -> None:
    """Scores are equal in float32.

    Raises:
        AssertionError: they are not.
    """
    pairs = list(zip(got, wanted, strict=True))
    far = [pair for pair in pairs if not abs(pair[0] - pair[1]) < 1e-6]
    assert not far, f"scores read and chosen: {far[:2]}"


def one_line(text: str) -> str:
    """A text in a file of lines: a tab is a space, and all that ends a line for some reader; ends are stripped."""
    return re.sub("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]", " ", text).strip()


def main(*packages: str) -> None:
    """Run all checks of this file, and write what they found as JSON."""
    parser = argparse.ArgumentParser()
    for name in ("files", "sources", "scratch", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    os.environ["HF_HOME"] = str(options.scratch / "huggingface")
    files = Files(options.files, options.sources, options.scratch)
    results = [{"form": form, "loader": loader, **_run(function, files)} for form, loader, function in _CHECKS]
    report = {"versions": {package: _version(package) for package in packages}, "results": results}
    options.out.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


def _run(function: Check, files: Files) -> dict[str, Any]:
    try:
        return {"rows": function(files), "passed": True}
    except NotInstalledError as error:
        return {"rows": 0, "passed": None, "why": str(error)}
    except Exception as error:
        traceback.print_exc()
        return {"rows": 0, "passed": False, "why": f"{type(error).__name__}: {error}"[:1_000]}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
