"""Decisions about (query, document) pairs taken back in, and what a collection and its candidates become by them."""

from foolsgold.relabel.apply import relabelled, with_positives_of
from foolsgold.relabel.take_in import judged_again, take_in

__all__ = ["judged_again", "relabelled", "take_in", "with_positives_of"]
