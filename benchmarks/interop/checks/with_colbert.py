"""ColBERT: queries, collection and examples as its trainer reads them, and the batches that it makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import Example, Files, check, main, near, one_line, same
from tiny import tiny_bert


def _config(files: Files, **settings: Any) -> Any:
    from colbert.infra import ColBERTConfig

    checkpoint = tiny_bert(files.scratch / "tiny", [*files.texts(), "?"])
    return ColBERTConfig(checkpoint=checkpoint, root=str(files.scratch), query_maxlen=128, doc_maxlen=256, **settings)


def _loaded(folder: Path, name: str) -> tuple[Any, Any, Any]:
    from colbert.data import Collection, Queries
    from colbert.data.examples import Examples

    queries, collection, examples = (str(folder / each) for each in ("queries.tsv", "collection.tsv", name))
    return Queries(queries), Collection(collection), Examples(examples)


def _lines(examples: list[Example]) -> list[Example]:
    return [
        (one_line(query), one_line(positive), tuple(map(one_line, negatives)))
        for query, positive, negatives in examples
    ]


@check("colbert", "Queries, Collection, Examples")
def triples(files: Files) -> int:
    queries, collection, examples = _loaded(files.folder / "colbert", "triples.jsonl")
    same(
        [(queries[qid], collection[positive], collection[negative]) for qid, positive, negative in examples.tolist()],
        [(query, positive, each) for query, positive, negatives in _lines(files.examples) for each in negatives],
    )
    return len(examples.tolist())


@check("colbert-nway", "Queries, Collection, Examples")
def n_way(files: Files) -> int:
    queries, collection, examples = _loaded(files.folder / "colbert-nway", "nway.jsonl")
    rows = []
    for qid, *scored in examples.tolist():
        query, texts = queries[qid], [collection[pid] for pid, _ in scored]
        wanted = {(one_line(query), one_line(text)): score for (query, text), score in files.scores.items()}
        near([score for _, score in scored], [wanted[query, text] for text in texts])
        rows.append((query, texts[0], tuple(texts[1:])))
    same(rows, _lines(files.examples))
    return len(rows)


def _batches(files: Files, folder: Path, name: str, n_way: int, batch: int) -> list[Any]:
    from colbert.training.lazy_batcher import LazyBatcher

    config = _config(files, nway=n_way, bsize=batch, accumsteps=1)
    paths = (str(folder / each) for each in (name, "queries.tsv", "collection.tsv"))
    return [step for steps in LazyBatcher(config, *paths) for step in steps]


def _check_tokens(files: Files, batches: list[Any], wanted: list[Example]) -> None:
    """Batches hold the tokens that ColBERT's own tokenizers make of the chosen texts."""
    from colbert.modeling.tokenization import DocTokenizer, QueryTokenizer

    config = _config(files)
    queries, documents = QueryTokenizer(config), DocTokenizer(config)

    def tokens(tokenizer: Any, text: str) -> tuple[int, ...]:
        return _unpadded(tokenizer.tensorize([text])[0][0])

    same(
        [row for (query_ids, _), (doc_ids, _), _ in batches for row in _grouped(query_ids, doc_ids)],
        [
            (tokens(queries, query), tuple(tokens(documents, text) for text in (positive, *negatives)))
            for query, positive, negatives in wanted
        ],
    )


def _grouped(query_ids: Any, doc_ids: Any) -> list[Any]:
    width = len(doc_ids) // len(query_ids)
    return [
        (_unpadded(query), tuple(map(_unpadded, doc_ids[row * width : (row + 1) * width])))
        for row, query in enumerate(query_ids)
    ]


def _unpadded(ids: Any) -> tuple[int, ...]:
    return tuple(each for each in ids.tolist() if each != 0)


@check("colbert", "LazyBatcher")
def triples_batches(files: Files) -> int:
    batches = _batches(files, files.folder / "colbert", "triples.jsonl", 2, 1)
    wanted = [(query, positive, (each,)) for query, positive, negatives in _lines(files.examples) for each in negatives]
    _check_tokens(files, batches, wanted)
    return len(batches)


@check("colbert-nway", "LazyBatcher")
def n_way_batches(files: Files) -> int:
    n_way = 1 + len(files.examples[0][2])
    batches = _batches(files, files.folder / "colbert-nway", "nway.jsonl", n_way, 1)
    _check_tokens(files, batches, _lines(files.examples))
    assert all(len(scores) == n_way for *_, scores in batches), "batches without scores"
    return len(batches)


if __name__ == "__main__":
    main("colbert-ai", "transformers", "torch")
