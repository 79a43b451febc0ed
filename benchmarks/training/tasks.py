"""The two retrieval tasks: one with few unlabelled positives, one with many; one positive a query is visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, read_beir, read_pairs


@dataclass(frozen=True)
class Task:
    """Training queries with one visible positive each, and unseen queries with all of theirs.

    Attributes:
        name: medquad or argkp.
        documents: texts of the corpus.
        train: the visible (query, positive) pairs, as a collection over that corpus.
        test_queries: texts.
        test_positives: rows of relevant documents, for each test query.
        test_self: row of the document that is the query itself, which is not to be found; -1 where there is none.
        hidden: for each training query by text, the rows of all its relevant documents.
        max_tokens: of a text, for training and evaluation alike.
    """

    name: str
    documents: list[str]
    train: Collection
    test_queries: list[str]
    test_positives: list[NDArray[np.int64]]
    test_self: NDArray[np.int64]
    hidden: dict[str, set[int]]
    max_tokens: int


def medquad(data: Path, *, n_documents: int, n_train: int, n_test: int, part: str) -> Task:
    """Medical questions and their answers; all documents of a disease are there or none, so look-alikes abound."""
    collection = read_beir(data / "medquad")
    rng = np.random.default_rng(0)
    titles = np.array(collection.corpus["title"].to_pylist())
    kept = _whole_groups(titles, n_documents, part, rng)
    rows = np.flatnonzero(kept)
    new = np.full(len(titles), -1)
    new[rows] = np.arange(len(rows))
    positives = collection.positives
    whole = [q for q in range(collection.n_queries) if len(positives.of(q)) and kept[positives.of(q)].all()]
    chosen = rng.permutation(whole)[: n_train + n_test]
    queries = collection.query_texts(chosen)
    relevant = [new[positives.of(int(q))] for q in chosen]
    return _task("medquad", collection.document_texts(rows), queries, relevant, n_train=n_train, max_tokens=48, rng=rng)


def argkp(data: Path, *, n_documents: int, n_train: int, n_test: int, part: str) -> Task:
    """Given an argument, the other arguments that make the same key point: dozens, of which one is visible."""
    collection = read_beir(data / "argkp")
    rng = np.random.default_rng(0)
    ids = collection.doc_ids.to_pylist()
    topics = np.array(["_".join(doc_id.split("_")[:2]) for doc_id in ids])
    kept = _whole_groups(topics, n_documents, part, rng)
    rows = np.flatnonzero(kept)
    new = np.full(len(ids), -1)
    new[rows] = np.arange(len(rows))
    mates: list[set[int]] = [set() for _ in rows]
    for query in range(collection.n_queries):
        same = new[collection.positives.of(query)]
        for row in same[same >= 0].tolist():
            mates[row].update(same[same >= 0].tolist())
    for row, others in enumerate(mates):
        others.discard(row)
    several = [row for row, others in enumerate(mates) if len(others) >= 2]
    chosen = rng.permutation(several)[: n_train + n_test]
    documents = collection.document_texts(rows)
    queries = [documents[row] for row in chosen]
    relevant = [np.array(sorted(mates[row])) for row in chosen]
    task = _task("argkp", documents, queries, relevant, n_train=n_train, max_tokens=32, rng=rng)
    task.test_self[:] = chosen[n_train:]
    return task


TASKS: dict[str, Callable[..., Task]] = {"medquad": medquad, "argkp": argkp}


def _whole_groups(groups: NDArray[np.str_], n_documents: int, part: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Documents of groups drawn at random until there are enough; for "tuning" of other groups than for "test"."""
    drawn = rng.permutation(np.unique(groups))
    sizes = np.array([(groups == group).sum() for group in drawn])
    n_test = int(np.searchsorted(np.cumsum(sizes), n_documents)) + 1
    if part == "test":
        return np.isin(groups, drawn[:n_test])
    n_tuning = int(np.searchsorted(np.cumsum(sizes[n_test:]), n_documents)) + 1
    return np.isin(groups, drawn[n_test : n_test + n_tuning])


def _task(
    name: str, documents: list[str], queries: list[str], relevant: list[NDArray[np.int64]], *, n_train: int,
    max_tokens: int, rng: np.random.Generator,
) -> Task:  # fmt: skip
    visible = [int(rng.choice(rows)) for rows in relevant[:n_train]]
    pairs = [(query, documents[row]) for query, row in zip(queries[:n_train], visible, strict=True)]
    return Task(
        name=name,
        documents=documents,
        train=read_pairs(pairs, corpus=documents),
        test_queries=queries[n_train:],
        test_positives=relevant[n_train:],
        test_self=np.full(len(queries) - n_train, -1),
        hidden={query: set(rows.tolist()) for query, rows in zip(queries[:n_train], relevant[:n_train], strict=True)},
        max_tokens=max_tokens,
    )
