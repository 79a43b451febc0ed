"""BM25 (Robertson et al., Okapi at TREC-3, 1994) in Lucene's form: what a token adds to the score of a document.

It is `ln(1 + (N - n_t + ½) / (n_t + ½)) · f / (f + k1 (1 - b + b · length / mean))`; f is how often token t is in the
document, n_t in how many of the N documents it is. The variants of BM25 hardly differ (Kamphuis et al., ECIR 2020);
this one is never negative.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

K1, B = 1.5, 0.75


def inverse_frequencies(document_frequencies: NDArray[np.integer], n_documents: int) -> NDArray[np.float32]:
    """The logarithm, shape (T,): the fewer documents hold a token, the more it says.

    Args:
        document_frequencies: shape (T,), in how many documents each token is.
        n_documents: of the whole corpus.
    """
    distinct, place = np.unique(document_frequencies, return_inverse=True)
    # by the C library: NumPy's own has other last digits on other processors
    values = [log(1 + (n_documents - n + 0.5) / (n + 0.5)) for n in distinct.tolist()]
    return np.array(values, np.float32)[place]


def word_values(
    frequencies: NDArray[np.integer], lengths: NDArray[np.integer], inverse: NDArray[np.float32], *, mean_length: float
) -> NDArray[np.float32]:
    """What tokens add to the scores of documents, shape (E,), worked out in float64.

    Args:
        frequencies: shape (E,), how often each is in its document.
        lengths: shape (E,), of its document, in tokens.
        inverse: shape (E,), `inverse_frequencies` of it.
        mean_length: of the documents of the whole corpus.
    """
    # in the order of the library bm25s, digit for digit
    saturation: NDArray[np.floating] = K1 * ((1 - B) + B * lengths / mean_length)
    values: NDArray[np.float32] = (inverse * (frequencies / (saturation + frequencies))).astype(np.float32)
    return values
