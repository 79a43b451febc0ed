"""MiningResult: what mining gives back, and the questions it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import MissingExtraError
from foolsgold.export import training_batches, training_schema
from foolsgold.report import Example, summary_lines
from foolsgold.settings import MiningSettings, TrainingFormat

if TYPE_CHECKING:
    from datasets import Dataset

_PAIR = ("query_id", "positive_id")


@dataclass(frozen=True)
class MiningResult:
    """The chosen negatives and the report.

    Attributes:
        negatives: a row per negative: query_id, positive_id, doc_id, rank, score, positive_score, source,
            false_negative_probability (null until it is estimated).
        report: what report.json holds.
        settings: with which the negatives were chosen.
        collection: which they were chosen from.
        folder: where the files lie; None for a run without an output folder.
    """

    negatives: pa.Table
    report: Mapping[str, Any]
    settings: MiningSettings
    collection: Collection
    folder: Path | None

    @property
    def yield_ratio(self) -> float | None:
        """Share of queries that got all the negatives asked for, for at least one positive; None without positives."""
        ratio: float | None = self.report["yield_ratio"]
        return ratio

    @property
    def hardness(self) -> float | None:
        """Mean query-document similarity of the chosen negatives; None without negatives."""
        hardness: float | None = self.report["hardness"]
        return hardness

    def to_dataset(self, format: TrainingFormat | None = None) -> Dataset:
        """A Hugging Face dataset that a SentenceTransformerTrainer takes as it is.

        Args:
            format: triplet, n-tuple, labeled-pair, labeled-list or flagembedding; None is the settings' own.

        Raises:
            SettingsError: the format cannot express what was mined.
            MissingExtraError: the package datasets is not installed.
        """
        try:
            from datasets import Dataset
        except ImportError as error:
            raise MissingExtraError(
                'to_dataset needs the extra `datasets`. Install it: pip install "foolsgold[datasets]"'
            ) from error
        name = self.settings.replace(format=format or self.settings.format, file_type="jsonl").format
        schema = training_schema(name, self.settings.negatives)
        batches = training_batches(name, self.negatives, self.collection, self.settings.negatives)
        return Dataset(pa.Table.from_batches(list(batches), schema))

    def examples(self, n: int = 3) -> list[Example]:
        """Pairs spread evenly over the collection, each with its hardest negative."""
        mined = self._mined()
        pairs = [mined[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in _PAIR]
        changes = np.any([np.diff(column, prepend=-1) != 0 for column in pairs], axis=0)
        first = mined.filter(pa.array(changes))  # a pair's negatives stand together, the hardest first
        if not first.num_rows:
            return []
        rows = np.unique(np.linspace(0, first.num_rows - 1, n + 2).round().astype(np.int64)[1:-1])
        return self._as_examples(first.take(pa.array(rows, pa.int64())))

    def borderline(self, n: int = 10) -> list[Example]:
        """The chosen negatives that score nearest to their positive: the first to look at for false negatives."""
        mined = self._mined()
        mined = mined.filter(mined["positive_score"].is_valid())
        gaps = np.asarray(pc.subtract(mined["positive_score"], mined["score"]).to_numpy(), np.float64)
        return self._as_examples(mined.take(pa.array(np.argsort(gaps, kind="stable")[:n])))

    def summary(self, n_examples: int = 3) -> str:
        """The report in about ten lines, with examples."""
        return "\n".join(summary_lines(self.report, self.examples(n_examples)))

    def _mined(self) -> pa.Table:
        return self.negatives.filter(
            pc.and_(self.negatives["rank"].is_valid(), self.negatives["positive_id"].is_valid())
        )

    def _as_examples(self, rows: pa.Table) -> list[Example]:
        def texts(ids: pa.ChunkedArray) -> list[str]:
            return self.collection.document_texts(rows_of(ids, self.collection.doc_ids).to_numpy())

        queries = self.collection.query_texts(rows_of(rows["query_id"], self.collection.query_ids).to_numpy())
        return [
            Example(*values)
            for values in zip(
                queries, texts(rows["positive_id"]), texts(rows["doc_id"]),
                rows["positive_score"].to_pylist(), rows["score"].to_pylist(), strict=True,
            )
        ]  # fmt: skip
