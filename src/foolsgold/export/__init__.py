"""Training files, one file a framework."""

from foolsgold.export.formats import training_batches, training_schema
from foolsgold.export.write import write_training_file

__all__ = ["training_batches", "training_schema", "write_training_file"]
