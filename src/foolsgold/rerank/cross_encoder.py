"""Logits of (query, document) pairs by a CrossEncoder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.loaded_model import enough_memory, weights_hash
from foolsgold.errors import ModelError
from foolsgold.rerank.load_cross_encoder import check_outputs, load_cross_encoder
from foolsgold.settings import MiningSettings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCHES_PER_CALL = 8  # long enough to sort within, and short enough to show progress


class PairScorer:
    """Scores pairs with a CrossEncoder: raw logits, whatever activation the model was saved with.

    A batch is padded to its longest pair, which moves a float32 logit in its last digits: a logit depends on the
    other pairs that are scored in the same call and on `batch_size`.

    Args:
        model: a hub id, a folder, or a loaded CrossEncoder.
        batch_size: pairs per forward pass.
        device: where a model given by name runs; a loaded one stays where it is. None: the best there is.
        trust_remote_code: let a model given by name run Python code that comes with it.

    Raises:
        ModelError: the model cannot be loaded, or does not give one number a pair.
    """

    def __init__(
        self,
        model: str | CrossEncoder,
        *,
        batch_size: int = 32,
        device: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.name = model if isinstance(model, str) else None
        self.model = (
            load_cross_encoder(model, device=device, trust_remote_code=trust_remote_code)
            if isinstance(model, str)
            else model
        )
        check_outputs(self.model, self.name or "the model")
        self.batch_size = batch_size

    def logits(self, pairs: Sequence[tuple[str, str]], progress: Callable[[int], Any]) -> NDArray[np.float32]:
        """Logits of (query, document) texts, shape (len(pairs),), in their order; scored longest first.

        Args:
            pairs: may be empty.
            progress: called with the number of pairs just scored.

        Raises:
            ModelError: a logit that is no finite number, or too little memory.
        """
        order = sorted(range(len(pairs)), key=lambda row: len(pairs[row][0]) + len(pairs[row][1]), reverse=True)
        logits = np.empty(len(pairs), np.float32)
        size = self.batch_size * _BATCHES_PER_CALL
        for rows in (order[start : start + size] for start in range(0, len(order), size)):
            logits[rows] = self._predict([pairs[row] for row in rows])
            progress(len(rows))
        if not np.isfinite(logits).all():
            query, document = pairs[int(np.argmin(np.isfinite(logits)))]
            raise ModelError(
                f"cross_encoder: the logit of query {query[:60]!r} and document {document[:60]!r} is no finite number. "
                "Load the model in float32, or give another."
            )
        return logits

    def describe(self) -> dict[str, Any]:
        """For settings.json."""
        return {"name": self.name, "fingerprint": self.fingerprint, "max_length": self.model.max_seq_length}

    @cached_property
    def fingerprint(self) -> str | None:
        """A hash of all weights, of the prompt and of the maximum length; None where the weights cannot be read."""
        if not self.model.state_dict():
            return None  # as of an ONNX backend
        digest = weights_hash(self.model)
        digest.update(repr((self.model.prompts, self.model.default_prompt_name, self.model.max_seq_length)).encode())
        return digest.hexdigest()

    def _predict(self, pairs: list[tuple[str, str]]) -> NDArray[np.float32]:
        import torch

        with enough_memory("cross_encoder", self.model.device, self.batch_size):
            logits: NDArray[np.float32] = self.model.predict(
                pairs, batch_size=self.batch_size, show_progress_bar=False, activation_fn=torch.nn.Identity()
            )
        return logits


def as_pair_scorer(model: Any, settings: MiningSettings) -> PairScorer | None:
    """A PairScorer for a hub id, a folder or a loaded CrossEncoder; None for None.

    Raises:
        ModelError: it is none of these, or cannot be loaded.
    """
    if model is None:
        return None
    if isinstance(model, Path):
        model = str(model)
    if not isinstance(model, str) and not _is_cross_encoder(model):
        raise ModelError(
            f"cross_encoder is a {type(model).__name__}; it takes a hub id, a folder, or a loaded CrossEncoder."
        )
    return PairScorer(
        model, batch_size=settings.batch_size, device=settings.device, trust_remote_code=settings.trust_remote_code
    )


def _is_cross_encoder(model: Any) -> bool:
    loaded = sys.modules.get("sentence_transformers")  # not imported here: who holds a model has imported it
    return loaded is not None and isinstance(model, loaded.CrossEncoder)
