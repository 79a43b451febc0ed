"""Two runs side by side: what their negatives have in common, and how they differ."""

from foolsgold.compare.compare import compare
from foolsgold.compare.comparison import Comparison

__all__ = ["Comparison", "compare"]
