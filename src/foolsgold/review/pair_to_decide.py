"""A pair that somebody is to decide, and what was answered elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

CHOICES = {"positive": "relevant", "negative": "not relevant", "drop": "drop"}  # labels, as annotators see them
QUESTION = "relevance"  # what the choice is called in Label Studio and Argilla
LABELS_BY_ANSWER = {**{choice: label for label, choice in CHOICES.items()}, **{label: label for label in CHOICES}}


class PairToDecide(NamedTuple):
    """A (query, document) pair with all that helps to decide it.

    Attributes:
        query_id: of the query.
        doc_id: of the document.
        query: its text.
        document: its text, with the title.
        positives: texts that are known to be relevant.
        score: similarity of the two; None where it is not known.
        rank: among the query's candidates; None for a document that is none.
        false_negative_probability: of being an unlabelled positive; None where it is not known.
        chosen: whether it is a negative now.
        reason: why it is asked about, such as the rule that dropped it.
    """

    query_id: str
    doc_id: str
    query: str
    document: str
    positives: Sequence[str]
    score: float | None
    rank: int | None
    false_negative_probability: float | None
    chosen: bool
    reason: str

    def texts(self) -> dict[str, str]:
        """What annotators read."""
        positives = "\n\n".join(self.positives) or "none is known"
        texts = {"query": self.query, "positives": positives, "document": self.document}
        return {name: text.replace("\0", "\u2400") for name, text in texts.items()}  # databases take no NUL

    def facts(self) -> dict[str, Any]:
        """The ids, by which answers are known again, and what else is known."""
        facts = {
            "query_id": self.query_id, "doc_id": self.doc_id, "rank": self.rank, "score": _known(self.score),
            "false_negative_probability": _known(self.false_negative_probability),
            "chosen": "yes" if self.chosen else "no", "reason": self.reason,
        }  # fmt: skip
        return {name: value for name, value in facts.items() if value is not None and value != ""}


class Answer(NamedTuple):
    """What one annotator answered; a later answer of the same annotator takes its place.

    Attributes:
        query_id: of the pair.
        doc_id: of the pair.
        label: positive, negative or drop; None for an annotation without an answer.
        annotator: who it was; None where that is not known.
        at: when, as text that sorts; empty where that is not known.
        place: where it stands, for messages.
    """

    query_id: str
    doc_id: str
    label: str | None
    annotator: str | None
    at: str
    place: str


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)
