"""The review desk without its web page: which pair is shown, what was decided, and what can be undone."""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import LABELS, rows_of
from foolsgold.review.decision_log import DECISIONS_FILE, Decision, DecisionLog
from foolsgold.review.estimate import UNDECIDED, Rate, RateEstimate
from foolsgold.review.open_output import open_output
from foolsgold.review.pairs import FATES

Label = Literal["positive", "negative", "drop"]
_BY = "desk"


class PairName(NamedTuple):
    """Names the pair that is decided, so that no other can be.

    Attributes:
        number: of the decision to be made, 1 for the first in the log.
        query_id: of the pair; "" when no pair is left.
        doc_id: likewise.
    """

    number: int
    query_id: str
    doc_id: str


class OtherPair(Exception):
    """What was to be decided is not what is shown now, or there is nothing to decide or to undo."""


class ShownPair(NamedTuple):
    """What is known of the pair to be decided.

    Attributes:
        query_row: in the collection.
        doc_row: in the corpus.
        positive_rows: in the corpus, known positives.
        rank: among the query's candidates; None where it is not known, as in all that follow.
        score: of the document.
        positive_score: of the positive for which it was chosen or dropped.
        probability: of being an unlabelled positive.
        source: what found it.
        fate: chosen, or why it was dropped.
    """

    query_row: int
    doc_row: int
    positive_rows: list[int]
    rank: int | None
    score: float | None
    positive_score: float | None
    probability: float | None
    source: str
    fate: str


class Progress(NamedTuple):
    """How far a review has come.

    Attributes:
        labels: decided pairs of those that are open, by label.
        to_go: pairs that are left, those put off among them.
        put_off: pairs that were skipped; they come again at the end.
        can_undo: whether there is something to undo.
        rate: of false negatives among the chosen negatives; None without any.
    """

    labels: dict[str, int]
    to_go: int
    put_off: int
    can_undo: bool
    rate: Rate | None


class Desk:
    """Pairs of an output folder to be decided one by one, each decision on disk before the next pair is shown.

    The state is all in the log, so that a desk that was killed goes on where it was. A context manager: as long as it
    is open, no other desk opens on the folder.

    Args:
        out: the output folder of `mine` or `select`.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Attributes:
        collection: as it was judged for the negatives.
        log_path: decisions.jsonl.

    Raises:
        FoolsgoldError: no such output, one that is not whole, a collection that is gone or has changed, a log that
            cannot be read or that another desk has open, or nothing to decide.
    """

    def __init__(self, out: str | Path, *, collection: Any = None, quiet: bool = False) -> None:
        self._out = Path(out)
        self.log_path = self._out / DECISIONS_FILE
        self._log = DecisionLog(self.log_path)  # a broken line is said before any work
        self.collection, opened, order = open_output(self._out, collection=collection, quiet=quiet)
        self._pairs, self._order = opened.pairs, order.places
        self._rate = RateEstimate(
            order.bins, opened.pairs.query_rows, chosen=opened.pairs.chosen,
            probabilities=opened.pairs.probabilities, n_known=opened.n_known,
        )  # fmt: skip
        with ExitStack() as lock:
            lock.enter_context(self._log.locked())
            self._replay()
            self._lock = lock.pop_all()

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.close()

    @property
    def name(self) -> PairName:
        """Of the pair that is shown."""
        ids = self._ids(self._ahead[0]) if self._ahead else ("", "")
        return PairName(len(self._log.decisions) + 1, *ids)

    @property
    def n_decided(self) -> int:
        """Pairs in the log that have a label, those too that are no longer open."""
        return sum(label is not None for label in self._log.labels.values())

    @property
    def next_command(self) -> str:
        """The command that chooses again by the decisions, as a shell takes it."""
        return f"foolsgold select {quote(str(self._out))} --relabel {quote(str(self.log_path))}"

    def current(self) -> ShownPair | None:
        """The pair to be decided; None when all are."""
        if not self._ahead:
            return None
        place, pairs = self._ahead[0], self._pairs
        query_row, rank = int(pairs.query_rows[place]), int(pairs.ranks[place])
        return ShownPair(
            query_row, int(pairs.doc_rows[place]), self.collection.positives.of(query_row).tolist(),
            rank if rank >= 0 else None, _known(pairs.scores[place]), _known(pairs.positive_scores[place]),
            _known(pairs.probabilities[place]), pairs.source_names[pairs.sources[place]], FATES[pairs.fates[place]],
        )  # fmt: skip

    def decide(self, label: Label, *, expecting: PairName | None = None) -> None:
        """Decide the pair that is shown; when this returns, that is on disk.

        Args:
            label: positive (relevant), negative (not relevant), or drop (neither).
            expecting: which pair is meant; None: whichever is shown.

        Raises:
            OtherPair: another is shown, or none.
            OutputError: it could not be written; the same pair is still shown.
        """
        place = self._expected(expecting)
        self._log.add(*self._ids(place), label, by=_BY)
        self._ahead.popleft()
        self._put_off.discard(place)
        self._labels[place] = LABELS.index(label)
        self._made.append(place)

    def skip(self, *, expecting: PairName | None = None) -> None:
        """Put the pair off until all others are decided; raises as `decide`."""
        place = self._expected(expecting)
        self._log.add(*self._ids(place), None, action="skip", by=_BY)
        self._ahead.popleft()
        self._ahead.append(place)
        self._put_off.add(place)
        self._made.append(place)

    def undo(self, *, expecting: PairName | None = None) -> None:
        """Take back the last decision or skip that is not undone yet, and show its pair; raises as `decide`."""
        if not self._made or expecting not in (None, self.name):
            raise OtherPair
        place = self._made[-1]
        self._log.add(*self._ids(place), None, action="undo", by=_BY)
        self._made.pop()
        if self._labels[place] == UNDECIDED:  # it was skipped, and waits at the end
            self._ahead.remove(place)
        self._labels[place] = UNDECIDED
        self._put_off.discard(place)
        self._ahead.appendleft(place)

    def progress(self) -> Progress:
        """How far the review has come, and what the decisions say."""
        labels = {name: int(np.sum(self._labels == label)) for label, name in enumerate(LABELS)}
        rate = self._rate.from_labels(self._labels)
        return Progress(labels, len(self._ahead), len(self._put_off), bool(self._made), rate)

    def _expected(self, name: PairName | None) -> int:
        if not self._ahead or name not in (None, self.name):
            raise OtherPair
        place: int = self._ahead[0]
        return place

    def _ids(self, place: int) -> tuple[str, str]:
        query_row, doc_row = int(self._pairs.query_rows[place]), int(self._pairs.doc_rows[place])
        return self.collection.query_ids[query_row].as_py(), self.collection.doc_ids[doc_row].as_py()

    def _replay(self) -> None:
        """Come to where the log ends; what it says of pairs that are not open is passed over."""
        self._labels = np.full(len(self._pairs), UNDECIDED, np.int8)
        self._made: list[int] = []  # what can be undone
        put_off: dict[int, None] = {}  # in the order in which they were
        decisions = self._log.decisions
        for one, place in zip(decisions, self._places(decisions).tolist(), strict=True):
            if place < 0:
                continue
            put_off.pop(place, None)
            self._labels[place] = UNDECIDED if one.label is None else LABELS.index(one.label)
            if one.action == "skip":
                put_off[place] = None
            if one.by != _BY or one.action == "undo":
                self._forget(place)  # a desk undoes what was last decided at a desk
            else:
                self._made.append(place)
        self._put_off = set(put_off)
        still_open = [place for place in self._order.tolist() if self._labels[place] == UNDECIDED]
        self._ahead = deque[int]([*(place for place in still_open if place not in put_off), *put_off])

    def _forget(self, place: int) -> None:
        """The last that was made of a pair can no longer be undone."""
        for at in reversed(range(len(self._made))):
            if self._made[at] == place:
                del self._made[at]
                return

    def _places(self, decisions: list[Decision]) -> NDArray[np.int64]:
        """The pair of each decision; -1 where it is not open."""
        known = (self.collection.query_ids, self.collection.doc_ids)
        ids = ([one.query_id for one in decisions], [one.doc_id for one in decisions])
        queries, docs = (
            rows_of(pa.array(column, pa.large_string()), of).fill_null(-1).to_numpy().astype(np.int64)
            for column, of in zip(ids, known, strict=True)
        )
        keys = self._pairs.keys(self.collection.n_documents)
        order = np.argsort(keys)
        wanted = np.where((queries < 0) | (docs < 0), -1, queries * self.collection.n_documents + docs)
        at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
        return np.where(keys[at] == wanted, at, -1)


def _known(value: np.floating) -> float | None:
    return None if math.isnan(value) else float(value)
