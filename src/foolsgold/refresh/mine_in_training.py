"""Mining with a model that is being trained, which afterwards is as it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from foolsgold.collection import Collection
from foolsgold.encode import SentenceTransformerEncoder
from foolsgold.mine import mine
from foolsgold.refresh.pair_negatives import PairNegatives
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_T = TypeVar("_T")


class Mined(NamedTuple):
    """What one mining found.

    Attributes:
        negatives: of the pairs that got all the negatives asked for.
        numbers: of the report: hardness, expected_false_negative_rate and yield, as far as they are known; and seconds.
    """

    negatives: PairNegatives
    numbers: dict[str, float]


def mine_in_training(
    model: SentenceTransformer, collection: Collection, settings: MiningSettings, *, cross_encoder: Any = None
) -> Mined:
    """Encode all queries and documents with a model as it is now, and choose negatives for every pair.

    In torch, since an exported graph would be out of date after a step, and in this process, since to send a model to
    others takes its weights from the optimizer's device. Weights, mode and random numbers are left as they are.

    Raises:
        FoolsgoldError: as `mine`.
    """
    start = perf_counter()
    with evaluating(model), random_numbers_kept():
        encoder = SentenceTransformerEncoder(
            model, query_prompt=settings.query_prompt, document_prompt=settings.document_prompt,
            batch_size=settings.batch_size, num_workers=1, similarity=settings.similarity,
            precision=settings.precision, cache=None, export=False,
        )  # fmt: skip
        result = mine(collection, encoder, settings, cross_encoder=cross_encoder)
    numbers = {
        "hardness": result.hardness,
        "expected_false_negative_rate": result.report["expected_false_negative_ratio"],
        "yield": result.yield_ratio,
        "seconds": perf_counter() - start,
    }
    return Mined(PairNegatives.of(result), {name: value for name, value in numbers.items() if value is not None})


@contextmanager
def evaluating(model: SentenceTransformer) -> Iterator[None]:
    """Without dropout; afterwards each module is in the mode that it was in: some may be frozen."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Training goes on with the random numbers that it would have had: those of Python, numpy, torch and its GPUs."""
    import torch

    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - others draw from it
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


def on_main_process(make: Callable[[], _T]) -> _T:
    """What one process of a distributed training makes, on all of them; without one, what is made.

    The others wait. What fails there fails on all.
    """
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return make()
    made: list[Any] = [None, None]
    if distributed.get_rank() == 0:
        try:
            made[0] = make()
        except Exception as error:
            made[1] = error
    distributed.broadcast_object_list(made, src=0)
    if made[1] is not None:
        raise made[1]
    result: _T = made[0]
    return result
