"""Collections and their readers, one file a format."""

from foolsgold.collection.any_collection import CollectionFiles, as_collection, write_beir_parquet
from foolsgold.collection.collection import Collection, Judgements, rows_of
from foolsgold.collection.files import read_beir, read_files
from foolsgold.collection.labels import read_labels
from foolsgold.collection.pairs import read_pairs
from foolsgold.collection.records import LABELS
from foolsgold.collection.text import fold, is_written_without_spaces, text_keys, words

__all__ = [
    "LABELS",
    "Collection",
    "CollectionFiles",
    "Judgements",
    "as_collection",
    "fold",
    "is_written_without_spaces",
    "read_beir",
    "read_files",
    "read_labels",
    "read_pairs",
    "rows_of",
    "text_keys",
    "words",
    "write_beir_parquet",
]
