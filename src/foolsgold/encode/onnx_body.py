"""Runs the ONNX graph of a transformer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_ERRORS_ONLY = 3


class OnnxBody:
    """Token embeddings by ONNX Runtime on the CPU, with as many threads as torch takes.

    Args:
        path: of the graph.
        dtype: of what is returned: the one that the modules after the transformer compute in.
    """

    def __init__(self, path: Path, dtype: torch.dtype) -> None:
        import onnxruntime
        import torch

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [one.name for one in self._session.get_inputs()]
        self._dtype = dtype

    def __call__(self, features: dict[str, Any]) -> Tensor:
        """Token embeddings, shape (B, L, D)."""
        import torch

        (embeddings,) = self._session.run(None, {name: features[name].numpy() for name in self._names})
        return torch.from_numpy(embeddings).to(self._dtype)
