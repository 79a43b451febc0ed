"""What gives pairs their scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scorer = Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.floating]]
"""The score of each (query row, document row) pair, shape (P,); NaN where there is none."""
