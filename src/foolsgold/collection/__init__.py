"""Collections and their readers, one file a format."""

from foolsgold.collection.any_collection import as_collection, read_source, write_beir_parquet
from foolsgold.collection.collection import Collection, Judgements, rows_of
from foolsgold.collection.files import read_beir, read_files
from foolsgold.collection.pairs import read_pairs
from foolsgold.collection.text import fold, text_keys

__all__ = [
    "Collection",
    "Judgements",
    "as_collection",
    "fold",
    "read_beir",
    "read_files",
    "read_pairs",
    "read_source",
    "rows_of",
    "text_keys",
    "write_beir_parquet",
]
