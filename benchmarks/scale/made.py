"""A made collection of any size: short texts of made words, vectors near those of the positives, all from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foolsgold.plan.measure import made_texts

DIMENSIONS = 384
_SEED = 42
_ROWS = 65_536  # of a shard: made at once, so that a smaller collection is the beginning of a larger one
_WORDS = 12  # of a document
_WORDS_OF_QUERY = 3  # taken from its positive
_NOISE = 1.0  # as long as the positive's vector: their cosine is about 0.7


class Made(NamedTuple):
    """Where a made collection lies.

    Attributes:
        collection: a folder in BEIR layout, its documents in shards of parquet.
        doc_vecs: `.npy`, shape (N, D), float32, of unit length.
        query_vecs: likewise.
    """

    collection: Path
    doc_vecs: Path
    query_vecs: Path

    @property
    def flags(self) -> list[str]:
        """What the command line is told."""
        return [
            "--collection", str(self.collection), "--doc-vectors", str(self.doc_vecs), "--query-vectors",
            str(self.query_vecs),
        ]  # fmt: skip

    @property
    def text_bytes(self) -> int:
        """Of the documents."""
        return sum(pq.read_table(path, columns=["text"]).nbytes for path in self.collection.glob("corpus/*.parquet"))

    @property
    def n_bytes(self) -> int:
        """Of the corpus: texts and vectors."""
        return self.text_bytes + self.doc_vecs.stat().st_size


def make(folder: Path, n_documents: int, n_queries: int) -> Made:
    """Write a collection in which each query has a positive."""
    made = Made(folder / "collection", folder / "docs.npy", folder / "queries.npy")
    (made.collection / "corpus").mkdir(parents=True)
    positives = np.random.default_rng([_SEED, n_documents]).integers(0, n_documents, n_queries)
    texts_of_positives: dict[int, str] = {}
    doc_vecs = np.lib.format.open_memmap(made.doc_vecs, "w+", np.float32, (n_documents, DIMENSIONS))
    for start, texts, vecs in _shards(n_documents):
        rows = range(start, start + len(texts))
        table = pa.table({"_id": [f"d{row}" for row in rows], "text": texts})
        pq.write_table(table, made.collection / "corpus" / f"part-{start // _ROWS:05}.parquet")
        doc_vecs[start : start + len(texts)] = vecs
        here = positives[(positives >= start) & (positives < start + len(texts))]
        texts_of_positives |= {row: texts[row - start] for row in here.tolist()}
    doc_vecs.flush()
    _write_queries(made, positives, texts_of_positives, doc_vecs)
    return made


def _shards(n_documents: int) -> Iterator[tuple[int, list[str], NDArray[np.float32]]]:
    words = _vocabulary()
    for start in range(0, n_documents, _ROWS):
        rng = np.random.default_rng([_SEED, start])
        rows = np.exp(rng.random((_ROWS, _WORDS)) * np.log(len(words))).astype(np.int64) - 1
        n = min(_ROWS, n_documents - start)
        vecs = _unit(rng.standard_normal((_ROWS, DIMENSIONS), np.float32)[:n])
        yield start, [" ".join(words[word] for word in of_text) for of_text in rows[:n].tolist()], vecs


def _vocabulary() -> list[str]:
    """Words, the most frequent first: the r-th appears with a probability of about 1 / r."""
    return list(dict.fromkeys(" ".join(made_texts(20_000)).split()))


def _write_queries(made: Made, positives: NDArray[np.int64], texts: dict[int, str], doc_vecs: NDArray[Any]) -> None:
    rng = np.random.default_rng([_SEED, len(positives)])
    asked = [" ".join([*texts[row].split()[:_WORDS_OF_QUERY], f"q{n}"]) for n, row in enumerate(positives.tolist())]
    ids = [f"q{n}" for n in range(len(asked))]
    pq.write_table(pa.table({"_id": ids, "text": asked}), made.collection / "queries.parquet")
    lines = ["query-id\tcorpus-id\tscore", *(f"q{n}\td{row}\t1" for n, row in enumerate(positives.tolist()))]
    (made.collection / "qrels.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    noise = _unit(rng.standard_normal((len(positives), DIMENSIONS), np.float32))
    np.save(made.query_vecs, _unit(doc_vecs[positives] + _NOISE * noise))


def _unit(vecs: NDArray[np.float32]) -> NDArray[np.float32]:
    vecs /= np.linalg.norm(vecs, axis=1, keepdims=True)
    return vecs
