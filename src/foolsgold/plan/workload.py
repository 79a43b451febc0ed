"""What is to be mined, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foolsgold.errors import SettingsError
from foolsgold.plan.constant import TOKEN_BYTES, WORD_BYTES

_VALUE_BYTES = {"float32": 4, "float16": 2}
_LEAST = dict.fromkeys(
    ("documents", "queries", "dim", "tokens_per_document", "tokens_per_query", "bytes_per_document", "depth",
     "negatives"), 1,
) | {"model_parameters": 0}  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """What is to be mined.

    Attributes:
        documents: N.
        queries: Q.
        dim: D, of a vector.
        model_parameters: of the encoder, its table of embeddings left out where that is known, since it multiplies
            nothing; 0: vectors are given.
        tokens_per_document: on average, as the encoder sees them.
        tokens_per_query: likewise.
        bytes_per_document: of text, on average.
        depth: candidates kept per query.
        negatives: of each query.
        vector_type: "float32" or "float16".

    Raises:
        SettingsError: a value out of its range.
    """

    documents: int
    queries: int
    dim: int
    model_parameters: int = 0
    tokens_per_document: int = 150
    tokens_per_query: int = 16
    bytes_per_document: int | None = None
    depth: int = 100
    negatives: int = 4
    vector_type: str = "float32"

    def __post_init__(self) -> None:
        if self.bytes_per_document is None:
            object.__setattr__(self, "bytes_per_document", round(self.tokens_per_document * TOKEN_BYTES.value))
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} is {value!r}; it takes a whole number from {least} on.")
        if self.vector_type not in _VALUE_BYTES:
            raise SettingsError(f"vector_type is {self.vector_type!r}; it takes 'float32' or 'float16'.")

    @property
    def candidates(self) -> int:
        """Of a query."""
        return min(self.depth, self.documents)

    @property
    def vector_bytes(self) -> int:
        """Of one vector, as it is kept."""
        return self.dim * _VALUE_BYTES[self.vector_type]

    @property
    def text_bytes(self) -> int:
        """Of all documents."""
        return self.documents * (self.bytes_per_document or 0)

    @property
    def query_bytes(self) -> float:
        """Of the text of one query."""
        return self.tokens_per_query * TOKEN_BYTES.value

    @property
    def word_bytes(self) -> float:
        """Of the words of one document: a hash and a score for each that differs."""
        return WORD_BYTES.value * (self.bytes_per_document or 0)

    @property
    def tokens(self) -> int:
        """That are encoded."""
        return self.documents * self.tokens_per_document + self.queries * self.tokens_per_query

    @property
    def products(self) -> int:
        """Scores of queries with documents."""
        return self.documents * self.queries

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
