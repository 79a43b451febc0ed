"""What a cross-encoder's logit says about a candidate: the rule; it is asked lazily, by the sample stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROSS_ENCODER = "cross_encoder"


@dataclass(frozen=True)
class CrossEncoderRule:
    """Drops candidates that a cross-encoder finds too relevant, s being its raw logit of a query with a document.

    - `s > s_pos - margin`: too near to the positive of the pair, or above it. 3.0 is in use in practice: odds 20 times
      lower. As all margins, it does not bind a query without positives.
    - `sigmoid(s) > max_probability`: relevant in itself. RocketQA (arXiv 2010.08191) keeps below 0.1.

    Where both are given, a candidate must pass both.
    """

    margin: float | None
    max_probability: float | None

    def limits(self, positive_logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """The highest logit that each pair allows, shape (P,); infinity where nothing is known.

        Args:
            positive_logits: shape (P,); NaN for a query without positives.
        """
        limits = np.full(len(positive_logits), np.inf)
        if self.margin is not None:
            known = ~np.isnan(positive_logits)
            limits[known] = positive_logits[known].astype(np.float64) - self.margin
        if self.max_probability is not None:  # sigmoid(s) <= p exactly where s <= ln(p / (1 - p))
            limits = np.minimum(limits, math.log(self.max_probability / (1 - self.max_probability)))
        return limits
