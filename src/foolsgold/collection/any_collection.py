"""Whatever a caller of `mine` holds, as a Collection; and a Collection written so that it can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection.collection import CORPUS_SCHEMA, Collection
from foolsgold.collection.files import GIVEN_FILE, read_beir, read_files
from foolsgold.collection.from_ir_datasets import PREFIX, read_ir_dataset
from foolsgold.collection.pairs import read_pairs
from foolsgold.collection.training_data import read_training_data
from foolsgold.errors import SettingsError
from foolsgold.settings import MiningSettings, OnBadLine, PairsFormat


@dataclass(frozen=True)
class CollectionFiles:
    """Where a collection lies: a folder, three files, or training data; read when it is needed, and again.

    Attributes:
        folder: a BEIR folder, or `ir_datasets:ID`.
        split: of the folder's qrels, or of the pairs.
        corpus: with queries and qrels instead of a folder; or more documents beside pairs.
        queries: a file.
        qrels: a file.
        pairs: training data: a file, a folder, or the id of a dataset on the hub, as `read_training_data` takes it.
        pairs_format: None is recognised.
        pairs_config: of a dataset on the hub.
        query_column: in the pairs; as the next three in `read_training_data`.
        positive_column: see there.
        negative_columns: see there.
        label_column: see there.
        given_negatives: False takes negatives of the pairs, or of ir_datasets' triples, for documents like any other;
            None is True.
        on_bad_line: "error" or "skip"; None: as the settings say.
        max_unknown_ratio: None: as the settings say.
    """

    folder: str | None = None
    split: str | None = None
    corpus: str | None = None
    queries: str | None = None
    qrels: str | None = None
    pairs: str | None = None
    pairs_format: PairsFormat | None = None
    pairs_config: str | None = None
    query_column: str | None = None
    positive_column: str | None = None
    negative_columns: Sequence[str] | None = None
    label_column: str | None = None
    given_negatives: bool | None = None
    on_bad_line: OnBadLine | None = None
    max_unknown_ratio: float | None = None

    def read(self, settings: MiningSettings) -> Collection:
        """The collection, read as the settings say."""
        options: dict[str, Any] = {
            "on_bad_line": self.on_bad_line or settings.on_bad_line,
            "max_unknown_ratio": (
                settings.max_unknown_ratio if self.max_unknown_ratio is None else self.max_unknown_ratio
            ),
            "show_progress": not settings.quiet,
        }
        if self.pairs is not None:
            return self._read_pairs(self.pairs, options)
        if self.folder is not None and self.folder.startswith(PREFIX):
            if self.split is not None:
                raise SettingsError(f"split is {self.split!r}, but {self.folder} is one split. Name another by its id.")
            return read_ir_dataset(self.folder, keep_negatives=self.given_negatives is not False, **options)
        if self.folder is not None:
            return read_beir(self.folder, self.split, **options)
        files = {"corpus": self.corpus, "queries": self.queries, "qrels": self.qrels}
        missing = [name for name, path in files.items() if path is None]
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} missing; give a folder (--collection DIR), training data (--pairs F), or all "
                "of --corpus F --queries F --qrels F."
            )
        return read_files(str(self.corpus), str(self.queries), str(self.qrels), **options)

    def _read_pairs(self, pairs: str, options: dict[str, Any]) -> Collection:
        if self.folder is not None or self.qrels is not None:
            raise SettingsError("pairs are training data with their judgements; leave out --collection and --qrels.")
        return read_training_data(
            pairs,
            self.corpus,
            format=self.pairs_format,
            queries=self.queries,
            split=self.split,
            config=self.pairs_config,
            query_column=self.query_column,
            positive_column=self.positive_column,
            negative_columns=self.negative_columns,
            label_column=self.label_column,
            keep_negatives=self.given_negatives is not False,
            **options,
        )

    def read_as(self, before: CollectionFiles) -> CollectionFiles:
        """These files, read as those were read before that they stand for."""
        split = before.split if self.folder is not None or self.pairs is not None else None
        changes: dict[str, Any] = {"split": self.split or split, "max_unknown_ratio": before.max_unknown_ratio}
        options = ["on_bad_line", "given_negatives"]
        if self.pairs is not None:
            options += ["pairs_format", "pairs_config", "query_column", "positive_column", "negative_columns",
                        "label_column"]  # fmt: skip
        for name in options:
            own = getattr(self, name)
            changes[name] = getattr(before, name) if own is None else own
        return replace(self, **changes)


def as_collection(collection: Any, settings: MiningSettings) -> Collection:
    """A Collection as it is, files or a BEIR folder's path, or pairs of any form that `read_pairs` takes."""
    if isinstance(collection, Collection):
        return collection
    if isinstance(collection, (str, Path)):
        collection = CollectionFiles(folder=str(collection))
    if isinstance(collection, CollectionFiles):
        return collection.read(settings)
    return read_pairs(collection)


BEIR_PARQUET_FILES = ("corpus.parquet", "queries.parquet", "qrels.parquet", f"{GIVEN_FILE}.parquet")
"""What `write_beir_parquet` writes."""


def write_beir_parquet(collection: Collection, folder: Path) -> None:
    """Write a collection that was made in Python, for `read_beir` to read: corpus, queries and qrels as parquet."""
    import pyarrow.parquet as pq

    folder.mkdir()
    schema = pa.schema([CORPUS_SCHEMA[0].with_name("_id"), *list(CORPUS_SCHEMA)[1:]])
    with pq.ParquetWriter(folder / "corpus.parquet", schema) as writer:
        for documents in collection.document_tables():
            writer.write_table(documents.rename_columns(schema.names))
    queries = collection.queries.rename_columns(["_id", *collection.queries.column_names[1:]])
    pq.write_table(queries, folder / "queries.parquet")
    judged = (collection.positives, collection.judged_negatives)
    query_rows = np.concatenate([j.query_rows for j in judged])
    doc_rows = np.concatenate([j.doc_rows for j in judged])
    scores = np.repeat([1, 0], [len(j.doc_rows) for j in judged])
    table = pa.table(
        {
            "query-id": collection.query_ids.take(pa.array(query_rows)),
            "corpus-id": collection.doc_ids.take(pa.array(doc_rows)),
            "score": pa.array(scores, pa.int32()),
        }
    )
    pq.write_table(table, folder / "qrels.parquet")
    if collection.given_negatives is not None and collection.has_given_negatives:
        given = collection.given_negatives
        columns = [collection.query_ids.take(given.query_rows), collection.doc_ids.take(given.doc_rows)]
        pq.write_table(pa.table(columns, names=["query-id", "corpus-id"]), folder / f"{GIVEN_FILE}.parquet")
