"""What the desk's page is sent: texts at most so long, and plain values."""

from __future__ import annotations

from typing import Any

from foolsgold.collection import Collection
from foolsgold.review.desk import Desk, ShownPair

MOST_CHARACTERS = 20_000  # of a text, unless it is asked for whole
_MOST_POSITIVES = 20


def state(desk: Desk) -> dict[str, Any]:
    """The pair that is shown, with its texts, and how far the review has come."""
    pair, progress = desk.current(), desk.progress()
    return {
        "name": desk.name._asdict(),
        "pair": None if pair is None else _described(pair, desk.collection),
        "progress": {**progress._asdict(), "rate": None if progress.rate is None else progress.rate._asdict()},
    }


def whole_text(desk: Desk, part: str, place: int) -> str | None:
    """A text of the pair that is shown: its query, document, or one of its positives; None where it has none such."""
    pair = desk.current()
    if pair is None:
        return None
    if part == "query":
        return desk.collection.query_texts([pair.query_row])[0]
    rows = {"document": [pair.doc_row], "positive": pair.positive_rows}.get(part, [])
    return desk.collection.document_text(rows[place]) if 0 <= place < len(rows) else None


def _described(pair: ShownPair, collection: Collection) -> dict[str, Any]:
    positives = [_text(collection.document_text(row)) for row in pair.positive_rows[:_MOST_POSITIVES]]
    facts = ("rank", "score", "positive_score", "probability", "source", "fate")
    return {
        "query": _text(collection.query_texts([pair.query_row])[0]),
        "document": _text(collection.document_text(pair.doc_row)),
        "positives": positives,
        "n_positives": len(pair.positive_rows),
        **{name: getattr(pair, name) for name in facts},
    }


def _text(text: str) -> dict[str, Any]:
    return {"text": text[:MOST_CHARACTERS], "length": len(text)}
