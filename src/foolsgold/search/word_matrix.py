"""BM25 (Robertson et al., Okapi at TREC-3, 1994) in Lucene's form, as a sparse matrix of documents and words.

What a token t adds to the score of a document is `ln(1 + (N - n_t + ½) / (n_t + ½)) · f / (f + k1 (1 - b + b · length /
mean))`; f is how often t is in the document, n_t in how many of the N documents it is. The variants of BM25 hardly
differ (Kamphuis et al., ECIR 2020); this one is never negative.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

K1, B = 1.5, 0.75
_DOCS_AT_ONCE = 4_096


class _Counts(NamedTuple):
    """How often each token is in each of some documents: ascending by document, then by token."""

    lengths: NDArray[np.int64]  # (documents,), in tokens
    n_distinct: NDArray[np.int64]  # (documents,)
    tokens: NDArray[np.int32]  # (entries,)
    counts: NDArray[np.int32]  # (entries,)


def word_matrix(documents: Iterable[list[int]]) -> Any:
    """What each token adds to the score of each document, a `scipy.sparse.csr_array` (N, tokens), float32.

    Args:
        documents: the tokens of each, numbered from 0; read once, a few thousand at a time.
    """
    from scipy.sparse import csr_array

    parts = list(_counted(documents))
    n_distinct = _joined(parts, "n_distinct", np.int64)
    tokens = _joined(parts, "tokens", np.int32)
    lengths = _joined(parts, "lengths", np.int64)
    n_documents, n_with = len(lengths), np.bincount(tokens)  # (tokens,)
    inverse_frequency = np.log1p((n_documents - n_with + 0.5) / (n_with + 0.5)).astype(np.float32)
    damping = K1 * (1 - B + B * lengths / (lengths.sum() / n_documents or 1))  # (N,)
    scores, first_doc, first = np.empty(len(tokens), np.float32), 0, 0
    for part in parts:
        of_document = np.repeat(damping[first_doc : first_doc + len(part.lengths)], part.n_distinct)
        saturated = part.counts / (of_document + part.counts)
        scores[first : first + len(part.tokens)] = inverse_frequency[part.tokens] * saturated
        first_doc, first = first_doc + len(part.lengths), first + len(part.tokens)
    starts = np.concatenate([[0], np.cumsum(n_distinct)])
    return csr_array((scores, tokens, starts), shape=(n_documents, len(n_with)))


def _counted(documents: Iterable[list[int]]) -> Iterator[_Counts]:
    tokens, lengths = array("q"), array("q")
    for document in documents:
        tokens.extend(document)
        lengths.append(len(document))
        if len(lengths) == _DOCS_AT_ONCE:
            yield _counts(tokens, lengths)
            tokens, lengths = array("q"), array("q")
    yield _counts(tokens, lengths)


def _counts(tokens: array[int], lengths: array[int]) -> _Counts:
    of_document = np.frombuffer(lengths, np.int64) if lengths else np.empty(0, np.int64)
    documents = np.repeat(np.arange(len(of_document)), of_document)
    keys = (documents << 32) | np.array(tokens, np.int64)
    distinct, counts = np.unique(keys, return_counts=True)
    n_distinct = np.bincount(distinct >> 32, minlength=len(of_document))
    return _Counts(of_document, n_distinct, (distinct & 0xFFFFFFFF).astype(np.int32), counts.astype(np.int32))


def _joined(parts: list[_Counts], name: str, kind: type[np.integer[Any]]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])
