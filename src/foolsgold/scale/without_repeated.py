"""Pieces that were read apart become one corpus: bad rows are counted, ids that stand twice are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import fingerprint_of
from foolsgold.collection.places import FilePath, located
from foolsgold.collection.records import repeated_id
from foolsgold.collection.rows import MAX_EXAMPLES, BadLines, Rows
from foolsgold.scale.corpus import Corpus, Piece
from foolsgold.scale.pieces import without_rows
from foolsgold.scale.pool import Pool
from foolsgold.scale.read_range import BadPlace


@dataclass(frozen=True)
class Origin:
    """Where the documents of some pieces come from.

    Attributes:
        pieces: of one stretch of a file.
        first: what is added to a row's number in the stretch, so that it is its number among all.
        n_bad: rows of the stretch that are no documents.
        bad: the first of them.
    """

    pieces: tuple[Piece, ...]
    first: int
    n_bad: int
    bad: tuple[BadPlace, ...]


def without_repeated(
    origins: Sequence[Origin], folder: FilePath, rows: Rows, bad_lines: BadLines, pool: Pool
) -> Corpus:
    """All pieces; those in which an id stands again are copied without it.

    Args:
        origins: in order.
        folder: of the copies.
        rows: names rows in messages.
        bad_lines: takes what is bad, in the order of the rows.
        pool: makes the copies.

    Raises:
        BadRowError: an id stands twice, and bad lines are not to be skipped.
    """
    corpus = Corpus.of([piece for origin in origins for piece in origin.pieces])
    again, firsts = _repeated_ids(corpus)
    _report(corpus, origins, (again, firsts), rows, bad_lines)
    if not len(again):
        return corpus
    cuts = np.searchsorted(again, corpus.starts)
    copies: dict[Piece, Piece] = {}
    wanted = []
    for number in np.flatnonzero(np.diff(cuts)):
        piece = corpus.pieces[number]
        wanted.append((piece, (again[cuts[number] : cuts[number + 1]] - corpus.starts[number]).tolist(), folder))
    for (piece, _, _), copy in zip(wanted, pool.map(_copied, wanted), strict=True):
        copies[piece] = copy
    return Corpus.of([copies.get(piece, piece) for piece in corpus.pieces])


def _copied(item: tuple[Piece, list[int], FilePath]) -> Piece:
    """A copy without some rows, unless an earlier run has made it."""
    piece, rows, folder = item
    name = located(piece.path).name.removesuffix(".arrow")
    copy = Piece(str(folder / f"{name}-{fingerprint_of({'without': rows})}.arrow"), piece.n_rows - len(rows))
    if located(copy.facts_path).is_file() and located(copy.path).is_file():
        return copy
    return without_rows(piece, rows, located(copy.path))


def _repeated_ids(corpus: Corpus) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows whose id stands already, ascending, and the first row of each such id.

    Eight bytes a document are sorted; ids are compared only where their hashes are equal.
    """
    keys = np.concatenate([np.empty(0, np.uint64), *(chunk.to_numpy() for chunk in corpus.fact("id_key").chunks)])
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(twice):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(twice, keys), len(twice) - 1)
    rows = np.flatnonzero(twice[places] == keys)
    first_of: dict[str, int] = {}
    ids = corpus.take(rows, ["doc_id"])["doc_id"].to_pylist()
    firsts = np.array(
        [first_of.setdefault(value, row) for value, row in zip(ids, rows.tolist(), strict=True)], np.int64
    )
    again = rows != firsts
    return rows[again], firsts[again]


def _report(
    corpus: Corpus,
    origins: Sequence[Origin],
    repeated: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: Rows,
    bad_lines: BadLines,
) -> None:
    """Bad rows and ids that stand again, of which the first few are named, as if all had been read in turn."""
    numbers = _Numbers(corpus, origins)
    bad = [(origin.first + each.number, each.problem) for origin in origins for each in origin.bad]
    for row, first in zip(*(part[:MAX_EXAMPLES].tolist() for part in repeated), strict=True):
        value = corpus.read(row, row + 1, ["doc_id"])["doc_id"][0].as_py()
        bad.append((numbers.of(row), repeated_id(value, rows.place(numbers.of(first)))))
    named = sorted(bad)[:MAX_EXAMPLES]
    for number, problem in named:
        bad_lines.add(rows.place(number), problem)
    bad_lines.count += sum(origin.n_bad for origin in origins) + len(repeated[0]) - len(named)


class _Numbers:
    """The number of a row among all that the files have."""

    def __init__(self, corpus: Corpus, origins: Sequence[Origin]) -> None:
        self._corpus = corpus
        self._firsts = [origin.first for origin in origins for piece in origin.pieces if piece.n_rows]

    def of(self, row: int) -> int:
        piece = int(np.searchsorted(self._corpus.starts, row, "right")) - 1
        (facts,) = Corpus.of([self._corpus.pieces[piece]]).facts(["number"])
        return self._firsts[piece] + int(facts["number"][row - int(self._corpus.starts[piece])].as_py())
