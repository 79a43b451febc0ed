from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import Dataset, DatasetDict

from foolsgold import Collection, read_beir, read_pairs
from foolsgold.collection import write_beir_parquet
from foolsgold.errors import BadRowError, CollectionError

QUERIES = ["red?", "blue?", "red?"]
POSITIVES = ["rose", "sky", "blood"]


def shape(collection: Collection) -> dict[str, list[str]]:
    texts = collection.document_texts()
    return {q: [texts[row] for row in collection.positives.of(n)] for n, q in enumerate(collection.query_texts())}


COLUMNS = {"anchor": QUERIES, "positive": POSITIVES}


@pytest.mark.parametrize(
    "pairs",
    [
        list(zip(QUERIES, POSITIVES, strict=True)),
        [{"query": q, "positive": p} for q, p in zip(QUERIES, POSITIVES, strict=True)],
        [("red?", ["rose", "blood"]), ("blue?", "sky")],
        COLUMNS,
        {"red?": ["rose", "blood"], "blue?": "sky"},
        {"red?": ["rose", "blood"], "blue?": ["sky"]},
        pd.DataFrame(COLUMNS),
        dict(pd.DataFrame(COLUMNS)),
        {"query": Dataset.from_dict(COLUMNS)["anchor"], "positive": Dataset.from_dict(COLUMNS)["positive"]},
        pa.table(COLUMNS),
        Dataset.from_dict(COLUMNS),
        Dataset.from_dict({"left": QUERIES, "right": POSITIVES}),
        iter(zip(QUERIES, POSITIVES, strict=True)),
    ],
    ids=lambda pairs: type(pairs).__name__,
)
def test_every_form_of_pairs(pairs: Any) -> None:
    collection = read_pairs(pairs)
    assert shape(collection) == {"red?": ["rose", "blood"], "blue?": ["sky"]}
    assert collection.n_documents == 3


def test_a_shuffled_dataset_keeps_its_own_order() -> None:
    dataset = Dataset.from_dict(COLUMNS).select([1, 0])
    assert read_pairs(dataset).query_texts() == ["blue?", "red?"]


@pytest.mark.parametrize(
    "corpus",
    [
        ["rose", "grass"],
        {"a": "rose", "b": {"text": "grass", "title": ""}},
        [{"id": "a", "text": "rose"}, {"id": "b", "text": "grass"}],
        pd.DataFrame({"text": ["rose", "grass"]}),
        pd.Series(["rose", "grass"]),
        pa.array(["rose", "grass"]),
        Dataset.from_dict({"_id": ["a", "b"], "text": ["rose", "grass"]}),
    ],
    ids=lambda corpus: type(corpus).__name__,
)
def test_a_corpus_holds_more_documents(corpus: Any) -> None:
    collection = read_pairs(COLUMNS, corpus)
    assert collection.document_texts() == ["rose", "grass", "sky", "blood"]
    assert shape(collection)["red?"] == ["rose", "blood"]
    assert len(set(collection.doc_ids.to_pylist())) == 4


def test_missing_titles_of_a_frame() -> None:
    frame = pd.DataFrame({"text": ["rose", "grass"], "title": ["T", None]})
    assert read_pairs(COLUMNS, frame).document_texts()[:2] == ["T rose", "grass"]


def test_ids_of_new_documents_do_not_clash() -> None:
    collection = read_pairs([("red?", "rose")], {"d1": "grass"})
    assert len(set(collection.doc_ids.to_pylist())) == 2


def test_named_columns() -> None:
    table = pa.table({"q": QUERIES, "other": ["x"] * 3, "p": POSITIVES})
    assert shape(read_pairs(table, query_column="q", positive_column="p"))["blue?"] == ["sky"]
    with pytest.raises(CollectionError, match=r"'q', 'other', 'p'.*query_column="):
        read_pairs(table)
    with pytest.raises(CollectionError, match=r"query_column is 'x'; the columns there are: 'q', 'other', 'p'"):
        read_pairs(table, query_column="x")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "no positives"),
        ([("red?", None)], r"pairs\[0\]: the positive is None"),
        ([("red?", "rose"), ("", "sky")], r"pairs\[1\]: the query is empty"),
        ([("red?", ["rose", 3])], r"3 \(int\)"),
        ([("only one",)], r"pairs\[0\]"),
        ({("red?", "rose")}, "is a set, whose order changes"),
        ({"questions": ["a?", "b?"], "answers": ["a", "b"]}, "may hold two columns or two queries"),
        ({"query": ["a?", "b?"], "positive": ["a"]}, "different lengths"),
        (pd.DataFrame({"query": ["a?", "b?"], "positive": ["a", 3]}), r"pairs\[1\]: the positive is 3"),
        ({"query": ["a?"], "positive": [None]}, r"pairs\[0\]: the positive is None"),
        (DatasetDict({"train": Dataset.from_dict(COLUMNS)}), r"pass one of them: pairs\['train'\]"),
        (pa.table([["a"], ["b"]], names=["query", "query"]), "several columns are called 'query'"),
        ("a string", "pairs is a str"),
        (5, "pairs is a int"),
    ],
)
def test_what_is_no_pair(pairs: Any, message: str) -> None:
    with pytest.raises(CollectionError, match=message):
        read_pairs(pairs)


def test_what_is_no_corpus() -> None:
    with pytest.raises(BadRowError, match=r"corpus\[1\].*None"):
        read_pairs(COLUMNS, ["rose", None])
    with pytest.raises(CollectionError, match="corpus is a str"):
        read_pairs(COLUMNS, "rose")


def test_written_and_read_again(tmp_path: Path, beir: Path) -> None:
    for number, collection in enumerate((read_pairs(COLUMNS, {"a/b": "x\ty\n", "7": "z"}), read_beir(beir))):
        write_beir_parquet(collection, tmp_path / f"copy{number}")
        assert read_beir(tmp_path / f"copy{number}").fingerprint == collection.fingerprint


def test_texts_of_pairs_find_documents_with_titles() -> None:
    corpus = [{"id": "1", "title": "T", "text": "a"}, {"id": "2", "title": "", "text": "b"}]
    collection = read_pairs([("q", "a"), ("q", "b")], corpus)
    assert collection.doc_ids.to_pylist() == ["1", "2"]
    assert collection.positives.of(0).tolist() == [0, 1]


def test_lists_under_a_misspelt_name_are_a_column() -> None:
    pairs = {"query": ["a?", "b?"], "positve": ["a", "b"], "negative": ["c", "d"]}
    collection = read_pairs(pairs)
    assert shape(collection) == {"a?": ["a"], "b?": ["b"]}
    assert collection.has_given_negatives
    with pytest.raises(CollectionError, match=r"cannot tell which of the columns 'query', 'positve', 'x'"):
        read_pairs({"query": ["a?", "b?"], "positve": ["a", "b"], "x": ["c", "d"]})


def test_ids_are_never_texts() -> None:
    assert shape(read_pairs([{"id": "7", "left": "a?", "right": "a"}])) == {"a?": ["a"]}
    with pytest.raises(CollectionError, match="cannot tell which of the columns 'id', 'query'"):
        read_pairs([{"id": "7", "query": "a?"}])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([{0: "q", 1: "p"}], r"pairs\[0\]: a field is called 0 \(int\); a name is a string"),
        ([{"query": "q", "docs": ["a", "b"], "label": [np.array([1, 0]), 1]}], r"pairs\[0\]: the label is array"),
        ([("q", {"a", "b"})], r"pairs\[0\]: the positive: a set has no stable order; give a sorted list"),
        ([{"query": "q", "docs": ["a"], "label": {1}}], r"pairs\[0\]: the label: a set has no"),
        ([{"query": "q", "positive": "a", "answers": {"x"}}], r"pairs\[0\]: the answers of the query: a set has no"),
        (
            [{"query": "q", "positive": "a"}, ("q", "b", 0)],
            r'pairs\[1\]: no field "positive", which is the positive in',
        ),
        (
            [{"query": "q", "text": "a"}, {"query": "q", "text": "b", "label": 0}],
            r"pairs\[1\]: the first record has no",
        ),
    ],
)
def test_values_that_cannot_be_taken(pairs: Any, message: str) -> None:
    with pytest.raises(BadRowError, match=message):
        read_pairs(pairs)


def test_negatives_may_be_missing_from_some_records() -> None:
    pairs = [{"query": "q", "positive": "a"}, {"query": "q", "positive": "b", "negative": "c"}]
    for records in (pairs, pairs[::-1]):
        collection = read_pairs(records)
        assert collection.given_negatives is not None
        assert collection.document_texts(collection.given_negatives.of(0)) == ["c"]
