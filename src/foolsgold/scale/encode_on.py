"""The encode stage over workers: the chunks that one process would make, to the same cache, each by whoever is free."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import PrecomputedVectors, as_encoder
from foolsgold.encode.encode import check_length, named_by_id
from foolsgold.encode.encoder import Side
from foolsgold.encode.identity import describe_encoder, similarity_of
from foolsgold.encode.precomputed import open_vectors
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.encode.vectors import check_matrix, refuse_faults
from foolsgold.errors import SettingsError, TextError, VectorError
from foolsgold.scale.encoder_on_worker import EncoderFacts
from foolsgold.scale.encoding import Encoded
from foolsgold.scale.encoding_plan import SidePlan, plan_of
from foolsgold.scale.pool import Pool
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.row_faults import faults_on, merged_faults
from foolsgold.scale.stored_vectors import InFile, StoredVectors
from foolsgold.scale.texts import SideTexts
from foolsgold.scale.worker_encoder import WorkerEncoder, worker_encoder
from foolsgold.settings import MiningSettings, Similarity

_MOST_STRETCHES = 2_048  # of chunks: what a pool hands out and hears of one by one
_NAMES: dict[Side, str] = {"queries": "query_vecs", "documents": "doc_vecs"}
_ONE: dict[Side, str] = {"queries": "query", "documents": "document"}


class EncodedOn(NamedTuple):
    """What encoding gives, read by row wherever it is needed, and who made it."""

    query_vecs: StoredVectors
    doc_vecs: StoredVectors
    encoder: dict[str, Any]


def encode_on(
    pool: Pool,
    documents: SideTexts,
    queries: SideTexts,
    encoder: Any,
    settings: MiningSettings,
    *,
    cache: Path | None,
    store: Path,
    about: Mapping[str, Any] | None = None,
) -> EncodedOn:
    """Vectors of all documents and queries: the bytes that `encode` makes on the same kind of machine.

    A chunk is kept as soon as it is there: a run that was killed is followed by the chunks that it lacked.

    Args:
        pool: what encodes.
        documents: read by row on the workers.
        queries: likewise.
        encoder: what `identify_on` returned, or as `as_encoder` takes it.
        settings: batches, type of the numbers.
        cache: the cache folder, which workers share; None, or an encoder without a fingerprint: nothing is kept.
        store: a folder of this run, which workers share; what vectors are read by lies there.
        about: what `describe_encoder` says of the encoder, where that is known already.

    Raises:
        ModelError: the encoder cannot be loaded or used, or is another on another worker.
        VectorError: vectors of the wrong shape or type, NaN, or zeros.
        OutputError: the cache cannot be written to.
    """
    sides: dict[Side, SideTexts] = {"documents": documents, "queries": queries}
    store = store / uuid.uuid4().hex  # what an earlier call left there may still be read
    store.mkdir(parents=True)
    if isinstance(encoder, PrecomputedVectors):
        as_encoder(encoder, settings)  # prompts have no part in it
        about = describe_encoder(encoder, settings) if about is None else about
        stored = _precomputed(pool, encoder, sides, similarity_of(encoder, settings), store)
    else:
        encoder = worker_encoder(pool, encoder, settings, cache or store)
        about = encoder.facts.description if about is None else about
        try:
            stored = _encoded(pool, encoder, sides, settings, cache, store)
        finally:
            encoder.stop()
    query_vecs, doc_vecs = stored["queries"], stored["documents"]
    if query_vecs.dimensions != doc_vecs.dimensions:
        raise VectorError(
            f"query_vecs have {query_vecs.dimensions} dimensions and doc_vecs {doc_vecs.dimensions}; "
            "both must come from the same model."
        )
    return EncodedOn(query_vecs, doc_vecs, {**about, "dimensions": doc_vecs.dimensions})


def _encoded(
    pool: Pool,
    encoder: WorkerEncoder,
    sides: Mapping[Side, SideTexts],
    settings: MiningSettings,
    cache: Path | None,
    store: Path,
) -> dict[Side, StoredVectors]:
    facts, similarity = encoder.facts, encoder.facts.description["similarity"]
    plans: dict[Side, SidePlan] = {}
    for side, texts in sides.items():
        if not len(texts.keys):
            raise SettingsError(f"there are no {side} to encode.")
        vectors = _cache_of(facts, side, settings, cache or store, store)
        plans[side] = plan_of(pool, side, texts, vectors, similarity, facts.chunk_texts, store)
    dimensions = {side: set(plan.cached.dimensions) for side, plan in plans.items()}
    faults = {side: [plan.cached.faults] for side, plan in plans.items()}
    with closing(_done(pool, encoder, plans, settings)) as done:
        for one in done:
            side = one.stretch.side
            dimensions[side] |= one.dimensions
            faults[side].append({fault: plans[side].new[places] for fault, places in one.faults.items()})
    for side in ("queries", "documents"):
        _refuse(plans[side], dimensions[side], faults[side])
    return {
        side: StoredVectors(len(plan.which), dimensions[side].pop(), settings.vector_type, similarity, plan.chunks)
        for side, plan in plans.items()
    }


def _cache_of(facts: EncoderFacts, side: Side, settings: MiningSettings, cache: Path, store: Path) -> VectorCache:
    """Of what nothing tells from others, one of this run alone."""
    kept = facts.sides[side]
    if kept is not None:
        return VectorCache(cache, *kept)
    return VectorCache(store, {"encoder": uuid.uuid4().hex, "side": side, "vector_type": settings.vector_type}, {})


def _done(
    pool: Pool, encoder: WorkerEncoder, plans: Mapping[Side, SidePlan], settings: MiningSettings
) -> Generator[Encoded, None, None]:
    """What becomes of each stretch, as they are done."""
    n_chunks = sum(-(-len(plan.new) // plan.chunk_texts) for plan in plans.values())
    if not n_chunks:
        return  # no worker need load the model
    together = -(-n_chunks // _MOST_STRETCHES)
    stretches = [stretch for plan in plans.values() for stretch in plan.stretches(together)]
    to_encode = {side: plan.to_encode for side, plan in plans.items()}
    n_texts = sum(plan.n_distinct for plan in plans.values())
    n_new = sum(len(plan.new) for plan in plans.values())
    chunks = sum(-(-plan.n_distinct // plan.chunk_texts) for plan in plans.values())
    stage = RunProgress(pool, quiet=settings.quiet).stage(
        "encode", total=n_texts, unit="text", n_shards=chunks, kept=(n_texts - n_new, chunks - n_chunks)
    )
    with stage as line:
        stream = cast("Generator[Encoded]", encoder.encode(pool, to_encode, stretches))
        with closing(stream):  # ends the workers, whatever happens here
            for one in stream:
                _refuse_text(one, plans[one.stretch.side])
                n_done = one.stretch.stop - one.stretch.start
                line.done(n_done, n_shards=-(-n_done // plans[one.stretch.side].chunk_texts))
                yield one


def _refuse_text(done: Encoded, plan: SidePlan) -> None:
    if done.refused is not None:
        problem, row = done.refused
        with named_by_id(_ONE[plan.side], plan.texts.ids):
            raise TextError(problem, row=row)


def _refuse(plan: SidePlan, dimensions: set[int], faults: list[dict[str, NDArray[np.int64]]]) -> None:
    if len(dimensions) > 1:
        one, other = sorted(dimensions)[:2]
        raise VectorError(f"the encoder returned vectors of {one} and of {other} dimensions.")
    rows = {fault: plan.rows_of(distinct) for fault, distinct in merged_faults(faults).items()}
    refuse_faults(rows, _NAMES[plan.side], plan.texts.ids)


def _precomputed(
    pool: Pool,
    vectors: PrecomputedVectors,
    sides: Mapping[Side, SideTexts],
    similarity: Similarity,
    store: Path,
) -> dict[Side, StoredVectors]:
    stored: dict[Side, StoredVectors] = {}
    given: dict[Side, Any] = {"queries": vectors.query_vecs, "documents": vectors.doc_vecs}
    opened = {side: open_vectors(values, _NAMES[side]) for side, values in given.items()}
    for side, values in opened.items():
        check_length(values, len(sides[side].ids), _NAMES[side], side)
    for side, values in opened.items():
        check_matrix(values, similarity, _NAMES[side])
        path = _path_of(given[side], values, store / f"{side}.npy")
        n_rows, n_dimensions = values.shape
        stored[side] = StoredVectors(n_rows, n_dimensions, values.dtype.name, similarity, InFile(path))
        refuse_faults(faults_on(pool, stored[side]), _NAMES[side], sides[side].ids)
    return stored


def _path_of(given: Any, values: NDArray[Any], path: Path) -> Path:
    """Where it lies; an array in memory is written."""
    if isinstance(given, (str, Path)):
        return Path(given).absolute()
    np.save(path, values)
    return path
