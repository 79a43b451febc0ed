"""What computes a model's vectors, and in which precision."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from foolsgold.encode.onnx_graph import Graph, onnx_graph
from foolsgold.encode.split_model import Body, agreement, torch_body, why_whole
from foolsgold.errors import MissingExtraError, ModelError, SettingsError
from foolsgold.settings import Precision

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BackendName = Literal["onnxruntime", "torch", "sentence-transformers"]
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
_LEAST_COSINE = 0.9999  # of float16 with float32, over a few texts

logger = logging.getLogger(__name__)


class Backend(NamedTuple):
    """What computes vectors.

    Attributes:
        name: "onnxruntime" or "torch" for the transformer, with the modules after it in torch either way;
            "sentence-transformers" where the model is run as it is.
        precision: in which the transformer multiplies: the name of a torch type, or int8.
        reason: why it is not ONNX Runtime; None where it is.
        graph: of ONNX Runtime.
    """

    name: BackendName
    precision: str
    reason: str | None = None
    graph: Path | None = None


def choose_backend(model: SentenceTransformer, precision: Precision, cache: Path | None) -> Backend:
    """What suits a model where it is: on a CPU ONNX Runtime, if the extra is there and the model can be exported.

    Args:
        model: on its device.
        precision: "auto" is float32 on a CPU, and on a GPU float16, where a few texts have the same vectors with it.
        cache: folder that keeps ONNX graphs; None: none are made.

    Raises:
        SettingsError: a precision that is not to be had here.
        MissingExtraError: int8 without the extra `onnx`.
        ModelError: int8 with a model that cannot be exported, or is too inexact so.
    """
    if precision not in get_args(Precision):
        raise SettingsError(f"precision is {precision!r}; it takes one of {', '.join(map(repr, get_args(Precision)))}.")
    whole = why_whole(model)
    if precision == "int8":
        return _int8(model, whole, cache)
    if whole is not None:
        return _as_it_is(model, precision, whole)
    if model.device.type != "cpu":
        return Backend(
            "torch", _in_torch(model, precision), f"ONNX Runtime is used on CPUs, and the model is on {model.device}"
        )
    own = _own_precision(model)
    wanted = own if precision == "auto" else precision
    if wanted != "float32":
        return Backend("torch", wanted, f"ONNX Runtime is not used for {wanted}")
    if cache is None:
        return Backend("torch", wanted, "a graph was not wanted")
    if missing := _missing_extra():
        return Backend("torch", wanted, missing)
    graph = onnx_graph(model, "float32", cache)
    if graph.path is None:
        logger.warning("torch is used instead of ONNX Runtime: %s", graph.reason)
        return Backend("torch", wanted, graph.reason)
    return Backend("onnxruntime", wanted, None, graph.path)


def body_of(model: SentenceTransformer, backend: Backend) -> Body:
    """The transformer as the backend runs it, on the device of the model."""
    import torch

    if backend.graph is not None:
        from foolsgold.encode.onnx_body import OnnxBody

        return OnnxBody(backend.graph, model.dtype or torch.float32)
    return torch_body(model, getattr(torch, backend.precision))


def _int8(model: SentenceTransformer, whole: str | None, cache: Path | None) -> Backend:
    if cache is None:
        raise SettingsError("precision is 'int8', which needs an ONNX graph, and none is made here. Take 'auto'.")
    if model.device.type != "cpu":
        raise SettingsError(
            f"precision is 'int8', which is for CPUs, and the model is on {model.device}. Take precision='float16' "
            "(--precision float16), or device='cpu'."
        )
    if _missing_extra():
        raise MissingExtraError(
            "precision 'int8' needs the extra `onnx`, which runs it. Install it: "
            "pip install \"foolsgold[onnx]\", or take precision='float32'."
        )
    graph = onnx_graph(model, "int8", cache) if whole is None else Graph(None, whole)
    if graph.path is None:
        raise ModelError(
            f"model: precision 'int8' cannot be used with it: {graph.reason}. Take precision='float32' "
            "(--precision float32)."
        )
    return Backend("onnxruntime", "int8", None, graph.path)


def _as_it_is(model: SentenceTransformer, precision: Precision, reason: str) -> Backend:
    own = _own_precision(model)
    if precision not in ("auto", own):
        raise SettingsError(
            f"precision is {precision!r}, and this model can only be run in its own, {own}: {reason}. "
            "Take precision='auto'."
        )
    return Backend("sentence-transformers", own, reason)


def _in_torch(model: SentenceTransformer, precision: Precision) -> str:
    """Float16 rather than bfloat16 where none is asked for: as fast, with three more bits; a check guards its range."""
    import torch

    own = _own_precision(model)
    if precision != "auto":
        return precision
    if own != "float32" or model.device.type != "cuda":
        return own
    cosine = agreement(model, torch_body(model, torch.float16), torch_body(model, torch.float32))
    if cosine < _LEAST_COSINE:
        logger.warning("the model is run in float32: in float16 its vectors are others (cosine %.4f)", cosine)
        return own
    return "float16"


def _own_precision(model: SentenceTransformer) -> str:
    return "float32" if model.dtype is None else str(model.dtype).removeprefix("torch.")


def _missing_extra() -> str | None:
    absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    return f"the extra onnx is not installed ({', '.join(absent)})" if absent else None
