"""Readers of other frameworks' training data, each on the same collection of texts that are hard to carry."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict, IterableDataset

from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import (
    Collection,
    MiningSettings,
    PrecomputedVectors,
    mine,
    read_pairs,
    read_training_data,
    select,
)
from foolsgold.cli import main
from foolsgold.collection.dpr import is_json_list, read_json_list
from foolsgold.errors import CollectionError

QUERIES = ["tab\there, and\nline\r\nbreaks?", "\"quotes\" 'and' 🙂 مرحبا بالعالم?"]
DOCUMENTS = ["CR\rinside", "中文 的 句子", "  spaces  ", "emoji 👩‍👩‍👧‍👦 \u202eright to left", "null", "1.0"]
EXPECTED = {QUERIES[0]: (DOCUMENTS[:2], DOCUMENTS[2:4]), QUERIES[1]: (DOCUMENTS[2:3], DOCUMENTS[4:])}
IDS = ["1", "007", "a/b\\c", "tab\tid", "http://x.org/?q=1#2", "-0"]  # of the documents
TITLES = ["", "Title\twith tab", "", "", "标题", ""]


def shape(collection: Collection) -> dict[str, tuple[list[str], list[str]]]:
    """Positives and given negatives of each query."""
    texts, given = collection.document_texts(), collection.given_negatives
    return {
        query: (
            [texts[row] for row in collection.positives.of(n)],
            [] if given is None else [texts[row] for row in given.of(n)],
        )
        for n, query in enumerate(collection.query_texts())
    }


FLAG_EMBEDDING = [
    {"query": query, "pos": positives, "neg": negatives, "pos_scores": [1.0] * len(positives), "prompt": "Find: "}
    for query, (positives, negatives) in EXPECTED.items()
]


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def polars_frame(columns: dict[str, Any]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns)


def ctx(text: str, id_field: str) -> dict[str, Any]:
    row = DOCUMENTS.index(text)
    return {id_field: IDS[row], "title": TITLES[row], "text": text, "score": 3.5}


TEVATRON = [
    {
        "query_id": f"{number}",
        "query": query,
        "positive_passages": [ctx(text, "docid") for text in positives],
        "negative_passages": [ctx(text, "docid") for text in negatives],
    }
    for number, (query, (positives, negatives)) in enumerate(EXPECTED.items())
]
DPR = [
    {
        "question": query,
        "answers": ["an answer"],
        "positive_ctxs": [ctx(text, "passage_id") for text in positives],
        "negative_ctxs": [ctx(text, "passage_id") for text in negatives[1:]],
        "hard_negative_ctxs": [ctx(text, "passage_id") for text in negatives[:1]],
    }
    for query, (positives, negatives) in EXPECTED.items()
]
TITLED = dict(zip(DOCUMENTS, (f"{t} {d}".strip(" ") if t else d for t, d in zip(TITLES, DOCUMENTS, strict=True))))  # noqa: B905


def with_titles() -> dict[str, tuple[list[str], list[str]]]:
    return {
        query: tuple([TITLED[text] for text in side] for side in sides)  # type: ignore[misc]
        for query, sides in EXPECTED.items()
    }


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
@pytest.mark.parametrize("format", [None, "flagembedding"])
def test_flag_embedding(tmp_path: Path, ending: str, format: Any) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", FLAG_EMBEDDING)
    if ending.endswith(".gz"):
        path = tmp_path / "train.jsonl.gz"
        path.write_bytes(gzip.compress((tmp_path / "train.jsonl").read_bytes()))
    pool = write_jsonl(tmp_path / "pool.jsonl", [{"text": "one more"}, {"text": DOCUMENTS[0]}])
    collection = read_training_data(path, pool, format=format)
    assert shape(collection) == EXPECTED
    assert collection.document_texts()[:2] == ["one more", DOCUMENTS[0]]
    assert collection.n_documents == 7
    assert collection.doc_ids.to_pylist() == [f"d{n}" for n in range(7)]


@pytest.mark.parametrize("format", [None, "tevatron"])
def test_tevatron_keeps_ids_and_titles(tmp_path: Path, format: Any) -> None:
    collection = read_training_data(write_jsonl(tmp_path / "train.jsonl", TEVATRON), format=format)
    assert shape(collection) == with_titles()
    assert collection.query_ids.to_pylist() == ["0", "1"]
    assert sorted(collection.doc_ids.to_pylist()) == sorted(IDS)
    titles = dict(zip(collection.doc_ids.to_pylist(), collection.corpus["title"].to_pylist(), strict=True))
    assert titles == dict(zip(IDS, TITLES, strict=True))


@pytest.mark.parametrize(("format", "indent"), [(None, None), ("dpr", 4)])
def test_dpr_takes_hard_negatives_first_and_answers(tmp_path: Path, format: Any, indent: int | None) -> None:
    path = tmp_path / "train.json"
    path.write_text("\ufeff \n" + json.dumps(DPR, ensure_ascii=False, indent=indent), encoding="utf-8")
    collection = read_training_data(path, format=format)
    assert shape(collection) == with_titles()
    assert collection.answers(1) == ["an answer"]
    assert sorted(collection.doc_ids.to_pylist()) == sorted(IDS)


def test_dpr_without_ids_joins_equal_texts(tmp_path: Path) -> None:
    records = [{k: [{"text": c["text"]} for c in v] if "ctxs" in k else v for k, v in r.items()} for r in DPR]
    (tmp_path / "train.json").write_text(json.dumps(records), encoding="utf-8")
    collection = read_training_data(tmp_path / "train.json")
    assert shape(collection) == EXPECTED
    assert collection.n_documents == 6


def test_dpr_passages_may_have_an_id_that_is_null_or_blank(tmp_path: Path) -> None:
    passages = [{"passage_id": None, "psg_id": "4"}, {"passage_id": " ", "psg_id": 5}, {"passage_id": ""}]
    record = {
        "question": "q?",
        "positive_ctxs": [{**ids, "text": text} for ids, text in zip(passages, "abc", strict=True)],
    }
    collection = read_training_data(write(tmp_path / "train.json", json.dumps([record])))
    assert collection.doc_ids.to_pylist() == ["4", "5", "d2"]


def test_a_dpr_file_of_one_line_is_not_read_whole_to_be_recognised(tmp_path: Path) -> None:
    records = [{"question": f"q{n}", "positive_ctxs": [{"text": f"{n} " + "x" * 200_000}]} for n in range(100)]
    path = write(tmp_path / "train.json", json.dumps(records))
    tracemalloc.start()
    assert is_json_list(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("made", [pd.DataFrame, polars_frame, pa.table], ids=["pandas", "polars", "arrow"])
def test_flag_embedding_and_tevatron_in_frames(made: Any) -> None:
    columns = {name: [record[name] for record in FLAG_EMBEDDING] for name in ("query", "pos", "neg")}
    assert shape(read_training_data(made(columns))) == EXPECTED
    columns = {name: [record[name] for record in TEVATRON] for name in TEVATRON[0]}
    assert shape(read_training_data(made(columns))) == with_titles()


def test_lists_of_a_parquet_file_in_pandas(tmp_path: Path) -> None:
    """Whose cells are numpy arrays."""
    answers = {"answers": [["an answer"], []], "positive_ctxs": [[ctx(DOCUMENTS[0], "passage_id")]] * 2}
    pd.DataFrame({"question": QUERIES, **answers}).to_parquet(tmp_path / "p.parquet")
    collection = read_training_data(pd.read_parquet(tmp_path / "p.parquet"))
    assert collection.answers(0) == ["an answer"]
    assert collection.n_documents == 1


def test_a_large_dpr_file_is_read_record_by_record(tmp_path: Path) -> None:
    path, n = tmp_path / "train.json", 200
    with path.open("w", encoding="utf-8") as file:
        for number in range(n):
            record = {"question": f"q{number}", "positive_ctxs": [{"text": f"{number} " + "x" * 200_000}]}
            file.write(("[" if number == 0 else ",\n") + json.dumps(record))
        file.write("]")
    tracemalloc.start()
    assert [number for number, _ in read_json_list(path)] == list(range(1, n + 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2  # of 40 MB a few pieces of 1 MB


SIX_COLUMNS = {
    "anchor": QUERIES,
    "positive": [sides[0][0] for sides in EXPECTED.values()],
    "negative_10": ["tenth", "tenth"],
    "negative_2": ["second", None],
    "negative": ["first", "first of the other"],
    "score": [0.5, 0.7],
}
N_TUPLES = {
    QUERIES[0]: ([DOCUMENTS[0]], ["first", "second", "tenth"]),
    QUERIES[1]: ([DOCUMENTS[2]], ["first of the other", "tenth"]),
}


def saved(tmp_path: Path, dataset: Any) -> Path:
    dataset.save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved"


@pytest.mark.parametrize(
    "made",
    [
        lambda tmp_path: Dataset.from_dict(SIX_COLUMNS),
        lambda tmp_path: Dataset.from_dict(SIX_COLUMNS).to_iterable_dataset(),
        lambda tmp_path: IterableDataset.from_generator(lambda: iter(pa.table(SIX_COLUMNS).to_pylist())),
        lambda tmp_path: DatasetDict({"test": Dataset.from_dict({"a": []}), "train": Dataset.from_dict(SIX_COLUMNS)}),
        lambda tmp_path: saved(tmp_path, Dataset.from_dict(SIX_COLUMNS)),
        lambda tmp_path: saved(tmp_path, DatasetDict({"dev": Dataset.from_dict(SIX_COLUMNS)})),
        lambda tmp_path: pd.DataFrame(SIX_COLUMNS),
        lambda tmp_path: polars_frame(SIX_COLUMNS),
        lambda tmp_path: pa.table(SIX_COLUMNS),
        lambda tmp_path: pa.table(SIX_COLUMNS).to_pylist(),
        lambda tmp_path: write_jsonl(tmp_path / "train.jsonl", pa.table(SIX_COLUMNS).to_pylist()),
        lambda tmp_path: written_parquet(tmp_path),
    ],
    ids=[
        "dataset", "iterable", "generated", "dict", "saved", "saved dict", "pandas", "polars", "arrow", "records",
        "jsonl", "parquet",
    ],
)  # fmt: skip
def test_n_tuples_in_every_shape(tmp_path: Path, made: Any) -> None:
    assert shape(read_training_data(made(tmp_path))) == N_TUPLES


def written_parquet(tmp_path: Path) -> Path:
    pq.write_table(pa.table(SIX_COLUMNS), tmp_path / "train.parquet")
    return tmp_path / "train.parquet"


def test_a_dataset_as_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder laid out as a repository of the hub, with two configurations of two splits."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "hf"))
    repository = tmp_path / "somebody" / "data"
    for config in ("pair", "triplet"):
        (repository / config).mkdir(parents=True)
        columns = ["anchor", "positive", "negative"] if config == "triplet" else ["anchor", "positive"]
        for split in ("train", "test"):
            rows = slice(0, 1) if split == "test" else slice(None)
            table = pa.table({name: SIX_COLUMNS[name][rows] for name in columns})
            pq.write_table(table, repository / config / f"{split}.parquet")
    configs = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train.parquet\n"
        f"  - split: test\n    path: {name}/test.parquet\n"
        for name in ("pair", "triplet")
    )
    (repository / "README.md").write_text(f"---\nconfigs:\n{configs}---\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    triplets = read_training_data("somebody/data", config="triplet", split="test")
    assert shape(triplets) == {QUERIES[0]: ([DOCUMENTS[0]], ["first"])}
    assert shape(read_training_data(repository, config="pair"))[QUERIES[1]] == ([DOCUMENTS[2]], [])
    with pytest.raises(CollectionError, match=r"Config name is missing|config"):
        read_training_data(repository)


LABELLED = [("q?", "good", 1), ("q?", "bad", 0), ("q?", "worse", 0), ("r?", "fine", 1)]
LABELLED_SHAPE = {"q?": (["good"], ["bad", "worse"]), "r?": (["fine"], [])}


@pytest.mark.parametrize(
    "data",
    [
        LABELLED,
        [(q, text, bool(label)) for q, text, label in LABELLED],
        [{"anchor": q, "text": text, "label": label} for q, text, label in LABELLED],
        pd.DataFrame(LABELLED, columns=["query", "passage", "label"]),
        pd.DataFrame([(q, t, float(label)) for q, t, label in LABELLED], columns=["text1", "text2", "label"]),
        Dataset.from_dict({"q": ["q?", "r?"], "docs": [["good", "bad", "worse"], ["fine"]], "label": [[1, 0, 0], [1]]}),
    ],
    ids=["tuples", "bools", "records", "frame", "floats", "lists"],
)  # fmt: skip
def test_labels(data: Any) -> None:
    assert shape(read_pairs(data)) == shape(read_training_data(data)) == LABELLED_SHAPE


def test_labels_of_a_csv_are_texts(tmp_path: Path) -> None:
    pyarrow.csv.write_csv(
        pa.table({"anchor": ["q?", "q?"], "text": ['a,\n"b"', "c"], "label": ["1", "0"]}), tmp_path / "p.csv"
    )
    assert shape(read_training_data(tmp_path / "p.csv")) == {"q?": (['a,\n"b"'], ["c"])}


def test_columns_that_are_named() -> None:
    table = pa.table({"q": ["q?"], "good": ["a"], "x": ["b"], "y": [["c", "d"]], "mark": [1]})
    columns = {"query_column": "q", "positive_column": "good"}
    assert shape(read_pairs(table, **columns, negative_columns=["y", "x"])) == {"q?": (["a"], ["c", "d", "b"])}
    assert shape(read_training_data(table, **columns, negative_columns="x")) == {"q?": (["a"], ["b"])}
    assert shape(read_pairs(table, **columns, label_column="mark")) == {"q?": (["a"], [])}
    triplets = pa.table({"query": ["q?"], "positive": ["a"], "negative": ["b"]})
    assert shape(read_pairs(triplets, negative_columns=())) == {"q?": (["a"], [])}


def test_negatives_taken_for_documents(tmp_path: Path) -> None:
    collection = read_training_data(write_jsonl(tmp_path / "f.jsonl", FLAG_EMBEDDING), keep_negatives=False)
    assert collection.given_negatives is None
    assert sorted(collection.document_texts()) == sorted(DOCUMENTS)


MS_MARCO_QUERIES = ['what is "x"?', "emoji 🙂"]
MS_MARCO_TEXTS = ["the\rletter", "«x» 中文", "מילה", "four"]


@pytest.fixture
def ms_marco(tmp_path: Path) -> Path:
    folder = tmp_path / "msmarco"
    folder.mkdir()
    rows = {
        "collection.tsv": [(str(n), text) for n, text in enumerate(MS_MARCO_TEXTS)],
        "queries.train.tsv": [("10", MS_MARCO_QUERIES[0]), ("9", MS_MARCO_QUERIES[1]), ("8", "not judged")],
        "qrels.train.tsv": [("10", "0", "1", "1"), ("9", "0", "3", "1"), ("10", "0", "2", "0")],
        "qidpidtriples.tsv": [("10", "1", "2"), ("9", "3", "0"), ("10", "1", "0")],
        "triples.tsv": [
            (MS_MARCO_QUERIES[0], MS_MARCO_TEXTS[1], MS_MARCO_TEXTS[2]),
            (MS_MARCO_QUERIES[1], MS_MARCO_TEXTS[3], MS_MARCO_TEXTS[0]),
            (MS_MARCO_QUERIES[0], MS_MARCO_TEXTS[1], MS_MARCO_TEXTS[0]),
        ],
    }
    for name, lines in rows.items():
        (folder / name).write_bytes("".join("\t".join(line) + "\n" for line in lines).encode())
    return folder


MS_MARCO_SHAPE = {
    MS_MARCO_QUERIES[0]: ([MS_MARCO_TEXTS[1]], [MS_MARCO_TEXTS[2], MS_MARCO_TEXTS[0]]),
    MS_MARCO_QUERIES[1]: ([MS_MARCO_TEXTS[3]], [MS_MARCO_TEXTS[0]]),
}


def test_ms_marco_triples(ms_marco: Path) -> None:
    assert shape(read_training_data(ms_marco / "triples.tsv", format="msmarco")) == MS_MARCO_SHAPE
    pooled = read_training_data(ms_marco / "triples.tsv", ms_marco / "collection.tsv", format="msmarco")
    assert (shape(pooled), pooled.doc_ids.to_pylist()) == (MS_MARCO_SHAPE, ["0", "1", "2", "3"])


def test_ms_marco_triples_of_ids(ms_marco: Path) -> None:
    files = {"corpus": ms_marco / "collection.tsv", "queries": ms_marco / "queries.train.tsv"}
    found = shape(read_training_data(ms_marco / "qidpidtriples.tsv", format="msmarco", **files))
    assert found == MS_MARCO_SHAPE


def test_triples_of_ids_of_which_some_are_unknown(ms_marco: Path) -> None:
    files = {"corpus": ms_marco / "collection.tsv", "queries": ms_marco / "queries.train.tsv"}
    triples = write(ms_marco / "triples.tsv", "8\t77\t0\n9\t3\t88\n10\t1\t0\nx\t1\t0\n")
    collection = read_training_data(triples, format="msmarco", max_unknown_ratio=0.5, **files)
    assert collection.query_ids.to_pylist() == ["10", "9"]
    assert [collection.positives.of(n).tolist() for n in range(2)] == [[1], [3]]
    assert collection.given_negatives is not None
    assert [collection.given_negatives.of(n).tolist() for n in range(2)] == [[0], []]
    assert collection.reading["unknown_ids"] == 4
    assert f'{triples}:2: query "9", document "88"' in collection.reading["unknown_id_examples"]


def test_memory_of_triples_of_ids_is_a_few_bytes_a_line(ms_marco: Path) -> None:
    files = {"corpus": ms_marco / "collection.tsv", "queries": ms_marco / "queries.train.tsv"}
    read_training_data(ms_marco / "qidpidtriples.tsv", format="msmarco", **files)  # loads what it needs
    n = 48_000
    triples = write(ms_marco / "triples.tsv", "10\t1\t2\n9\t3\t0\n10\t1\t0\n" * (n // 3))
    tracemalloc.start()
    assert shape(read_training_data(triples, format="msmarco", **files)) == MS_MARCO_SHAPE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n * 150  # where every id is kept, 650 bytes a line


def test_ms_marco_folder(ms_marco: Path) -> None:
    for collection in (read_training_data(ms_marco), read_training_data(ms_marco, format="msmarco", split="train")):
        assert collection.query_ids.to_pylist() == ["10", "9"]
        assert shape(collection) == {query: (positives, []) for query, (positives, _) in MS_MARCO_SHAPE.items()}
        assert collection.judged_negatives.of(0).tolist() == [2]
    three = "10\t1\t1\n9\t3\t1\n"
    (ms_marco / "qrels.train.tsv").write_text(three, encoding="utf-8")
    assert read_training_data(ms_marco).n_queries == 2


@pytest.mark.parametrize("separator", ["\t", " "])
@pytest.mark.parametrize("name", ["qrels.tsv", "qrels.txt", "judged.qrel", "2021.deep"])
def test_trec_qrels(beir: Path, name: str, separator: str) -> None:
    from foolsgold import read_beir, read_files

    expected = read_beir(beir).fingerprint
    rows = [("q1", "0", "d1", "1"), ("q2", "Q0", "d2", "2"), ("q1", "0", "d5", "0")]
    path = write(beir / name, "".join(separator.join(row) + "\n" for row in rows))
    collection = read_files(beir / "corpus.jsonl", beir / "queries.jsonl", path)
    assert collection.fingerprint == expected


def settings(out: Path, **changes: Any) -> MiningSettings:
    return MiningSettings(
        **{**PLAIN, "relative_margin": None, "negatives": 1, "quiet": True, "out": str(out), **changes}
    )


def test_select_reads_training_data_again(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", FLAG_EMBEDDING)
    pool = write_jsonl(tmp_path / "pool.jsonl", [{"text": "one more"}])
    collection = read_training_data(path, pool)
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(*range(10, 80, 10)))
    first = mine(collection, vectors, settings(tmp_path / "out", negatives=3))
    stored = json.loads((tmp_path / "out" / "settings.json").read_text("utf-8"))["collection"]["source"]
    assert (stored["pairs"], stored["corpus"]) == (str(path.resolve()), str(pool.resolve()))
    assert not (tmp_path / "out" / "collection").exists()
    assert select(tmp_path / "out").negatives.equals(first.negatives)
    write(path, json.dumps({"query": "q?", "pos": ["a"], "neg": ["b"]}))
    with pytest.raises(CollectionError, match="changed since"):
        select(tmp_path / "out")


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"q": ["red?", "blue?"], "good": ["rose", "sky"], "bad": ["grass", "grass"]}
    path = write_jsonl(tmp_path / "train.jsonl", pa.table(columns).to_pylist())
    pool = write_jsonl(tmp_path / "pool.jsonl", [{"text": text} for text in ("tulip", "sea", "stone")])
    out = str(tmp_path / "out")
    named = ["--query-column", "q", "--positive-column", "good", "--negative-column", "bad"]
    command = ["mine", "--pairs", str(path), "--corpus", str(pool), "--source", "bm25", "--negatives", "2"]
    options = ["--quiet", "--cache", "none", "--short-rows", "random", *named]
    assert main([*command, *options, "--out", out]) == 0
    rows = [json.loads(row) for row in (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()]
    assert [row["negative_1"] for row in rows] == ["grass", "grass"]
    assert main(["select", out, "--quiet"]) == 0
    moved = path.rename(tmp_path / "moved.jsonl")
    assert main(["select", out, "--quiet"]) == 1
    assert "--pairs" in capsys.readouterr().err
    assert main(["select", out, "--quiet", "--pairs", str(moved), "--corpus", str(pool)]) == 0
    command[2] = str(moved)
    assert main([*command, *options, "--out", str(tmp_path / "new"), "--no-given-negatives"]) == 0
    negatives = pq.read_table(tmp_path / "new" / "negatives.parquet")
    assert "given" not in negatives["source"].to_pylist()
