"""The terms on which negatives are chosen, found on a sample of the pairs before anything is chosen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foolsgold.sample.price import Price


class Terms(NamedTuple):
    """What holds for all pairs alike.

    Attributes:
        price: of a false negative.
        doubtful_below: standing of a positive among its candidates below which no margin is relaxed for it.
    """

    price: Price = Price()
    doubtful_below: float = -np.inf
