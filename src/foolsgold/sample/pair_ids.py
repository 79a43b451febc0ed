"""Ids of pairs, for what is drawn at random or named in the report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import PairBlock
from foolsgold.gather import gathered


class PairIds(Sequence[tuple[str, str]]):
    """Ids of query and positive of each pair of a block, "" for no positive; looked up when first asked for."""

    def __init__(self, collection: Collection, pairs: PairBlock) -> None:
        self._collection = collection
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs.query_rows)

    @overload
    def __getitem__(self, place: int) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, str]]: ...
    def __getitem__(self, place: int | slice) -> tuple[str, str] | list[tuple[str, str]]:
        return self._ids[place]

    def of(self, chosen: NDArray[np.bool_]) -> list[tuple[str, str]]:
        """Of the chosen pairs, shape (P,)."""
        return [self._ids[pair] for pair in np.flatnonzero(chosen).tolist()]

    @cached_property
    def _ids(self) -> list[tuple[str, str]]:
        query_ids = gathered(self._collection.query_ids, self._pairs.query_rows).to_pylist()
        positive_ids = gathered(self._collection.doc_ids, self._pairs.positive_rows).to_pylist()
        return [(query_id, positive_id or "") for query_id, positive_id in zip(query_ids, positive_ids, strict=True)]
