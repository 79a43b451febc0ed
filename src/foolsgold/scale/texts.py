"""Texts of one side by row, read by whoever encodes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.encode.chunks import TextsByRow
from foolsgold.encode.texts import Texts
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.remote_collection import RemoteCollection

_BATCH_ROWS = 8192


class SideTexts(NamedTuple):
    """One side, as the driver knows it.

    Attributes:
        texts: read by row, anywhere; can be pickled.
        keys: shape (n,), the hash of each text, as `Texts.keys` gives them.
        ids: shape (n,).
    """

    texts: TextsByRow
    keys: pa.FixedSizeBinaryArray
    ids: pa.ChunkedArray

    @classmethod
    def of_documents(cls, collection: Collection) -> SideTexts:
        """Those of a collection, which are read here if they are here, and by the workers if they lie in pieces."""
        if isinstance(collection, RemoteCollection):
            keys = collection.text_hashes().combine_chunks()
            return cls(TextsOfCorpus(collection.pieces), keys, collection.doc_ids)
        texts = Texts.of_documents(collection)
        return cls(texts, texts.keys(), collection.doc_ids)

    @classmethod
    def of_queries(cls, collection: Collection) -> SideTexts:
        """Those of a collection, which are here."""
        texts = Texts.of_queries(collection)
        return cls(texts, texts.keys(), collection.query_ids)


@dataclass(frozen=True)
class TextsOfCorpus:
    """Titles and texts of a corpus in pieces, joined by a space."""

    corpus: Corpus

    def at(self, rows: NDArray[np.int64]) -> list[str]:
        """The texts of some rows, which ascend."""
        return Texts(self.corpus.take(rows, ["title", "text"])).at(np.arange(len(rows)))


@dataclass(frozen=True)
class TextsInFile:
    """Texts in an Arrow file, which is mapped where it is read."""

    path: Path

    @classmethod
    def kept(cls, texts: Texts, path: Path) -> TextsInFile:
        """Write texts to a file."""
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, texts.table.schema) as writer:
            writer.write_table(texts.table, max_chunksize=_BATCH_ROWS)
        return cls(path)

    def at(self, rows: NDArray[np.int64]) -> list[str]:
        """The texts of some rows, which ascend."""
        with pa.memory_map(str(self.path)) as file:
            return Texts(pa.ipc.open_file(file).read_all()).at(rows)
