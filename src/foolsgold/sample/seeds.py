"""Randomness that belongs to one query: the same whatever the block and the other queries."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def generator_of(seed: int, *ids: str) -> np.random.Generator:
    """A generator seeded by the run's seed and the ids of a query (and of a positive)."""
    digest = blake2b("\0".join(ids).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
