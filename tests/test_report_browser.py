"""report.html in a real browser: it opens from disk, asks no network, runs nothing but itself, and can be searched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import opened_browser, opened_page
from conftest import PLAIN
from foolsgold import MiningSettings, PrecomputedVectors, mine, read_pairs
from test_report_page import HOSTILE

pytestmark = pytest.mark.slow
N_PAIRS = 30


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pairs among documents that try to be markup."""
    out, draw = tmp_path_factory.mktemp("report") / "out", np.random.default_rng(0)
    corpus = [f"{HOSTILE[i % len(HOSTILE)]} number{i} about roses" for i in range(80)]
    collection = read_pairs([(f"roses number{i} {HOSTILE[0]}", corpus[i]) for i in range(N_PAIRS)], corpus=corpus)
    doc_vecs = draw.normal(size=(80, 16)).astype(np.float32)
    query_vecs = doc_vecs[:N_PAIRS] + draw.normal(size=(N_PAIRS, 16)).astype(np.float32) * 0.5
    mine(collection, PrecomputedVectors(query_vecs, doc_vecs), MiningSettings(cache=None, quiet=True, out=str(out)))
    return out / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_it_opens_from_disk_in_both_themes(browser: Any, page_file: Path, scheme: Any, width: int) -> None:
    with opened_page(browser, page_file.as_uri(), scheme=scheme, width=width) as (page, seen):
        page.wait_for_selector("#fates svg")
        assert page.locator("figure svg").count() >= 5
        assert page.locator("article").count() == 10
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
        assert (int(red) > 200) == (scheme == "light")
        assert page.title().startswith("foolsgold: ")
        assert seen.requests == [page_file.as_uri()]
        assert seen.errors == []


def test_texts_are_shown_as_they_are(browser: Any, page_file: Path) -> None:
    with opened_page(browser, page_file.as_uri()) as (page, _):
        shown = page.locator("#examples").inner_text()
        assert "</script><script>document.title = 'run'</script>" in shown
        assert "⟨U+0007⟩" in shown and "⟨U+0000⟩" in shown and "⟨U+202E⟩" in shown
        assert page.locator("#examples img, #examples script").count() == 0


def test_examples_can_be_searched_and_sorted(browser: Any, page_file: Path) -> None:
    with opened_page(browser, page_file.as_uri()) as (page, _):
        page.fill("#search", "ROSES number7 ")
        assert all("number7" in text for text in page.locator("article").all_inner_texts())
        page.fill("#search", "no text has these words")
        assert page.locator("article").count() == 0 and page.locator("#found").inner_text() == "0 found"
        page.fill("#search", "")
        for order, reverse in (("hardest", True), ("easiest", False)):
            page.select_option("#order", order)
            hardness = [
                float(tags.split("hardness ")[1].split()[0]) for tags in page.locator("article .tags").all_inner_texts()
            ]
            assert len(hardness) == 10 and hardness == sorted(hardness, reverse=reverse)
        page.click("#more")
        assert page.locator("article").count() == 20
        page.select_option("#kind", "nearest")
        tags = page.locator("article .tags").all_inner_texts()
        assert tags and all("nearest to the threshold" in text for text in tags)


def test_words_that_query_and_document_share_are_marked(browser: Any, page_file: Path) -> None:
    with opened_page(browser, page_file.as_uri()) as (page, _):
        page.fill("#search", "number7")
        marked = set(page.locator("article mark").all_inner_texts())
        assert "number7" in marked
        assert "roses" not in marked  # all texts have it


def test_it_prints_without_its_controls(browser: Any, page_file: Path) -> None:
    with opened_page(browser, page_file.as_uri()) as (page, _):
        page.emulate_media(media="print")
        assert not page.locator("#search").is_visible()
        assert page.locator("#verdict").is_visible() and page.locator("#scores svg").is_visible()


def test_it_stays_small_and_opens_fast_with_100_000_queries(browser: Any, tmp_path: Path) -> None:
    n_queries, n_docs, depth = 100_000, 20_000, 8
    draw = np.random.default_rng(0)
    corpus = [f"document {i} " + "words that fill a paragraph of usual length " * 12 for i in range(n_docs)]
    pairs = [(f"query number {i}", corpus[i % n_docs]) for i in range(n_queries)]
    collection = read_pairs(pairs, corpus=corpus)
    ids = collection.doc_ids.to_pylist()
    run = tmp_path / "found.trec"
    with run.open("w") as file:
        for i, query_id in enumerate(collection.query_ids.to_pylist()):
            found = [i % n_docs, *draw.integers(n_docs, size=depth).tolist()]
            ranked = enumerate(dict.fromkeys(found))
            file.writelines(f"{query_id} Q0 {ids[doc]} {k} {20 - k} run\n" for k, doc in ranked)
    settings = {**PLAIN, "source": f"run:{run}", "depth": depth, "quiet": True, "out": str(tmp_path / "out")}
    mine(collection, None, MiningSettings(**settings))
    file = tmp_path / "out" / "report.html"
    assert file.stat().st_size < 3_000_000
    with opened_page(browser, "about:blank") as (page, seen):
        started = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("article")
        page.wait_for_selector("#fates svg")
        assert time.perf_counter() - started < 2
        assert "of 100,000, picked as" in page.locator("#sampled").inner_text()
        assert seen.errors == []
