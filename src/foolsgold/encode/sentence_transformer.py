"""An Encoder around a SentenceTransformer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.dense_models import known_prompts
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.load_model import load_sentence_transformer
from foolsgold.encode.loaded_model import enough_memory, weights_hash
from foolsgold.encode.workers import EncodingWorkers, worker_devices
from foolsgold.errors import ModelError, SettingsError
from foolsgold.settings import Similarity

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformerEncoder:
    """Encodes with a SentenceTransformer, each side with its own prompt.

    Prompts are, in this order: those given; the model's own; for one of the twelve `DenseModels`, those it was trained
    with; none.

    Args:
        model: a hub id, a folder, `"offline"`, or a loaded SentenceTransformer.
        query_prompt: put before each query; "" for none.
        document_prompt: put before each document; "" for none.
        batch_size: texts per forward pass.
        device: where a model given by name runs, alone; a loaded one stays where it is. None: the best there is.
        num_workers: processes for more than 1,000 texts; None lets `worker_devices` decide unless a device is given.
        similarity: "cosine" or "dot" instead of the model's own.
        trust_remote_code: let the model run Python code that comes with it.

    Raises:
        ModelError: the model cannot be loaded, or is compared by neither cosine nor dot product.
    """

    def __init__(
        self,
        model: str | SentenceTransformer,
        *,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        batch_size: int = 32,
        device: str | None = None,
        num_workers: int | None = None,
        similarity: Similarity | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        if batch_size < 1:
            raise SettingsError(f"batch_size is {batch_size}; it takes a whole number of at least 1.")
        self.name = model if isinstance(model, str) else None
        self.model = (
            load_sentence_transformer(model, device=device, trust_remote_code=trust_remote_code)
            if isinstance(model, str)
            else model
        )
        known = known_prompts(self.name) if self.name else None
        defaults = (None, None) if known is None or any(self.model.prompts.values()) else known
        self.query_prompt = defaults[0] if query_prompt is None else query_prompt
        self.document_prompt = defaults[1] if document_prompt is None else document_prompt
        self.batch_size = batch_size
        self.num_workers = num_workers
        self._device_given = device is not None
        self.similarity = similarity or _similarity_of(self.model)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of queries, shape (len(texts), D), float32."""
        return self._encode(self.model.encode_query, texts, self.query_prompt)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of documents, shape (len(texts), D), float32."""
        return self._encode(self.model.encode_document, texts, self.document_prompt)

    @property
    def chunk_texts(self) -> int:
        """Texts that the vector cache keeps together."""
        return 16_384 if self.model.device.type == "cuda" else 1_024

    def encode(
        self, texts: Sequence[str], side: Side, *, advance: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of a chunk of texts, shape (len(texts), D); `advance` hears how many were just encoded."""
        vecs = self.encode_queries(texts) if side == "queries" else self.encode_documents(texts)
        if advance is not None:
            advance(len(texts))
        return vecs

    def _encode(self, call: Callable[..., Any], texts: Sequence[str], prompt: str | None) -> NDArray[np.float32]:
        with enough_memory("model", self.model.device, self.batch_size):
            vecs = call(list(texts), prompt=prompt, batch_size=self.batch_size, show_progress_bar=False)
        return np.asarray(vecs, dtype=np.float32)

    @contextmanager
    def workers(self, n_texts: int) -> Iterator[Encoder]:
        """This encoder, or for many texts the same over several processes, which end with the context."""
        num_workers = 1 if self.num_workers is None and self._device_given else self.num_workers
        devices = worker_devices(str(self.model.device), num_workers, n_texts)
        if len(devices) < 2:
            yield self
            return
        with EncodingWorkers(self, devices) as workers:
            yield workers

    @contextmanager
    def using(self, *, batch_size: int, num_workers: int | None) -> Iterator[None]:
        """For a while with another batch size and number of workers."""
        before = self.batch_size, self.num_workers
        self.batch_size, self.num_workers = batch_size, num_workers
        try:
            yield
        finally:
            self.batch_size, self.num_workers = before

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all weights, of the prompts and of the maximum length."""
        parts = (self.model.prompts, self.model.max_seq_length, self.query_prompt, self.document_prompt)
        return blake2b(f"{self._weights} {parts}".encode(), digest_size=16).hexdigest()

    def side_fingerprint(self, side: Side) -> str:
        """A hash of all that decides the vectors of one side: the other side's prompt has no part in it."""
        prompt = self.query_prompt if side == "queries" else self.document_prompt
        parts = (side, prompt, self.model.prompts, self.model.default_prompt_name, self.model.max_seq_length)
        return blake2b(f"{self._weights} {parts}".encode(), digest_size=16).hexdigest()

    @cached_property
    def _weights(self) -> str:
        return weights_hash(self.model).hexdigest()


def _similarity_of(model: SentenceTransformer) -> Similarity:
    similarity = model.similarity_fn_name
    if similarity == "cosine" or similarity == "dot":
        return similarity
    raise ModelError(
        f"model: it compares vectors by {similarity}, and foolsgold searches by cosine or dot product. "
        "If one of them suits the model, pass --similarity cosine or --similarity dot."
    )
