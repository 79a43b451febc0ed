"""Counts of what became of pairs, queries and candidates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import Filtered, PairBlock
from foolsgold.settings import FIXED_LENGTH_FORMATS, MiningSettings

NOT_NEEDED, SHORT_ROW, CHOSEN = "not_needed", "short_row", "chosen"


class Fates(NamedTuple):
    """What became of the candidates of a block for each of its pairs.

    Attributes:
        of: shape (P, K), places in `names`; -1 where there is no candidate.
        names: reasons for drops in the order in which they were applied, then not needed, short row, and chosen.
    """

    of: NDArray[np.int16]
    names: tuple[str, ...]

    def are(self, *names: str) -> NDArray[np.bool_]:
        """Which candidates have one of these fates, shape (P, K)."""
        return np.isin(self.of, [place for place, name in enumerate(self.names) if name in names])


@dataclass
class Tally:
    """Counts over all blocks.

    Attributes:
        fates: candidates by fate: chosen, not_needed, short_row, or the reason for the drop. A candidate's fate is the
            furthest that it came for any of the query's positives, so that each is counted once.
        pairs: (query, positive) pairs; `complete_pairs` of them got the hard negatives and the random ones that were
            asked for, `filled_pairs` more random documents in place of hard ones; `short_pairs` got fewer and were kept
            or dropped as the settings say; of these `doubtful_pairs`, ids of query and positive, were dropped since the
            label may be wrong.
        complete_queries: queries with a positive of which at least one pair is complete.
        judged_chosen: chosen negatives that were judged not relevant.
        given: given negatives that stand, each once a query: chosen, or of a query whose pairs were all dropped.
        given_beyond_row: of those chosen, the ones that have no place in a format with a fixed number of negatives.
    """

    fates: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    complete_pairs: int = 0
    filled_pairs: int = 0
    short_pairs: int = 0
    doubtful_pairs: list[tuple[str, str]] = field(default_factory=list)
    queries: int = 0
    complete_queries: int = 0
    queries_without_positives: int = 0
    complete_queries_without_positives: int = 0
    judged_chosen: int = 0
    given: Counter[str] = field(default_factory=Counter)
    given_beyond_row: int = 0

    def merge(self, other: Tally) -> None:
        """Add the counts of blocks that come after these."""
        for name in (counted.name for counted in fields(self)):
            counts, more = getattr(self, name), getattr(other, name)
            if isinstance(counts, Counter):
                counts.update(more)  # in the order in which they come, nought too
            elif isinstance(counts, list):
                counts += more
            else:
                setattr(self, name, counts + more)

    def count_candidates(
        self, pairs: PairBlock, filtered: Filtered, taken: NDArray[np.bool_], dropped: NDArray[np.bool_]
    ) -> Fates:
        """Count fates, and return them: of those `taken (P, K)`, the ones of `dropped (P,)` pairs come to nothing."""
        names = (*filtered.reasons, NOT_NEEDED, SHORT_ROW, CHOSEN)
        fate = filtered.dropped_by.copy()  # survivors stand at NOT_NEEDED already
        of_taken = np.where(dropped, len(names) - 2, len(names) - 1).astype(fate.dtype)
        np.copyto(fate, of_taken[:, None], where=taken)
        fates = Fates(fate, names)
        if len(pairs.first_pairs) < len(fate):
            fate = np.maximum.reduceat(fate, pairs.first_pairs, axis=0)  # (B, K)
        counts = np.bincount(fate.ravel() + 1, minlength=len(names) + 1)[1:]  # -1 is no candidate
        for name, count in zip(names, counts.tolist(), strict=True):
            self.fates[name] += count
        self.judged_chosen += int((taken & ~dropped[:, None] & pairs.judged_negative).sum())
        return fates

    def count_given(self, pairs: PairBlock, dropped: NDArray[np.bool_], settings: MiningSettings) -> None:
        """Count given negatives, each once a query; those of `dropped (P,)` pairs alone come to nothing."""
        n_given = pairs.n_given[pairs.first_pairs]  # (B,)
        kept = np.logical_or.reduceat(~dropped, pairs.first_pairs)
        self.given[CHOSEN] += int(n_given[kept].sum())
        self.given[SHORT_ROW] += int(n_given[~kept].sum())
        if settings.format in FIXED_LENGTH_FORMATS:
            self.given_beyond_row += int(np.maximum(n_given[kept] - settings.negatives, 0).sum())

    def count_pairs(self, pairs: PairBlock, complete: NDArray[np.bool_], short: NDArray[np.bool_]) -> None:
        """Count pairs by what they got, each shape (P,), and their queries."""
        has_positive = pairs.has_positive
        first_has_positive = has_positive[pairs.first_pairs]
        complete_query = np.logical_or.reduceat(complete, pairs.first_pairs)
        self.pairs += int(has_positive.sum())
        self.complete_pairs += int((complete & has_positive).sum())
        self.filled_pairs += int((~complete & ~short & has_positive).sum())
        self.short_pairs += int((short & has_positive).sum())
        self.queries += int(first_has_positive.sum())
        self.complete_queries += int((complete_query & first_has_positive).sum())
        self.queries_without_positives += int((~first_has_positive).sum())
        self.complete_queries_without_positives += int((complete_query & ~first_has_positive).sum())
