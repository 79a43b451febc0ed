"""Where the negatives of one run stand in the candidates of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import rows_of
from foolsgold.compare.joined import Joined, Pairs
from foolsgold.compare.run_folder import RunFolder


class Elsewhere(NamedTuple):
    """What the other run's candidates say of p (query, document) pairs.

    Attributes:
        ranks: shape (p,), int32; -1 where the document is no candidate of the query.
        probabilities: shape (p,), float32, of being relevant, as the other run estimates it; NaN where it does not.
        positive: shape (p,), bool, whether it is a known positive there, as it was mined or by relabelling.
    """

    ranks: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    positive: NDArray[np.bool_]


def find_elsewhere(joined: Joined, runs: Sequence[RunFolder], pairs: Sequence[Pairs], place: int) -> Elsewhere | None:
    """Find the pairs of one run in the other's candidates.parquet, a row group at a time; None where it has none.

    Args:
        joined: both runs' negatives.
        runs: both.
        pairs: of both.
        place: of the run whose pairs they are: 0 for the first, 1 for the second.

    Raises:
        CollectionError: the file cannot be read.
    """
    keys, other, rows = pairs[place].keys, runs[1 - place], joined.query_rows[1 - place]
    if rows is None:
        return None
    nowhere, unknown = np.full(len(keys), -1, np.int32), np.full(len(keys), np.nan, np.float32)
    found = Elsewhere(nowhere, unknown, np.zeros(len(keys), np.bool_))
    start = 0
    for batch in other.candidates():
        _look_up(batch, rows[start : start + len(batch)], keys, joined, found)
        start += len(batch)
    _judge_again(other, keys, joined, found)
    _heed_judgements(runs[place], joined.negatives[place].probabilities[pairs[place].rows], found)
    return found


def _look_up(
    batch: pa.RecordBatch, rows: NDArray[np.int64], keys: NDArray[np.int64], joined: Joined, found: Elsewhere
) -> None:
    """Fill in what a row group says."""
    wanted = _documents_of(rows, keys, len(joined.doc_ids))
    entries, places, columns = _pairs_in(batch, "doc_ids", rows, wanted, keys, joined)
    found.ranks[places] = columns
    if "false_negative_probabilities" in batch.schema.names and not batch["false_negative_probabilities"].null_count:
        estimates = batch["false_negative_probabilities"].flatten().to_numpy(zero_copy_only=False)
        found.probabilities[places] = estimates[entries]
    if "positive_ids" in batch.schema.names:
        found.positive[_pairs_in(batch, "positive_ids", rows, wanted, keys, joined)[1]] = True


def _documents_of(rows: NDArray[np.int64], keys: NDArray[np.int64], n_docs: int) -> NDArray[np.int64]:
    """Documents of all pairs of some queries, ascending."""
    rows = rows[rows >= 0]
    starts, ends = np.searchsorted(keys, rows * n_docs), np.searchsorted(keys, (rows + 1) * n_docs)
    counts = ends - starts
    places = np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return np.unique(keys[places] % max(n_docs, 1))


def _pairs_in(
    batch: pa.RecordBatch, column: str, rows: NDArray[np.int64], wanted: NDArray[np.int64],
    keys: NDArray[np.int64], joined: Joined,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Which entries of a column of lists are pairs: places in the flat column, in `keys`, and in their lists."""
    ids, lengths = batch[column].flatten(), batch[column].value_lengths().fill_null(0).to_numpy()
    codes = rows_of(ids, pa.chunked_array([joined.doc_ids.take(pa.array(wanted))])).fill_null(-1).to_numpy()
    owners = np.repeat(rows, lengths)
    columns = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entries = np.flatnonzero((codes >= 0) & (owners >= 0))
    places, is_pair = _search(joined.keys(owners[entries], wanted[codes[entries]]), keys)
    return entries[is_pair], places[is_pair], columns[entries][is_pair]


def _judge_again(run: RunFolder, keys: NDArray[np.int64], joined: Joined, found: Elsewhere) -> None:
    """Take in what relabelling decided."""
    decisions = run.decisions()
    if decisions is None:
        return
    queries, docs = (
        rows_of(decisions[name], pa.chunked_array([known])).fill_null(-1).to_numpy().astype(np.int64)
        for name, known in (("query_id", joined.query_ids), ("doc_id", joined.doc_ids))
    )
    known = (queries >= 0) & (docs >= 0)
    positive = np.array(decisions["label"].to_pylist(), object)[known] == "positive"
    places, is_pair = _search(joined.keys(queries[known], docs[known]), keys)
    found.positive[places[is_pair]] = positive[is_pair]


def _heed_judgements(run: RunFolder, probabilities: NDArray[np.float32], found: Elsewhere) -> None:
    """What was judged not relevant has a probability of 0 in negatives.parquet, but not in candidates.parquet.

    Where the run that chose it estimates nothing, nobody knows here which were judged: then nothing is said, unless
    none were.
    """
    if np.isnan(probabilities).all() and (run.report["negatives"].get("judged") or 0) > 0:
        found.probabilities[:] = np.nan
    found.probabilities[(probabilities == 0) & ~np.isnan(found.probabilities)] = 0


def _search(wanted: NDArray[np.int64], keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The place of each wanted one in `keys`, and whether it is there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted
