"""Negatives mined again while a model is trained."""

from foolsgold.refresh.callback import RefreshNegatives

__all__ = ["RefreshNegatives"]
