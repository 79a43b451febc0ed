"""Forward passes: window after window of texts in, their vectors out; what an encoding process is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foolsgold.ahead import ahead
from foolsgold.encode.backend import Backend, body_of
from foolsgold.encode.batches import batches, pass_tokens
from foolsgold.encode.encoder import Side
from foolsgold.encode.loaded_model import enough_memory
from foolsgold.encode.split_model import Body, sentence_vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, device


class Window(NamedTuple):
    """Texts that are encoded together, of one side, and what is put before each; None: what the model puts there."""

    texts: list[str]
    side: Side
    prompt: str | None


class _Tokenised(NamedTuple):
    """A window ready for the model.

    Attributes:
        passes: the features of each forward pass.
        places: shape (B,), where the vector of each text is among those of all passes.
    """

    passes: list[dict[str, Any]]
    places: Tensor


class Forward:
    """A model with what computes its vectors; opened where it is first used, so that it can be sent to a process.

    Args:
        model: on any device.
        backend: chosen for it.
        batch_size: see `pass_tokens`; for a model that is run as it is, texts of a forward pass.
    """

    def __init__(self, model: SentenceTransformer, backend: Backend, batch_size: int) -> None:
        self.model = model
        self.backend = backend
        self.batch_size = batch_size
        self._opened: Body | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def vectors(self, windows: Iterable[Window]) -> Iterator[Tensor]:
        """Vectors of each window, shape (B, D), on the model's device; the next is tokenised meanwhile.

        Raises:
            ModelError: the device has too little memory.
        """
        import torch

        whole = self.backend.name == "sentence-transformers"
        with enough_memory("model", self.model.device, self.batch_size):
            if whole:
                yield from map(self._as_it_is, windows)
                return
            self.model.eval()
            body = self._body()
            for tokenised in ahead(map(self._tokenised, windows)):
                with torch.inference_mode():
                    vecs = self._vectors(tokenised, body)
                yield vecs

    def _body(self) -> Body:
        if self._opened is None:
            self._opened = body_of(self.model, self.backend)
        return self._opened

    def _as_it_is(self, window: Window) -> Tensor:
        import torch

        model = self.model
        call = model.encode_query if window.side == "queries" else model.encode_document
        vecs = call(
            window.texts, prompt=window.prompt, batch_size=self.batch_size, show_progress_bar=False,
            convert_to_tensor=True,
        )  # fmt: skip
        return torch.as_tensor(vecs)  # a subclass's own method may give an array

    def _tokenised(self, window: Window) -> _Tokenised:
        import torch

        kind = self.model.device.type
        task = "query" if window.side == "queries" else "document"
        features = self.model.preprocess(window.texts, prompt=self._prompt(window), task=task)
        parts = list(batches(features, pass_tokens(kind, self.batch_size, self.backend.precision)))
        places = torch.from_numpy(np.argsort(np.concatenate([part.rows for part in parts]), kind="stable"))
        if kind != "cuda":
            return _Tokenised([part.features for part in parts], places)
        return _Tokenised([_pinned(part.features) for part in parts], places.pin_memory())

    def _prompt(self, window: Window) -> str | None:
        """As sentence-transformers has it: the one given, the side's own, or the model's default."""
        prompts, default = self.model.prompts, self.model.default_prompt_name
        if window.prompt is not None:
            return window.prompt
        own = ("query",) if window.side == "queries" else ("document", "passage", "corpus")
        name = next((name for name in own if name in prompts), default)
        return None if name is None else prompts.get(name)

    def _vectors(self, window: _Tokenised, body: Body) -> Tensor:
        """One pass after another; on a GPU nothing here waits for it."""
        import torch

        place = self.model.device
        vecs = [sentence_vectors(self.model, body, _moved(features, place)) for features in window.passes]
        return torch.cat(vecs)[window.places.to(place, non_blocking=True)]


def _pinned(features: dict[str, Any]) -> dict[str, Any]:
    """In memory that a GPU copies from while other work goes on."""
    return {name: value.pin_memory() if hasattr(value, "pin_memory") else value for name, value in features.items()}


def _moved(features: dict[str, Any], place: device) -> dict[str, Any]:
    return {
        name: value.to(place, non_blocking=True) if hasattr(value, "to") else value for name, value in features.items()
    }
