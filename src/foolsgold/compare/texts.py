"""Texts of the few queries that are shown; no others are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.compare.differing import (
    BOTH,
    FIRST,
    SECOND,
    DifferingNegative,
    DifferingQuery,
    Positive,
    first_of_each,
)  # fmt: skip
from foolsgold.compare.run_folder import RunFolder
from foolsgold.errors import FoolsgoldError
from foolsgold.pages import as_embedded_json, cut
from foolsgold.relabel import judged_again

SHOWN_POSITIVES = 3
_LIMITS = (500, 350, 250, 150)  # characters
_MOST_BYTES = 1_100  # of a text as a page holds it: 50 queries with 33 texts each stay below 2 MB


def with_texts(
    shown: Sequence[DifferingQuery], runs: tuple[RunFolder, RunFolder], collection: Any, *, quiet: bool
) -> tuple[list[DifferingQuery], list[str]]:
    """The queries with texts, as far as they can be read, and what is to be said of that.

    Args:
        shown: the queries.
        runs: each is read with its own decisions.
        collection: where it lies now, if it was moved; None: where it was mined from.
        quiet: without a progress bar.
    """
    read: dict[str | None, Collection] = {}  # by fingerprint: most often both runs have one
    views, notes = list[_View | None](), []
    for run, name in zip(runs, (FIRST, SECOND), strict=True):
        try:
            if run.fingerprint not in read:
                read[run.fingerprint] = _read(run, collection, quiet=quiet)
            views.append(_View(judged_again(read[run.fingerprint], run.origin), shown))
        except FoolsgoldError as error:
            views.append(None)
            notes.append(f"texts of the {name} run cannot be shown: {error}")
    n_other = sum(len({view.queries.get(query.query_id) for view in views if view}) > 1 for query in shown)
    if n_other:
        notes.append(
            f"{n_other:,} of the {len(shown):,} queries that differ most have other texts in each run: it seems that "
            "equal ids do not mean the same there"
        )
    return [_filled(query, views[0], views[1]) for query in shown], notes


def _read(run: RunFolder, collection: Any, *, quiet: bool) -> Collection:
    # whoever wrote the folder does not decide whether code is run here
    settings = run.origin.settings.replace(quiet=quiet, trust_remote_code=False)
    return replace(run.origin, settings=settings).collection_again(collection)


class _View:
    """The shown queries in one collection.

    Attributes:
        queries: texts by id.
        documents: texts by id, of negatives and positives.
        positives: by id of the query, the ids of the first few.
        n_positives: by id of the query.
    """

    def __init__(self, collection: Collection, shown: Sequence[DifferingQuery]) -> None:
        ids = [query.query_id for query in shown]
        found = _rows(ids, collection.query_ids)
        known = {query_id: row for query_id, row in zip(ids, found.tolist(), strict=True) if row >= 0}
        texts = collection.query_texts(np.array(list(known.values()), np.int64))
        self.queries = {query_id: fitting(text) for query_id, text in zip(known, texts, strict=True)}
        positives = {query_id: collection.positives.of(row) for query_id, row in known.items()}
        self.n_positives = {query_id: len(rows) for query_id, rows in positives.items()}
        id_at = collection.doc_ids
        self.positives = {
            query_id: [id_at[row].as_py() for row in rows[:SHOWN_POSITIVES].tolist()]
            for query_id, rows in positives.items()
        }
        wanted = {one.doc_id for query in shown for one in first_of_each(query.negatives)}
        wanted.update(doc_id for doc_ids in self.positives.values() for doc_id in doc_ids)
        in_order = sorted(wanted)
        rows = _rows(in_order, collection.doc_ids).tolist()
        self.documents = {
            doc_id: fitting(collection.document_text(row))
            for doc_id, row in zip(in_order, rows, strict=True)
            if row >= 0
        }


def fitting(text: str) -> str:
    """A text as it is shown: cut so that it takes few bytes on a page, in whatever script."""
    for limit in _LIMITS:
        shorter = cut(text, limit)
        if len(as_embedded_json(shorter).encode("utf-8", "replace")) <= _MOST_BYTES:
            break
    return shorter


def _filled(query: DifferingQuery, first: _View | None, second: _View | None) -> DifferingQuery:
    views = [view for view in (first, second) if view is not None]
    of_first, of_second = ([] if view is None else view.positives.get(query.query_id, []) for view in (first, second))

    def known_in(doc_id: str) -> str:
        if len(views) < 2 or (doc_id in of_first and doc_id in of_second):
            return BOTH
        return FIRST if doc_id in of_first else SECOND

    doc_ids = list(dict.fromkeys((*of_first, *of_second)))
    return replace(
        query,
        text=next((view.queries[query.query_id] for view in views if query.query_id in view.queries), None),
        positives=[Positive(doc_id, known_in(doc_id), _text(doc_id, views) or "") for doc_id in doc_ids],
        n_positives=max((view.n_positives.get(query.query_id, 0) for view in views), default=0),
        negatives=[_with_text(one, views) for one in query.negatives],
    )


def _with_text(negative: DifferingNegative, views: Sequence[_View]) -> DifferingNegative:
    return replace(negative, text=_text(negative.doc_id, views))


def _text(doc_id: str, views: Sequence[_View]) -> str | None:
    return next((view.documents[doc_id] for view in views if doc_id in view.documents), None)


def _rows(ids: Sequence[str], known: pa.ChunkedArray) -> NDArray[np.int64]:
    """The row of each id; -1 for an unknown one."""
    found: NDArray[np.int64] = rows_of(pa.array(ids, pa.large_string()), known).fill_null(-1).to_numpy()
    return found
