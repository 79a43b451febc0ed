"""The labels of labelled pairs: one that is neither, or of another type than the others, is no guess of ours."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from foolsgold.errors import BadRowError
from foolsgold.training_data.settings import Label, PreparationSettings


class LabelReader:
    """Tells positives from negatives.

    Args:
        settings: names the two labels.
        as_text: a label is also what reads like it: csv and tsv know no types, a command line neither.
    """

    def __init__(self, settings: PreparationSettings, *, as_text: bool) -> None:
        self._positive, self._negative = settings.positive_label, settings.negative_label
        self._as_text = as_text
        self._first: tuple[str, str] | None = None

    def is_positive(self, label: Any, place: str) -> bool:
        """Whether it is the label of a positive.

        Raises:
            BadRowError: it is neither label, or of another type than the first one was.
        """
        kind = _kind(label)
        positive = kind is not None and self._matches(label, self._positive)
        if kind is None or not (positive or self._matches(label, self._negative)):
            raise BadRowError(
                f"{place}: the label is {label!r:.60} ({type(label).__name__}); it takes {self._positive!r} for a "
                f"positive or {self._negative!r} for a negative ({_kind(self._positive)}). Other labels are named with "
                "positive_label and negative_label (--positive-label, --negative-label)."
            )
        self._first = self._first or (place, kind)
        if kind != self._first[1]:
            raise BadRowError(
                f"{place}: the label is {label!r} ({kind}), but that of {self._first[0]} is of another type "
                f"({self._first[1]}). Give all labels as one type."
            )
        return positive

    def _matches(self, label: Any, wanted: Label) -> bool:
        return bool(label == wanted) or (self._as_text and str(label) == str(wanted))


def _kind(label: Any) -> str | None:
    """What type it is in words; None for what can be no label."""
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    if isinstance(label, str):
        return "string"
    if isinstance(label, numbers.Integral):
        return "whole number"
    return "number" if isinstance(label, numbers.Real) else None
