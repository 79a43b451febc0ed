"""Training files, one file a framework."""

from foolsgold.export.check import check_ids
from foolsgold.export.training_rows import STORED_COLUMNS, TrainingRows, stored_rows
from foolsgold.export.write import TrainingFile, training_table, write_training_file

__all__ = [
    "STORED_COLUMNS",
    "TrainingFile",
    "TrainingRows",
    "check_ids",
    "stored_rows",
    "training_table",
    "write_training_file",
]
