"""Training data that cannot be read: what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict

from foolsgold import FoolsgoldError, read_training_data
from foolsgold.cli import main
from foolsgold.errors import BadRowError, CollectionError, SettingsError
from test_read_training_data import SIX_COLUMNS, ms_marco, saved, shape, write

__all__ = ["ms_marco"]


def line(**fields: Any) -> str:
    return json.dumps(fields) + "\n"


GOOD = line(query="q?", pos=["a"], neg=["b"])
QUESTION = '{"question": "q?", "positive_ctxs": [{"text": "a"}]}'
PASSAGE = {"docid": "1", "title": "", "text": "a"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.jsonl", GOOD + line(query="r?", pos="a"), r"f.jsonl:2: the field \"pos\" is 'a' \(str\); it takes a"),
        ("f.jsonl", GOOD + line(query="r?", pos=["a"], neg="b"), r"f.jsonl:2: the field \"neg\" is 'b' \(str\)"),
        ("f.jsonl", GOOD + line(query="r?", pos=["a", 3]), r"f.jsonl:2: \"pos\", text 2 is 3 \(int\); it takes"),
        ("f.jsonl", GOOD + line(query=5, pos=["a"]), r"f.jsonl:2: the text of the query is 5 \(int\)"),
        ("f.jsonl", GOOD + line(query="r?", positive=["a"]), r'f.jsonl:2: a line of FlagEmbedding needs a field "pos"; '
         r'the fields there are: "query", "positive"'),
        ("f.jsonl", line(query="q?", pos=[]), "no positives"),
        ("t.jsonl", line(query_id="1", query="q?", positive_passages=[PASSAGE, {"docid": "1", "text": "b"}]),
         r't.jsonl:1: the document with id "1" has another text at .*t.jsonl:1'),
        ("t.jsonl", line(query_id="1", query="q?", positive_passages=[PASSAGE])
         + line(query_id="1", query="r?", positive_passages=[PASSAGE]),
         r't.jsonl:2: the query with id "1" has another text at .*t.jsonl:1'),
        ("t.jsonl", line(query_id="1", query="q?", positive_passages=["a"]),
         r't.jsonl:1: "positive_passages", passage 1 is \'a\' \(str\); it takes an object with docid, title and text'),
        ("t.jsonl", line(query_id="1", query="q?", positive_passages=[{"text": "a"}]), r'needs a field "docid"'),
        ("t.jsonl", line(query="q?", positive_passages=[PASSAGE]), r't.jsonl:1: the query needs a field "query_id"'),
        ("d.json", f'[{QUESTION}\n\n {{"question"', r"d.json:3: malformed JSON \(','"),
        ("d.json", f'[{QUESTION},\n{{"question": "', r"d.json:2: malformed JSON \(Unterm"),
        ("d.json", f"[{QUESTION}", r"d.json:1: malformed JSON \(',' expected, end"),
        ("d.json", '[\n5]', r"d.json:2: a JSON int, not an object"),
        ("d.json", "[]", "d.json: no positives"),
        ("p.jsonl", line(only="q?"), r"p.jsonl has one column, 'only'; it takes at least two"),
        ("p.jsonl", line(a="q?", b="b", c="c"), r"cannot tell which of the columns 'a', 'b', 'c' .*--query-column"),
        ("p.jsonl", line(anchor="q?", text="a", label=1) + line(anchor="q?", text="b", label="0"),
         r"p.jsonl:2: the label is '0' \(str\), those before were of type int"),
        ("p.jsonl", line(query="q?", text="a", label=1) + line(query="q?", text="b", label=2), r"l:2: the label is 2"),
        ("p.jsonl", line(anchor="q?", text="a", label=0.7), r"the label is 0.7 \(float\); it takes 1 for"),
        ("p.jsonl", line(query="q?", docs=["a", "b"], labels=[1]), r"p.jsonl:1: 1 labels for 2 texts"),
        ("p.jsonl", line(anchor="q?", positive=None), r"p.jsonl:1: the positive is None"),
        ("m.tsv", "what?\ta\tb\nx\ty\tz\n", r"columns 'what\?', 'a', 'b' .*read as format='msmarco'"),
        ("m.tsv", "what?\ta\nx\ty\n", r"columns 'what\?', 'a' .*name the columns; the first line is the header"),
        ("m.csv", "what?,a\nx,y\n", r"columns 'what\?', 'a' .*name the columns; the first line is the header"),
        ("queries.jsonl", line(_id="1", text="q?"), r"cannot tell which of the columns '_id', 'text'"),
        ("p.jsonl", line(id="7", query="q?"), r"cannot tell which of the columns 'id', 'query'"),
        ("m.tsv", "query\tpositive\tpositive\nq\ta\tb\n", r"m.tsv: several columns are called 'positive'. Rename"),
        ("m.csv", "query,positive,positive\nq,a,b\n", r"m.csv: several columns are called 'positive'. Rename"),
        ("p.jsonl", line(query="q?", text="a", label=1) + line(query="q?", text="BAD"),
         r'p.jsonl:2: no field "label", which is the label in the first record; the fields there are: "query", "text"'),
        ("p.jsonl", line(query="q?", positive="a") + line(query="q?"), r'p.jsonl:2: no field "positive"'),
        ("p.jsonl", line(query="q?", positive="a") + line(query="q?", postive="b"), r'p.jsonl:2: no field "positive"'),
        ("d.json", f'[{QUESTION}]\n[{QUESTION}]', r"d.json:2: malformed JSON \('\[' after the end of the list"),
        ("d.json", "[]x", r"d.json:1: malformed JSON \('x' after the end of the list"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(CollectionError, match=message):
        read_training_data(write(tmp_path / name, content))


def test_bad_lines_may_be_skipped_and_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", "not json\n" + GOOD + line(query="r?", pos="a"))
    collection = read_training_data(path, on_bad_line="skip")
    assert shape(collection) == {"q?": (["a"], ["b"])}
    assert collection.reading["bad_lines_skipped"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query_column": "x"}, r"query_column is 'x'; the columns there are: 'anchor', 'positive', .*'score'"),
        ({"negative_columns": ["negative", "neg_3"]}, r"negative_columns is 'neg_3'; the columns there are"),
        ({"label_column": "y"}, "label_column is 'y'"),
        ({"split": "test"}, "split is 'test', but the data has no splits"),
        ({"format": "bge"}, "format is 'bge'; it takes one of 'flagembedding'"),
        ({"format": "dpr", "query_column": "anchor"}, "for sentence-transformers' forms, not for dpr"),
        ({"on_bad_line": "ignore"}, "on_bad_line is 'ignore'"),
        ({"format": "msmarco"}, "format='msmarco' is for files and folders, but the data is in memory"),
        ({"queries": "q.tsv"}, "queries is for files and folders"),
        ({"config": "pair"}, "config is for files and folders"),
    ],
)
def test_arguments_that_cannot_work(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FoolsgoldError, match=message):
        read_training_data(pa.table(SIX_COLUMNS), **arguments)


def test_datasets_that_cannot_be_read(tmp_path: Path) -> None:
    folder = saved(tmp_path, DatasetDict({"a": Dataset.from_dict({"x": ["1"]}), "b": Dataset.from_dict({"x": ["1"]})}))
    with pytest.raises(SettingsError, match=r"the splits of .*saved are: a, b"):
        read_training_data(folder)
    with pytest.raises(CollectionError, match=r"has one column, 'x'"):
        read_training_data(folder, split="b")
    (folder / "a" / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(CollectionError, match="not a readable dataset"):
        read_training_data(folder, split="a")


def test_a_parquet_file_with_two_columns_of_a_name(tmp_path: Path) -> None:
    pq.write_table(pa.table([["q"], ["a"], ["b"]], names=["query", "positive", "positive"]), tmp_path / "p.parquet")
    with pytest.raises(CollectionError, match=r"p.parquet: several columns are called 'positive'"):
        read_training_data(tmp_path / "p.parquet")


def test_records_of_another_form_may_be_skipped(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.jsonl", line(query="q?", positive="a") + line(query="r?") + line(query="s?", postive="b")
    )
    collection = read_training_data(path, on_bad_line="skip")
    assert shape(collection) == {"q?": (["a"], [])}
    assert collection.reading["bad_lines_skipped"] == 2


def test_ms_marco_reads_no_other_split_than_was_named(ms_marco: Path) -> None:
    (ms_marco / "qrels.train.tsv").rename(ms_marco / "qrels.tsv")
    (ms_marco / "queries.train.tsv").rename(ms_marco / "queries.tsv")
    assert read_training_data(ms_marco).n_queries == 2
    with pytest.raises(SettingsError, match=r"has no qrels.dev.tsv; it has collection.tsv"):
        read_training_data(ms_marco, split="dev")


def test_a_dataset_that_the_hub_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CollectionError, match="no file or folder nobody/nothing, and no dataset of that id"):
        read_training_data("nobody/nothing")


@pytest.mark.parametrize("kind", ["json", "csv", "text", "parquet", "pandas", "arrow"])
def test_a_kind_of_files_is_no_dataset(kind: str) -> None:
    with pytest.raises(SettingsError, match=f"pairs: '{kind}' is a kind of files, not a dataset. Give the path"):
        read_training_data(kind)


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    for path in ("nowhere.jsonl", tmp_path / "nowhere"):
        with pytest.raises(SettingsError, match=r"nowhere.* does not exist. Give a file"):
            read_training_data(path)
    with pytest.raises(SettingsError, match="corpus: .*nowhere.jsonl does not exist"):
        read_training_data(write(tmp_path / "f.jsonl", GOOD), tmp_path / "nowhere.jsonl")


def test_ms_marco_that_cannot_be_read(ms_marco: Path) -> None:
    with pytest.raises(BadRowError, match=r"qidpidtriples.tsv:1: a triple of ids, .*queries=, corpus="):
        read_training_data(ms_marco / "qidpidtriples.tsv", format="msmarco")
    with pytest.raises(SettingsError, match="corpus is missing"):
        read_training_data(ms_marco / "qidpidtriples.tsv", format="msmarco", queries=ms_marco / "queries.train.tsv")
    with pytest.raises(SettingsError, match=r"no queries.dev.tsv or queries.tsv; it has collection.tsv"):
        read_training_data(ms_marco, split="dev")
    with pytest.raises(BadRowError, match=r"ids.tsv:1: a triple of ids"):
        read_training_data(write(ms_marco / "ids.tsv", "q1\tD12\tD_7\n"), format="msmarco")
    write(ms_marco / "triples.tsv", "a\tb\tc\na\tb\n")
    with pytest.raises(BadRowError, match=r"triples.tsv:2: 2 fields"):
        read_training_data(ms_marco / "triples.tsv", format="msmarco")


def test_ms_marco_whose_ids_are_unknown(ms_marco: Path) -> None:
    queries, corpus = ms_marco / "queries.train.tsv", ms_marco / "collection.tsv"
    triples = write(ms_marco / "triples.tsv", "x1\t1\t2\nx2\t3\t0\n")
    unknown = r'2 of 2 judgements \(100%\) name a query or document that is not there, such as .*:1: query "x1"'
    with pytest.raises(CollectionError, match=rf"triples.tsv: {unknown}"):
        read_training_data(triples, corpus, format="msmarco", queries=queries)
    with pytest.raises(CollectionError, match=r"triples.tsv: no positives: none of its queries and positives is there"):
        read_training_data(triples, corpus, format="msmarco", queries=queries, max_unknown_ratio=1.0)
    write(ms_marco / "qrels.train.tsv", "x1\t0\t1\t1\nx2\t0\t3\t1\n")
    with pytest.raises(CollectionError, match=rf"qrels.train.tsv: {unknown}"):
        read_training_data(ms_marco)


@pytest.mark.parametrize(
    ("flags", "message", "status"),
    [
        (["--pairs-format", "dpr"], "--pairs-format says how to read --pairs, which is missing", 2),
        (["--negative-column", "n", "--no-given-negatives"], "--negative-column and --no-given-negatives say how", 2),
        (["--pairs", "x.jsonl", "--collection", "y"], "leave out --collection and --qrels", 2),
        (["--pairs", "x.jsonl", "--qrels", "y"], "leave out --collection and --qrels", 2),
        (["--pairs", "x.jsonl"], "x.jsonl does not exist", 2),
        (["--pairs", "x.jsonl", "--queries", "y"], "queries is for MS MARCO's triples", 2),
    ],
)
def test_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str, status: int
) -> None:
    out = tmp_path / "out"
    assert main(["mine", "--model", "offline", "--out", str(out), *flags]) == status
    assert message in capsys.readouterr().err
    assert not out.exists()
