"""The page of a comparison in a real browser: from disk, both themes, wide and narrow, with texts that want to run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from browser import opened_browser, opened_page
from conftest import PLAIN
from foolsgold import Comparison, MiningSettings, PrecomputedVectors, compare, mine, read_pairs
from test_compare import HOSTILE, hostile_runs

pytestmark = pytest.mark.slow
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Comparison]:
    """Runs of random vectors that are compared by score and that are not, and runs over hostile texts."""
    folder = tmp_path_factory.mktemp("runs")
    texts = [f"document {i}, of some words" for i in range(300)]
    collection = read_pairs([(f"query {i}", texts[i]) for i in range(120)], corpus=texts)
    vectors = [
        PrecomputedVectors(
            generator.normal(size=(120, 16)).astype(np.float32), generator.normal(size=(300, 16)).astype(np.float32)
        )
        for generator in (np.random.default_rng(1), np.random.default_rng(2))
    ]
    for name, which, changes in (("rule", 0, {}), ("no-rule", 0, {"relative_margin": None}), ("model", 1, {})):
        mine(collection, vectors[which],
             MiningSettings(**{**PLAIN, "quiet": True, "out": str(folder / name), **changes}))  # fmt: skip
    (folder / "hostile").mkdir()
    runs = {
        "rules": (folder / "rule", folder / "no-rule"), "models": (folder / "rule", folder / "model"),
        "hostile": hostile_runs(folder / "hostile"), "same": (folder / "rule", folder / "rule"),
    }  # fmt: skip
    return {name: compare(*two, quiet=True) for name, two in runs.items()}


@pytest.fixture(scope="module")
def pages(comparisons: dict[str, Comparison], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: found.write_page(folder / f"{name}.html") for name, found in comparisons.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
@pytest.mark.parametrize("name", ["rules", "models", "hostile", "same"])
def test_it_opens_from_disk(
    browser: Any, pages: dict[str, Path], comparisons: dict[str, Comparison], name: str, width: int,
    scheme: Literal["light", "dark"],
) -> None:  # fmt: skip
    address = pages[name].as_uri()
    started = time.perf_counter()
    with opened_page(browser, address, scheme=scheme, width=width) as (page, seen):
        assert page.locator("figure svg").count() >= 1
        assert time.perf_counter() - started < 2
        assert [one for one in seen.requests if not one.startswith("data:")] == [address]
        assert seen.errors == []
        assert page.evaluate(BACKGROUND) == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 22, 26)"}[scheme]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("article").count() == len(comparisons[name].differing)


def test_both_plots_are_drawn(browser: Any, pages: dict[str, Path]) -> None:
    with opened_page(browser, pages["rules"].as_uri()) as (page, _):
        assert page.locator("figure").count() == 2
        assert page.locator("figure svg path").count() >= 6  # two areas and four lines
        assert "filled" in page.locator("figcaption").first.inner_text()
        labels = page.locator("figure svg").nth(1).locator("g[aria-label=text] text").all_text_contents()
        assert sum(map(int, labels)) == 120  # queries
    with opened_page(browser, pages["models"].as_uri()) as (page, _):
        assert "standard deviations" in page.locator("figcaption").first.inner_text()


def test_hostile_texts_are_shown_and_never_run(browser: Any, pages: dict[str, Path]) -> None:
    with opened_page(browser, pages["hostile"].as_uri()) as (page, seen):
        headings = page.locator("article h3").all_inner_texts()
        assert HOSTILE["script"] in headings
        assert HOSTILE["quotes"] in headings
        assert HOSTILE["comment"] in headings
        control = next(text for text in headings if text.startswith("nul"))
        assert "⟨U+0000⟩" in control
        assert "⟨U+001B⟩" in control
        assert any(text.startswith("⟨U+202E⟩evil") for text in headings)
        long = next(text for text in headings if text.startswith("<long><long>"))
        assert long.endswith(f"({len(HOSTILE['long']):,} characters)")
        assert "compared" in page.title()
        assert page.locator("img").count() == 0
        assert page.evaluate("document.scripts.length") == 5  # data, what pages share, two libraries, the page's own
        assert seen.errors == []


def test_it_prints(browser: Any, pages: dict[str, Path]) -> None:
    with opened_page(browser, pages["rules"].as_uri(), scheme="dark") as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
        assert page.locator("article").first.is_visible()
