"""What a call of `mine_hard_negatives` asks for, settled: deprecated names resolved, contradictions refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from foolsgold.errors import SettingsError

logger = logging.getLogger(__name__)

OUTPUT_FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
SAMPLING_STRATEGIES = ("top", "random")
_BOUNDS = ("max_score", "min_score", "absolute_margin", "relative_margin")
_MOST_OF_FAISS_ON_GPU = 2048
_CONTENDERS_PER_NEGATIVE = 10  # where bounds or margins may drop some

Say = Callable[[str], object]


@dataclass(frozen=True)
class Asked:
    """Which candidates become negatives, and how they are written; for each field see `mine_hard_negatives`."""

    range_min: int
    range_max: int | None
    max_score: float | None
    min_score: float | None
    absolute_margin: float | None
    relative_margin: float | None
    num_negatives: int
    sampling_strategy: str
    include_positives: bool
    output_format: str
    output_scores: bool
    seed: int

    def settled(self, *, as_triplets: bool | None, margin: float | None) -> Asked:
        """With deprecated parameters under their own names, each with a warning.

        Raises:
            SettingsError: no such format or strategy, a bound that is no number, or fewer than one negative.
        """
        asked = self if as_triplets is None else self._in_old_words(as_triplets)
        if asked.include_positives:
            asked = asked._keeping_positives(margin)
        if asked.output_format == "n-tuple-scores":
            logger.warning(
                '`output_format="n-tuple-scores"` is deprecated. Use `output_format="n-tuple"` with '
                "`output_scores=True` instead for equivalent output formats."
            )
            asked = replace(asked, output_format="n-tuple", output_scores=True)
        if margin is not None:
            logger.warning(
                "The `margin` parameter is deprecated. Use the `absolute_margin` and/or `relative_margin` parameter "
                f"instead. Setting `absolute_margin` to `{margin}`."
            )
            asked = replace(asked, absolute_margin=margin)
        asked = asked._with_plain_bounds()
        asked._check()
        return asked

    def with_range(self, max_positives: int, *, has_cross_encoder: bool, use_faiss: bool, say: Say) -> Asked:
        """With a `range_max`, which is derived where none is given.

        Args:
            max_positives: of any query.
            has_cross_encoder: whether one scores the candidates.
            use_faiss: whether FAISS was asked for, which on a GPU finds no more than 2,048 documents a query.
            say: is told what was derived.

        Raises:
            SettingsError: a window that cannot hold the negatives.
        """
        if self.range_max is not None:
            self._check_range(self.range_max, "")
            return self
        many = self._may_be_dropped or (has_cross_encoder and self.min_score is not None)
        range_max = self.range_min + self.num_negatives * (_CONTENDERS_PER_NEGATIVE if many else 1) + max_positives
        note = ""
        if use_faiss and range_max + max_positives > _MOST_OF_FAISS_ON_GPU and _faiss_has_gpus():
            range_max = _MOST_OF_FAISS_ON_GPU - max_positives
            note = (
                f" Note that range_max was capped to {range_max} because FAISS on GPU can only retrieve up to"
                " 2048 documents per query, some of which are reserved for the positives. Passing use_faiss=False"
                " lifts that cap."
            )
            say(
                "Using FAISS on GPU, we can only retrieve up to 2048 documents per query, some of which are reserved "
                f"for the positives. Setting range_max to {range_max}."
            )
        say(f"Setting range_max to {range_max} based on the provided parameters.")
        self._check_range(range_max, note)
        return replace(self, range_max=range_max)

    @property
    def window_end(self) -> int:
        """The rank among those that survive at which the window ends; known from `with_range` on."""
        if self.range_max is None:
            raise ValueError("range_max is not derived yet")
        return self.range_max

    @property
    def _may_be_dropped(self) -> bool:
        return any(value is not None for value in (self.absolute_margin, self.relative_margin, self.max_score))

    def _in_old_words(self, as_triplets: bool) -> Asked:
        output_format = "triplet" if as_triplets else "n-tuple"
        logger.warning(
            "The `as_triplets` parameter is deprecated. Use the `output_format` parameter instead. "
            f"Setting `output_format` to `{output_format}`."
        )
        return replace(self, output_format=output_format)

    def _keeping_positives(self, margin: float | None) -> Asked:
        bounds = (self.range_max, self.min_score, margin)
        if (
            any(value is not None for value in bounds)
            or self._may_be_dropped
            or self.range_min != 0
            or self.sampling_strategy != "top"
        ):
            logger.warning(
                "When using `include_positives=True`, updating `range_min`, `range_max`, `max_score`, `min_score`, "
                "`absolute_margin`, `relative_margin`, or `sampling_strategy` from the default values may still "
                "discard the positive values."
            )
        if self.output_format == "n-tuple":
            return self
        logger.warning(
            'When using `include_positives=True`, `output_format` will be set to `"n-tuple"` to ensure that the '
            "ranking order is preserved."
        )
        return replace(self, output_format="n-tuple")

    def _with_plain_bounds(self) -> Asked:
        """Bounds as Python's numbers: they come as NumPy's, or as tensors, too."""
        bounds: dict[str, Any] = {name: _plain_number(name, getattr(self, name)) for name in _BOUNDS}
        return replace(self, **bounds)

    def _check(self) -> None:
        if self.output_format not in OUTPUT_FORMATS:
            raise SettingsError(
                f"Invalid output_format: {self.output_format}. Must be one of 'triplet', 'n-tuple', 'labeled-pair', or "
                "'labeled-list'."
            )
        if self.sampling_strategy not in SAMPLING_STRATEGIES:
            raise SettingsError(f"sampling_strategy is {self.sampling_strategy!r}; it takes 'top' or 'random'.")
        if self.num_negatives < 1:
            raise SettingsError(f"num_negatives must be at least 1, got num_negatives={self.num_negatives}.")
        if self.seed < 0:
            raise SettingsError(f"seed is {self.seed}; it takes a whole number of at least 0.")

    def _check_range(self, range_max: int, note: str) -> None:
        if self.range_min < 0:
            raise SettingsError(f"range_min must be non-negative, got range_min={self.range_min}.")
        if self.range_min >= range_max:
            raise SettingsError(
                f"range_min must be smaller than range_max, got range_min={self.range_min} and "
                f"range_max={range_max}.{note}"
            )
        if self.num_negatives > range_max - self.range_min:
            raise SettingsError(
                f"Cannot mine {self.num_negatives} negatives per query: only {range_max - self.range_min} candidates "
                f"remain after skipping the first range_min={self.range_min} of range_max={range_max}. Consider "
                f"decreasing num_negatives or range_min, or increasing range_max.{note}"
            )


def _plain_number(name: str, value: Any) -> float | None:
    if value is None or isinstance(value, (int, float)):
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError):  # the last of a tensor of several
        raise SettingsError(f"{name} is {value!r:.60}; it takes a number, or None.") from None


def _faiss_has_gpus() -> bool:
    """Whether FAISS, where it is installed, would search on a GPU."""
    try:
        import faiss
    except ImportError:
        return False
    n_gpus: int = getattr(faiss, "get_num_gpus", lambda: 0)()
    return n_gpus > 0
