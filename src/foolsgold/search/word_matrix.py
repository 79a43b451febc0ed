"""BM25 (Robertson et al., Okapi at TREC-3, 1994) in Lucene's form, as a sparse matrix made by the library bm25s.

What a token t adds to the score of a document is `ln(1 + (N - n_t + ½) / (n_t + ½)) · f / (f + k1 (1 - b + b · length /
mean))`; f is how often t is in the document, n_t in how many of the N documents it is. The variants of BM25 hardly
differ (Kamphuis et al., ECIR 2020); this one is never negative.
"""

from __future__ import annotations

from array import array
from typing import Any

K1, B = 1.5, 0.75


def word_matrix(documents: list[array[int]], n_tokens: int) -> Any:
    """What each token adds to the score of each document, a `scipy.sparse.csr_array` (N, tokens), float32.

    Args:
        documents: the tokens of each, numbered from 0.
        n_tokens: how many different ones there are.
    """
    import bm25s
    from scipy.sparse import csc_array

    library = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy")
    by_token = library.build_index_from_ids(range(n_tokens), documents, show_progress=False)
    parts = by_token["data"], by_token["indices"], by_token["indptr"]
    return csc_array(parts, shape=(len(documents), n_tokens)).tocsr()
