"""Whatever a caller of `mine` holds, as a Collection; and a Collection written so that it can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection.collection import Collection
from foolsgold.collection.files import read_beir, read_files
from foolsgold.collection.pairs import read_pairs
from foolsgold.settings import MiningSettings


def as_collection(collection: Any, settings: MiningSettings) -> Collection:
    """A Collection as it is, the path of a BEIR folder, or pairs of any form that `read_pairs` takes."""
    if isinstance(collection, Collection):
        return collection
    if isinstance(collection, (str, Path)):
        return read_beir(collection, on_bad_line=settings.on_bad_line, max_unknown_ratio=settings.max_unknown_ratio)
    return read_pairs(collection)


def read_source(source: Mapping[str, str], settings: MiningSettings) -> Collection:
    """Read again what `Collection.source` names."""
    options: dict[str, Any] = {
        "on_bad_line": settings.on_bad_line,
        "max_unknown_ratio": settings.max_unknown_ratio,
    }
    if source["kind"] == "beir":
        return read_beir(source["folder"], source.get("split"), **options)
    return read_files(source["corpus"], source["queries"], source["qrels"], **options)


def write_beir_parquet(collection: Collection, folder: Path) -> None:
    """Write a collection that was made in Python, for `read_beir` to read: corpus, queries and qrels as parquet."""
    import pyarrow.parquet as pq

    folder.mkdir()
    pq.write_table(collection.corpus.rename_columns(["_id", "title", "text"]), folder / "corpus.parquet")
    pq.write_table(collection.queries.rename_columns(["_id", "text"]), folder / "queries.parquet")
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
