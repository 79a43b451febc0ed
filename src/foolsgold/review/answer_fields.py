"""Fields of exported answers, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from foolsgold.collection.fields import Problem, check_encoding
from foolsgold.errors import BadRowError
from foolsgold.review.pair_to_decide import CHOICES, LABELS_BY_ANSWER

_MEND = "Mend it, or leave it out."


def ids_in(record: Any, place: str) -> tuple[str, str]:
    """query_id and doc_id, which foolsgold gave to what was annotated.

    Raises:
        BadRowError: one of them is missing, or is no text.
    """
    query_id, doc_id = (_id_in(record, name, place) for name in ("query_id", "doc_id"))
    return query_id, doc_id


def _id_in(record: Any, name: str, place: str) -> str:
    value = record.get(name) if isinstance(record, Mapping) else None
    if not isinstance(value, str) or not value:
        raise BadRowError(
            f'{place}: it takes the "{name}" that foolsgold gave it, and has {shown(value)}. Annotate what '
            "foolsgold review --export wrote, or leave it out."
        )
    try:
        check_encoding(value, name)
    except Problem as problem:
        raise BadRowError(f"{place}: {problem}") from None
    return value


def label_of(answer: Any, place: str) -> str:
    """The label that was answered.

    Raises:
        BadRowError: it is none of those that were offered.
    """
    label = LABELS_BY_ANSWER.get(answer) if isinstance(answer, str) else None
    if label is None:
        raise BadRowError(f"{place}: the answer is {shown(answer)}; it takes {', '.join(CHOICES.values())}. {_MEND}")
    return label


def list_of(value: Any, what: str, place: str) -> list[Any]:
    """A list; nothing for null.

    Raises:
        BadRowError: something else.
    """
    if value is not None and not isinstance(value, list):
        raise BadRowError(f"{place}: {what} is {shown(value)}; it takes a list. {_MEND}")
    return value or []


def mapping_of(value: Any, what: str, place: str) -> Mapping[str, Any]:
    """An object of JSON; nothing for null.

    Raises:
        BadRowError: something else.
    """
    if value is not None and not isinstance(value, Mapping):
        raise BadRowError(f"{place}: {what} is {shown(value)}; it takes an object. {_MEND}")
    return value or {}


def shown(value: Any) -> str:
    """A value in a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"
