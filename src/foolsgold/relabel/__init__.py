"""Decisions about (query, document) pairs taken back in, and what a collection and its candidates become by them."""

from foolsgold.relabel.apply import relabelled, with_positives, with_positives_of, with_positives_of_both
from foolsgold.relabel.decisions import DROP, NEGATIVE, POSITIVE, Decisions
from foolsgold.relabel.take_in import judged_again, take_in

__all__ = [
    "DROP",
    "NEGATIVE",
    "POSITIVE",
    "Decisions",
    "judged_again",
    "relabelled",
    "take_in",
    "with_positives",
    "with_positives_of",
    "with_positives_of_both",
]
