"""Training files, one file a framework."""

from foolsgold.export.check import check_ids
from foolsgold.export.render import RenderedRows, render, render_documents
from foolsgold.export.training_rows import STORED_COLUMNS, TrainingRows, stored_rows
from foolsgold.export.write import TrainingFile, is_in_folder, training_table, write_training_file

__all__ = [
    "STORED_COLUMNS",
    "RenderedRows",
    "TrainingFile",
    "TrainingRows",
    "check_ids",
    "is_in_folder",
    "render",
    "render_documents",
    "stored_rows",
    "training_table",
    "write_training_file",
]
