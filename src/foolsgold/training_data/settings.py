"""PreparationSettings: all that decides which triples are made, each default with its reason."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

from foolsgold.encode.dense_models import MODEL_SIZES
from foolsgold.errors import SettingsError

Label = int | str

_LEAST = {"num_new_negatives": 0, "hard_negative_minimum_rank": 0, "max_triples_per_query": 1, "seed": 0}
_SWITCHES = ("mine_hard_negatives", "pairs_with_labels", "quiet")


@dataclass(frozen=True)
class PreparationSettings:
    """What `prepare_training_data` does with its data; the defaults are RAGatouille's.

    Raises:
        SettingsError: a value out of its range, or two labels that are equal.
    """

    num_new_negatives: int = 10
    hard_negative_minimum_rank: int = 10
    mine_hard_negatives: bool = True
    hard_negative_model_size: str = "small"
    pairs_with_labels: bool = False
    positive_label: Label = 1
    negative_label: Label = 0
    language_code: str = "en"
    max_triples_per_query: int = 20  # RAGatouille's, which keeps it for queries with several positives alone
    seed: int = 42
    quiet: bool = False

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            _check_whole(name, getattr(self, name), least)
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; it takes True or False.")
        for name in ("positive_label", "negative_label"):
            if not isinstance(getattr(self, name), (str, numbers.Real)):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; it takes a number or a string.")
        if self.hard_negative_model_size not in MODEL_SIZES:
            raise SettingsError(
                f"hard_negative_model_size is {self.hard_negative_model_size!r}; it takes one of "
                f"{', '.join(map(repr, MODEL_SIZES))}."
            )
        if self.positive_label == self.negative_label:
            raise SettingsError(
                f"positive_label and negative_label are both {self.positive_label!r}; they must differ."
            )


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < least:
        raise SettingsError(f"{name} is {value!r}; it takes a whole number of at least {least}.")
