"""Filters, one file a rule; each returns what it keeps and its reason."""

from foolsgold.filters.answer_match import Answers
from foolsgold.filters.chosen_filters import filters_for
from foolsgold.filters.cross_encoder import CROSS_ENCODER, CrossEncoderRule
from foolsgold.filters.false_negatives import FalseNegativeModel, MaxFalseNegativeProbability, logistic
from foolsgold.filters.filter import Filter, Filtered, Verdict, apply_filters
from foolsgold.filters.margin import above_margins
from foolsgold.filters.pairs import PairBlock, Relevance
from foolsgold.filters.rank_window import first_rank, rank_window

__all__ = [
    "CROSS_ENCODER",
    "Answers",
    "CrossEncoderRule",
    "FalseNegativeModel",
    "Filter",
    "Filtered",
    "MaxFalseNegativeProbability",
    "PairBlock",
    "Relevance",
    "Verdict",
    "above_margins",
    "apply_filters",
    "filters_for",
    "first_rank",
    "logistic",
    "rank_window",
]
