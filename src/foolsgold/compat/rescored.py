"""Candidates scored again by a cross-encoder, and put in the order of its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.compat.vectors import process_pool
from foolsgold.errors import ModelError
from foolsgold.gather import gathered
from foolsgold.search import Candidates

_PAIRS_AT_ONCE = 8_192


def check_cross_encoder(model: Any) -> None:
    """Whether it can score pairs; said before hours of encoding.

    Raises:
        ModelError: it cannot.
    """
    if model is not None and not callable(getattr(model, "predict", None)):
        raise ModelError(f"cross_encoder is a {type(model).__name__}; it takes a loaded CrossEncoder.")


@contextmanager
def rescoring(
    cross_encoder: Any, collection: Collection, *, batch_size: int, use_multi_process: list[str] | bool
) -> Iterator[Callable[[Candidates], Candidates]]:
    """What gives candidates the scores of a cross-encoder, whose processes end with the context; None leaves them."""
    if cross_encoder is None:
        yield lambda candidates: candidates
        return
    with process_pool(cross_encoder, use_multi_process) as pool:
        yield CrossEncoderScores(cross_encoder, collection, batch_size=batch_size, pool=pool)


class CrossEncoderScores:
    """Replaces similarities by what a cross-encoder gives, through its own activation.

    Args:
        model: anything with a CrossEncoder's `predict`.
        collection: the texts.
        batch_size: pairs of a forward pass.
        pool: its processes; None is this one.
    """

    def __init__(self, model: Any, collection: Collection, *, batch_size: int, pool: dict[str, Any] | None) -> None:
        self._model = model
        self._collection = collection
        self._batch_size = batch_size
        self._pool = pool

    def __call__(self, candidates: Candidates) -> Candidates:
        """The same candidates in the order of their new scores, equal ones as they stood.

        Raises:
            ModelError: it gives something else than one finite number a pair.
        """
        owners = np.repeat(candidates.query_rows, candidates.doc_rows.shape[1])
        scores = self._pair_scores(owners, candidates.doc_rows.ravel()).reshape(candidates.doc_rows.shape)
        columns = np.argsort(-scores, axis=1, kind="stable")
        return replace(
            candidates,
            doc_rows=np.take_along_axis(candidates.doc_rows, columns, axis=1),
            scores=np.take_along_axis(scores, columns, axis=1),
            positive_scores=self._pair_scores(candidates.query_rows[candidates.owners], candidates.positive_rows),
        )

    def _pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        scores = np.empty(len(query_rows), np.float32)
        for start in range(0, len(scores), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            queries = gathered(self._collection.queries["text"], query_rows[part]).to_pylist()
            documents = gathered(self._collection.corpus["text"], doc_rows[part]).to_pylist()
            scores[part] = self._predicted(list(zip(queries, documents, strict=True)))
        return scores

    def _predicted(self, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:
        import torch

        returned = self._model.predict(pairs, batch_size=self._batch_size, convert_to_tensor=True, pool=self._pool)
        scores: NDArray[np.float32] = torch.as_tensor(returned).detach().float().cpu().numpy()
        if scores.shape != (len(pairs),):
            raise ModelError(
                f"cross_encoder: it returned shape {scores.shape} for {len(pairs)} pairs, where relevance is one "
                "number a pair. Give a reranker."
            )
        if not np.isfinite(scores).all():
            query, document = pairs[int(np.argmin(np.isfinite(scores)))]
            raise ModelError(
                f"cross_encoder: the score of query {query[:60]!r} and document {document[:60]!r} is no finite number. "
                "Load the model in float32, or give another."
            )
        return scores
