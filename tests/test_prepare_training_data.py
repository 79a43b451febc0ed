"""Raw data to ColBERT's files. What RAGatouille's own tests check of its prepare_training_data is checked here, too."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import read_jsonl_rows, real_collection, write_jsonl
from foolsgold import mine_hard_negatives, prepare_training_data
from foolsgold.collection import fold
from foolsgold.errors import CollectionError, FoolsgoldError, SettingsError
from foolsgold.training_data.triples import combinations

NAMES = ["corpus.train.colbert.tsv", "queries.train.colbert.tsv", "triples.train.colbert.jsonl"]
N_WAY = "nway.train.colbert.jsonl"


class Letters:
    """Counts the letters a to z of a text, so that texts are the nearer the more letters they share."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def encode_queries(self, texts: Any) -> Any:
        self.calls.append(("queries", len(texts)))
        return self._counts(texts)

    def encode_documents(self, texts: Any) -> Any:
        self.calls.append(("documents", len(texts)))
        return self._counts(texts)

    @staticmethod
    def _counts(texts: Any) -> Any:
        return np.array([[0.1 + text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], np.float32)


class Loaded(NamedTuple):
    """The files of a folder as texts: triples as (query, positive, negative)."""

    queries: list[str]
    passages: list[str]
    triples: list[tuple[str, str, str]]


def colbert_load_queries(path: Path) -> dict[int, str]:
    """The line parsing of ColBERT's `load_queries` (colbert/evaluation/loaders.py), restated."""
    queries: dict[int, str] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            qid, query, *_ = line.strip().split("\t")
            assert int(qid) not in queries
            queries[int(qid)] = query
    return queries


def colbert_load_collection(path: Path) -> list[str]:
    """The line parsing of ColBERT's `load_collection` (colbert/evaluation/loaders.py), restated."""
    collection = []
    with open(path, encoding="utf-8") as file:
        for line_idx, line in enumerate(file):
            pid, passage, *rest = line.strip("\n\r ").split("\t")
            assert pid == "id" or int(pid) == line_idx
            collection.append(f"{rest[0]} | {passage}" if rest else passage)
    return collection


def load(folder: str | Path) -> Loaded:
    """As ColBERT's trainer reads them."""
    corpus, queries, triples = (Path(folder) / name for name in NAMES)
    by_qid, passages = colbert_load_queries(queries), colbert_load_collection(corpus)
    rows = read_jsonl_rows(triples)
    return Loaded(list(by_qid.values()), passages, [(by_qid[q], passages[p], passages[n]) for q, p, n in rows])


def prepared(raw_data: Any, *arguments: Any, **options: Any) -> Loaded:
    with TemporaryDirectory() as folder:
        options = {"model": Letters(), "quiet": True, **options}
        return load(prepare_training_data(raw_data, *arguments, data_out_path=folder, **options))


def random(raw_data: Any, *arguments: Any, **options: Any) -> Loaded:
    return prepared(raw_data, *arguments, mine_hard_negatives=False, **options)


def refused(raw_data: Any, *arguments: Any, **options: Any) -> str:
    """What is said; nothing may be written."""
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "data"
        with pytest.raises(FoolsgoldError) as caught:
            prepare_training_data(
                raw_data, *arguments, data_out_path=folder, **{"model": Letters(), "quiet": True, **options}
            )
        assert not folder.exists()
        return str(caught.value)


PAIRS = [("aa", "aab"), ("bb", "bbc"), ("cc", "ccd"), ("aa", "aac")]


@pytest.mark.parametrize(
    ("raw_data", "with_labels", "queries", "passages"),
    [
        ([("Query1", "Document1"), ("Query2", "Document2")], False, ["Query1", "Query2"], ["Document1", "Document2"]),
        (
            [("Query1", "Document1Pos", 1), ("Query1", "Document1Neg", 0), ("Query2", "Document2", 0)],
            True, ["Query1", "Query2"], ["Document1Pos", "Document1Neg", "Document2"],
        ),
        ([("Query1", "Positive Doc", "Negative Doc")], False, ["Query1"], ["Positive Doc", "Negative Doc"]),
    ],
)  # fmt: skip
def test_as_ragatouille_tests_it(
    raw_data: Any, with_labels: bool, queries: Any, passages: Any, static_encoder: Any
) -> None:
    found = prepared(raw_data, pairs_with_labels=with_labels, model=static_encoder)
    assert found.queries == queries
    assert found.passages == passages
    assert found.triples


def test_as_ragatouille_tests_it_with_all_documents(static_encoder: Any) -> None:
    found = prepared([("Query1", "Document1")], ["Document2", "Document3"], model=static_encoder)
    assert found.queries == ["Query1"]
    assert found.passages == ["Document2", "Document3", "Document1"]
    with pytest.raises(ValueError):
        prepare_training_data(raw_data=[("Query1")])  # a text, as there: no document


def test_files_by_eye(tmp_path: Path) -> None:
    raw_data = [("aa", "aab", "abb"), ("b\tb", "b\r\nb", ["bba", "bbc"]), ("aa", "aab", "cab")]
    out = f"{tmp_path}/new/data/"
    assert prepare_training_data(raw_data, data_out_path=out, num_new_negatives=0, quiet=True) == out
    assert sorted(path.name for path in Path(out).iterdir()) == NAMES
    corpus, queries, triples = (Path(out, name).read_bytes().decode() for name in NAMES)
    assert corpus == "0\taab\n1\tabb\n2\tb  b\n3\tbba\n4\tbbc\n5\tcab\n"
    assert queries == "0\taa\n1\tb b\n"
    assert sorted(triples.splitlines()) == ["[0, 0, 1]", "[0, 0, 5]", "[1, 2, 3]", "[1, 2, 4]"]


def test_new_negatives_come_from_the_window_of_ranks() -> None:
    """`a` x 40 is the nearest to the query, `a` x 39 + `b` the next, and so on: ranks are seen by eye."""
    documents = ["a" * (40 - n) + "b" * n for n in range(40)]
    found = prepared([("aaa", documents[0])], documents)
    ranks = sorted(documents.index(negative) for _, _, negative in found.triples)
    assert len(ranks) == 10 and ranks == list(range(10, 20))
    found = prepared([("aaa", documents[0])], documents, hard_negative_minimum_rank=0, num_new_negatives=19)
    assert {negative for *_, negative in found.triples} == set(documents[1:20])
    two = [prepared([("aaa", documents[0])], documents, num_new_negatives=2, seed=seed).triples for seed in (1, 2)]
    assert len(two[0]) == len(two[1]) == 2 and sorted(two[0]) != sorted(two[1])


def test_all_queries_are_mined_at_once() -> None:
    encoder = Letters()
    prepared([(f"query {chr(97 + n)}", f"passage {chr(97 + n)}") for n in range(20)], model=encoder)
    assert encoder.calls == [("documents", 20), ("queries", 20)]


def test_three_forms_say_the_same() -> None:
    as_triplets = random([("q1", ["p1", "p2"], "n1"), ("q2", "p3", ["n2", {"content": "n3"}])], num_new_negatives=0)
    labelled = [
        ("q1", "p1", 1),
        ("q1", {"content": "p2"}, 1),
        ("q1", "n1", 0),
        ("q2", "p3", 1),
        ("q2", ["n2", "n3"], 0),
    ]
    as_labelled = random(labelled, num_new_negatives=0, pairs_with_labels=True)
    assert sorted(as_triplets.triples) == sorted(as_labelled.triples)
    assert sorted(as_triplets.triples) == [
        ("q1", "p1", "n1"),
        ("q1", "p2", "n1"),
        ("q2", "p3", "n2"),
        ("q2", "p3", "n3"),
    ]
    words = [("q1", "p1", "yes"), ("q1", "n1", "no")]
    assert random(
        words, num_new_negatives=0, pairs_with_labels=True, positive_label="yes", negative_label="no"
    ).triples == [("q1", "p1", "n1")]


@pytest.mark.parametrize("kind", ["dicts", "frame", "jsonl", "parquet", "csv"])
def test_rows_with_names(kind: str, tmp_path: Path) -> None:
    rows = [{"query": "q1", "passage": "p1", "label": 1}, {"query": "q1", "passage": "n1", "label": 0}]
    given: Any = rows
    if kind == "frame":
        given = pd.DataFrame(rows)
    elif kind == "jsonl":
        given = write_jsonl(tmp_path / "raw.jsonl", rows)
    elif kind != "dicts":
        given = str(tmp_path / f"raw.{kind}")
        write = pd.DataFrame(rows).to_parquet if kind == "parquet" else pd.DataFrame(rows).to_csv
        write(given, index=False)
    assert random(given, num_new_negatives=0).triples == [("q1", "p1", "n1")]
    n_tuples = [{"anchor": "q1", "positive": "p1", "negative_1": "n1", "negative_2": "n2"}]
    assert sorted(random(n_tuples, num_new_negatives=0).triples) == [("q1", "p1", "n1"), ("q1", "p1", "n2")]


@pytest.mark.parametrize("label", ["label", "labels"])
def test_labels_by_either_name_one_a_row_or_one_a_passage(label: str) -> None:
    expected = [("q1", "p1", "n1"), ("q1", "p1", "n2")]
    one_a_row = [
        {"query": "q1", "passage": "p1", label: 1},
        {"query": "q1", "passage": "n1", label: 0},
        {"query": "q1", "passage": "n2", label: 0},
    ]
    assert sorted(random(one_a_row, num_new_negatives=0).triples) == expected
    for column in ("answer", "docs"):
        row = {"query": "q1", column: ["n1", "p1", "n2"], label: [0, 1, 0]}
        assert sorted(random([row], num_new_negatives=0).triples) == expected
        assert sorted(random(pd.DataFrame([row]), num_new_negatives=0).triples) == expected
    by_place = [("q1", ["n1", "p1", "n2"], [0, 1, 0])]
    assert sorted(random(by_place, num_new_negatives=0, pairs_with_labels=True).triples) == expected


@pytest.mark.parametrize("output_format", ["labeled-pair", "labeled-list"])
def test_what_the_drop_in_gives(output_format: str, static_model: Any) -> None:
    pairs = Dataset.from_dict({"query": ["red rose", "blue sky"], "answer": ["a red flower", "the sky is blue"]})
    options: Any = {"output_format": output_format, "num_negatives": 1, "verbose": False}
    labelled = mine_hard_negatives(pairs, static_model, **options)
    assert sorted(random(labelled, num_new_negatives=0).triples) == [
        ("blue sky", "the sky is blue", "a red flower"),
        ("red rose", "a red flower", "the sky is blue"),
    ]
    assert "neither a label nor a negative" in refused(
        mine_hard_negatives(pairs, static_model, output_scores=True, **options)
    )


@pytest.mark.parametrize("names", ["hard_negative", "negative1 negative2", "Negative", "neg_2 neg_10", "hard_negs"])
def test_given_negatives_by_any_usual_name(names: str) -> None:
    columns = names.split()
    row = {"query": "q1", "positive": "p1", **{name: f"n{n}" for n, name in enumerate(columns)}}
    found = random([dict(reversed(row.items()))], num_new_negatives=0)
    assert found.passages == ["p1", *(f"n{n}" for n in range(len(columns)))]  # by their numbers
    assert sorted(found.triples) == [("q1", "p1", f"n{n}") for n in range(len(columns))]


def test_rows_may_have_different_numbers_of_negatives() -> None:
    rows = [
        {"query": "q1", "positive": "p1", "negative_1": "n1", "negative_2": None},
        {"query": "q2", "positive": "p2", "negative_1": "n2", "negative_2": ["n3", "n4"]},
    ]
    expected = [("q1", "p1", "n1"), ("q2", "p2", "n2"), ("q2", "p2", "n3"), ("q2", "p2", "n4")]
    for given_rows in (rows, pd.DataFrame(rows)):
        assert sorted(random(given_rows, num_new_negatives=0).triples) == expected


def test_a_negative_that_reads_like_a_label_may_stand_in_a_list() -> None:
    assert random([("q1", "2", ["0"])], num_new_negatives=0).triples == [("q1", "2", "0")]


def test_what_says_the_same_as_a_positive_is_no_negative() -> None:
    documents = ["The  ANSWER", "the query", "another one", "Another One", "given"]
    raw_data = [("The Query", "the answer", "given"), ("the  query", "ANOTHER one", "given")]
    found = random(raw_data, documents)
    assert {negative for *_, negative in found.triples} == {"given"}
    found = random(raw_data, [*documents, "new", "NEW"])
    assert {fold(negative) for *_, negative in found.triples} == {"given", "new"}
    assert len(found.triples) == 4  # one of the two that say `new` for each query


def test_a_document_with_a_title_is_its_text_as_well(tmp_path: Path) -> None:
    documents = write_jsonl(
        tmp_path / "corpus.jsonl", [{"title": "On", "text": "the answer"}, {"title": "new", "text": ""}]
    )
    found = random([("q", "the answer"), ("q2", "on the answer")], str(documents))
    assert found.passages == ["On the answer", "new", "the answer", "on the answer"]
    assert sorted(found.triples) == [("q", "the answer", "new"), ("q2", "on the answer", "new")]


def test_what_is_given_both_ways_is_a_positive(caplog: pytest.LogCaptureFixture) -> None:
    raw_data = [("q", "p", 1), ("q", "P ", 0), ("q", "n", 0), ("Q", "n", 1), ("Q", "m", 0)]
    with caplog.at_level(logging.WARNING, logger="foolsgold"):
        found = random(raw_data, pairs_with_labels=True, num_new_negatives=0)
    assert found.triples == [("Q", "n", "m")]  # `q` asks the same, so n answers it, too
    assert "2 given negatives left out" in caplog.text


def test_texts_that_become_equal_share_a_number() -> None:
    found = random([("a\tb", "p\nq"), ("a b", "r"), ("a b", "p q")], ["p\rq", "new"])
    assert found.queries == ["a b"]
    assert found.passages == ["p q", "new", "r"]
    assert sorted(found.triples) == [("a b", "p q", "new"), ("a b", "r", "new")]


def test_random_negatives_differ_from_query_to_query() -> None:
    raw_data = [(f"query {n}", f"positive {n}") for n in range(30)]
    drawn: dict[str, frozenset[str]] = {}
    for query, _, negative in random(raw_data, [f"document {n}" for n in range(300)], num_new_negatives=5).triples:
        drawn[query] = drawn.get(query, frozenset()) | {negative}
    assert {len(negatives) for negatives in drawn.values()} == {5}
    assert len(set(drawn.values())) == 30


def test_the_draws_of_a_query_are_its_own() -> None:
    documents = [f"document {n}" for n in range(100)]
    alone = random([("q1", "document 1")], documents).triples
    among = random([("q0", "document 7"), ("q1", "document 1"), ("q2", "document 9")], documents).triples
    assert sorted(alone) == sorted(row for row in among if row[0] == "q1")


def test_a_query_without_new_negatives_is_reported_and_gets_no_random_ones(caplog: pytest.LogCaptureFixture) -> None:
    """Of four passages the window has ranks 2 and 3: for `aa` these are its positives, the farthest of all."""
    raw_data = [("aa", ["bbb", "ccc"]), ("bb", "bbb")]
    with caplog.at_level(logging.WARNING, logger="foolsgold"):
        found = prepared(raw_data, ["aaa", "aaaa"])
    assert {query for query, *_ in found.triples} == {"bb"}
    assert "1 query without new negatives" in caplog.text
    assert "mine_hard_negatives=False" in caplog.text and "--no-mine-hard-negatives" in caplog.text


def test_no_triples_at_all_is_an_error() -> None:
    assert "1 query without new negatives: all passages in the window" in refused([("aa", "aab")])
    assert "no triples: no query has both a positive and a negative" in refused([("aa", "aab")], num_new_negatives=0)
    assert "all passages are positives" in refused([("aa", "aab")], mine_hard_negatives=False)
    assert "no label is 1" in refused([("q", "p", 0)], pairs_with_labels=True)


BAD = [
    ([], {}, "raw_data is empty. Give at least one pair"),
    (None, {}, "raw_data is a NoneType; it takes a list of pairs"),
    ({"q": "p"}, {}, "raw_data is a dict; it takes a list of pairs"),
    ([("q",)], {}, "raw_data[0] is ('q',); it takes a pair"),
    (["qp"], {}, "raw_data[0] is 'qp'; it takes a pair"),
    ([("q", "p", "n", "n")], {}, "raw_data[0] is ('q', 'p', 'n', 'n'); it takes a pair"),
    ([("q", "p"), ("q", "p", "n")], {}, "raw_data[1] is a triplet (query, positive, negative), but raw_data[0]"),
    ([("q", "p"), (5, "p")], {}, "raw_data[1]: the query is 5 (int); it takes a string."),
    ([("q", "p"), ("", "p")], {}, "raw_data[1]: the query is empty."),
    ([("\0\t", "p")], {}, "raw_data[0]: the query is empty."),
    ([("q", " ")], {}, "raw_data[0]: the positive is empty."),
    ([("q", [])], {}, "raw_data[0]: the positive is an empty list"),
    ([("q", ["p", None])], {}, "raw_data[0]: the positive[1] is None (NoneType); it takes a string."),
    ([("q", {"text": "p"})], {}, 'raw_data[0]: the positive is a dict without "content"'),
    ([("q", {"p"})], {}, "raw_data[0]: the positive is a set, whose order changes"),
    ([("q", "p", 1)], {}, "raw_data[0]: the negative is 1 (int)"),
    ([("q", "p\ud800")], {}, "raw_data[0]: the positive is not valid Unicode"),
    ([{"q": "q", "positive": "p"}], {}, 'raw_data[0]: a row needs a field "query" (or anchor, question); the fields'),
    ([{"query": "q", "answers": "p"}], {}, 'raw_data[0]: a row needs a field "positive"'),
    ([{"query": "q", "text": "p", "neg": "n", "label": 1}], {}, 'raw_data[0] has both "label" and "neg"'),
    ([("q", "p")], {"pairs_with_labels": True}, "raw_data[0] is a pair (query, positive); with pairs_with_labels"),
    ([("q", "p", 2)], {"pairs_with_labels": True}, "raw_data[0]: the label is 2 (int); it takes 1 for a positive or 0"),
    ([("q", "p", None)], {"pairs_with_labels": True}, "raw_data[0]: the label is None (NoneType)"),
    ([("q", "p", "1")], {"pairs_with_labels": True}, "raw_data[0]: the label is '1' (str); it takes 1"),
    ([("q", "p", 1), ("q", "n", False)], {"pairs_with_labels": True}, "raw_data[1]: the label is False (bool), but"),
    ([("q", "p", [1])], {"pairs_with_labels": True}, "raw_data[0]: the label is [1] (list)"),
    ([{"query": "q", "answer": ["p", "n"], "labels": [1]}], {}, 'raw_data[0]: the label ("labels") is [1] (list) of 2'),
    ([{"query": "q", "answer": "p", "labels": [1]}], {}, 'raw_data[0]: the label ("labels") is [1] (list) of 1'),
    ([{"query": "q", "answer": ["p"], "labels": {1}}], {}, 'raw_data[0]: the label ("labels") is {1} (set)'),
    ([{"query": "q", "text": "p", "neg": "n", "labels": 1}], {}, 'raw_data[0] has both "labels" and "neg"'),
    ([{"query": "q", "answer": "p", "score": 0.9}], {}, 'raw_data[0] has "score", but neither a label nor a negative'),
    ([{"query": "q", "answer": ["p"], "scores": [1]}], {}, 'raw_data[0] has "scores", but neither'),
    ([("q", "p", "yes")], {"positive_label": "yes"}, "raw_data[0]: the negative is 'yes' (str); it takes a text or a"),
    ([("q", "p", "0")], {}, "If it is a label, pass pairs_with_labels=True (--pairs-with-labels), and if it is a text"),
    ([("q", "p")], {"all_documents": ["d", 7]}, "all_documents[1] is 7 (int); it takes a string."),
    ([("q", "p")], {"all_documents": ["d", ""]}, "all_documents[1] is empty."),
    ([("q", "p")], {"all_documents": [{"body": "d"}]}, 'all_documents[0]: a document needs a field "content"'),
    ([("q", "p")], {"all_documents": {"d"}}, "all_documents is a set, whose order changes"),
    ([("q", "p")], {"num_new_negatives": -1}, "num_new_negatives is -1; it takes a whole number of at least 0."),
    ([("q", "p")], {"hard_negative_minimum_rank": 1.5}, "hard_negative_minimum_rank is 1.5"),
    ([("q", "p")], {"max_triples_per_query": 0}, "max_triples_per_query is 0; it takes a whole number of at least 1."),
    ([("q", "p")], {"hard_negative_model_size": "tiny"}, "hard_negative_model_size is 'tiny'; it takes one of 'small'"),
    ([("q", "p")], {"mine_hard_negatives": "no"}, "mine_hard_negatives is 'no'; it takes True or False."),
    ([("q", "p")], {"positive_label": 0}, "positive_label and negative_label are both 0; they must differ."),
    ([("q", "p")], {"negative_label": None}, "negative_label is None; it takes a number or a string."),
    ("gone.jsonl", {}, "raw_data: gone.jsonl does not exist."),
    ([("q", "p")], {"model": 5}, "encoder is a int; it takes a hub id"),
]  # fmt: skip


@pytest.mark.parametrize(("raw_data", "options", "message"), BAD)
def test_bad_input_names_the_place_and_writes_nothing(raw_data: Any, options: Any, message: str) -> None:
    assert message in refused(raw_data, **{"all_documents": None, **options})


def test_a_bad_line_is_named_with_its_file(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "raw.jsonl", [{"query": "q", "positive": "p"}, {"query": 5, "positive": "p"}])
    assert f"{path}:2: the query is 5 (int); it takes a string." in refused(path)
    path.write_text('{"query": "q", "positive": "p"}\n{"query"\n', "utf-8")
    assert f"{path}:2: malformed JSON" in refused(path)
    path.write_text("", "utf-8")
    assert f"{path} is empty" in refused(path)


def test_other_things_in_the_folder_stay_and_an_older_n_way_file_goes(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for name in [*NAMES, N_WAY]:
        (tmp_path / name).write_text("old")
    options: dict[str, Any] = {"data_out_path": tmp_path, "mine_hard_negatives": False, "quiet": True}
    with pytest.raises(CollectionError):
        prepare_training_data([("q", "")], **options)
    assert (tmp_path / NAMES[0]).read_text() == (tmp_path / N_WAY).read_text() == "old"
    prepare_training_data(PAIRS, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*NAMES, "notes.txt"])
    assert load(tmp_path).queries == ["aa", "bb", "cc"]
    with pytest.raises(SettingsError, match=r"data_out_path: .*notes.txt is a file"):
        prepare_training_data(PAIRS, **{**options, "data_out_path": tmp_path / "notes.txt"})


SCORES = [("q1", "p1", 9.5), ("q1", "p2", 8), ("q1", "n1", -1.5), ("q2", "p3", 7.0), ("q2", "n2", 0), ("q9", "p1", 1)]
SCORED = [("q1", ["p1", "p2"], ["n1"]), ("q2", "p3", ["n2"])]


def test_scores_make_the_n_way_form(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, Any] = {"data_out_path": tmp_path, "num_new_negatives": 0, "quiet": True}
    prepare_training_data(SCORED, scores=SCORES, **options)
    lines = (tmp_path / N_WAY).read_text().splitlines()
    assert sorted(lines) == ["[0, [0, 9.5], [2, -1.5]]", "[0, [1, 8.0], [2, -1.5]]", "[1, [3, 7.0], [4, 0.0]]"]
    assert len(load(tmp_path).triples) == 3
    path = tmp_path / "scores.csv"
    pd.DataFrame(SCORES, columns=["query", "passage", "score"]).to_csv(path, index=False)
    prepare_training_data(SCORED, scores=str(path), **options)
    assert (tmp_path / N_WAY).read_text().splitlines() == lines
    with caplog.at_level(logging.WARNING, logger="foolsgold"):
        prepare_training_data(SCORED, scores=SCORES[1:], **options)
    assert "1 row of the n-way form left out" in caplog.text and "'q1', passage 'p1'" in caplog.text
    assert sorted((tmp_path / N_WAY).read_text().splitlines()) == sorted(lines)[1:]


def test_scores_of_the_pairs_in_the_triples_are_enough(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw_data = [("q1", [f"p{n}" for n in range(7)], "n1"), ("q2", "p8", [f"n{n}" for n in range(9)])]
    options: dict[str, Any] = {"data_out_path": tmp_path, "max_triples_per_query": 5, "num_new_negatives": 3}
    options |= {"mine_hard_negatives": False, "quiet": True}
    triples = load(prepare_training_data(raw_data, **options)).triples
    scores = sorted({(query, text, float(len(text))) for query, *pair in triples for text in pair})
    with caplog.at_level(logging.WARNING, logger="foolsgold"):
        assert load(prepare_training_data(raw_data, scores=scores, **options)).triples == triples
    assert not caplog.text
    rows = read_jsonl_rows(tmp_path / N_WAY)
    assert sorted((qid, len(passages)) for qid, *passages in rows) == [(0, 5)] * 5 + [(1, 6)]


def test_at_the_limit_given_negatives_come_before_new_ones() -> None:
    documents = [f"document {n}" for n in range(50)]
    found = random([("q", "p", ["n1", "n2", "n3"])], documents, max_triples_per_query=4)
    assert {"n1", "n2", "n3"} < {negative for *_, negative in found.triples}
    assert len(found.triples) == 4


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([("q1", "p1", float("nan"))], "scores[0]: the score is nan; it takes a finite number."),
        ([("q1", "p1", "high")], "scores[0]: the score is 'high'; it takes a finite number."),
        ([("q1", "p1")], "scores[0] is ('q1', 'p1'); it takes (query, passage, score)"),
        ([("q1", ["p1", "p2"], 1)], "scores[0]: a score for 2 passages; it takes one"),
        ([{"query": "q1", "passage": "p1"}], 'scores[0]: a score needs a field "score"; the fields there are'),
        ([("q1", "p1", 1), ("q1", "p1", 2)], "scores[1]: the score is 2.0, but an earlier row gives this pair 1.0."),
        ([("Q1", "p1", 1)], "scores: no row has a query and a passage of the data."),
        ([("q1", "p1", 1)], "scores: no row of the n-way form has a score for each of its passages; the first"),
    ],
)
def test_bad_scores(scores: Any, message: str) -> None:
    assert message in refused(SCORED, scores=scores, num_new_negatives=0)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 200))
def test_combinations_are_all_different_and_even(n_rows: int, n_columns: int, most: int) -> None:
    rows, columns = combinations(n_rows, n_columns, most)
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs) == min(n_rows * n_columns, most)
    if pairs:
        for side, n in ((rows, n_rows), (columns, n_columns)):
            counts = np.bincount(side, minlength=n)
            assert len(counts) == n and counts.max() - counts.min() <= 1


TEXT = st.sampled_from("a A b B ab aB a\tb a\nb A\rb a\u2028B abc abd abe bbb Bbb bbc ccc cca".split(" "))
TRIPLETS = st.lists(
    st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, max_size=4)), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(TRIPLETS, st.lists(TEXT, max_size=12), st.integers(1, 6), st.booleans())
def test_whatever_the_data_triples_are_true_few_and_fair(
    raw_data: Any, documents: list[str], most: int, mine: bool
) -> None:
    try:
        found = prepared(raw_data, documents, max_triples_per_query=most, mine_hard_negatives=mine, num_new_negatives=3)
    except CollectionError as error:
        assert "no triples" in str(error)
        return
    positives: dict[str, set[str]] = {}
    for query, given_positives, _ in raw_data:
        positives.setdefault(fold(query), set()).update(map(fold, given_positives))
    labelled_negatives = {fold(text) for row in raw_data for text in row[2]}
    assert {fold(text) for text in found.passages} == labelled_negatives.union(
        *positives.values(), map(fold, documents)
    )
    assert len(set(found.triples)) == len(found.triples)
    for query, positive, negative in found.triples:
        assert fold(positive) in positives[fold(query)]
        assert fold(negative) not in positives[fold(query)]
        assert fold(negative) in labelled_negatives or fold(negative) != fold(query)
    per_query = Counter(query for query, *_ in found.triples)
    per_positive = Counter(row[:2] for row in found.triples)
    assert max(per_query.values()) <= most
    for query, n in per_query.items():
        counts = [count for (of, _), count in per_positive.items() if of == query]
        assert max(counts) - min(counts) <= 1 and sum(counts) == n


_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
from foolsgold import prepare_training_data
from test_prepare_training_data import Letters
raw_data = [(f"query {n % 7}", [f"positive {n}", f"other {n}"], f"negative {n}") for n in range(20)]
documents = [f"document {n}" for n in range(200)]
for name, mine in (("mined", True), ("random", False)):
    prepare_training_data(
        raw_data, documents, f"{sys.argv[1]}/{name}", mine_hard_negatives=mine, model=Letters(), quiet=True
    )
"""


@pytest.mark.slow
def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    contents = []
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, "-c", _PROGRAM, str(out), str(Path(__file__).parent)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
        contents.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert len(contents[0]) == 6
    assert contents[0] == contents[1]


def test_no_global_random_state_is_touched() -> None:
    import random as python_random

    python_random.seed(5)
    before, numpy_before = python_random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    prepared(PAIRS)
    assert python_random.getstate() == before
    assert np.random.get_state()[1].tolist() == numpy_before  # noqa: NPY002


@pytest.mark.slow
@pytest.mark.parametrize("mine", [True, False])
def test_pairs_made_from_medquad(mine: bool, tmp_path: Path, static_encoder: Any) -> None:
    folder = real_collection("medquad")
    texts = {
        name: {row["_id"]: row["text"] for row in read_jsonl_rows(folder / f"{name}.jsonl")}
        for name in ("corpus", "queries")
    }
    positives: dict[str, set[str]] = {}
    raw_data = []
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query_id, doc_id, score = line.split("\t")
        if int(score) > 0:
            raw_data.append((texts["queries"][query_id], texts["corpus"][doc_id]))
            positives.setdefault(fold(raw_data[-1][0]), set()).add(fold(raw_data[-1][1]))
    prepare_training_data(
        raw_data, list(texts["corpus"].values()), tmp_path, model=static_encoder, mine_hard_negatives=mine, quiet=True
    )
    found = load(tmp_path)  # checks each pid, too
    assert set(map(fold, found.queries)) == set(positives)
    assert set(map(fold, found.passages)) == {fold(text) for text in texts["corpus"].values()}
    folded = {text: fold(text) for text in (*found.queries, *found.passages)}
    for query, positive, negative in found.triples:
        assert folded[positive] in positives[folded[query]]
        assert folded[negative] not in positives[folded[query]]
    per_query = Counter(query for query, *_ in found.triples)
    assert max(per_query.values()) <= 20
    assert np.mean([per_query[query] >= 10 for query in found.queries]) > 0.99
    assert json.loads((tmp_path / NAMES[2]).read_text().splitlines()[0])
