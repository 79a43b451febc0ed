"""Randomness that belongs to one query or pair: the same whatever the block and the other queries."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def generator_of(seed: int, *ids: str) -> np.random.Generator:
    """A generator seeded by the run's seed and the ids of a query (and of a positive)."""
    digest = blake2b("\0".join(ids).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])


def numbers_of(seed: int, ids: Sequence[tuple[str, ...]], n: int) -> NDArray[np.float64]:
    """Random numbers in [0, 1), shape (len(ids), n): each depends on the seed, the row's ids and its column alone."""
    numbers = np.empty((len(ids), n), np.float64)
    for row, of in enumerate(ids):
        repeated = row > 0 and of == ids[row - 1]  # the pairs of a query stand together
        numbers[row] = numbers[row - 1] if repeated else generator_of(seed, *of).random(n)
    return numbers
