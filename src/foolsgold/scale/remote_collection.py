"""A collection whose texts lie elsewhere, in the pieces of a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import Collection, joined_texts
from foolsgold.collection.text import HASH_BYTES, same_keys, text_keys
from foolsgold.scale.corpus import Corpus

_TEXTS = ("title", "text")


@dataclass(frozen=True, eq=False)
class RemoteCollection(Collection):
    """A collection of which this process holds the queries, the judgements and the ids, and no text of a document.

    It has the same keys and the same fingerprint as one with the same content that is here as a whole. Texts are
    fetched by row.

    Attributes:
        corpus: N rows of doc_id alone.
        pieces: where the documents lie.
    """

    pieces: Corpus = field(kw_only=True)

    @classmethod
    def of(cls, collection: Collection, pieces: Corpus) -> RemoteCollection:
        """A collection, whole or with ids alone, whose documents lie in these pieces."""
        if isinstance(collection, RemoteCollection):
            return collection
        content = {each.name: getattr(collection, each.name) for each in fields(Collection)}
        return cls(**{**content, "corpus": ids_of(pieces)}, pieces=pieces)

    def document_tables(self) -> Iterator[pa.Table]:
        """As `Collection.document_tables`, piece by piece."""
        for start, stop in pairwise(self.pieces.starts.tolist()):
            yield self.pieces.read(start, stop)

    @property
    def texts_table(self) -> pa.Table:
        """As `Collection.texts_table`; mapped where the pieces lie on a file system."""
        return self.pieces.read(0, self.n_documents, _TEXTS)

    def document_text(self, row: int) -> str:
        """As `Collection.document_text`."""
        return joined_texts(self.pieces.read(row, row + 1, _TEXTS))[0]

    def document_texts(self, rows: Sequence[int] | NDArray[Any] | None = None) -> list[str]:
        """As `Collection.document_texts`; of all rows it is a list of all texts."""
        if rows is None:
            return joined_texts(self.pieces.read(0, self.n_documents, _TEXTS))
        distinct, places = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        texts = joined_texts(self.pieces.take(distinct, _TEXTS))
        return [texts[place] for place in places.tolist()]

    def text_hashes(self) -> pa.ChunkedArray:
        """The hash of each document's text, shape (N,): what `Texts.keys` says of them; mapped, not in memory."""
        return self.pieces.fact("text_hash")

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        of_texts, of_joined = (self._fact(name) for name in ("text_key", "joined_key"))
        return same_keys(of_texts, of_joined, text_keys(self.query_texts()))

    def _fact(self, name: str) -> NDArray[np.uint64]:
        chunks = [chunk.to_numpy() for chunk in self.pieces.fact(name).chunks]
        return np.concatenate([np.empty(0, np.uint64), *chunks])

    def _document_hashes(self) -> Iterator[tuple[bytes, NDArray[np.int32]]]:
        for table in self.pieces.facts(["text_hash", "title_length"]):
            for batch in table.to_batches():
                hashes, start = batch["text_hash"], batch["text_hash"].offset * HASH_BYTES
                content = memoryview(hashes.buffers()[1])[start : start + len(batch) * HASH_BYTES]
                yield bytes(content), batch["title_length"].to_numpy()


def ids_of(pieces: Corpus) -> pa.Table:
    """A table of doc_id alone; mapped, not in memory, where the pieces are."""
    return pa.table({"doc_id": pieces.fact("doc_id")})
