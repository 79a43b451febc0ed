"""Hard negative mining for dense retrievers, rerankers, ColBERT and sparse encoders."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foolsgold.calibrate import calibrate
    from foolsgold.collection import Collection, read_beir, read_files, read_pairs, read_training_data
    from foolsgold.compare import Comparison, compare
    from foolsgold.compat import mine_hard_negatives
    from foolsgold.encode import DenseModels, Encoder, OpenAIEncoder, PrecomputedVectors
    from foolsgold.errors import FoolsgoldError
    from foolsgold.export_negatives import export_negatives
    from foolsgold.mine import mine, select
    from foolsgold.push_negatives import push_negatives
    from foolsgold.refresh import RefreshNegatives
    from foolsgold.result import MiningResult
    from foolsgold.sample_collection import write_sample_collection
    from foolsgold.scale import RayEngine, ShardEngine
    from foolsgold.search import exact_topk
    from foolsgold.settings import MiningSettings
    from foolsgold.simple_miner import SimpleMiner
    from foolsgold.training_data import prepare_training_data
    from foolsgold.version import __version__

__all__ = [
    "Collection",
    "Comparison",
    "DenseModels",
    "Encoder",
    "FoolsgoldError",
    "MiningResult",
    "MiningSettings",
    "OpenAIEncoder",
    "PrecomputedVectors",
    "RayEngine",
    "RefreshNegatives",
    "ShardEngine",
    "SimpleMiner",
    "__version__",
    "calibrate",
    "compare",
    "exact_topk",
    "export_negatives",
    "mine",
    "mine_hard_negatives",
    "prepare_training_data",
    "push_negatives",
    "read_beir",
    "read_files",
    "read_pairs",
    "read_training_data",
    "select",
    "write_sample_collection",
]

_MODULES = {
    "Collection": "collection",
    "Comparison": "compare",
    "DenseModels": "encode",
    "Encoder": "encode",
    "FoolsgoldError": "errors",
    "MiningResult": "result",
    "MiningSettings": "settings",
    "OpenAIEncoder": "encode",
    "PrecomputedVectors": "encode",
    "RayEngine": "scale",
    "RefreshNegatives": "refresh",
    "ShardEngine": "scale",
    "SimpleMiner": "simple_miner",
    "__version__": "version",
    "calibrate": "calibrate",
    "compare": "compare",
    "exact_topk": "search",
    "export_negatives": "export_negatives",
    "mine": "mine",
    "mine_hard_negatives": "compat",
    "prepare_training_data": "training_data",
    "push_negatives": "push_negatives",
    "read_beir": "collection",
    "read_files": "collection",
    "read_pairs": "collection",
    "read_training_data": "collection",
    "select": "mine",
    "write_sample_collection": "sample_collection",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for (PEP 562), so that `foolsgold --help` need not wait."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Whoever imports the module `foolsgold.mine` finds the function `foolsgold.mine` where it was."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
