"""A teacher's scores, and the rows of ColBERT's n-way form that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from foolsgold.collection.pair_columns import QUERY_COLUMNS
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.training_data.examples import Examples
from foolsgold.training_data.given import field_of, given_items, line_of, passages_of
from foolsgold.training_data.raw_data import PASSAGE_COLUMNS
from foolsgold.training_data.triples import Known

Scores = Mapping[tuple[int, int], float]  # by qid and pid
_SCORE_COLUMNS = ("score",)
_TAKES = "a list of (query, passage, score), a table with these columns, or the path of a file"


class NWayRows(NamedTuple):
    """Rows of the n-way form, one for each positive in a query's triples: it comes first, then all their negatives.

    Attributes:
        rows: qid, pids.
        n_left_out: rows of which a passage has no score.
        missing: query and passage of the first score that is missing.
    """

    rows: list[tuple[int, list[int]]]
    n_left_out: int
    missing: tuple[str, str] | None


def read_scores(scores: Any, examples: Examples, *, quiet: bool) -> Scores:
    """Scores of (query, passage) texts, as far as the examples have both.

    Texts are compared as they stand in the files: with a space for each tab and line break.

    Raises:
        SettingsError: a file that is not there, or of an unknown type.
        BadRowError: a row that cannot be taken, or a second score for a pair.
        CollectionError: no score for any query and passage of the examples.
    """
    found: dict[tuple[int, int], float] = {}
    for place, item in given_items(scores, "scores", _TAKES, quiet=quiet):
        query, passage, score = _checked(item, place)
        pair = examples.qids.get(query, -1), examples.pids.get(passage, -1)
        if min(pair) >= 0 and found.setdefault(pair, score) != score:
            raise BadRowError(f"{place}: the score is {score}, but an earlier row gives this pair {found[pair]}.")
    if not found:
        name = scores if isinstance(scores, (str, Path)) else "scores"
        raise CollectionError(f"{name}: no row has a query and a passage of the data. Texts must be the same.")
    return found


def _checked(item: Any, place: str) -> tuple[str, str, float]:
    if isinstance(item, Mapping):
        names = (QUERY_COLUMNS, PASSAGE_COLUMNS, _SCORE_COLUMNS)
        item = tuple(field_of(item, of, place, "a score") for of in names)
    if not isinstance(item, (tuple, list)) or len(item) != 3:
        raise BadRowError(f"{place} is {item!r:.60}; it takes (query, passage, score) or a dict of them.")
    query, passages = line_of(item[0], f"{place}: the query"), passages_of(item[1], f"{place}: the passage")
    if len(passages) != 1:
        raise BadRowError(f"{place}: a score for {len(passages)} passages; it takes one passage a row.")
    try:
        score = math.nan if isinstance(item[2], bool) else float(item[2])
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise BadRowError(f"{place}: the score is {item[2]!r:.60}; it takes a finite number.")
    return query, passages[0], score


def n_way_rows(examples: Examples, known: Mapping[int, Known], *, scores: Scores, seed: int) -> NWayRows:
    """The rows of which every passage has a score, shuffled: ColBERT trains on them in the order of the file.

    Raises:
        CollectionError: there is none.
    """
    rows, n_left_out, missing = [], 0, None
    for qid, pids in _all_rows(known):
        unknown = [pid for pid in pids if (qid, pid) not in scores]
        if unknown:
            n_left_out += 1
            missing = missing or (examples.queries[qid], examples.passages[unknown[0]])
        else:
            rows.append((qid, pids))
    if not rows and missing:
        raise CollectionError(
            f"scores: no row of the n-way form has a score for each of its passages; the first that is missing is that "
            f"of the query {missing[0]!r:.60} and the passage {missing[1]!r:.60}. Leave scores out (--scores), score "
            "the pairs of the triples that are written then, and prepare again: the triples will be the same."
        )
    order = np.random.default_rng(seed).permutation(len(rows))
    return NWayRows([rows[place] for place in order], n_left_out, missing)


def _all_rows(known: Mapping[int, Known]) -> Iterator[tuple[int, list[int]]]:
    for qid, (positives, negatives) in known.items():
        if negatives:
            yield from ((qid, [positive, *negatives]) for positive in positives)
