"""report.html: what it holds, and that nothing in a text can become markup."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import Collection, MiningSettings, PrecomputedVectors, mine, read_pairs, select

HOSTILE = [
    "</script><script>document.title = 'run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "quotes \" ' ` and {{ 7 * 7 }} {% raw %} & < > \u2028 \u2029",
    "a bell \x07, a zero \x00, and an escape \x1b[31m",
    "\u202egnol dna tfel ot thgir\u202c: שלום עולם, مرحبا بالعالم",
    "!<!-- <script> ]]> -->",
]


def page_of(out: Path) -> str:
    return (out / "report.html").read_text("utf-8")


def data_in(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def mined(out: Path, corpus: list[str], **settings: Any) -> Path:
    """Two queries on a circle of documents, the first their positive."""
    collection = read_pairs([("q one", corpus[0]), ("q two", corpus[1])], corpus=corpus)
    vectors = PrecomputedVectors(on_circle(0, 10), on_circle(*np.linspace(0, 80, len(corpus))))
    mine(collection, vectors, MiningSettings(**{**PLAIN, "negatives": 1, "quiet": True, "out": str(out), **settings}))
    return out


def test_texts_cannot_become_markup(tmp_path: Path) -> None:
    page = page_of(mined(tmp_path / "out", HOSTILE))
    assert page.count("<script") == page.count("</script>") == 5  # the data, what is shared, d3, Plot, the page's own
    assert "<img" not in page and 'onerror="document' not in page.replace('onerror=\\"', "")
    data = data_in(page)
    assert set(HOSTILE) <= {one["text"] for one in data["documents"]}


def test_scripts_are_named_by_hash_and_nothing_may_be_loaded(tmp_path: Path) -> None:
    page = page_of(mined(tmp_path / "out", HOSTILE))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].replace("&#39;", "'").split("; "))
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == "'none'"
    assert rules["script-src"].count("'sha256-") == 4 and "unsafe" not in rules["script-src"]


def test_an_example_has_its_candidates_with_their_fates(tmp_path: Path) -> None:
    corpus = ["the positive", "too near", "just right", "far", "further", "furthest"]
    out = mined(tmp_path / "out", corpus, relative_margin=0.05)
    data = data_in(page_of(out))
    first = next(one for one in data["examples"] if one["query"] == "q one")
    assert [data["documents"][one["document"]]["text"] for one in first["positives"]] == ["the positive"]
    fates = {data["documents"][one["document"]]["text"]: (one["rank"], one["fate"]) for one in first["candidates"]}
    assert fates["the positive"] == (0, "known_positive_id")
    assert fates["too near"] == (1, "relative_margin")  # cos 16° = .961 is above .95
    assert fates["just right"] == (2, "chosen")
    assert fates["far"] == (3, "not_needed")


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    corpus = ["x" * 1_000_000, *"bcdef"]
    page = page_of(mined(tmp_path / "out", corpus))
    assert len(page) < 3_000_000
    assert any("(1,000,000 characters)" in one["text"] for one in data_in(page)["documents"])


def test_the_page_says_how_many_pairs_its_examples_are_of(tmp_path: Path) -> None:
    assert "2 pairs of 2, picked as" in page_of(mined(tmp_path / "out", list("abcdef")))


def test_the_command_makes_it_again(tmp_path: Path) -> None:
    out = mined(tmp_path / "out", list("abcdef"), negatives=2, sampler="uniform", max_score=0.9)
    page = page_of(out)
    command = re.search(r"<pre>(foolsgold mine.*?)</pre>", page, re.DOTALL)
    assert command is not None
    words = command[1].replace("\\\n", " ").split()
    assert words[:2] == ["foolsgold", "mine"]
    flags = dict(zip(words[2::2], words[3::2], strict=True))
    assert flags["--collection"] == f"{out}/collection" and flags["--doc-vectors"] == "VECTORS.npy"
    assert (flags["--negatives"], flags["--sampler"], flags["--max-score"]) == ("2", "uniform", "0.9")
    assert flags["--max-false-negative-rate"] == "none" and "--seed" not in flags


def test_a_relabelled_run_is_made_again_beside_its_decisions(tmp_path: Path) -> None:
    out = mined(tmp_path / "out", list("abcdef"))
    first = pq.read_table(out / "negatives.parquet").to_pylist()[0]
    select(out, relabel=[(first["query_id"], first["doc_id"], "positive")], quiet=True)
    commands = [command.replace(" \\\n ", "") for command in re.findall(r"<pre>(.*?)</pre>", page_of(out), re.DOTALL)]
    assert f"--out {out}-again" in commands[0]  # mining into the folder itself would remove them
    assert commands[1] == f"foolsgold select {out}-again --relabel {out}/relabelled.parquet"


def test_many_negatives_and_long_ids_keep_the_page_small(tmp_path: Path) -> None:
    n = 600
    corpus = [{"_id": f"{i}" + "x" * 5_000, "text": f"text {i}"} for i in range(n)]
    queries = [{"_id": f"q{i}" + "y" * 5_000, "text": f"query {i}"} for i in range(60)]
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    write_jsonl(folder / "corpus.jsonl", corpus)
    write_jsonl(folder / "queries.jsonl", queries)
    lines = [f"{query['_id']}\t{corpus[i]['_id']}\t1\n" for i, query in enumerate(queries)]
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    draw = np.random.default_rng(0)
    vectors = PrecomputedVectors(draw.normal(size=(60, 8)).astype("f4"), draw.normal(size=(n, 8)).astype("f4"))
    settings = {**PLAIN, "negatives": 100, "depth": 400, "relative_margin": None, "quiet": True}
    mine(folder, vectors, MiningSettings(**settings, out=str(tmp_path / "out")))
    page = page_of(tmp_path / "out")
    assert len(page.encode()) < 3_000_000
    first = data_in(page)["examples"][0]
    assert first["n_chosen"] == 100
    assert 12 <= sum(one["fate"] == "chosen" for one in first["candidates"]) <= 16  # the likeliest false ones beside


def test_choosing_again_writes_the_page_of_that_choice(tmp_path: Path) -> None:
    out = mined(tmp_path / "out", list("abcdef"))
    select(out, negatives=2, quiet=True)
    assert data_in(page_of(out))["report"]["negatives"]["total"] == 4


def test_the_report_counts_how_often_documents_were_chosen(tmp_path: Path) -> None:
    # queries at 0° and 10°, documents at 0°, 16°, 32° …, of which the first two are a positive each: each query takes
    # the other's positive
    out = mined(tmp_path / "out", list("abcdef"), relative_margin=None)
    documents = json.loads((out / "report.json").read_text("utf-8"))["documents"]
    assert (documents["chosen"], documents["by_times_chosen"]) == (2, {"1": 2})
    assert (documents["top_percent"], documents["top_percent_ratio"]) == (1, 0.5)
    assert [one["negatives"] for one in documents["most_chosen"]] == [1, 1]


def test_random_pairs_are_those_of_the_whole_collection(tmp_path: Path) -> None:
    out = mined(tmp_path / "out", list("abcdef"))
    by_chance = json.loads((out / "report.json").read_text("utf-8"))["search"]["random_pairs"]
    assert sum(by_chance["counts"]) == 4_096
    assert by_chance["high"] == 1.0 and np.isclose(by_chance["low"], np.cos(np.deg2rad(80)))


def test_two_runs_differ_in_times_alone(tmp_path: Path) -> None:
    pages = [data_in(page_of(mined(tmp_path / name, HOSTILE))) for name in ("one", "two")]
    assert pages[0] == pages[1]


def test_a_run_in_memory_has_no_page_but_all_numbers() -> None:
    collection: Collection = read_pairs([("q", "a")], corpus=list("abcdef"))
    vectors = PrecomputedVectors(on_circle(0), on_circle(*range(0, 90, 15)))
    result = mine(collection, vectors, MiningSettings(**{**PLAIN, "negatives": 1, "quiet": True}))
    assert result.report["verdict"]["sentence"] and result.report["by_rank"]["queries"] == 1
    assert "page " not in result.summary()
