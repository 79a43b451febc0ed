"""Raw pairs, labelled pairs and triplets in, ColBERT's training files out: what RAGatouille's trainer prepares."""

from foolsgold.training_data.prepare import prepare, prepare_training_data
from foolsgold.training_data.prepared import PreparedData
from foolsgold.training_data.settings import PreparationSettings

__all__ = ["PreparationSettings", "PreparedData", "prepare", "prepare_training_data"]
