"""The documents of a collection that is here already, written as pieces for workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from foolsgold.cache_folder import CORPORA, code_fingerprint, fingerprint_of, mark_used
from foolsgold.collection.collection import CORPUS_SCHEMA, Collection
from foolsgold.collection.places import FilePath
from foolsgold.scale.corpus import BATCH_ROWS, Corpus
from foolsgold.scale.pieces import Document, write_pieces
from foolsgold.scale.pool import Pool
from foolsgold.scale.read_range import RangeRead
from foolsgold.scale.remote_collection import RemoteCollection


def corpus_of(collection: Collection, store: FilePath, pool: Pool) -> Corpus:
    """Its documents in pieces, which are found again by their content.

    Args:
        collection: any; of a RemoteCollection the pieces that it has.
        store: the folder of the cache, which the workers see too.
        pool: the workers; a collection that is here is written from here.

    Raises:
        OutputError: the store cannot be written to.
    """
    if isinstance(collection, RemoteCollection):
        return collection.pieces
    name = collection.documents_fingerprint
    folder = corpus_folder(store, {"documents": name})
    found = RangeRead.kept(folder, name)
    if found is None:
        pieces = write_pieces(_documents(collection), lambda number: folder / f"{name}-{number:05}.arrow")
        found = RangeRead(pieces, collection.n_documents)
        found.keep(folder, name)
    return Corpus.of(found.pieces)


def corpus_folder(store: FilePath, identity: Mapping[str, str]) -> FilePath:
    """The folder of the cache that holds the pieces of one corpus; what it is goes into its description."""
    folder = store / CORPORA / fingerprint_of({**identity, "foolsgold": code_fingerprint()})
    if isinstance(folder, Path):
        mark_used(folder, identity)
    return folder


def _documents(collection: Collection) -> Iterator[tuple[int, Document]]:
    row = 0
    for batch in collection.corpus.select(CORPUS_SCHEMA.names).to_batches(max_chunksize=BATCH_ROWS):
        for document in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield row, document
            row += 1
