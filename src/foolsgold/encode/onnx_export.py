"""Writes a transformer as an ONNX graph; imported only where the extra `onnx` is installed and needed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_OPSET = 23  # the first with attention as one operation, which halves the time of encoding
OUTPUT = "token_embeddings"


class _TokenEmbeddings(nn.Module):
    """The module with tensors in, by the names given, and a tensor out."""

    def __init__(self, transformer: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.transformer = transformer
        self.names = names

    def forward(self, *tensors: Tensor) -> Tensor:
        embeddings: Tensor = self.transformer(dict(zip(self.names, tensors, strict=True)))[OUTPUT]
        return embeddings


def export(transformer: nn.Module, features: dict[str, Any], path: Path) -> None:
    """Write the graph, for batches and texts of any length; its inputs have the names of the features.

    Args:
        transformer: a sentence-transformers Transformer, float32, on the CPU.
        features: of at least two texts: what its preprocessing gives.
        path: of the graph; weights too large for it lie beside it.

    Raises:
        Exception: of many kinds, where torch cannot export it.
    """
    shape = features["input_ids"].shape
    tensors = {name: value for name, value in features.items() if isinstance(value, Tensor) and value.shape == shape}
    any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _quiet_export():
        torch.onnx.export(
            _TokenEmbeddings(transformer, list(tensors)), tuple(tensors.values()), str(path),
            input_names=list(tensors), output_names=[OUTPUT], dynamic_shapes=((any_size,) * len(tensors),),
            opset_version=_OPSET, dynamo=True, verbose=False, external_data=True,
        )  # fmt: skip


@contextmanager
def _quiet_export() -> Iterator[None]:
    """Without the exporter's remarks on its own workings."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
