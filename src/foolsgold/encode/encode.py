"""The encode stage: a collection and an encoder in, vectors out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.encode.encoder import Encoder
from foolsgold.encode.precomputed import PrecomputedVectors, open_vectors
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.vectors import Vectors
from foolsgold.encode.workers import EncodingWorkers
from foolsgold.errors import ModelError, SettingsError, VectorError
from foolsgold.settings import MiningSettings, Similarity

_BATCHES_PER_CALL = 8  # an encoder call is long enough to be worth it and short enough to show progress


class Encoded(NamedTuple):
    """What encoding gives: `query_vecs (Q, D)`, `doc_vecs (N, D)`, and who made them."""

    query_vecs: Vectors
    doc_vecs: Vectors
    encoder: dict[str, Any]


def as_encoder(encoder: Any, settings: MiningSettings) -> Encoder | PrecomputedVectors:
    """An Encoder for a hub id, a folder, `"offline"`, a loaded SentenceTransformer, or an Encoder; or given vectors.

    Raises:
        ModelError: it is none of these, or cannot be loaded.
    """
    if isinstance(encoder, (PrecomputedVectors, Encoder)) and not isinstance(encoder, type):
        _check_no_prompts(encoder, settings)
        return encoder
    if isinstance(encoder, Path):
        encoder = str(encoder)
    if not isinstance(encoder, str) and not _is_sentence_transformer(encoder):
        raise ModelError(
            f"encoder is a {type(encoder).__name__}; it takes a hub id, a folder, 'offline', a SentenceTransformer, "
            "PrecomputedVectors, or an object with encode_queries and encode_documents."
        )
    return SentenceTransformerEncoder(
        encoder,
        query_prompt=settings.query_prompt,
        document_prompt=settings.document_prompt,
        batch_size=settings.batch_size,
        device=settings.device,
        num_workers=settings.num_workers,
        similarity=settings.similarity,
        trust_remote_code=settings.trust_remote_code,
        precision=settings.precision,
    )


def encode(collection: Collection, encoder: Any, settings: MiningSettings) -> Encoded:
    """Vectors of all queries and documents, with titles joined to texts.

    Raises:
        ModelError: the encoder cannot be loaded or used.
        VectorError: vectors of the wrong shape or type, NaN, or zeros.
    """
    encoder = as_encoder(encoder, settings)
    own: Similarity = getattr(encoder, "similarity", "cosine")
    similarity = settings.similarity or own
    if isinstance(encoder, PrecomputedVectors):
        queries = open_vectors(encoder.query_vecs, "query_vecs")
        documents = open_vectors(encoder.doc_vecs, "doc_vecs")
    else:
        size, quiet = settings.batch_size, settings.quiet
        documents = encode_texts(collection.document_texts(), encoder, "documents", batch_size=size, quiet=quiet)
        queries = encode_texts(collection.query_texts(), encoder, "queries", batch_size=size, quiet=quiet)
    _check_length(queries, collection.n_queries, "query_vecs", "queries")
    _check_length(documents, collection.n_documents, "doc_vecs", "documents")
    query_vecs = Vectors.of(queries, similarity, "query_vecs", collection.query_ids)
    doc_vecs = Vectors.of(documents, similarity, "doc_vecs", collection.doc_ids)
    if query_vecs.dimensions != doc_vecs.dimensions:
        raise VectorError(
            f"query_vecs have {query_vecs.dimensions} dimensions and doc_vecs {doc_vecs.dimensions}; "
            "both must come from the same model."
        )
    return Encoded(query_vecs, doc_vecs, _describe(encoder, query_vecs, doc_vecs))


def encode_texts(
    texts: Sequence[str], encoder: Encoder, side: str, *, batch_size: int, quiet: bool
) -> NDArray[np.float32]:
    """Vectors of texts, shape (len(texts), D), in their order; equal texts are encoded once, longest first.

    Args:
        texts: at least one.
        encoder: any Encoder.
        side: "queries" or "documents".
        batch_size: texts per forward pass; a call of the encoder gets 8 times as many.
        quiet: without a progress bar.

    Raises:
        VectorError: the encoder returned something else than one vector a text.
        SettingsError: there are no texts.
    """
    if not texts:
        raise SettingsError(f"there are no {side} to encode.")
    distinct = pa.array(texts, pa.large_string()).dictionary_encode()
    unique: list[str] = distinct.dictionary.to_pylist()
    order = sorted(range(len(unique)), key=lambda row: len(unique[row]), reverse=True)
    session = encoder.workers(len(unique)) if isinstance(encoder, SentenceTransformerEncoder) else nullcontext(encoder)
    vecs: NDArray[np.float32] | None = None
    with session as active, tqdm(total=len(unique), desc=f"encode {side}", unit="text", disable=quiet) as progress:
        call = active.encode_queries if side == "queries" else active.encode_documents
        for rows in _chunks(order, batch_size * _BATCHES_PER_CALL, active):
            block = _vectors_of(call, [unique[row] for row in rows], side)
            if vecs is None:
                vecs = np.empty((len(unique), block.shape[1]), np.float32)
            if block.shape[1] != vecs.shape[1]:
                raise VectorError(
                    f"the encoder returned vectors of {vecs.shape[1]} and of {block.shape[1]} dimensions."
                )
            vecs[rows] = block
            progress.update(len(rows))
    assert vecs is not None  # there is at least one text
    return vecs if len(unique) == len(texts) else vecs[distinct.indices.to_numpy()]


def _check_no_prompts(encoder: object, settings: MiningSettings) -> None:
    if isinstance(encoder, SentenceTransformerEncoder) or settings.query_prompt is settings.document_prompt is None:
        return
    raise SettingsError(
        f"query_prompt and document_prompt have no effect on a {type(encoder).__name__}, which does not know of them. "
        "Leave them out, and put prompts before the texts where they are encoded."
    )


def _is_sentence_transformer(encoder: Any) -> bool:
    loaded = sys.modules.get("sentence_transformers")  # not imported here: who holds a model has imported it
    return loaded is not None and isinstance(encoder, loaded.SentenceTransformer)


def _chunks(order: list[int], size: int, encoder: object) -> list[list[int]]:
    size *= encoder.n_workers if isinstance(encoder, EncodingWorkers) else 1
    return [order[start : start + size] for start in range(0, len(order), size)]


def _vectors_of(call: Callable[[Sequence[str]], Any], texts: list[str], side: str) -> NDArray[np.float32]:
    returned = call(texts)
    if hasattr(returned, "detach"):
        returned = returned.detach().cpu().float()  # a torch tensor, wherever it lies
    try:
        vecs = np.asarray(returned, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise VectorError(f"the encoder returned no matrix of numbers for {len(texts)} {side} ({error}).") from error
    if vecs.ndim != 2 or len(vecs) != len(texts):
        raise VectorError(
            f"the encoder returned shape {vecs.shape} for {len(texts)} {side}; it must return (texts, dimensions)."
        )
    return vecs


def _check_length(vecs: NDArray[Any], n_rows: int, name: str, what: str) -> None:
    if vecs.ndim == 2 and len(vecs) != n_rows:
        raise VectorError(
            f"{name}: {len(vecs):,} rows for {n_rows:,} {what}. Row i must belong to the i-th of the {what}; lines "
            "that were skipped as bad and queries that only other splits judge have no row."
        )


def _describe(encoder: Any, query_vecs: Vectors, doc_vecs: Vectors) -> dict[str, Any]:
    description: dict[str, Any] = {
        "kind": type(encoder).__name__,
        "similarity": doc_vecs.similarity,
        "dimensions": doc_vecs.dimensions,
        "fingerprint": None,
    }
    if isinstance(encoder, SentenceTransformerEncoder):
        prompts = {"query_prompt": encoder.query_prompt, "document_prompt": encoder.document_prompt}
        return {**description, "name": encoder.name, **prompts, "fingerprint": encoder.fingerprint}
    if isinstance(encoder, PrecomputedVectors):
        paths = {"query_vecs": encoder.query_vecs, "doc_vecs": encoder.doc_vecs}
        description |= {name: str(path) for name, path in paths.items() if isinstance(path, (str, Path))}
        description["fingerprint"] = query_vecs.fingerprint + doc_vecs.fingerprint
    elif isinstance(getattr(encoder, "fingerprint", None), str):
        description["fingerprint"] = encoder.fingerprint
    return description
