"""Choosing as a stream: nothing depends on the portions in which it comes, and memory on none of the totals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PLAIN, on_circle, rows_written
from foolsgold import MiningResult, MiningSettings, PrecomputedVectors, export_negatives, mine, read_pairs, select
from foolsgold.ahead import Behind, ahead
from foolsgold.errors import SettingsError
from foolsgold.export.json_lines import as_json, json_items, json_lines, number_texts
from foolsgold.gather import gathered
from foolsgold.sample.sampler import first_survivors, in_turn
from foolsgold.settings import TrainingFormat
from foolsgold.training_formats import TRAINING_FORMATS

N = 60


def mined(out: Path | None, **changes: Any) -> MiningResult:
    """60 queries with two positives each; documents that BM25 finds more or fewer of, by the words of the query."""
    generator = np.random.default_rng(0)
    vecs = generator.standard_normal((2, 3 * N, 8)).astype(np.float32)
    words = [" ".join(f"w{word}" for word in generator.integers(0, 40, 6)) for _ in range(3 * N)]
    texts = [f'{text} "{row}"\n' for row, text in enumerate(words)]
    pairs = [(f"{words[row]} ? {row}", texts[doc]) for row in range(N) for doc in (row, row + N)]
    settings = MiningSettings(out=None if out is None else str(out), depth=100, quiet=True, seed=1)
    return mine(read_pairs(pairs, texts), PrecomputedVectors(vecs[0][:N], vecs[1]), settings.replace(**changes))


def files(folder: Path, *names: str) -> list[bytes]:
    return [(folder / name).read_bytes() for name in names]


def contents(path: Path) -> dict[str, bytes]:
    """Of a file, or of all files of a folder."""
    found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in found}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of one run, in which no document is random."""
    out = tmp_path_factory.mktemp("chosen") / "out"
    assert mined(out, cache=None).report["negatives"]["random"] == 0
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{"format": "triplet"}, {"format": "labeled-list"}, {"sampler": "softmax", "format": "labeled-pair"}]
)
def test_the_same_bytes_whatever_the_blocks_where_lists_differ_in_length(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """With a price on false negatives, the last candidate of each pair counts, wherever its block ends."""
    names = ("candidates.parquet", "negatives.parquet", "suspected_positives.parquet", "train.parquet")
    chosen = {"source": "bm25", "max_false_negative_rate": 0.002, "suspect_probability": 0.1, **changes}
    first, *others = (
        mined(tmp_path / str(size), block_size=size, file_type="parquet", **chosen) for size in (1024, 1, 7)
    )
    lengths = {len(row) for row in pq.read_table(tmp_path / "1" / "candidates.parquet")["doc_ids"].to_pylist()}
    assert len(lengths) > 5
    assert first.report["false_negatives"]["price"] > 0
    assert first.report["negatives"]["random"] > 0
    for size, other in zip((1, 7), others, strict=True):
        assert files(tmp_path / str(size), *names) == files(tmp_path / "1024", *names)
        assert {**other.report, "stages": None} == {**first.report, "stages": None}


def test_negatives_stay_those_of_the_result(tmp_path: Path) -> None:
    first = mined(tmp_path / "out")
    second = select(tmp_path / "out", negatives=1, quiet=True)  # takes the place of the files
    assert (
        first.negatives.num_rows
        > second.negatives.num_rows
        == pq.read_table(tmp_path / "out/negatives.parquet").num_rows
    )
    assert first.negatives.equals(mined(None).negatives)


def test_examples_and_dataset_of_a_result_in_memory_and_on_disk(tmp_path: Path) -> None:
    on_disk, in_memory = mined(tmp_path / "out"), mined(None)
    assert on_disk.examples(7) == in_memory.examples(7)
    gaps = [
        example.positive_score - example.negative_score for example in on_disk.borderline(9) if example.positive_score
    ]
    rows = [row for row in in_memory.negatives.to_pylist() if row["positive_score"] is not None]
    assert gaps == pytest.approx(sorted(row["positive_score"] - row["score"] for row in rows)[:9])
    for name in (
        name for name, traits in TRAINING_FORMATS.items() if traits.file_types[0] == "jsonl" and traits.is_table
    ):
        rows = rows_written(export_negatives(tmp_path / "out", name, quiet=True))
        assert list(in_memory.to_dataset(name)) == rows


@pytest.mark.parametrize("name", get_args(TrainingFormat))
def test_export_whatever_the_row_groups(chosen: Path, tmp_path: Path, name: TrainingFormat) -> None:
    """A query's negatives, and a pair's, may lie in two row groups."""
    whole = contents(export_negatives(chosen, name, out=tmp_path / "whole", quiet=True))
    shutil.copytree(chosen, tmp_path / "out")
    table = pq.read_table(chosen / "negatives.parquet")
    pq.write_table(table, tmp_path / "out" / "negatives.parquet", row_group_size=3)
    assert contents(export_negatives(tmp_path / "out", name, quiet=True)) == whole


@pytest.mark.parametrize("name", get_args(TrainingFormat))
def test_texts_that_are_too_many_to_be_kept(
    chosen: Path, tmp_path: Path, name: TrainingFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = contents(export_negatives(chosen, name, out=tmp_path / "kept", quiet=True))
    monkeypatch.setattr("foolsgold.export.texts._KEPT_BYTES", 0)
    assert contents(export_negatives(chosen, name, out=tmp_path / "read anew", quiet=True)) == kept


@pytest.mark.parametrize("name", get_args(TrainingFormat))
def test_a_choice_writes_what_an_export_does_whatever_the_blocks(
    chosen: Path, tmp_path: Path, name: TrainingFormat
) -> None:
    exported = export_negatives(chosen, name, out=tmp_path / "exported", quiet=True)
    select(chosen, format=name, block_size=7, out=tmp_path / "out", quiet=True)
    (train,) = (path for path in (tmp_path / "out").iterdir() if path.name.startswith("train"))
    assert contents(train) == contents(exported)


@pytest.mark.parametrize("with_scores", [False, True])
def test_a_saved_dataset_is_the_same_whatever_the_blocks(chosen: Path, tmp_path: Path, with_scores: bool) -> None:
    of_sizes = []
    for size in (1024, 7):
        changes = {"format": "triplet", "file_type": "dataset", "with_scores": with_scores, "block_size": size}
        select(chosen, **changes, out=tmp_path / str(size), quiet=True)
        of_sizes.append(contents(tmp_path / str(size) / "train"))
    assert of_sizes[0] == of_sizes[1]


def test_random_documents_have_no_scores_and_nothing_is_left_behind(tmp_path: Path) -> None:
    """Some candidates give way to random documents, which is known only when they are chosen."""
    changes = {"source": "bm25", "max_false_negative_rate": 0.002, "with_scores": True}
    with pytest.raises(SettingsError, match=r"none for query .*: it was drawn at random, .* max_false_negative_rate="):
        mined(tmp_path / "out", **changes)
    assert list(tmp_path.iterdir()) == []


def test_nothing_chosen(tmp_path: Path) -> None:
    collection = read_pairs([("red", "crimson")], ["rose", "blue"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(10, 20, 0))
    result = mine(collection, vectors, MiningSettings(**PLAIN, negatives=1, min_score=0.999, quiet=True))
    assert (result.negatives.num_rows, result.examples(), result.borderline()) == (0, [], [])
    assert result.to_dataset("triplet").num_rows == 0


@settings(deadline=None)  # the first call loads much of Arrow
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.integers(0, 3))
def test_json_is_that_of_the_standard_library(texts: list[str], skipped: int) -> None:
    array = pa.array(["", '"', *texts], pa.large_string())[min(skipped, 2) :]
    batch = pa.RecordBatch.from_arrays([as_json(array), pa.array([1] * len(array))], names=['a "name"', "label"])
    rows = [{'a "name"': text, "label": 1} for text in array.to_pylist()]
    assert json_lines(batch).to_pybytes().decode() == "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in rows
    )


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
_OBJECT = st.builds(dict, id=_TEXT, lists=st.lists(st.lists(_TEXT, max_size=2), max_size=2))


@settings(deadline=None)  # the first call loads much of Arrow
@given(
    st.lists(st.tuples(st.lists(_OBJECT, max_size=3), st.dictionaries(_TEXT, st.lists(_TEXT)), st.integers())),
    st.booleans(),
)
def test_json_of_nested_columns(rows: list[Any], sliced: bool) -> None:
    lists = pa.list_(pa.list_(pa.large_string()))
    kinds = [
        pa.list_(pa.struct([("id", pa.large_string()), ("lists", lists)])),
        pa.map_(pa.large_string(), lists.value_type),
    ]
    names = ["objects", "map", "n"]
    rows = [(objects, found, n % 2**31) for objects, found, n in [([], {}, 0), *rows]]

    def rendered(value: Any) -> Any:
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict):
            return {key: rendered(each) for key, each in value.items()}
        return [rendered(each) for each in value]

    columns = [
        pa.array([rendered(objects) for objects, _, _ in rows], kinds[0]),
        pa.array([[(rendered(key), rendered(each)) for key, each in found.items()] for _, found, _ in rows], kinds[1]),
        pa.array([n for _, _, n in rows]),
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=names)[1 if sliced and len(rows) > 1 else 0 :]
    expected = [dict(zip(names, row, strict=True)) for row in rows][-batch.num_rows :]
    assert json_lines(batch).to_pybytes().decode() == "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in expected
    )
    assert json.loads(b"[" + json_items(batch).to_pybytes()[2:] + b"]") == expected


@settings(deadline=None)  # the first call loads much of Arrow
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_json_of_scores_is_theirs_and_always_a_fraction(scores: list[float]) -> None:
    texts = number_texts(pa.array(scores, pa.float32())).to_pylist()
    read = [json.loads(text) for text in texts]
    assert np.array_equal(np.array(read, np.float32), np.array(scores, np.float32))
    assert all(isinstance(score, float) for score in read)


@given(st.lists(st.integers(-1, 8)), st.sampled_from([(9,), (4, 5), (1, 0, 3, 5)]))
def test_gathered(rows: list[int], lengths: tuple[int, ...]) -> None:
    values = [f"value {n}" for n in range(9)]
    ends = np.cumsum(lengths).tolist()
    chunks = [values[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    column = pa.chunked_array(chunks, pa.large_string())
    expected = [values[row] if row >= 0 else None for row in rows]
    assert gathered(column, np.array(rows, np.int64)).to_pylist() == expected


@given(
    st.integers(0, 6),
    st.lists(
        st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5, np.inf])), min_size=5, max_size=5),
        min_size=1,
    ),
)
def test_the_first_survivors_are_those_that_sorting_would_put_first(n: int, pairs: list[Any]) -> None:
    keep, judged, order = (
        np.array(values) for values in zip(*(zip(*pair, strict=True) for pair in pairs), strict=True)
    )
    expected = np.zeros(keep.shape, bool)
    for pair, (kept, *orders) in enumerate(zip(keep, judged, order, strict=True)):
        survivors = [column for column in range(5) if kept[column]]
        expected[pair, sorted(survivors, key=lambda column: [values[column] for values in orders])[:n]] = True
    assert (first_survivors(n, keep, judged, order) == expected).all()
    assert (expected == (in_turn(keep, judged, order) < n)).all()


def test_ahead_and_behind_keep_the_order_and_pass_errors_on() -> None:
    seen: list[int] = []
    with Behind(seen.append) as behind:
        for block in ahead(iter(range(100))):
            behind(block)
    assert seen == list(range(100))
    with pytest.raises(ZeroDivisionError):
        list(ahead(1 // block for block in (1, 0)))
    with pytest.raises(ZeroDivisionError), Behind(lambda block: 1 // block) as behind:
        behind(0)


SELECT = """
import sys
from foolsgold import select
select(sys.argv[1], negatives=10, format="triplet", out=sys.argv[2], quiet=True)
lines = open("/proc/self/status").read().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux gives it")
def test_memory_does_not_grow_with_what_is_chosen(tmp_path: Path) -> None:
    """Three times the queries, with as many documents: 250 MB of training file more, and hardly any memory."""
    generator = np.random.default_rng(0)
    texts = [f"document {row} " + "with many words " * 50 for row in range(1_000)]
    doc_vecs = generator.standard_normal((len(texts), 8)).astype(np.float32)
    peaks, sizes = [], []
    for n_queries in (14_000, 42_000):
        query_vecs = generator.standard_normal((n_queries, 8)).astype(np.float32)
        collection = read_pairs([(f"query {row}", texts[row % len(texts)]) for row in range(n_queries)], texts)
        out, again = tmp_path / str(n_queries), tmp_path / f"{n_queries} again"
        mine(collection, PrecomputedVectors(query_vecs, doc_vecs), MiningSettings(out=str(out), depth=40, quiet=True))
        variables = {**os.environ, "OMP_NUM_THREADS": "1"}
        run = [sys.executable, "-c", SELECT, str(out), str(again)]
        peaks.append(int(subprocess.run(run, check=True, capture_output=True, text=True, env=variables).stdout) * 1024)
        sizes.append((again / "train.jsonl").stat().st_size)
    assert sizes[1] - sizes[0] > 200e6
    assert peaks[1] - peaks[0] < 40e6
