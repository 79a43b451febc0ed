"""FlagEmbedding: the datasets of its embedder and reranker trainers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from common import Example, Files, check, main, near, same_by_query
from tiny import tiny_bert

_DRAWS = 60
"""Of each row: a positive is drawn at random, and negatives are where rows differ in their number."""


def _embedder_rows(files: Files, name: str, **settings: Any) -> Iterator[tuple[Example, list[float] | None]]:
    from FlagEmbedding.abc.finetune.embedder import AbsEmbedderDataArguments, AbsEmbedderTrainDataset
    from transformers import AutoTokenizer

    arguments = AbsEmbedderDataArguments(
        train_data=[files.path(name)], train_group_size=1 + files.most_negatives, cache_path=str(files.scratch),
        **settings,
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert(files.scratch / "tiny", files.texts()))
    dataset = AbsEmbedderTrainDataset(arguments, tokenizer)
    for _ in range(_DRAWS):
        for row in range(len(dataset)):
            query, (positive, *negatives), scores = dataset[row]
            yield (query, positive, tuple(negatives)), scores


@check("flagembedding", "AbsEmbedderTrainDataset")
def embedder(files: Files) -> int:
    return same_by_query(files, (example for example, _ in _embedder_rows(files, "flagembedding.jsonl")))


@check("flagembedding, scores", "AbsEmbedderTrainDataset, knowledge_distillation")
def embedder_scores(files: Files) -> int:
    rows = list(_embedder_rows(files, "flagembedding.scores.jsonl", knowledge_distillation=True))
    for (query, positive, negatives), scores in rows:
        assert scores is not None
        near(scores, [files.scores[query, text] for text in (positive, *negatives)])
    return same_by_query(files, (example for example, _ in rows))


def _reranker(files: Files, name: str, **settings: Any) -> int:
    """It gives tokens: they are those of a query and its positive, and of the query and each negative."""
    from FlagEmbedding.abc.finetune.reranker import AbsRerankerDataArguments, AbsRerankerTrainDataset
    from transformers import AutoTokenizer

    arguments = AbsRerankerDataArguments(
        train_data=[files.path(name)], train_group_size=1 + files.most_negatives, cache_path=str(files.scratch),
        query_max_len=256, passage_max_len=256, **settings,
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert(files.scratch / "tiny", files.texts()))
    dataset = AbsRerankerTrainDataset(arguments, tokenizer)
    named = {
        tuple(dataset.create_one_example(query, text)["input_ids"]): (query, text)
        for query, sides in files.by_query.items()
        for side in sides
        for text in side
    }
    drawn = []
    for _ in range(_DRAWS):
        for row in range(len(dataset)):
            encoded, scores = dataset[row]
            pairs = [named[tuple(each["input_ids"])] for each in encoded]
            drawn.append((pairs[0][0], pairs[0][1], tuple(text for _, text in pairs[1:])))
            if scores is not None:
                near(scores, [files.scores[pair] for pair in pairs])
    return same_by_query(files, drawn)


@check("flagembedding-reranker", "AbsRerankerTrainDataset")
def reranker(files: Files) -> int:
    return _reranker(files, "flagembedding-reranker.jsonl")


@check("flagembedding-reranker, scores", "AbsRerankerTrainDataset, knowledge_distillation")
def reranker_scores(files: Files) -> int:
    return _reranker(files, "flagembedding-reranker.scores.jsonl", knowledge_distillation=True)


if __name__ == "__main__":
    main("FlagEmbedding", "transformers", "datasets", "torch")
