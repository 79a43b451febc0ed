"""Who made the vectors: what settings.json says of an encoder, and the part of the cache that is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.cache_folder import VECTORS
from foolsgold.encode.encoder import Side
from foolsgold.encode.openai_endpoint import OpenAIEncoder
from foolsgold.encode.precomputed import PrecomputedVectors
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.settings import MiningSettings, Similarity, VectorType


class CacheIdentity(NamedTuple):
    """What a `VectorCache` is made with."""

    identity: dict[str, str]
    about: dict[str, Any]


def similarity_of(encoder: Any, settings: MiningSettings) -> Similarity:
    """How its vectors are compared: as the settings say, or in its own way."""
    own: Similarity = getattr(encoder, "similarity", "cosine")
    return settings.similarity or own


def describe_encoder(encoder: Any, settings: MiningSettings) -> dict[str, Any]:
    """Kind, name and prompts, similarity, and a fingerprint that is None where nothing tells one encoder from another.

    Args:
        encoder: an Encoder or PrecomputedVectors.
        settings: may say how vectors are compared.
    """
    description: dict[str, Any] = {
        "kind": type(encoder).__name__,
        "similarity": similarity_of(encoder, settings),
        "fingerprint": None,
    }
    if isinstance(encoder, SentenceTransformerEncoder):
        description |= {"name": encoder.name, "precision": encoder.precision, "backend": encoder.backend}
        description |= {"backend_reason": encoder.backend_reason, "fingerprint": encoder.fingerprint}
        return {**description, "query_prompt": encoder.query_prompt, "document_prompt": encoder.document_prompt}
    if isinstance(encoder, OpenAIEncoder):
        description |= {"name": encoder.name, "base_url": encoder.base_url, "fingerprint": encoder.fingerprint}
        return {**description, "query_prompt": encoder.query_prompt, "document_prompt": encoder.document_prompt}
    if isinstance(encoder, PrecomputedVectors):
        paths = {"query_vecs": encoder.query_vecs, "doc_vecs": encoder.doc_vecs}
        description |= {name: str(path) for name, path in paths.items() if isinstance(path, (str, Path))}
        return {**description, "fingerprint": encoder.fingerprint()}
    return {**description, "fingerprint": _own_fingerprint(encoder)}


def vector_cache(
    cache: Path, encoder: Any, side: Side, vector_type: VectorType, *, prefix: str = f"{VECTORS}/"
) -> VectorCache | None:
    """Where the vectors of one side are kept; None for an encoder without a fingerprint.

    Raises:
        OutputError: the cache cannot be written to.
    """
    identity = cache_identity(encoder, side, vector_type)
    return None if identity is None else VectorCache(cache, *identity, prefix=prefix)


def cache_identity(encoder: Any, side: Side, vector_type: VectorType) -> CacheIdentity | None:
    """What tells the vectors of one side apart; None for an encoder without a fingerprint."""
    about = {"model": getattr(encoder, "name", None) or type(encoder).__name__}
    if isinstance(encoder, SentenceTransformerEncoder):
        fingerprint = encoder.side_fingerprint(side)
        prompt = encoder.query_prompt if side == "queries" else encoder.document_prompt
        about |= {"prompt": prompt, "precision": encoder.precision}
    elif isinstance(encoder, OpenAIEncoder):
        fingerprint = encoder.side_fingerprint(side)
        about |= {"prompt": encoder.prompt(side), "base_url": encoder.base_url}
    else:
        own, kind = _own_fingerprint(encoder), type(encoder)
        fingerprint = None if own is None else f"{kind.__module__}.{kind.__qualname__} {own}"
    if fingerprint is None:
        return None
    return CacheIdentity({"encoder": fingerprint, "side": side, "vector_type": vector_type}, about)


def _own_fingerprint(encoder: Any) -> str | None:
    fingerprint = getattr(encoder, "fingerprint", None)
    return fingerprint if isinstance(fingerprint, str) else None
