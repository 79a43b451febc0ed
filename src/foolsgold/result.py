"""MiningResult: what mining gives back, and the questions it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection, rows_of
from foolsgold.errors import MissingExtraError, SettingsError
from foolsgold.export import STORED_COLUMNS, stored_rows, training_table
from foolsgold.report import Example, dataset_card, summary_lines
from foolsgold.sample import GIVEN, NEGATIVES_SCHEMA
from foolsgold.settings import MiningSettings, TrainingFormat
from foolsgold.training_formats import SCORED_FORMATS

if TYPE_CHECKING:
    from datasets import Dataset

_IDS = ("query_id", "positive_id", "doc_id")
_SHOWN = pa.schema([NEGATIVES_SCHEMA.field(name) for name in (*_IDS, "rank", "score", "positive_score", "source")])


@dataclass(frozen=True)
class MiningResult:
    """The chosen negatives and the report.

    Attributes:
        stored: the negatives where they are, to be read a part at a time.
        report: what report.json holds.
        settings: with which the negatives were chosen.
        collection: which they were chosen from.
        folder: where the files lie; None for a run without an output folder.
        about: what settings.json holds: settings, versions, fingerprints of model and data.
    """

    stored: ChosenNegatives = field(repr=False)
    report: Mapping[str, Any]
    settings: MiningSettings
    collection: Collection
    folder: Path | None
    about: Mapping[str, Any] = field(repr=False)

    @cached_property
    def negatives(self) -> pa.Table:
        """A row per negative, as it was chosen.

        Its columns are query_id, positive_id, doc_id, rank, score, positive_score, source, and
        false_negative_probability, which is null where nothing is known. It is read when first asked for, also when a
        later choice has taken its place in the folder.
        """
        return self.stored.table()

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

    def to_dataset(self, format: TrainingFormat | None = None, *, with_scores: bool | None = None) -> Dataset:
        """A Hugging Face dataset, such as a SentenceTransformerTrainer takes as it is.

        Args:
            format: any of `foolsgold export --help` that is no folder; None is the settings' own.
            with_scores: scores of positives and negatives too; None: where the settings ask for them and the format has
                a place for them.

        Raises:
            SettingsError: the format cannot express what was mined, or a score that it is to have is not known.
            MissingExtraError: the package datasets is not installed.
        """
        try:
            from datasets import Dataset
        except ImportError as error:
            raise MissingExtraError(
                'to_dataset needs the extra `datasets`. Install it: pip install "foolsgold[datasets]"'
            ) from error
        settings = self._in_format(format or self.settings.format, with_scores)
        rows = stored_rows(self.stored.batches(STORED_COLUMNS), self.collection)
        return Dataset(training_table(rows, self.collection, settings))

    def push_to_hub(
        self,
        repo_id: str,
        format: TrainingFormat | None = None,
        *,
        split: str = "train",
        with_scores: bool | None = None,
        private: bool | None = True,
        token: str | None = None,
        language: str | list[str] | None = None,
    ) -> str:
        """Push the training data to the Hugging Face hub, as parquet, with a dataset card that holds the report.

        The card shows three examples; it names no folder and no address. Data and card are one commit: a split of the
        same name and the card are replaced, other splits stay.

        Args:
            repo_id: owner and name of the dataset, or a name among your own; it is made if it is not there.
            format: as for `to_dataset`, of those that can be parquet; None is the settings' own.
            split: such as "train".
            with_scores: as for `to_dataset`.
            private: whether a new dataset is private; None is the owner's default.
            token: None is that of the login (`hf auth login`, or HF_TOKEN).
            language: codes of the texts' languages, for the card; None is that of the settings, where they name one.

        Returns:
            The dataset's address.

        Raises:
            SettingsError: a name that cannot be, a format that is no dataset, or one with other columns than the
                dataset's other splits have.
            OutputError: nobody is logged in, the hub cannot be reached, or does not take it.
        """
        from foolsgold.hub import push

        settings = self._as_parquet(format or self.settings.format, with_scores)
        return push(
            stored_rows(self.stored.batches(STORED_COLUMNS), self.collection), self.collection, settings,
            lambda data: dataset_card(self.report, self.about, data, self.examples()),
            repo_id=repo_id, split=split, private=private, token=token, language=language,
        )  # fmt: skip

    def _as_parquet(self, format: TrainingFormat, with_scores: bool | None) -> MiningSettings:
        try:
            return self._in_format(format, with_scores).replace(file_type="parquet")
        except SettingsError as error:
            raise SettingsError(f"format {format!r} cannot be a dataset on the hub, in parquet: {error}") from error

    def _in_format(self, format: TrainingFormat, with_scores: bool | None) -> MiningSettings:
        if with_scores is None:
            with_scores = self.settings.with_scores and format in SCORED_FORMATS
        return self.settings.replace(format=format, file_type=None, with_scores=with_scores)

    def examples(self, n: int = 3) -> list[Example]:
        """Pairs spread evenly over the collection, each with its hardest negative."""
        n_pairs = sum(batch.num_rows for batch in self._hardest())
        places = np.unique(np.linspace(0, n_pairs - 1, n + 2).round().astype(np.int64)[1:-1])
        return self._as_examples(_rows_at(self._hardest(), places))

    def borderline(self, n: int = 10) -> list[Example]:
        """The chosen negatives that score nearest to their positive: the first to look at for false negatives."""
        nearest = _SHOWN.empty_table()
        for batch in self._mined():
            rows = pa.Table.from_batches([*nearest.to_batches(), batch.filter(batch["positive_score"].is_valid())])
            gaps = np.asarray(pc.subtract(rows["positive_score"], rows["score"]).to_numpy(), np.float64)
            nearest = rows.take(pa.array(np.argsort(gaps, kind="stable")[:n]))
        return self._as_examples(nearest)

    def summary(self, n_examples: int = 3) -> str:
        """The verdict and the numbers behind it in about ten lines, and examples."""
        page = None if self.folder is None else self.folder / "report.html"
        return "\n".join(summary_lines(self.report, self.examples(n_examples), page))

    def _mined(self) -> Iterator[pa.RecordBatch]:
        """Negatives with a rank and a positive that were not given, a part at a time."""
        for batch in self.stored.batches(_SHOWN.names):
            found = pc.and_(batch["rank"].is_valid(), pc.not_equal(batch["source"], GIVEN))
            yield batch.filter(pc.and_(found, batch["positive_id"].is_valid()))

    def _hardest(self) -> Iterator[pa.RecordBatch]:
        """The first of each pair: its negatives stand together, the hardest first."""
        before = _SHOWN.empty_table()
        for batch in self._mined():
            rows = pa.Table.from_batches([*before.to_batches(), batch])  # the last row of the batch before stands first
            pairs = [rows[name].combine_chunks() for name in ("query_id", "positive_id")]
            changes = pc.or_(*(pc.not_equal(ids[1:], ids[:-1]) for ids in pairs)).to_numpy(zero_copy_only=False)
            starts = np.concatenate([[not before.num_rows and rows.num_rows > 0], changes])[: rows.num_rows]
            yield from rows.filter(pa.array(starts)).combine_chunks().to_batches()
            before = rows.slice(max(0, rows.num_rows - 1))

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


def _rows_at(batches: Iterator[pa.RecordBatch], places: NDArray[np.int64]) -> pa.Table:
    """Some rows of all batches, by their places, ascending."""
    found, first = list[pa.RecordBatch](), 0
    for batch in batches:
        here = places[(places >= first) & (places < first + batch.num_rows)] - first
        found.append(batch.take(pa.array(here)))
        first += batch.num_rows
    return pa.Table.from_batches(found, _SHOWN)
