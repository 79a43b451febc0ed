"""Training data of any form, record by record, into a collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from foolsgold.collection.builder import CollectionBuilder, Example, Passage
from foolsgold.collection.collection import Collection
from foolsgold.collection.fields import Problem, checked_id
from foolsgold.collection.records import DOC_ID_FIELDS, parsed_rows, title_and_text
from foolsgold.collection.rows import BadLines, Place, Rows
from foolsgold.errors import CollectionError


def read_examples(
    examples: Rows,
    parse: Callable[[Mapping[str, Any]], Example],
    *,
    corpus: Rows | None,
    bad_lines: BadLines,
    keep_negatives: bool = True,
    source: Mapping[str, Any] | None = None,
) -> Collection:
    """Make a collection of records.

    Args:
        examples: the records.
        parse: what makes an example of one; raises Problem.
        corpus: more documents, which come first: records with a text, and optionally an id and a title.
        bad_lines: what is done about records that cannot be read. Documents of an example whose ids contradict others
            may stay in the corpus.
        keep_negatives: False takes the negatives for documents like any other.
        source: kept in the collection.

    Raises:
        CollectionError: a bad record, or no positives at all.
    """
    builder = CollectionBuilder(keep_negatives=keep_negatives)
    if corpus is not None:
        _add(corpus, _passage, builder.add_document, bad_lines)
    _add(examples, parse, builder.add, bad_lines)
    if not builder.has_positives:
        raise CollectionError(
            f"{examples.name}: no positives{bad_lines.hint()}. Give at least one (query, positive) pair."
        )
    return builder.collection(source, bad_lines)


def _add(
    rows: Rows, parse: Callable[[Mapping[str, Any]], Any], add: Callable[[Any, Place], None], bad_lines: BadLines
) -> None:
    for number, parsed in parsed_rows(rows, parse, bad_lines):
        place = Place(rows, number)
        try:
            add(parsed, place)
        except Problem as problem:
            bad_lines.add(str(place), str(problem))


def _passage(record: Mapping[str, Any]) -> Passage:
    """A document of a corpus, which need not have an id."""
    name = next((name for name in DOC_ID_FIELDS if name in record), None)
    doc_id = None if name is None else checked_id(record[name], name)
    title, text = title_and_text(record, "a document" if doc_id is None else f'document "{doc_id}"')
    return Passage(text, title, doc_id)
