"""Documents written as pieces of a corpus, with the facts that the driver needs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from foolsgold.cache_folder import write_whole
from foolsgold.collection.collection import CORPUS_SCHEMA, document_text_keys, joined_texts, title_lengths
from foolsgold.collection.places import FilePath, RemotePath
from foolsgold.collection.text import HASH_BYTES, text_hashes
from foolsgold.scale.corpus import BATCH_ROWS, FACTS_SCHEMA, Corpus, Piece, facts_path

PIECE_ROWS = 65_536  # a multiple of BATCH_ROWS
PIECE_BYTES = 64 * 2**20  # what a process that writes one has in memory

Document = tuple[str, str, str]
"""Id, title, text."""


def write_pieces(documents: Iterable[tuple[int, Document]], name: Callable[[int], FilePath]) -> list[Piece]:
    """Write numbered documents in order, a piece at a time, each file whole or not at all.

    Args:
        documents: with the numbers of their rows.
        name: where the piece of a number is to lie.

    Returns:
        The pieces.
    """
    pieces: list[Piece] = []
    batches: list[tuple[pa.RecordBatch, pa.RecordBatch]] = []
    for batch in _batches(documents):
        batches.append(batch)
        n_rows = sum(len(texts) for texts, _ in batches)
        if n_rows >= PIECE_ROWS or sum(texts.nbytes for texts, _ in batches) >= PIECE_BYTES:
            pieces.append(_write(batches, name(len(pieces))))
            batches = []
    if batches:
        pieces.append(_write(batches, name(len(pieces))))
    return pieces


def without_rows(piece: Piece, rows: Sequence[int], target: FilePath) -> Piece:
    """A copy of a piece without some of its rows.

    Args:
        piece: there already.
        rows: of the piece.
        target: where the copy is to lie.
    """
    whole = Corpus.of([piece])
    kept = np.delete(np.arange(piece.n_rows), rows)
    if not len(kept):
        return Piece(str(target), 0)  # a corpus leaves it out
    (facts,) = whole.facts(FACTS_SCHEMA.names)
    texts = whole.take(kept).combine_chunks().to_batches(max_chunksize=BATCH_ROWS)
    known = facts.take(pa.array(kept)).combine_chunks().to_batches(max_chunksize=BATCH_ROWS)
    return _write(list(zip(texts, known, strict=True)), target)


def put_file(place: FilePath, content: Callable[[BinaryIO], Any]) -> None:
    """Write a file whole or not at all, its folder too.

    Raises:
        OutputError: there is no room, or it is not allowed.
    """
    if isinstance(place, RemotePath):
        buffer = pa.BufferOutputStream()
        content(buffer)
        place.write(buffer.getvalue())
    else:
        write_whole(place, content)


def _batches(documents: Iterable[tuple[int, Document]]) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Texts and facts of BATCH_ROWS documents at a time."""
    waiting: list[tuple[int, Document]] = []
    for document in documents:
        waiting.append(document)
        if len(waiting) == BATCH_ROWS:
            yield _batch(waiting)
            waiting = []
    if waiting:
        yield _batch(waiting)


def _batch(documents: Sequence[tuple[int, Document]]) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    numbers, rows = zip(*documents, strict=True)
    columns = zip(*rows, strict=True)
    texts = pa.RecordBatch.from_arrays(
        [pa.array(values, pa.large_string()) for values in columns], schema=CORPUS_SCHEMA
    )
    return texts, _facts_of(texts, numbers)


def _facts_of(texts: pa.RecordBatch, numbers: Sequence[int]) -> pa.RecordBatch:
    pairs = list(zip(texts["title"].to_pylist(), texts["text"].to_pylist(), strict=True))
    hashes = pa.py_buffer(text_hashes(joined_texts(texts)))
    columns = [
        texts["doc_id"],
        pa.array(_id_keys(texts["doc_id"].to_pylist())),
        *map(pa.array, document_text_keys(pairs)),
        pa.FixedSizeBinaryArray.from_buffers(pa.binary(HASH_BYTES), len(texts), [None, hashes]),
        pa.array(title_lengths(texts["title"])),
        pa.array(numbers, pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FACTS_SCHEMA)


def _id_keys(ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.frombuffer(b"".join(blake2b(i.encode(), digest_size=8).digest() for i in ids), np.uint64)


def _write(batches: Sequence[tuple[pa.RecordBatch, pa.RecordBatch]], place: FilePath) -> Piece:
    """The facts last: where they lie, the texts do; in one batch, since all of them are read at once."""
    texts, facts = zip(*batches, strict=True)
    _write_arrow(texts, place)
    _write_arrow(pa.Table.from_batches(facts).combine_chunks().to_batches(), place.with_name(facts_path(place.name)))
    return Piece(str(place), sum(map(len, texts)))


def _write_arrow(batches: Sequence[pa.RecordBatch], place: FilePath) -> None:
    def content(file: BinaryIO) -> None:
        with pa.ipc.new_file(file, batches[0].schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    put_file(place, content)
