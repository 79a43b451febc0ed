"""Whatever a caller of `mine` holds, as a Collection; and a Collection written so that it can be read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection.collection import Collection
from foolsgold.collection.files import read_beir, read_files
from foolsgold.collection.pairs import read_pairs
from foolsgold.errors import SettingsError
from foolsgold.settings import MiningSettings, OnBadLine


@dataclass(frozen=True)
class CollectionFiles:
    """Where a collection lies: a BEIR folder, or three files; read when it is needed, and again.

    Attributes:
        folder: a BEIR folder.
        split: of the folder's qrels.
        corpus: with queries and qrels, instead of a folder.
        queries: a file.
        qrels: a file.
        on_bad_line: "error" or "skip"; None: as the settings say.
        max_unknown_ratio: None: as the settings say.
    """

    folder: str | None = None
    split: str | None = None
    corpus: str | None = None
    queries: str | None = None
    qrels: str | None = None
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
        if self.folder is not None:
            return read_beir(self.folder, self.split, **options)
        files = {"corpus": self.corpus, "queries": self.queries, "qrels": self.qrels}
        missing = [name for name, path in files.items() if path is None]
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} missing; give a folder (--collection DIR), or all of --corpus F --queries F "
                "--qrels F."
            )
        return read_files(str(self.corpus), str(self.queries), str(self.qrels), **options)


def as_collection(collection: Any, settings: MiningSettings) -> Collection:
    """A Collection as it is, files or a BEIR folder's path, or pairs of any form that `read_pairs` takes."""
    if isinstance(collection, Collection):
        return collection
    if isinstance(collection, (str, Path)):
        collection = CollectionFiles(folder=str(collection))
    if isinstance(collection, CollectionFiles):
        return collection.read(settings)
    return read_pairs(collection)


def write_beir_parquet(collection: Collection, folder: Path) -> None:
    """Write a collection that was made in Python, for `read_beir` to read: corpus, queries and qrels as parquet."""
    import pyarrow.parquet as pq

    folder.mkdir()
    pq.write_table(collection.corpus.rename_columns(["_id", "title", "text"]), folder / "corpus.parquet")
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
