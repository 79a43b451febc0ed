"""Asks a cross-encoder about survivors, in the sampler's order, until each pair has its negatives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.filters import CrossEncoderRule
from foolsgold.rerank import KeptScores, PairScorer, as_pair_scorer
from foolsgold.sample.group_judge import GroupJudge, Scoring
from foolsgold.sample.memory import Memory
from foolsgold.search import Candidates, CandidateStore
from foolsgold.settings import MiningSettings


class CrossEncoderJudge:
    """Judges groups of queries of a fixed size, so that no result depends on how many queries are handled at once.

    Args:
        scorer: the cross-encoder.
        collection: of which the texts are scored.
        settings: margin, probability, and whether to show progress.

    Raises:
        SettingsError: neither a margin nor a probability is given.
    """

    def __init__(self, scorer: PairScorer, collection: Collection, settings: MiningSettings) -> None:
        self.scoring = Scoring(scorer, collection, _rule(settings))
        self.for_leak_test: CrossEncoderJudge | None = None
        self._settings = settings
        self._memory = Memory(np.empty(0, np.int64))

    def remember(self, query_rows: NDArray[np.int64]) -> None:
        """Keep the logits of some queries, for `for_queries`; rows ascending."""
        self._memory = Memory(query_rows)

    def for_queries(self, collection: Collection, query_rows: NDArray[np.int64]) -> CrossEncoderJudge:
        """A judge of the same queries in another collection, which scores nothing again.

        Args:
            collection: with the same corpus; its i-th query is query `query_rows[i]` here.
            query_rows: as given to `remember`.
        """
        judge = CrossEncoderJudge(self.scoring.scorer, collection, self._settings)
        judge._memory = self._memory.numbered_anew(query_rows)
        self.for_leak_test = judge
        return judge

    def groups(self, candidates: CandidateStore, target: Path | None) -> Iterator[tuple[Candidates, GroupJudge]]:
        """The candidates, each group with who judges it; what it scored is kept in `target`."""
        kept = KeptScores(candidates, target, self.scoring.scorer.fingerprint)
        with tqdm(desc="cross-encode", unit="pair", total=0, delay=1, disable=self._settings.quiet) as progress:
            for block, scores in kept.groups():
                self.scoring.n_groups += 1
                self._memory.recall(block, scores)
                yield block, GroupJudge(self.scoring, block, scores, progress)
                self._memory.note(block, scores)

    def describe(self) -> dict[str, Any]:
        """The cross-encoder, as settings.json keeps it."""
        return self.scoring.scorer.describe()

    def report(self, n_candidates: int) -> dict[str, Any]:
        """What was asked, for report.json.

        Args:
            n_candidates: of all queries, those that were dropped before included.
        """
        scoring, leak = self.scoring, None if self.for_leak_test is None else self.for_leak_test.scoring
        return {
            "name": scoring.scorer.name,
            "fingerprint": scoring.scorer.fingerprint,
            "margin": scoring.rule.margin,
            "max_probability": scoring.rule.max_probability,
            "pairs_scored": scoring.n_candidates + scoring.n_positives,
            "candidates_scored": scoring.n_candidates,
            "positives_scored": scoring.n_positives,
            "candidates_scored_ratio": scoring.n_candidates / n_candidates if n_candidates else None,
            "waves": scoring.n_waves,
            "groups": scoring.n_groups,
            "pairs_scored_for_leak_test": 0 if leak is None else leak.n_candidates + leak.n_positives,
        }


def judge_for(cross_encoder: Any, collection: Collection, settings: MiningSettings) -> CrossEncoderJudge | None:
    """The judge for a hub id, a folder or a loaded CrossEncoder; None for None.

    Raises:
        ModelError: the cross-encoder cannot be loaded, or does not give one number a pair.
        SettingsError: thresholds without a cross-encoder, or a cross-encoder without one.
    """
    if cross_encoder is not None:
        _rule(settings)  # said before a model is downloaded
    elif settings.cross_encoder_max_probability is not None:
        raise SettingsError(
            f"cross_encoder_max_probability is {settings.cross_encoder_max_probability}, but there is no "
            "cross_encoder. Give one, or leave it out."
        )
    scorer = as_pair_scorer(cross_encoder, settings)
    return None if scorer is None else CrossEncoderJudge(scorer, collection, settings)


def _rule(settings: MiningSettings) -> CrossEncoderRule:
    rule = CrossEncoderRule(settings.cross_encoder_margin, settings.cross_encoder_max_probability)
    if rule == CrossEncoderRule(None, None):
        raise SettingsError(
            "cross_encoder_margin and cross_encoder_max_probability are both None, so that the cross-encoder would "
            "decide nothing. Give one of them, or leave out cross_encoder."
        )
    return rule
