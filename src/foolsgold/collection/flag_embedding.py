"""FlagEmbedding's jsonl: query, pos, neg; the lists may hold any number of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foolsgold.collection.builder import Example, Passage
from foolsgold.collection.fields import checked_text, field_in, list_in, text_in


def parse_flag_embedding(record: Mapping[str, Any]) -> Example:
    """One line. Scores, prompts and types, if there are any, are for trainers, and left aside.

    Raises:
        Problem: a missing field, `pos` or `neg` that is no list, or a text that is none.
    """
    query = text_in(record, ("query",), "the query")
    field_in(record, ("pos",), "a line of FlagEmbedding")
    return Example(query, _passages(record, "pos"), _passages(record, "neg"))


def _passages(record: Mapping[str, Any], name: str) -> list[Passage]:
    texts = list_in(record, name, "texts")
    return [Passage(checked_text(text, f'"{name}", text {place}')) for place, text in enumerate(texts, start=1)]
