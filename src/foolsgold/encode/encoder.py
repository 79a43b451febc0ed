"""What an encoder must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

Side = Literal["queries", "documents"]


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors; any object with these two methods will do.

    It may also have these attributes: `similarity`, "cosine", which is assumed, or "dot"; `fingerprint`, a string that
    changes with the weights: with it, vectors are kept in the cache, and found there by text; and `chunk_texts`, how
    many are kept at once: the most that a run which is killed can lose.
    """

    def encode_queries(self, texts: Sequence[str]) -> Any:
        """Vectors of queries, array-like of shape (len(texts), D)."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> Any:
        """Vectors of documents, array-like of shape (len(texts), D)."""
        ...
