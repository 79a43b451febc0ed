"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): several sources' lists become one, by rank alone.

A document scores `Σ 1 / (60 + rank)` over the lists that it is in, ranks counted from 1. Scores of different sources
are never compared, so that nothing has to be scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, product

import numpy as np
from numpy.typing import NDArray

from foolsgold.search.rescore import ranks_within

RRF_K = 60  # the paper's constant


def fuse(lists: Sequence[NDArray[np.int32]], k: int) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """The k best of several lists of documents, ties by rank in the first list, then by document order.

    Args:
        lists: of S sources, each of shape (B, K), best first, -1 where there is nothing; each document once a row.
        k: how many to keep.

    Returns:
        doc_rows (B, k), -1 where there are fewer; and which lists each is in, as a place in `combinations`: shape
        (B, k), there -1.
    """
    rows, docs, ranks = _ranks(lists)  # (U,), (U,), (U, S)
    parts = np.sort(np.nan_to_num(1.0 / (RRF_K + ranks)), axis=1)  # sorted: the sum cannot depend on the sources' order
    scores = np.add.reduce(parts, axis=1)
    order = np.lexsort((docs, ranks[:, 0], -scores, rows))  # NaN comes last
    places, _, _ = ranks_within(rows[order], len(lists[0]))
    best, places = order[places < k], places[places < k]
    doc_rows = np.full((len(lists[0]), k), -1, np.int32)
    found_by = np.full(doc_rows.shape, -1, np.int8)
    doc_rows[rows[best], places] = docs[best]
    found_by[rows[best], places] = ~np.isnan(ranks[best]) @ (1 << np.arange(len(lists))) - 1
    return doc_rows, found_by


def combinations(names: Sequence[str]) -> tuple[str, ...]:
    """All that can have found a document, in words; name s alone stands at `2 ** s - 1`.

    >>> combinations(["bm25", "dense"])
    ('bm25', 'dense', 'bm25+dense')
    """
    masks = list(product((False, True), repeat=len(names)))[1:]
    return tuple("+".join(compress(names, reversed(mask))) for mask in masks)


def _ranks(
    lists: Sequence[NDArray[np.int32]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows (U,) and documents (U,) of all distinct pairs; the rank from 1 in each list (U, S), NaN where it is not."""
    n_documents = 1 + max(int(docs.max(initial=0)) for docs in lists)
    found = [np.nonzero(docs >= 0) for docs in lists]
    keys = [rows * n_documents + docs[rows, columns] for (rows, columns), docs in zip(found, lists, strict=True)]
    pairs, where = np.unique(np.concatenate(keys), return_inverse=True)
    ranks = np.full((len(pairs), len(lists)), np.nan)
    sources = np.repeat(np.arange(len(lists)), [len(part) for part in keys])
    ranks[where, sources] = np.concatenate([columns for _, columns in found]) + 1
    return pairs // n_documents, pairs % n_documents, ranks
