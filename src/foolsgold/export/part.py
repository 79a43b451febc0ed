"""What a training format is made of: files, and for each how rows become its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

Rows = TypeVar("Rows")


class Shape(NamedTuple):
    """What of a row can be chosen: the negatives of a (query, positive) pair, and whether there are scores."""

    n_negatives: int
    with_scores: bool


Columns = list[pa.Array]
SchemaOf = Callable[[Shape], pa.Schema]


@dataclass(frozen=True)
class Part(Generic[Rows]):
    """One file of a format.

    Attributes:
        schema: of its rows, for a shape.
        columns: of a portion of rows.
        frame: what stands before and after all rows.
        kind: of file, where its ending does not say it.
    """

    schema: SchemaOf | pa.Schema
    columns: Callable[[Rows, Texts, Shape], Columns]
    frame: tuple[str, str] = ("", "")
    kind: str | None = None

    def schema_for(self, shape: Shape) -> pa.Schema:
        """The schema of a shape."""
        return self.schema if isinstance(self.schema, pa.Schema) else self.schema(shape)

    def batch(self, rows: Rows, texts: Texts, shape: Shape) -> pa.RecordBatch:
        """The rows of the file."""
        return pa.RecordBatch.from_arrays(self.columns(rows, texts, shape), schema=self.schema_for(shape))


@dataclass(frozen=True)
class Format:
    """A training format; files of a folder go by name, and one file alone has the name "".

    Attributes:
        negatives: files with rows of negatives, written as negatives come; the first is the one to train on.
        queries: files with a row for each query of the collection.
        documents: files with a row for each document.
        fixed: files of a few lines, for each what makes its content.
        unfit_ids: a regular expression of what no id may have; None where any will do.
    """

    negatives: Mapping[str, Part[TrainingRows]]
    queries: Mapping[str, Part[NDArray[integer]]] = field(default_factory=dict)
    documents: Mapping[str, Part[NDArray[integer]]] = field(default_factory=dict)
    fixed: Mapping[str, Callable[[Collection], str]] = field(default_factory=dict)
    unfit_ids: str | None = None

    @property
    def file_names(self) -> frozenset[str]:
        """Of all its files, as paths in its folder."""
        return frozenset((*self.negatives, *self.queries, *self.documents, *self.fixed))
