"""New negatives: drawn from the window of ranks that a miner returns, or from all passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode import as_encoder, dense_model, encode_texts
from foolsgold.sample.seeds import generator_of
from foolsgold.settings import MiningSettings
from foolsgold.simple_miner import SimpleMiner
from foolsgold.training_data.examples import Examples
from foolsgold.training_data.settings import PreparationSettings

_QUERIES_PER_BLOCK = 1_024


def new_negatives(examples: Examples, settings: PreparationSettings, *, model: Any) -> dict[int, list[int]]:
    """For each query that has a positive the pids of passages that nothing speaks against, in random order.

    Never a passage that says what a positive, a given negative or the query itself says, nor two that say the same.

    Args:
        examples: queries, passages, and what is known of them.
        settings: how many for a query, no more than there are, and from which ranks.
        model: as SimpleMiner takes it.

    Raises:
        ModelError: the model cannot be loaded or used.
    """
    asked, n = examples.asked, settings.num_new_negatives
    if not n:
        return {qid: [] for qid in asked}
    if settings.mine_hard_negatives:
        pools: Iterable[Sequence[int]] = _mined(examples, settings, asked=asked, model=model)
    else:
        pools = (range(len(examples.pids)) for _ in asked)
    queries = examples.queries
    with tqdm(
        zip(asked, pools, strict=True), "choose negatives", len(asked), unit="query", disable=settings.quiet
    ) as progress:
        return {
            qid: _first_admissible(examples, qid, in_random_order(pool, generator_of(settings.seed, queries[qid])), n)
            for qid, pool in progress
        }


def _mined(
    examples: Examples, settings: PreparationSettings, *, asked: Sequence[int], model: Any
) -> Iterator[Sequence[int]]:
    """The pids in the window of each query; all passages are encoded in one call, and all queries in one."""
    size, language = settings.hard_negative_model_size, settings.language_code
    mining = MiningSettings(seed=settings.seed, quiet=settings.quiet)
    encoder: Any = as_encoder(dense_model(language, size).value if model is None else model, mining)
    miner = SimpleMiner(language, size, model=encoder, seed=settings.seed)  # type: ignore[arg-type]
    miner.min_rank = settings.hard_negative_minimum_rank
    miner.build_index(examples.passages, show_progress=not settings.quiet)
    queries = examples.queries
    texts = [queries[qid] for qid in asked]
    query_vecs = encode_texts(texts, encoder, "queries", batch_size=mining.batch_size, quiet=settings.quiet)
    return _windows(miner, query_vecs)


def _windows(miner: SimpleMiner, query_vecs: NDArray[np.floating]) -> Iterator[Sequence[int]]:
    """Block by block, so that memory does not go with the number of queries."""
    first, stop = miner.rank_window
    for start in range(0, len(query_vecs), _QUERIES_PER_BLOCK):
        ids, _ = miner.query_index(query_vecs[start : start + _QUERIES_PER_BLOCK], top_k=stop)
        yield from ids[:, first:].tolist()


def in_random_order(rows: Sequence[int], generator: np.random.Generator) -> Iterator[int]:
    """All rows in random order, at the cost of those that are asked for: a shuffle (Fisher and Yates) as far as needed.

    >>> sorted(in_random_order(range(5), np.random.default_rng(1)))
    [0, 1, 2, 3, 4]
    """
    moved: dict[int, int] = {}
    for place in range(len(rows)):
        other = int(generator.integers(place, len(rows)))
        yield rows[moved.get(other, other)]
        moved[other] = moved.pop(place, place)


def _first_admissible(examples: Examples, qid: int, pids: Iterable[int], n: int) -> list[int]:
    """The first `n` that say nothing which is said already."""
    said = {examples.query_key(qid), *examples.positive_keys(qid), *map(examples.key, examples.given_negatives[qid])}
    found: list[int] = []
    for pid in pids:
        if examples.key(pid) not in said:
            said.add(examples.key(pid))
            found.append(pid)
            if len(found) == n:
                break
    return found
