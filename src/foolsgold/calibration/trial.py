"""The leak test: would positives that were hidden from the miner have been chosen as negatives?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration.hidden import HiddenPositives, hide_positives
from foolsgold.choose import Choice, choose
from foolsgold.collection import Collection
from foolsgold.sample import Chosen, CrossEncoderJudge, Terms
from foolsgold.search import CandidateStore
from foolsgold.settings import MiningSettings

FEWEST_QUERIES = 30  # with hidden positives, to calibrate on
_Z = 1.96  # of the standard normal, for 95%


@dataclass(frozen=True, eq=False)
class Trial:
    """Queries with hidden positives, and their candidates, estimated as if those were not known."""

    hidden: HiddenPositives
    candidates: CandidateStore

    @property
    def tells_enough(self) -> bool:
        """Whether there are enough queries to learn from."""
        return len(self.hidden.query_rows) >= FEWEST_QUERIES

    @classmethod
    def again(cls, collection: Collection, calibration: Mapping[str, Any] | None, file: Path | None) -> Trial | None:
        """That of an earlier run; None where it had none.

        Args:
            collection: as it was mined.
            calibration: as settings.json kept it, with the seed.
            file: hidden_positives.parquet.
        """
        if calibration is None or file is None:
            return None
        hidden = hide_positives(collection, seed=calibration["seed"])
        return None if hidden is None else cls(hidden, CandidateStore(hidden.collection, file))

    def choose(self, settings: MiningSettings, *, terms: Terms, judge: CrossEncoderJudge | None = None) -> Choice:
        """What the settings choose while positives are hidden."""
        judge = None if judge is None else judge.for_queries(self.hidden.collection, self.hidden.query_rows)
        return choose(self.hidden.collection, self.candidates, settings, terms=terms, judge=judge)


class Interval(NamedTuple):
    """A ratio and its 95% confidence interval."""

    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: NDArray[np.integer], of: NDArray[np.integer]) -> Interval:
        """Of counts by query, each shape (H,): Wilson's interval (JASA 1927).

        Those of one query go together, so that they are worth fewer independent trials (Kish's design effect).
        """
        n, total = float(of.sum()), float(hits.sum())
        p = total / n
        spread = float(((hits - p * of) ** 2).sum()) / n
        effect = spread / (p * (1 - p)) if 0 < p < 1 else 1.0
        n /= max(effect, 1.0)
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        reach = _Z / (1 + _Z**2 / n) * np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
        return cls(p, max(0.0, min(p, middle - reach)), min(1.0, max(p, middle + reach)))


@dataclass(frozen=True)
class LeakTest:
    """What became of hidden positives.

    Attributes:
        queries: with hidden positives.
        hidden: positives that were hidden.
        chosen: how many of them were chosen as negatives.
        negatives: chosen for those queries, beside those that the training data gave.
        leak: share of the hidden that were chosen.
        measured: share of the negatives that are hidden positives: the false-negative rate, as far as labels go.
        expected: the same share as the model expects it; None where it knows nothing.
    """

    queries: int
    hidden: int
    chosen: int
    negatives: int
    leak: Interval
    measured: Interval
    expected: float | None

    @classmethod
    def of(
        cls, trial: Trial | None, settings: MiningSettings, *, terms: Terms, judge: CrossEncoderJudge | None
    ) -> LeakTest | None:
        """Choose once more with hidden positives; None where nothing can be measured."""
        if trial is None:
            return None
        return cls.of_choice(trial.hidden, trial.choose(settings, terms=terms, judge=judge).negatives)

    @classmethod
    def of_choice(cls, hidden: HiddenPositives, choice: Chosen) -> LeakTest | None:
        """Of what was chosen while positives were hidden, by rows of their collection; None as above."""
        chosen, n_queries = choice.mined, len(hidden.query_rows)
        negatives = np.bincount(chosen.query_rows, minlength=n_queries)
        if not negatives.sum() or not hidden.n_hidden.sum():
            return None
        leaked = hidden.were_hidden(chosen.query_rows, chosen.doc_rows)
        hits = np.bincount(chosen.query_rows[leaked], minlength=n_queries)
        n_hidden = hidden.n_hidden
        return cls(
            queries=n_queries,
            hidden=int(n_hidden.sum()),
            chosen=int(hits.sum()),
            negatives=int(negatives.sum()),
            leak=Interval.of(hits, n_hidden),
            measured=Interval.of(hits, negatives),
            expected=chosen.expected_false_negative_ratio,
        )

    def describe(self) -> dict[str, Any]:
        """As the report keeps it."""
        return {
            "measurable": True,
            "queries": self.queries,
            "hidden_positives": self.hidden,
            "hidden_positives_chosen": self.chosen,
            "leak_ratio": self.leak.ratio,
            "leak_ratio_interval": [self.leak.low, self.leak.high],
            "negatives": self.negatives,
            "false_negative_ratio": self.measured.ratio,
            "false_negative_ratio_interval": [self.measured.low, self.measured.high],
            "expected_false_negative_ratio": self.expected,
        }
