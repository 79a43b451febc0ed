"""The encode stage: a collection and an encoder in, vectors out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.encode.encode_texts import encode_texts
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.identity import describe_encoder, similarity_of, vector_cache
from foolsgold.encode.matrix import IN_MEMORY_BYTES
from foolsgold.encode.openai_endpoint import PREFIX, OpenAIEncoder
from foolsgold.encode.precomputed import PrecomputedVectors, open_vectors
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.texts import Texts
from foolsgold.encode.vectors import Vectors
from foolsgold.errors import ModelError, SettingsError, TextError, VectorError
from foolsgold.memory import free_bytes
from foolsgold.settings import MiningSettings


class Encoded(NamedTuple):
    """What encoding gives: `query_vecs (Q, D)`, `doc_vecs (N, D)`, and who made them."""

    query_vecs: Vectors
    doc_vecs: Vectors
    encoder: dict[str, Any]


def as_encoder(encoder: Any, settings: MiningSettings) -> Encoder | PrecomputedVectors:
    """An Encoder for a hub id, a folder, `"offline"`, `"openai:NAME"`, a SentenceTransformer, an Encoder; or vectors.

    Raises:
        ModelError: it is none of these, or cannot be loaded.
        SettingsError: settings that have no part in it.
    """
    if isinstance(encoder, str) and encoder.startswith(PREFIX):
        return _of_endpoint(encoder.removeprefix(PREFIX), settings)
    if isinstance(encoder, OpenAIEncoder):
        _check_agreement(encoder, settings)
        return encoder
    if settings.base_url is not None:
        raise SettingsError(
            f"base_url is where an endpoint is, and the model is none. Name it {PREFIX}NAME (--model {PREFIX}NAME), or "
            "leave base_url out."
        )
    if isinstance(encoder, (PrecomputedVectors, Encoder)) and not isinstance(encoder, type):
        _check_no_prompts(encoder, settings)
        return encoder
    if isinstance(encoder, Path):
        encoder = str(encoder)
    if not isinstance(encoder, str) and not _is_sentence_transformer(encoder):
        raise ModelError(
            f"encoder is a {type(encoder).__name__}; it takes a hub id, a folder, 'offline', 'openai:NAME', a "
            "SentenceTransformer, PrecomputedVectors, or an object with encode_queries and encode_documents."
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
        cache=settings.cache,
    )


def encode(
    collection: Collection,
    encoder: Any,
    settings: MiningSettings,
    *,
    cache: Path | None = None,
    scratch: Path | None = None,
    about: Mapping[str, Any] | None = None,
) -> Encoded | None:
    """Vectors of all queries and documents, with titles joined to texts.

    Args:
        collection: the texts.
        encoder: as `as_encoder` takes it; None: there are no vectors.
        settings: prompts, batches, type of the numbers.
        cache: the cache folder; None, or an encoder without fingerprint: all is encoded, and nothing kept.
        scratch: a folder for large matrices; None: those are kept in memory.
        about: what `describe_encoder` says of it, where that is known already.

    Raises:
        ModelError: the encoder cannot be loaded or used.
        VectorError: vectors of the wrong shape or type, NaN, or zeros.
        OutputError: the cache cannot be written to.
    """
    if encoder is None:
        return None
    encoder = as_encoder(encoder, settings)
    similarity = similarity_of(encoder, settings)
    if isinstance(encoder, PrecomputedVectors):
        queries = open_vectors(encoder.query_vecs, "query_vecs")
        documents = open_vectors(encoder.doc_vecs, "doc_vecs")
    else:
        with named_by_id("document", collection.doc_ids):
            documents = _encoded(Texts.of_documents(collection), encoder, "documents", settings, cache, scratch)
        with named_by_id("query", collection.query_ids):
            queries = _encoded(Texts.of_queries(collection), encoder, "queries", settings, cache, scratch)
    check_length(queries, collection.n_queries, "query_vecs", "queries")
    check_length(documents, collection.n_documents, "doc_vecs", "documents")
    query_vecs = Vectors.of(queries, similarity, "query_vecs", collection.query_ids)
    doc_vecs = Vectors.of(documents, similarity, "doc_vecs", collection.doc_ids)
    if query_vecs.dimensions != doc_vecs.dimensions:
        raise VectorError(
            f"query_vecs have {query_vecs.dimensions} dimensions and doc_vecs {doc_vecs.dimensions}; "
            "both must come from the same model."
        )
    about = describe_encoder(encoder, settings) if about is None else about
    return Encoded(query_vecs, doc_vecs, {**about, "dimensions": doc_vecs.dimensions})


def _encoded(
    texts: Texts, encoder: Encoder, side: Side, settings: MiningSettings, cache: Path | None, scratch: Path | None
) -> NDArray[Any]:
    vectors = None if cache is None else vector_cache(cache, encoder, side, settings.vector_type)
    free = free_bytes(settings.memory)
    return encode_texts(
        texts, encoder, side, batch_size=settings.batch_size, quiet=settings.quiet, vector_type=settings.vector_type,
        cache=vectors, scratch=scratch,
        in_memory_bytes=IN_MEMORY_BYTES if free is None else min(IN_MEMORY_BYTES, free // 4),
    )  # fmt: skip


def _of_endpoint(name: str, settings: MiningSettings) -> OpenAIEncoder:
    return OpenAIEncoder(
        name,
        base_url=settings.base_url,
        query_prompt=settings.query_prompt,
        document_prompt=settings.document_prompt,
        batch_size=settings.batch_size,
        similarity=settings.similarity or "cosine",
    )


def _check_agreement(encoder: OpenAIEncoder, settings: MiningSettings) -> None:
    for name in ("base_url", "query_prompt", "document_prompt"):
        value, own = getattr(settings, name), getattr(encoder, name)
        if value is not None and value.rstrip("/") != own.rstrip("/"):
            raise SettingsError(
                f"{name} is {value!r}, and the OpenAIEncoder was given {own!r}. Give it to the encoder, and leave it "
                "out of the settings."
            )


@contextmanager
def named_by_id(what: str, ids: pa.ChunkedArray) -> Iterator[None]:
    """Raise for a text that the encoder does not take, by its id."""
    try:
        yield
    except TextError as error:
        raise ModelError(f'model: {what} "{ids[error.row].as_py()}" {error.problem}') from error


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


def check_length(vecs: NDArray[Any], n_rows: int, name: str, what: str) -> None:
    """Refuse a matrix that has more or fewer rows than there are queries or documents.

    Raises:
        VectorError: it has.
    """
    if vecs.ndim == 2 and len(vecs) != n_rows:
        raise VectorError(
            f"{name}: {len(vecs):,} rows for {n_rows:,} {what}. Row i must belong to the i-th of the {what}; lines "
            "that were skipped as bad and queries that only other splits judge have no row."
        )
