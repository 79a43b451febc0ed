"""Hard negative mining for dense retrievers, rerankers, ColBERT and sparse encoders."""

from foolsgold.calibrate import calibrate
from foolsgold.collection import Collection, read_beir, read_files, read_pairs
from foolsgold.encode import DenseModels, Encoder, PrecomputedVectors
from foolsgold.errors import FoolsgoldError
from foolsgold.export_negatives import export_negatives
from foolsgold.mine import mine, select
from foolsgold.result import MiningResult
from foolsgold.sample_collection import write_sample_collection
from foolsgold.search import exact_topk
from foolsgold.settings import MiningSettings
from foolsgold.simple_miner import SimpleMiner
from foolsgold.version import __version__

__all__ = [
    "Collection",
    "DenseModels",
    "Encoder",
    "FoolsgoldError",
    "MiningResult",
    "MiningSettings",
    "PrecomputedVectors",
    "SimpleMiner",
    "__version__",
    "calibrate",
    "exact_topk",
    "export_negatives",
    "mine",
    "read_beir",
    "read_files",
    "read_pairs",
    "select",
    "write_sample_collection",
]
