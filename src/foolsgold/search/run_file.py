"""TREC runs: what another system found, as candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection, rows_of
from foolsgold.collection.lines import numbered_lines
from foolsgold.collection.rows import BadLines
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.file_hash import file_hash
from foolsgold.settings import MiningSettings
from foolsgold.sources import SourceName

_LINES_AT_ONCE = 65_536
_LARGEST_SCORE = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class RunSource:
    """The documents of a run, by query: highest score first, as trec_eval has it, equal scores by rank, then by line.

    Attributes:
        name: of the source.
        offsets: shape (Q + 1,); the documents of query q are `doc_rows[offsets[q]:offsets[q + 1]]`.
        doc_rows: shape (lines,), int32.
        scores: shape (lines,), float64.
        keys: shape (lines,), ascending: query row times `n_documents`, plus document row.
        key_scores: shape (lines,), of each key.
        n_documents: in the collection.
        description: what reading met.
    """

    name: str
    offsets: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float64]
    keys: NDArray[np.int64]
    key_scores: NDArray[np.float64]
    n_documents: int
    description: dict[str, Any]

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The first k documents of each query, and their scores; -1 and NaN where the run has fewer."""
        starts, counts = self.offsets[rows], np.diff(self.offsets[rows.start : rows.stop + 1])
        present = np.arange(k) < counts[:, None]  # (B, k)
        places = (starts[:, None] + np.arange(k))[present]
        doc_rows, scores = np.full(present.shape, -1, np.int32), np.full(present.shape, np.nan)
        doc_rows[present], scores[present] = self.doc_rows[places], self.scores[places]
        return doc_rows, scores

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The score of each (query, document) pair, shape (P,); NaN where the run does not have it."""
        wanted = query_rows.astype(np.int64) * self.n_documents + doc_rows
        if not len(self.keys):
            return np.full(len(wanted), np.nan)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self.key_scores[places], np.nan)

    def of_queries(self, rows: NDArray[np.int64]) -> RunSource:
        """Of some queries, ascending, which are numbered anew; the documents keep their rows."""
        starts, stops = np.searchsorted(self.keys, [rows * self.n_documents, (rows + 1) * self.n_documents])
        counts = stops - starts
        ends = np.cumsum(counts)
        places = np.arange(counts.sum()) + np.repeat(starts - (ends - counts), counts)
        moved = np.repeat((np.arange(len(rows)) - rows) * self.n_documents, counts)
        lines = np.diff(self.offsets)[rows]
        of_lines = np.arange(lines.sum()) + np.repeat(self.offsets[rows] - (np.cumsum(lines) - lines), lines)
        return RunSource(
            self.name, np.concatenate([[0], np.cumsum(lines)]), self.doc_rows[of_lines], self.scores[of_lines],
            self.keys[places] + moved, self.key_scores[places], self.n_documents, self.description,
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """Path, fingerprint, and what reading met, under the source's name."""
        return {self.name: self.description}


def read_run(source: SourceName, collection: Collection, settings: MiningSettings) -> RunSource:
    """Read a run: `query-id Q0 document-id rank score tag` a line, with white space between; the file may be `.gz`.

    Of lines that name the same query and document the best is kept. Queries without a line have no candidates from it.

    Raises:
        SettingsError: there is no such file.
        CollectionError: a line that is none of a run, no lines at all, or too many unknown ids.
    """
    path = Path(str(source.path))
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise SettingsError(f"source: {path} {what}. Give the path of a TREC run, run:FILE.")
    bad_lines = BadLines(settings.on_bad_line)
    lines = _read_lines(path, bad_lines, quiet=settings.quiet)
    if not len(lines.numbers):
        raise CollectionError(f"{path}: no lines{bad_lines.hint()}. Give a TREC run with at least one.")
    query_rows, doc_rows = (
        _known_rows(lines.query_ids, collection.query_ids),
        _known_rows(lines.doc_ids, collection.doc_ids),
    )
    known = (query_rows >= 0) & (doc_rows >= 0)
    unknown = _unknown_ids(path, lines, known, settings.max_unknown_ratio)
    order = np.flatnonzero(known)
    order = order[np.lexsort((lines.ranks[order], -lines.scores[order], query_rows[order]))]  # stable: ties by line
    keys, first = np.unique(query_rows[order] * collection.n_documents + doc_rows[order], return_index=True)
    kept = order[np.sort(first)]
    counts = np.bincount(query_rows[kept], minlength=collection.n_queries)
    description = {
        "path": str(path), "fingerprint": file_hash(path), "lines": len(known),
        "queries": int(np.count_nonzero(counts)), "duplicates": len(order) - len(kept), **unknown,
        "bad_lines_skipped": bad_lines.count, "bad_line_examples": bad_lines.examples,
    }  # fmt: skip
    return RunSource(
        source.name, np.concatenate([[0], np.cumsum(counts)]), doc_rows[kept].astype(np.int32), lines.scores[kept],
        keys, lines.scores[order[first]], collection.n_documents, description,
    )  # fmt: skip


class _Lines(NamedTuple):
    """The columns of a run, and the numbers of its lines."""

    query_ids: pa.ChunkedArray
    doc_ids: pa.ChunkedArray
    ranks: NDArray[np.int64]
    scores: NDArray[np.float64]
    numbers: NDArray[np.int64]


class _BadLineError(Exception):
    """Why a line cannot be taken."""


def _read_lines(path: Path, bad_lines: BadLines, *, quiet: bool) -> _Lines:
    """All good lines; ids are packed as they come, since a run may have millions of lines."""
    parts = list(_parts(path, bad_lines, quiet=quiet))
    query_ids, doc_ids = (pa.chunked_array([part[i] for part in parts], pa.large_string()) for i in (0, 1))
    ranks, numbers = (np.concatenate([np.empty(0, np.int64), *(part[i] for part in parts)]) for i in (2, 4))
    scores = np.concatenate([np.empty(0, np.float64), *(part[3] for part in parts)])
    return _Lines(query_ids, doc_ids, ranks, scores, numbers)


def _parts(path: Path, bad_lines: BadLines, *, quiet: bool) -> Iterator[tuple[Any, ...]]:
    waiting: list[tuple[str, str, int, float, int]] = []
    for number, line in tqdm(numbered_lines(path), f"read {path.name}", unit="line", delay=1, disable=quiet):
        try:
            waiting.append((*_parse(line), number))
        except _BadLineError as error:
            bad_lines.add(f"{path}:{number}", str(error))
        if len(waiting) == _LINES_AT_ONCE:
            yield _packed(waiting)
            waiting = []
    if waiting:
        yield _packed(waiting)


def _packed(lines: list[tuple[str, str, int, float, int]]) -> tuple[Any, ...]:
    query_ids, doc_ids, ranks, scores, numbers = zip(*lines, strict=True)
    ids = (pa.array(query_ids, pa.large_string()), pa.array(doc_ids, pa.large_string()))
    return *ids, np.array(ranks, np.int64), np.array(scores, np.float64), np.array(numbers, np.int64)


def _parse(line: bytes) -> tuple[str, str, int, float]:
    parts = line.split()
    if len(parts) != 6:
        raise _BadLineError(
            f"{len(parts)} columns; a line of a run has 6: query-id Q0 document-id rank score tag, with white space "
            "between."
        )
    try:
        query_id, doc_id = parts[0].decode("utf-8"), parts[2].decode("utf-8")
    except UnicodeDecodeError as error:
        raise _BadLineError(f"an id that is not valid UTF-8 ({error.reason}).") from error
    return query_id, doc_id, _rank(parts[3]), _score(parts[4])


def _rank(text: bytes) -> int:
    try:
        return int(np.int64(int(text)))
    except (ValueError, OverflowError):
        raise _BadLineError(f"the rank is {_shown(text)}; it takes a whole number.") from None


def _score(text: bytes) -> float:
    try:
        score = float(text)
    except ValueError:
        score = np.nan
    if not abs(score) <= _LARGEST_SCORE:
        raise _BadLineError(f"the score is {_shown(text)}; it takes a finite number (of float32).")
    return score


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "replace"))


def _known_rows(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int64]:
    """Rows, -1 where the id is unknown."""
    rows: NDArray[np.int64] = rows_of(ids, known).fill_null(-1).to_numpy().astype(np.int64)
    return rows


def _unknown_ids(path: Path, lines: _Lines, known: NDArray[np.bool_], max_unknown_ratio: float) -> dict[str, Any]:
    unknown = np.flatnonzero(~known)
    examples = [
        f'{path}:{lines.numbers[i]}: query "{lines.query_ids[i]}", document "{lines.doc_ids[i]}"'
        for i in unknown[:3].tolist()
    ]
    ratio = len(unknown) / len(known)
    if ratio > max_unknown_ratio:
        raise CollectionError(
            f"{path}: {len(unknown):,} of {len(known):,} lines ({ratio:.0%}) name a query or document that the "
            f"collection does not have, such as {'; '.join(examples)}. Check that the run is of this collection, or "
            f"pass --max-unknown-ratio {min(1.0, np.ceil(ratio * 100) / 100):g} to leave those lines out."
        )
    return {"unknown_ids": len(unknown), "unknown_id_examples": examples}
