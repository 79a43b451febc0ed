"""Tevatron's jsonl: query_id, query, positive_passages and negative_passages with docid, title and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foolsgold.collection.builder import Example, Passage
from foolsgold.collection.fields import Problem, checked_id, field_in, id_in, list_in, shown, text_in
from foolsgold.collection.records import title_and_text


def parse_tevatron(record: Mapping[str, Any]) -> Example:
    """One line; queries and passages keep their ids.

    Raises:
        Problem: a missing field, passages that are no list of objects, or an id or a text that is none.
    """
    field_in(record, ("positive_passages",), "a line of Tevatron")
    return Example(
        text_in(record, ("query",), "the query"),
        passages_in(record, "positive_passages", ("docid",)),
        passages_in(record, "negative_passages", ("docid",)),
        query_id=id_in(record, ("query_id",), "the query"),
    )


def passages_in(
    record: Mapping[str, Any], name: str, ids: tuple[str, ...], *, ids_needed: bool = True
) -> list[Passage]:
    """The list of passages, objects with a text and mostly a title, under a name.

    Raises:
        Problem: no list of objects, or one without a text or, where it is needed, an id.
    """
    passages = []
    for number, item in enumerate(list_in(record, name, "passages"), start=1):
        what = f'"{name}", passage {number}'
        if not isinstance(item, Mapping):
            raise Problem(f"{what} is {shown(item)}; it takes an object with {ids[0]}, title and text.")
        doc_id = id_in(item, ids, what) if ids_needed else _id_if_any(item, ids)
        title, text = title_and_text(item, what)
        passages.append(Passage(text, title, doc_id))
    return passages


def _id_if_any(item: Mapping[str, Any], ids: tuple[str, ...]) -> str | None:
    """The first id that is neither null nor blank."""
    for name in ids:
        value = item.get(name)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return checked_id(value, name)
    return None
