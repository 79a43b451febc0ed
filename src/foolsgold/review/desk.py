"""The review desk without its web page: which pair is shown, what was decided, and what can be undone."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

import numpy as np

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import LABELS, Collection, rows_of
from foolsgold.errors import CollectionError
from foolsgold.output import is_staging
from foolsgold.provenance import CANDIDATES_FILE, NEGATIVES_FILE, Provenance
from foolsgold.relabel import judged_again
from foolsgold.review.decision_log import DECISIONS_FILE, Decision, DecisionLog
from foolsgold.review.estimate import UNDECIDED, Rate, RateEstimate
from foolsgold.review.order import review_order
from foolsgold.review.pairs import FATES, OpenPairs, open_pairs
from foolsgold.search import CandidateStore

Label = Literal["positive", "negative", "drop"]
BY = "desk"


class PairName(NamedTuple):
    """Names the pair that is decided, so that no other can be.

    Attributes:
        number: of the decision to be made, 1 for the first in the log.
        query_id: of the pair.
        doc_id: of the pair.
    """

    number: int
    query_id: str
    doc_id: str


class OtherPair(Exception):
    """What was to be decided is not the pair that is shown now, or there is nothing to undo."""


class ShownPair(NamedTuple):
    """What is known of the pair to be decided.

    Attributes:
        name: which it is.
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

    name: PairName
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

    @property
    def decided(self) -> int:
        """Decided pairs of those that are open."""
        return sum(self.labels.values())


class Desk:
    """Pairs of an output folder to be decided one by one, each decision on disk before the next pair is shown.

    The state is all in the log, so that a desk that was killed goes on where it was. Open it as a context manager: no
    other desk can then be opened on the folder.

    Args:
        out: the output folder of `mine` or `select`.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Raises:
        FoolsgoldError: no such output, one that is not whole, a collection that is gone or has changed, a log that
            cannot be read, or nothing to decide.
    """

    def __init__(self, out: str | Path, *, collection: Any = None, quiet: bool = False) -> None:
        self.out = Path(out)
        self._log = DecisionLog(self.out / DECISIONS_FILE) if self.out.is_dir() else None
        self.collection, opened, seed = _read(self.out, collection, quiet)
        self._pairs = opened.pairs
        self._order = review_order(opened.pairs, opened.threshold, self.collection, seed=seed)
        self._rate = RateEstimate(
            self._order.bins, opened.pairs.query_rows, chosen=opened.pairs.chosen,
            probabilities=opened.pairs.probabilities, n_known=opened.n_known,
        )  # fmt: skip
        self._open = ExitStack()
        self._replay()

    def __enter__(self) -> Desk:
        self._open.enter_context(self.log.locked())
        self._replay()  # of decisions made meanwhile
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def log(self) -> DecisionLog:
        """Of all decisions."""
        assert self._log is not None  # else there was no such output
        return self._log

    @property
    def n_decided(self) -> int:
        """Pairs in the log that have a label, those too that are no longer open."""
        return sum(label is not None for label in self.log.labels.values())

    def current(self) -> ShownPair | None:
        """The pair to be decided; None when all are."""
        if not self._ahead:
            return None
        place, pairs = self._ahead[0], self._pairs
        query_row, doc_row = int(pairs.query_rows[place]), int(pairs.doc_rows[place])
        return ShownPair(
            self._name(place),
            query_row,
            doc_row,
            self.collection.positives.of(query_row).tolist(),
            None if pairs.ranks[place] < 0 else int(pairs.ranks[place]),
            _known(pairs.scores[place]),
            _known(pairs.positive_scores[place]),
            _known(pairs.probabilities[place]),
            pairs.source_names[pairs.sources[place]],
            FATES[pairs.fates[place]],
        )

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
        self.log.add(*self._ids(place), label, by=BY)
        self._ahead.popleft()
        self._take(place, LABELS.index(label))

    def skip(self, *, expecting: PairName | None = None) -> None:
        """Put the pair off until all others are decided; raises as `decide`."""
        place = self._expected(expecting)
        self.log.add(*self._ids(place), None, action="skip", by=BY)
        self._ahead.popleft()
        self._put_off(place)

    def undo(self, *, expecting: PairName | None = None) -> None:
        """Take back the last decision or skip that is not undone yet, and show its pair; raises as `decide`."""
        if expecting is not None:
            self._expected(expecting)
        if not self._made:
            raise OtherPair("nothing to undo")
        place = self._made[-1]
        self.log.add(*self._ids(place), None, action="undo", by=BY)
        self._made.pop()
        if place in self._ahead:  # skipped
            self._ahead.remove(place)
        self._skipped.discard(place)
        self._labels[place] = UNDECIDED
        self._ahead.appendleft(place)

    def progress(self) -> Progress:
        """How far the review has come, and what the decisions say."""
        labels = {name: int(np.sum(self._labels == label)) for label, name in enumerate(LABELS)}
        rate = self._rate.from_labels(self._labels)
        return Progress(labels, len(self._ahead), len(self._skipped), bool(self._made), rate)

    def _expected(self, name: PairName | None) -> int:
        """The place of the pair that is shown; with a name, only if that is its name."""
        now = self._name(self._ahead[0]) if self._ahead else PairName(self._next_number, "", "")
        if name is not None and name != now:
            raise OtherPair("another pair is shown")
        if not self._ahead and name is None:
            raise OtherPair("no pair is left")
        return self._ahead[0] if self._ahead else -1

    @property
    def _next_number(self) -> int:
        return len(self.log.decisions) + 1

    def _name(self, place: int) -> PairName:
        return PairName(self._next_number, *self._ids(place))

    def _ids(self, place: int) -> tuple[str, str]:
        query_row, doc_row = int(self._pairs.query_rows[place]), int(self._pairs.doc_rows[place])
        return self.collection.query_ids[query_row].as_py(), self.collection.doc_ids[doc_row].as_py()

    def _take(self, place: int, label: int) -> None:
        self._labels[place] = label
        self._skipped.discard(place)
        self._made.append(place)

    def _put_off(self, place: int) -> None:
        self._ahead.append(place)
        self._skipped.add(place)
        self._made.append(place)

    def _replay(self) -> None:
        """Come to where the log ends."""
