"""Pairs and triples of ids, by row: of MS MARCO's hundreds of millions only the rows are kept, not the ids."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import rows_of
from foolsgold.collection.fields import checked_id
from foolsgold.collection.records import JudgementRows, parsed_rows
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.errors import CollectionError

_TRIPLES_AT_ONCE = 2**13
_MAX_EXAMPLES = 3


class PairRows(NamedTuple):
    """Pairs of a query and a document by row, -1 where the id is unknown.

    Attributes:
        query_rows: shape (n,).
        doc_rows: shape (n,).
        unknown: place and ids of the first pairs in which one is unknown.
    """

    query_rows: NDArray[np.integer[Any]]
    doc_rows: NDArray[np.integer[Any]]
    unknown: list[str]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Shape (n,): both ids are."""
        return (self.query_rows >= 0) & (self.doc_rows >= 0)

    def of_queries(self, row_of: NDArray[np.int64]) -> PairRows:
        """The pairs with other rows of queries, -1 for an unknown one; those of queries that have -2 are left out.

        Args:
            row_of: shape (Q + 1,), the new row of each; the last, of unknown ones, is -1.
        """
        query_rows = row_of[self.query_rows]
        kept = query_rows > -2
        return PairRows(query_rows[kept], self.doc_rows[kept], self.unknown)


def rows_of_pairs(pairs: JudgementRows, corpus: pa.Table, queries: pa.Table, rows: Rows) -> PairRows:
    """Pairs that were read by id; `rows` is the stream they were read from."""
    query_of = rows_of(pa.array(pairs.query_ids, pa.large_string()), queries["query_id"])
    doc_of = rows_of(pa.array(pairs.doc_ids, pa.large_string()), corpus["doc_id"])
    query_rows, doc_rows = (found.fill_null(-1).to_numpy().astype(np.int64) for found in (query_of, doc_of))
    unknown = np.flatnonzero((query_rows < 0) | (doc_rows < 0))[:_MAX_EXAMPLES]
    examples = [_example(rows, int(pairs.numbers[i]), pairs.query_ids[i], pairs.doc_ids[i]) for i in unknown]
    return PairRows(query_rows, doc_rows, examples)


def read_triple_rows(
    triples: Rows, corpus: pa.Table, queries: pa.Table, bad_lines: BadLines
) -> tuple[PairRows, PairRows]:
    """Triples of ids (query, positive, negative), as (query, positive) and (query, negative) pairs in their order."""
    query_of, doc_of = _RowsOfIds(queries["query_id"]), _RowsOfIds(corpus["doc_id"])
    query_rows, sides = array("i"), (array("i"), array("i"))
    unknown: tuple[list[str], list[str]] = ([], [])
    stream = parsed_rows(triples, _ids, bad_lines)
    while batch := list(islice(stream, _TRIPLES_AT_ONCE)):
        query_ids, *both = zip(*(ids for _, ids in batch), strict=True)
        of_queries = query_of(query_ids)
        query_rows.frombytes(of_queries.tobytes())
        for doc_ids, side, examples in zip(both, sides, unknown, strict=True):
            of_documents = doc_of(doc_ids)
            side.frombytes(of_documents.tobytes())
            for i in np.flatnonzero((of_queries < 0) | (of_documents < 0))[: _MAX_EXAMPLES - len(examples)]:
                examples.append(_example(triples, batch[i][0], query_ids[i], doc_ids[i]))
    positives, negatives = (
        PairRows(np.asarray(query_rows), np.asarray(side), examples)
        for side, examples in zip(sides, unknown, strict=True)
    )
    return positives, negatives


def unknown_ids(pairs: PairRows, rows: Rows, max_unknown_ratio: float) -> dict[str, Any]:
    """How many pairs name an unknown id, and the first of them, for the collection's `reading`.

    Raises:
        CollectionError: more than may be.
    """
    n, n_unknown = len(pairs.doc_rows), int(np.count_nonzero(~pairs.known))
    ratio = n_unknown / max(n, 1)
    if ratio > max_unknown_ratio:
        raise CollectionError(
            f"{rows.name}: {n_unknown:,} of {n:,} judgements ({ratio:.0%}) name a query or document "
            f"that is not there, such as {'; '.join(pairs.unknown)}. Check that the three files belong together, or "
            f"pass --max-unknown-ratio {min(1.0, np.ceil(ratio * 100) / 100):g} to leave those judgements out."
        )
    return {"unknown_ids": n_unknown, "unknown_id_examples": pairs.unknown}


def _ids(record: Mapping[str, Any]) -> tuple[str, str, str]:
    query, positive, negative = (checked_id(value, name) for name, value in record.items())
    return query, positive, negative


def _example(rows: Rows, number: int, query_id: str, doc_id: str) -> str:
    return f'{rows.place(number)}: query "{query_id}", document "{doc_id}"'


class _RowsOfIds:
    """Finds the rows of ids, -1 for unknown ones, by 64-bit hashes: 16 bytes an id.

    That two ids of ten million share a hash has a chance below one in 100,000, as in `text_keys`.
    """

    def __init__(self, ids: pa.ChunkedArray) -> None:
        hashes = np.concatenate([_hashes(chunk.to_pylist()) for chunk in ids.chunks])
        self._rows = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._rows]

    def __call__(self, ids: Sequence[str]) -> NDArray[np.int32]:
        hashes = _hashes(ids)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        return np.where(self._hashes[places] == hashes, self._rows[places], -1).astype(np.int32)


def _hashes(ids: Iterable[str]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(blake2b(i.encode(), digest_size=8).digest() for i in ids), np.uint64)
