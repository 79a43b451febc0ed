"""Training files, one file a framework."""

from foolsgold.export.training_rows import TrainingRows, stored_rows
from foolsgold.export.write import TrainingFile, training_table, write_training_file

__all__ = ["TrainingFile", "TrainingRows", "stored_rows", "training_table", "write_training_file"]
