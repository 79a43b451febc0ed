"""What other libraries call by another name: the same parameters and results, by foolsgold's own stages."""

from foolsgold.compat.sentence_transformers import mine_hard_negatives

__all__ = ["mine_hard_negatives"]
