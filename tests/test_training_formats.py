"""Texts and ids of every kind, through every format, read back as its loader reads it: what was chosen comes out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, write_jsonl
from foolsgold import Collection, MiningSettings, PrecomputedVectors, export_negatives, mine, read_beir
from foolsgold.export.formats import FORMATS
from foolsgold.settings import TrainingFormat
from foolsgold.training_formats import TRAINING_FORMATS, training_format_lines

QUERIES = {
    "1": 'who said "hello\tworld"?\n',
    "../q/2.txt": "من كتب هذا الكتاب؟",
    "003": "哪一朵花是红色的？ 🌹",
    "1e5": " leads and ends with a space \r\n",
    "-0.5": "back\\slash, comma; 'quote'\u2028separated",
}
DOCS = {
    "0": ("", "a\ttab, a\nline feed and a\r\ncarriage return"),
    "00": ("Title\twith a tab", ""),
    "0.0": ("", 'only "quotes" "" and \\" escapes \\n'),
    "C:\\docs\\a.txt": ("كتاب", "نص من اليمين إلى اليسار \u200f!"),
    "/etc/hosts": ("", "草莓和🍓，以及👩‍👩‍👧"),
    "http://a.b/?c=d#e": ("Ünïcödé", "e\u0301 is not é; \ufeff is a mark"),
    "NaN": ("", "{\"a\": [1, 2, {'b': null}]}"),
    "null": ("", "line\u2028separator, paragraph\u2029separator, next\x85line, \x0b \x0c \x1c \x1d \x1e \x1f \x7f"),
    "True": ("", "<image> and <b>tags</b> &amp; entities"),
    "1_000": ("", "ends with a space "),
    "٣": ("", "\t\tstarts with tabs"),
    "a,b;c": ("a title", "that\x00holds a NUL"),
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("beir")
    write_jsonl(folder / "corpus.jsonl", [{"_id": n, "title": d[0], "text": d[1]} for n, d in DOCS.items()])
    write_jsonl(folder / "queries.jsonl", [{"_id": n, "text": text} for n, text in QUERIES.items()])
    doc_ids, judged = list(DOCS), []
    for row, query_id in enumerate(QUERIES):
        judged += [{"query-id": query_id, "corpus-id": doc_ids[2 * row + side], "score": 1} for side in (0, 1)]
    write_jsonl(folder / "qrels.jsonl", judged)
    return read_beir(folder)


@pytest.fixture(scope="module")
def run(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = np.random.default_rng(1)
    vectors = PrecomputedVectors(*(generator.standard_normal((n, 8)).astype(np.float32) for n in (5, 12)))
    out = tmp_path_factory.mktemp("run") / "out"
    settings = {**PLAIN, "negatives": 3, "relative_margin": None, "min_rank_without_positive": 0, "out": str(out)}
    mine(collection, vectors, MiningSettings(**settings, quiet=True))
    return out


class Row(NamedTuple):
    """Of a training file: positives and negatives of a query, as ids, as rows, as texts, or as lines of text."""

    query: Any
    positives: list[Any]
    negatives: list[Any]
    scores: list[float] | None = None


def by_query(rows: Iterable[Row]) -> dict[Any, tuple[set[Any], set[Any]]]:
    found: dict[Any, tuple[set[Any], set[Any]]] = defaultdict(lambda: (set(), set()))
    for row in rows:
        found[row.query][0].update(row.positives)
        found[row.query][1].update(row.negatives)
    return dict(found)


def lines(path: Path) -> list[str]:
    """As Python reads a text file, line by line."""
    with path.open(encoding="utf-8") as file:
        return [line.removesuffix("\n") for line in file]


def jsonl(path: Path) -> list[Any]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return [json.loads(line, parse_constant=refuse) for line in path.read_bytes().decode("utf-8").split("\n")[:-1]]


def triplets(path: Path) -> Iterable[Row]:
    return [Row(row["anchor"], [row["positive"]], [row["negative"]]) for row in jsonl(path)]


def n_tuples(path: Path) -> Iterable[Row]:
    """Also PyLate's; by position, as both read them."""
    for row in jsonl(path):
        query, positive, *negatives = row.values()
        yield Row(query, [positive], negatives)


def labeled_pairs(path: Path) -> Iterable[Row]:
    for row in jsonl(path):
        documents = [row["text"]]
        yield Row(row["anchor"], documents if row["label"] else [], [] if row["label"] else documents)


def labeled_lists(path: Path) -> Iterable[Row]:
    for row in jsonl(path):
        labelled = list(zip(row["docs"], row["labels"], strict=True))
        yield Row(
            row["query"], [doc for doc, label in labelled if label], [doc for doc, label in labelled if not label]
        )


def pos_neg(path: Path) -> Iterable[Row]:
    return [Row(*row.values()) for row in jsonl(path)]


def tevatron(path: Path) -> Iterable[Row]:
    for row in jsonl(path):
        sides = (row["positive_passages"], row["negative_passages"])
        for passage in (*sides[0], *sides[1]):
            assert (passage["title"], passage["text"]) == DOCS[passage["docid"]]
        assert row["query"] == QUERIES[row["query_id"]]
        yield Row(row["query_id"], *([passage["docid"] for passage in side] for side in sides))


def tevatron_ids(path: Path) -> Iterable[Row]:
    corpus = {row["docid"]: row["text"] for row in jsonl(path / "corpus.jsonl")}
    assert corpus == TEXTS
    for row in jsonl(path / "train.jsonl"):
        assert row["query_text"] == QUERIES[row["query_id"]]
        yield Row(row["query_id"], row["positive_document_ids"], row["negative_document_ids"])


def colbert_texts(path: Path, expected: Iterable[str]) -> None:
    """As `load_collection` reads it."""
    for number, (line, text) in enumerate(zip(lines(path), expected, strict=True)):
        pid, passage = line.strip("\n\r ").split("\t")
        assert (int(pid), passage) == (number, in_one_line(text).rstrip(" "))


def colbert(path: Path) -> Iterable[Row]:
    colbert_texts(path / "collection.tsv", TEXTS.values())
    colbert_texts(path / "queries.tsv", QUERIES.values())
    for line in lines(path / "triples.jsonl"):
        query, positive, negative = json.loads(line)
        yield Row(query, [positive], [negative])


def colbert_nway(path: Path) -> Iterable[Row]:
    colbert_texts(path / "collection.tsv", TEXTS.values())
    colbert_texts(path / "queries.tsv", QUERIES.values())
    for line in lines(path / "nway.jsonl"):
        query, *scored = json.loads(line)
        (positive, *negatives), scores = zip(*scored, strict=True)
        yield Row(query, [positive], negatives, scores)


def pylate_distillation(path: Path) -> Iterable[Row]:
    """As its documentation loads a dataset of the hub."""
    from datasets import load_dataset

    def loaded(name: str) -> Any:
        return load_dataset(str(path), name, split="train", cache_dir=str(path.parent / "cache"))

    assert {row["query_id"]: row["text"] for row in loaded("queries")} == QUERIES
    assert {row["document_id"]: row["text"] for row in loaded("documents")} == TEXTS
    for row in loaded("train"):
        positive, *negatives = row["document_ids"]
        yield Row(row["query_id"], [positive], negatives, row["scores"])


def nemo(path: Path) -> Iterable[Row]:
    """As its loader does: the corpus by its path relative to the document, whatever else lies in its folder."""
    from datasets import load_dataset

    content = json.loads((path / "train.json").read_text("utf-8"))
    (corpus,) = content["corpus"]
    metadata = json.loads((path / corpus["path"] / "merlin_metadata.json").read_text("utf-8"))
    loaded: Any = load_dataset(str(path / corpus["path"]), cache_dir=str(path.parent / "cache"))
    assert metadata["class"] == "TextQADataset"
    assert {row["id"]: row["text"] for row in loaded["train"]} == TEXTS
    for row in content["data"]:
        assert row["corpus_id"] == metadata["corpus_id"]
        assert row["question"] == QUERIES[row["question_id"]]
        yield Row(row["question_id"], *([doc["id"] for doc in row[side]] for side in ("pos_doc", "neg_doc")))


def dpr(path: Path) -> Iterable[Row]:
    for row in json.loads(path.read_text("utf-8")):
        assert (row["answers"], row["negative_ctxs"]) == ([], [])
        sides = (row["positive_ctxs"], row["hard_negative_ctxs"])
        for passage in (*sides[0], *sides[1]):
            assert (passage["title"], passage["text"]) == DOCS[passage["passage_id"]]
        yield Row(row["question"], *([TEXTS[passage["passage_id"]] for passage in side] for side in sides))


def ms_swift(path: Path) -> Iterable[Row]:
    for row in jsonl(path):
        sides = [[message["content"] for (message,) in row[f"{side}_messages"]] for side in ("positive", "negative")]
        assert len(sides[0]) == 1
        yield Row(row["messages"][0]["content"], *sides)


def hits(path: Path) -> Iterable[Row]:
    for row in jsonl(path):
        (positive, *negatives), labels = zip(*((hit["content"], hit["label"]) for hit in row["hits"]), strict=True)
        assert labels == (1, *[0] * len(negatives))
        yield Row(row["query"], [positive], negatives)


def tsv_triples(path: Path) -> Iterable[Row]:
    for line in lines(path):
        query, positive, negative = line.split("\t")
        yield Row(query, [positive], [negative])


def hard_negatives(path: Path) -> Iterable[Row]:
    return [Row(row["qid"], row["pos"], row["neg"]["dense"]) for row in jsonl(path)]


def trec(path: Path) -> Iterable[Row]:
    labels = {tuple(line.split()[::2]): int(line.split()[3]) for line in lines(path / "qrels.trec")}
    ranks: dict[str, int] = defaultdict(int)
    for line in lines(path / "run.trec"):
        query, _, document, rank, score, _ = line.split()
        ranks[query] += 1
        assert int(rank) == ranks[query]
        label = labels[query, document]
        yield Row(query, [document] if label else [], [] if label else [document], [float(score)])


def beir(path: Path) -> Iterable[Row]:
    again = read_beir(path)
    assert dict(zip(again.doc_ids.to_pylist(), again.texts, strict=True)) == TEXTS
    assert dict(zip(again.query_ids.to_pylist(), again.query_texts(), strict=True)) == QUERIES
    doc_ids = again.doc_ids.to_pylist()
    for row, query in enumerate(again.query_ids.to_pylist()):
        sides = (again.positives.of(row), again.judged_negatives.of(row))
        yield Row(query, *([doc_ids[doc] for doc in side] for side in sides))


READERS: dict[str, Callable[[Path], Iterable[Row]]] = {
    "triplet": triplets, "n-tuple": n_tuples, "labeled-pair": labeled_pairs, "labeled-list": labeled_lists,
    "flagembedding": pos_neg, "flagembedding-reranker": pos_neg, "tevatron": tevatron, "tevatron-ids": tevatron_ids,
    "colbert": colbert, "colbert-nway": colbert_nway, "pylate-contrastive": n_tuples,
    "pylate-distillation": pylate_distillation, "nemo": nemo, "nemo-inline": pos_neg, "dpr": dpr,
    "ms-swift-embedding": ms_swift, "ms-swift-reranker": ms_swift, "rag-retrieval-embedding": pos_neg,
    "rag-retrieval-reranker": hits, "msmarco-triples": tsv_triples, "msmarco-ids": tsv_triples,
    "msmarco-hard-negatives": hard_negatives, "trec": trec, "beir": beir,
}  # fmt: skip
BY_ROW = ("colbert", "colbert-nway")
BY_ID = (
    "tevatron",
    "tevatron-ids",
    "pylate-distillation",
    "nemo",
    "msmarco-ids",
    "msmarco-hard-negatives",
    "trec",
    "beir",
)
TEXTS = {name: " ".join(part for part in parts if part) for name, parts in DOCS.items()}


def in_one_line(text: str) -> str:
    return text.translate({ord(character): " " for character in "\t\n\r\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"})


def named(name: str) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """How a format names a query, and a document, of an id."""
    if name in BY_ROW:
        return list(QUERIES).index, list(DOCS).index
    if name in BY_ID:
        return str, str
    if name == "msmarco-triples":
        return lambda _id: in_one_line(QUERIES[_id]), lambda _id: in_one_line(TEXTS[_id])
    return QUERIES.__getitem__, TEXTS.__getitem__


def test_every_table_has_every_format() -> None:
    assert list(get_args(TrainingFormat)) == list(TRAINING_FORMATS) == list(FORMATS) == list(READERS)
    assert len(training_format_lines()) == len(READERS)


@pytest.mark.parametrize("name", get_args(TrainingFormat))
def test_what_was_chosen_comes_out(run: Path, tmp_path: Path, name: TrainingFormat) -> None:
    query, document = named(name)
    chosen = pq.read_table(run / "negatives.parquet").to_pylist()
    expected = [
        Row(query(row["query_id"]), [document(row["positive_id"])], [document(row["doc_id"])]) for row in chosen
    ]
    assert len(chosen) == 2 * len(QUERIES) * 3
    read = list(READERS[name](export_negatives(run, name, out=tmp_path / "written", quiet=True)))
    assert by_query(read) == by_query(expected)


@pytest.mark.parametrize("name", ["colbert-nway", "pylate-distillation"])
def test_scores_stand_beside_their_documents(run: Path, tmp_path: Path, name: TrainingFormat) -> None:
    query, document = named(name)
    scores: dict[Any, float] = {}
    for row in pq.read_table(run / "negatives.parquet").to_pylist():
        scores[query(row["query_id"]), document(row["doc_id"])] = row["score"]
        scores[query(row["query_id"]), document(row["positive_id"])] = row["positive_score"]
    read = list(READERS[name](export_negatives(run, name, out=tmp_path / "written", quiet=True)))
    assert len(read) == 2 * len(QUERIES)
    for found in read:
        documents = [*found.positives, *found.negatives]
        assert found.scores == pytest.approx([scores[found.query, each] for each in documents], rel=1e-7)


@pytest.mark.parametrize("name", [name for name, traits in TRAINING_FORMATS.items() if traits.file_types[0] == "jsonl"])
def test_datasets_reads_json_lines_as_they_are(run: Path, tmp_path: Path, name: TrainingFormat) -> None:
    from datasets import load_dataset

    path = export_negatives(run, name, out=tmp_path / "train.jsonl", quiet=True)
    loaded: Any = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == jsonl(path)
