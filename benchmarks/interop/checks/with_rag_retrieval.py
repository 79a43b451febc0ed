"""RAG-Retrieval, from a checkout (the package index has its inference alone): its trainers' datasets."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

from common import Example, Files, check, main, same
from tiny import tiny_bert


def _module(files: Files, part: str) -> ModuleType:
    folder = files.source("RAG-Retrieval") / "rag_retrieval" / "train" / part
    sys.path.insert(0, str(folder))
    specification = importlib.util.spec_from_file_location(f"{part}_data", folder / "data.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@check("rag-retrieval-embedding", "EmbeddingDataset")
def embedding(files: Files) -> int:
    """A row per positive, with as many negatives as asked for, drawn at random."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_bert(files.scratch / "tiny", files.texts()))
    module, by_query = _module(files, "embedding"), files.by_query
    path, n_negatives = files.path("rag-retrieval-embedding.jsonl"), min(len(sides[1]) for sides in by_query.values())
    dataset = module.EmbeddingDataset(path, tokenizer, n_negatives)
    assert dataset.data_type == "triplet", dataset.data_type
    same([(row["query"], row["pos"]) for row in dataset], [(query, positive) for query, positive, _ in files.examples])
    negatives: dict[str, set[str]] = {query: set() for query in by_query}
    for _ in range(60):
        for row in module.EmbeddingDataset(path, tokenizer, n_negatives):
            assert len(set(row["neg"])) == n_negatives, "a negative came twice"
            negatives[row["query"]].update(row["neg"])
    same(
        [(query, sorted(texts)) for query, texts in negatives.items()],
        [(query, sorted(sides[1])) for query, sides in by_query.items()],
    )
    return len(dataset)


@check("rag-retrieval-reranker", "GroupedRankerDataset")
def reranker(files: Files) -> int:
    """A group for each row, in any order, with its labels; ends of texts are stripped."""
    module = _module(files, "reranker")
    n_way = 1 + len(files.examples[0][2])
    dataset: Any = module.GroupedRankerDataset(
        files.path("rag-retrieval-reranker.jsonl"), "label", object(), train_group_size=n_way
    )
    groups = [(query, sorted(zip(labels, texts, strict=True))) for query, texts, labels in dataset]
    same(groups, [_group(example) for example in files.examples])
    return len(dataset)


def _group(example: Example) -> tuple[str, list[tuple[int, str]]]:
    query, positive, negatives = example
    return query.strip(), sorted([(1, positive.strip()), *((0, text.strip()) for text in negatives)])


if __name__ == "__main__":
    main("transformers", "torch")
