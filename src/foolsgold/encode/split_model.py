"""A SentenceTransformer in two parts: the transformer, which takes nearly all the time, and the modules after it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from foolsgold.encode.own_methods import methods_of_class, methods_of_object

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

Body = Callable[[dict[str, Any]], "Tensor"]
"""Turns the features of a batch into token embeddings, shape (B, L, D), in the model's own type."""

_PROBES = (
    "a",
    "What is the capital of France?",
    "Hard negatives are passages that look relevant to a query and are not: they share its words, not its meaning.",
    " ".join(f"word number {n} of a long text," for n in range(80)),  # as long as most models read
)


def why_whole(model: SentenceTransformer) -> str | None:
    """Why a model must be run as it is; None where its transformer can be run apart from the modules after it."""
    from sentence_transformers.base.modules import Router, Transformer

    if own := methods_of_object(model) or methods_of_class(model):
        return f"it has methods of its own: {', '.join(own)}"
    first: Any = model[0]
    if type(first) is not Transformer:
        return f"its first module is a {type(first).__name__}, not a Transformer"
    text = first.modality_config.get("text", {})
    if "message" in first.modality_config or text.get("method") != "forward" or first.tokenizer is None:
        return "its transformer takes more than plain texts"
    if first.module_output_name != "token_embeddings" or getattr(first.config, "output_hidden_states", False):
        return "its transformer gives something else than embeddings of tokens"
    if any(isinstance(module, Router) for module in model.modules()) or any((model.module_kwargs or {}).values()):
        return "its modules depend on the kind of text"
    if first.backend != "torch" or hasattr(first.model, "hf_device_map") or model._compiled_call_impl is not None:
        return "it was loaded in a way of its own"
    if getattr(first, "can_flatten_inputs", False) or getattr(first, "query_expansion", None):
        return "its transformer packs or expands texts"
    return None


def torch_body(model: SentenceTransformer, dtype: torch.dtype) -> Body:
    """The transformer of a model in torch; one of another type is a copy: the model itself stays as it is."""
    own = model.dtype
    first = transformer_in(model, dtype)

    def body(features: dict[str, Any]) -> Tensor:
        embeddings: Tensor = first(dict(features))["token_embeddings"]
        return embeddings.to(own)

    return body


def transformer_in(model: SentenceTransformer, dtype: torch.dtype) -> nn.Module:
    """The first module of a model, or a copy of it with weights of another type; not in training mode."""
    model.eval()
    first: nn.Module = model[0]
    return first if model.dtype == dtype else copy.deepcopy(first).to(dtype)


def sentence_vectors(model: SentenceTransformer, body: Body, features: dict[str, Any]) -> Tensor:
    """Vectors of a batch, shape (B, D): token embeddings by `body`, the rest by the model's own modules."""
    features = {**features, "token_embeddings": body(features)}
    for module in list(model)[1:]:
        features = module(features)
    vecs: Tensor = features["sentence_embedding"]
    return vecs if model.truncate_dim is None else vecs[..., : model.truncate_dim]


def probe_features(model: SentenceTransformer) -> dict[str, Any]:
    """What the model's own preprocessing makes of a few texts, short ones and a long one, on its device."""
    features = model.preprocess(list(_PROBES), prompt="", task="document")
    return {name: value.to(model.device) if hasattr(value, "to") else value for name, value in features.items()}


def agreement(model: SentenceTransformer, body: Body, other: Body) -> float:
    """The smallest cosine between the vectors of a few texts by two bodies; -1 where one is not finite."""
    import torch

    features = probe_features(model)
    with torch.inference_mode():
        vecs, others = (
            sentence_vectors(model, one, dict(features)).double().cpu().numpy() for one in (body, other)
        )  # (4, D)
    if not (np.isfinite(vecs).all() and np.isfinite(others).all()):
        return -1.0
    lengths = np.linalg.norm(vecs, axis=1) * np.linalg.norm(others, axis=1)
    return float(np.min((vecs * others).sum(axis=1) / np.maximum(lengths, 1e-30)))
