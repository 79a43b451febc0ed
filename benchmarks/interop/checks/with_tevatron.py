"""Tevatron, from a checkout (no package index has version 2): the datasets of its retriever and reranker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from common import Example, Files, check, main, near, same_by_query

_EPOCHS = 8
"""In each, a query shows its next positive and its next negatives."""


def _dataset(files: Files, part: str, kind: str, **paths: str) -> Any:
    sys.path.insert(0, str(files.source("tevatron") / "src"))
    from importlib import import_module

    arguments = import_module(f"tevatron.{part}.arguments").DataArguments(
        dataset_name="json", dataset_cache_dir=str(files.scratch), train_group_size=1 + files.most_negatives, **paths
    )
    return getattr(import_module(f"tevatron.{part}.dataset"), kind)(arguments, _Clock())


class _Clock:
    """What a dataset asks of its trainer: the epoch and the seed."""

    def __init__(self) -> None:
        from transformers import TrainerState, TrainingArguments

        self.state = TrainerState(epoch=0.0)
        self.args = TrainingArguments(output_dir="none", use_cpu=True, seed=42)


def _rows(dataset: Any) -> Iterator[Any]:
    for epoch in range(_EPOCHS):
        dataset.trainer.state.epoch = float(epoch)
        yield from (dataset[row] for row in range(len(dataset)))


def _with_titles(files: Files) -> dict[str, str]:
    """Its own way to join a title, even an empty one, to a text; of that, what foolsgold chose."""
    documents = [document for pair in files.pairs for document in (pair["positive"], *pair["negatives"])]
    return {f"{document['title']} {document['body']}": document["text"] for document in documents}


def _examples(rows: Iterator[Any], named: dict[str, str]) -> Iterator[Example]:
    for query, documents, *_ in rows:
        positive, *negatives = (named[text] for text, *_ in documents)
        yield query[0], positive, tuple(negatives)


@check("tevatron", "retriever TrainDataset")
def passages(files: Files) -> int:
    dataset = _dataset(files, "retriever", "TrainDataset", dataset_path=files.path("tevatron.jsonl"))
    return same_by_query(files, _examples(_rows(dataset), _with_titles(files)))


@check("tevatron, scores", "retriever DistilTrainDataset")
def passages_scores(files: Files) -> int:
    path, named = files.path("tevatron.scores.jsonl"), _with_titles(files)
    rows = list(_rows(_dataset(files, "retriever", "DistilTrainDataset", dataset_path=path)))
    for query, documents, scores in rows:
        near(scores, [files.scores[query[0], named[text]] for text, _ in documents])
    return same_by_query(files, _examples(iter(rows), named))


@check("tevatron-ids", "retriever TrainDataset with a corpus")
def ids(files: Files) -> int:
    folder = files.folder / "tevatron-ids"
    dataset = _dataset(
        files, "retriever", "TrainDataset", dataset_path=str(folder / "train.jsonl"), corpus_name="json",
        corpus_path=str(folder / "corpus.jsonl"),
    )  # fmt: skip
    return same_by_query(files, _examples(_rows(dataset), {text: text for text in files.texts()}))


@check("tevatron", "reranker RerankerTrainDataset")
def reranker(files: Files) -> int:
    """A query and a document stand in one text; a title's hyphens become spaces."""
    named = {
        f" {pair['query']}  {document['title'].replace('-', ' ').strip()} {document['body']}".strip(): (
            pair["query"], document["text"],
        )
        for pair in files.pairs
        for document in (pair["positive"], *pair["negatives"])
    }  # fmt: skip
    path = files.path("tevatron.jsonl")
    dataset = _dataset(files, "reranker", "RerankerTrainDataset", dataset_path=path, query_prefix="", passage_prefix="")
    drawn = []
    for texts in _rows(dataset):
        (query, positive), *others = (named[text] for text in texts)
        drawn.append((query, positive, tuple(text for _, text in others)))
    return same_by_query(files, drawn)


if __name__ == "__main__":
    main("transformers", "datasets", "torch")
