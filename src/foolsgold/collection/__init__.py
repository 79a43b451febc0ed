"""Collections and their readers, one file a format."""

from foolsgold.collection.any_collection import CollectionFiles, as_collection, write_beir_parquet
from foolsgold.collection.collection import Collection, Judgements, rows_of
from foolsgold.collection.files import read_beir, read_files
from foolsgold.collection.from_ir_datasets import read_ir_dataset
from foolsgold.collection.given import FATES, STANDS
from foolsgold.collection.labels import read_labels
from foolsgold.collection.pairs import read_pairs
from foolsgold.collection.part_of import PartOf
from foolsgold.collection.records import LABELS
from foolsgold.collection.text import fold, is_written_without_spaces, text_keys, words
from foolsgold.collection.training_data import read_training_data

__all__ = [
    "FATES",
    "LABELS",
    "STANDS",
    "Collection",
    "CollectionFiles",
    "Judgements",
    "PartOf",
    "as_collection",
    "fold",
    "is_written_without_spaces",
    "read_beir",
    "read_files",
    "read_ir_dataset",
    "read_labels",
    "read_pairs",
    "read_training_data",
    "rows_of",
    "text_keys",
    "words",
    "write_beir_parquet",
]
