"""The corpus shared out among holders, who are told of the whole."""

from __future__ import annotations

from pathlib import Path

from foolsgold.encode import Vectors
from foolsgold.memory import free_bytes
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.counting import Counting, starts_of_shares
from foolsgold.scale.documents import Files, Shares
from foolsgold.scale.holder import Holder, Known, Share
from foolsgold.scale.pool import InProcessPool, Pool
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.stored_vectors import StoredVectors
from foolsgold.search.dense import search_device
from foolsgold.search.word_statistics import WordStatistics
from foolsgold.settings import MiningSettings
from foolsgold.witness import HubSample
from foolsgold.witness.hubs import hub_sample_rows

_OF_SEARCH = 3  # the part of free memory that a holder's blocks take; lists, and blocks of queries, need the rest
_ANSWERS_AT_ONCE = 4  # of a holder: documents are handed out while it searches


def share_out(
    pool: Pool, corpus: Corpus, query_vecs: StoredVectors | None, doc_vecs: StoredVectors | None,
    settings: MiningSettings, *, counting: Counting | None, store: Path,
) -> tuple[Shares, WordStatistics | None]:  # fmt: skip
    """Holders that are ready to answer, and what is known of the words of the whole corpus.

    Args:
        pool: a worker holds a share.
        corpus: ids and texts.
        query_vecs: of all queries, from which a sample is taken; None for a run without vectors, as for documents.
        doc_vecs: of all documents.
        settings: of the run.
        counting: of the words; None where they are not asked for.
        store: a folder of this run, which workers share.
    """
    starts = starts_of_shares(pool, corpus)
    n_shares = len(starts) - 1
    free, device = _free_bytes(pool, settings), _device(pool, settings)
    for_blocks = None if free is None else free // _OF_SEARCH
    words_of, language = ([()] * n_shares, None) if counting is None else (counting.files, counting.language)
    shares = [
        Share(
            start, stop, corpus, doc_vecs, files, language, settings, device,
            pool.threads_per_worker, store if pool.on_one_machine else None, for_blocks,
        )
        for start, stop, files in zip(starts[:-1].tolist(), starts[1:].tolist(), words_of, strict=True)
    ]  # fmt: skip
    holders = pool.actors(
        Holder, [(share,) for share in shares], gpus=pool.gpus_per_worker, concurrency=_ANSWERS_AT_ONCE
    )
    words = None
    if counting is not None:
        counting.finish(pool, quiet=settings.quiet)  # while processes of holders start
        read = [holder.call("word_statistics") for holder in holders]
        words = WordStatistics.merged([pool.get(one) for one in read])
    sample = None if query_vecs is None else _sample(query_vecs, settings)
    known = pool.put(Known(sample, None if words is None or not len(words.hashes) else words))
    files = Files.of(corpus, doc_vecs) if pool.on_one_machine else None
    ready = Shares(tuple(holders), starts, known, files)
    progress = RunProgress(pool, quiet=settings.quiet)
    with progress.stage("index", total=corpus.n_documents, unit="document", n_shards=n_shares) as line:
        for begun in [holder.call("prepare", known) for holder in holders]:
            line.done(pool.get(begun))
    return ready, words


def _free_bytes(pool: Pool, settings: MiningSettings) -> int | None:
    """As `free_bytes`, once this process, if it is to search, has loaded what that takes."""
    if settings.memory is not None and isinstance(pool, InProcessPool):
        import torch  # noqa: F401
    return free_bytes(settings.memory)


def _sample(query_vecs: StoredVectors, settings: MiningSettings) -> HubSample:
    rows = hub_sample_rows(query_vecs.n_rows, seed=settings.seed)
    return HubSample(rows, Vectors.of(query_vecs.take(rows), query_vecs.similarity, "query_vecs"))


def _device(pool: Pool, settings: MiningSettings) -> str:
    """Where holders multiply: a worker sees the GPUs that it was given, and no others; this process may have others."""
    if pool.gpus_per_worker:
        return "cuda"
    if settings.device is None and not isinstance(pool, InProcessPool):
        return "cpu"
    return search_device(settings.device)
