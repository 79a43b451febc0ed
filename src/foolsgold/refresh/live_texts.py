"""A training dataset whose negatives are looked up when a row is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.errors import MissingExtraError, SettingsError
from foolsgold.export.part import Shape
from foolsgold.export.sentence_transformers import n_tuple_schema, triplet_schema
from foolsgold.refresh.pair_negatives import PairNegatives
from foolsgold.settings import TrainingFormat

if TYPE_CHECKING:
    from datasets import Dataset

_BEFORE_NEGATIVES = 2  # anchor and positive
_LIVING: WeakValueDictionary[str, LiveTexts] = WeakValueDictionary()


class LiveTexts:
    """Turns row numbers into the texts that stand there now, for a dataset that holds nothing but row numbers.

    A dataset's own table cannot be exchanged while a trainer reads it, but it may have a transform, as that of
    `sentence_transformers.util.resolve_ids` is one. Memory is that of the collection, and a number for each negative.

    Attributes:
        negatives: what rows are made of; set to others, the rows have those.

    Args:
        collection: queries and documents.
        negatives: the first ones.
        format: "n-tuple", a row per pair, or "triplet", a row per negative.
    """

    def __init__(self, collection: Collection, negatives: PairNegatives, format: TrainingFormat) -> None:
        n_negatives = negatives.doc_rows.shape[1]
        shape = Shape(n_negatives, with_scores=False)
        schema = triplet_schema(shape) if format == "triplet" else n_tuple_schema(shape)
        self.negatives = negatives
        self._collection = collection
        self._columns: list[str] = schema.names
        self._rows_per_pair = n_negatives // (len(self._columns) - _BEFORE_NEGATIVES)
        self._name = uuid4().hex
        _LIVING[self._name] = self

    def __reduce__(self) -> Any:
        """Copies are the thing itself, also in a forked process: it is to be one, and a corpus is not to be pickled."""
        return _living, (self._name,)

    def __call__(self, batch: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
        """Texts instead of row numbers; columns that a user has added are left as they are.

        Raises:
            SettingsError: there are no row numbers any more.
        """
        return {
            name: self._texts(name, _row_numbers(values)) if name in self._columns else values
            for name, values in batch.items()
        }

    def dataset(self) -> Dataset:
        """A dataset of these rows, whose features are row numbers and whose values are texts.

        Raises:
            MissingExtraError: the package datasets is not installed.
        """
        try:
            from datasets import Dataset
        except ImportError as error:
            raise MissingExtraError(
                'RefreshNegatives needs the extra `datasets`. Install it: pip install "foolsgold[datasets]"'
            ) from error
        numbers = pa.array(np.arange(len(self.negatives) * self._rows_per_pair))
        dataset = Dataset(pa.table(dict.fromkeys(self._columns, numbers)))
        dataset.set_transform(self)
        return dataset

    def parts_of(self, dataset: Any) -> Iterator[Any]:
        """What of a dataset is read through this: it, a selection of it, or some of several that are joined to it."""
        if hasattr(dataset, "datasets"):  # torch's ConcatDataset, which a trainer makes of a DatasetDict
            dataset = dict(enumerate(dataset.datasets))
        if isinstance(dataset, dict):
            for part in dataset.values():
                yield from self.parts_of(part)
        elif self._reads(dataset):
            yield dataset

    def missing_in(self, part: Any) -> str | None:
        """Which column a loss needs and a part lacks; one negative of several will do."""
        anchor, positive, *negatives = self._columns
        for name in (anchor, positive):
            if name not in part.column_names:
                return name
        return None if set(negatives) & set(part.column_names) else negatives[0]

    def _reads(self, dataset: Any) -> bool:
        transform = getattr(dataset, "format", {}).get("format_kwargs", {}).get("transform")
        if isinstance(transform, partial):  # a trainer adds the name of the dataset so
            transform = transform.keywords.get("transform")
        return transform is self

    def _texts(self, column: str, numbers: NDArray[np.int64]) -> list[str]:
        negatives, pairs = self.negatives, numbers // self._rows_per_pair
        place = self._columns.index(column)
        if place == 0:
            return self._collection.query_texts(negatives.query_rows[pairs])
        if place == 1:
            return self._collection.document_texts(negatives.positive_rows[pairs])
        rows = negatives.doc_rows.reshape(len(negatives) * self._rows_per_pair, -1)  # (rows of the dataset, columns)
        return self._collection.document_texts(rows[numbers, place - _BEFORE_NEGATIVES])


def _row_numbers(values: Sequence[Any]) -> NDArray[np.int64]:
    rows = np.asarray(values)
    if rows.size and rows.dtype.kind not in "iu":
        raise SettingsError(
            "the dataset was rewritten by map or flatten_indices; its negatives cannot be refreshed. Make it with "
            "select, shuffle, filter, train_test_split or remove_columns alone, and put prompts into prompts= of the "
            "training arguments."
        )
    return rows.astype(np.int64)


def _living(name: str) -> LiveTexts:
    return _LIVING[name]
