"""Lazy acceptance against judging everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foolsgold.sample.waves import Acceptance, accept_in_waves


class Asked:
    """Known scores, and a list of what was asked in each wave."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores
        self.waves: list[list[tuple[int, int]]] = []

    def __call__(self, pairs: np.ndarray, columns: np.ndarray) -> np.ndarray:
        self.waves.append(list(zip(pairs.tolist(), columns.tolist(), strict=True)))
        return self.scores[pairs, columns]


def accepted(
    scores: list[list[float]], *, limits: list[float], n_wanted: int, order: list[list[float]] | None = None,
    free: np.ndarray | None = None,
) -> tuple[Acceptance, Asked]:  # fmt: skip
    asked = Asked(np.array(scores))
    ranks = np.broadcast_to(np.arange(asked.scores.shape[1], dtype=float), asked.scores.shape)
    none_free = np.zeros(asked.scores.shape, bool)
    return accept_in_waves(
        ranks if order is None else np.array(order), none_free if free is None else free,
        limits=np.array(limits), n_wanted=n_wanted, score_of=asked,
    ), asked  # fmt: skip


def test_each_wave_asks_for_what_is_lacking() -> None:
    """Two wanted: of 0 and 1 one is too high, so one more is asked for; that is too high, so another; then enough."""
    result, asked = accepted([[9, 1, 9, 1, 1, 1]], limits=[5], n_wanted=2)
    assert asked.waves == [[(0, 0), (0, 1)], [(0, 2)], [(0, 3)]]
    assert result.rejected.tolist() == [[True, False, True, False, False, False]]
    assert result.n_waves == 3


def test_pairs_go_through_the_waves_together_each_at_its_own_pace() -> None:
    result, asked = accepted([[1, 1, 1], [9, 9, 1], [9, 9, 9]], limits=[5, 5, 5], n_wanted=2)
    assert asked.waves == [[(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], [(1, 2), (2, 2)]]
    assert result.rejected.sum(axis=1).tolist() == [0, 2, 3]


def test_the_order_is_the_samplers_and_what_was_dropped_is_not_asked_about() -> None:
    _, asked = accepted([[9, 9, 1, 1]], limits=[5], n_wanted=2, order=[[0.3, np.inf, 0.1, 0.2]])
    assert asked.waves == [[(0, 2), (0, 3)]]
    _, asked = accepted([[9, 9, 9, 1]], limits=[5], n_wanted=2, order=[[0.3, np.inf, 0.1, 0.2]])
    assert asked.waves == [[(0, 2), (0, 3)], [(0, 0)]]


def test_a_score_at_the_limit_is_accepted() -> None:
    result, _ = accepted([[5.0, np.nextafter(5.0, 6.0)]], limits=[5], n_wanted=2)
    assert result.rejected.tolist() == [[False, True]]


def test_what_needs_no_score_is_not_asked_about() -> None:
    free = np.array([[True, False, True, False]])
    result, asked = accepted([[9, 9, 9, 1]], limits=[5], n_wanted=3, free=free)
    assert asked.waves == [[(0, 1)], [(0, 3)]]
    assert result.rejected.tolist() == [[False, True, False, False]]
    result, asked = accepted([[9, 9, 9, 9]], limits=[np.inf], n_wanted=3)
    assert (asked.waves, result.n_waves, result.rejected.any()) == ([], 0, False)


def test_nothing_to_ask_about() -> None:
    result, asked = accepted([[1, 1]], limits=[5], n_wanted=2, order=[[np.inf, np.inf]])
    assert (asked.waves, result.rejected.any()) == ([], False)


numbers = st.integers(0, 9)


@given(
    scores=st.integers(1, 5).flatmap(lambda k: st.lists(st.lists(numbers, min_size=k, max_size=k), min_size=1)),
    n_wanted=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_the_choice_is_that_of_judging_everything_and_no_way_asks_for_less(
    scores: list[list[int]], n_wanted: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = np.array(scores).shape
    order = np.where(rng.random(shape) < 0.7, rng.random(shape), np.inf)
    free, limits = rng.random(shape) < 0.2, rng.integers(0, 10, shape[0]).astype(float)
    result, asked = accepted(scores, limits=limits.tolist(), n_wanted=n_wanted, order=order.tolist(), free=free)  # type: ignore[arg-type]
    everything = [cell for wave in asked.waves for cell in wave]
    assert len(set(everything)) == len(everything)
    for pair in range(shape[0]):
        sequence = [column for column in np.argsort(order[pair]).tolist() if np.isfinite(order[pair, column])]
        good = [column for column in sequence if free[pair, column] or scores[pair][column] <= limits[pair]]
        left = [column for column in sequence if not result.rejected[pair, column]]
        assert left[:n_wanted] == good[:n_wanted]
        # whoever takes the first n_wanted good ones must have looked at all up to the last of them
        end = sequence.index(good[n_wanted - 1]) + 1 if len(good) >= n_wanted else len(sequence)
        assert sorted(column for row, column in everything if row == pair) == sorted(
            column for column in sequence[:end] if not free[pair, column]
        )
