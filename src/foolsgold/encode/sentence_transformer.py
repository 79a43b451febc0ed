"""An Encoder around a SentenceTransformer."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import AUTO, open_cache
from foolsgold.encode.backend import choose_backend
from foolsgold.encode.batches import in_order, window_texts, windows
from foolsgold.encode.dense_models import known_prompts
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.forward import Forward, Window
from foolsgold.encode.identity_of_model import ModelIdentity
from foolsgold.encode.load_model import load_sentence_transformer
from foolsgold.encode.loaded_model import weights_state
from foolsgold.encode.own_methods import methods_of_object
from foolsgold.encode.workers import EncodingWorkers, worker_devices
from foolsgold.errors import ModelError, SettingsError
from foolsgold.settings import Precision, Similarity

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
        batch_size: below 32, forward passes have proportionally fewer tokens.
        device: where a model given by name runs, alone; a loaded one stays where it is. None: the best there is.
        num_workers: processes for more than 1,000 texts; None lets `worker_devices` decide unless a device is given.
        similarity: "cosine" or "dot" instead of the model's own.
        trust_remote_code: let the model run Python code that comes with it.
        precision: "auto", "float32", "float16", "bfloat16", or "int8" for CPUs with the extra `onnx`.
        cache: folder that keeps ONNX graphs; "auto" is the user's own, None one that ends with the encoder.
        export: write an ONNX graph where that pays; not for a model in training, whose weights soon are others.

    Raises:
        ModelError: the model cannot be loaded, or is compared by neither cosine nor dot product.
        SettingsError: a batch size, or later a precision, that cannot work.
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
        precision: Precision = "auto",
        cache: str | None = AUTO,
        export: bool = True,
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
        self._precision = precision
        self._cache = cache
        self._export = export
        self._own_folder: Path | None = None
        self._identity = ModelIdentity(self.model)
        self._chosen: tuple[object, Forward] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_chosen": None, "_own_folder": None}  # of this process alone

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of queries, shape (len(texts), D), float32."""
        return self.encode(texts, "queries")

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of documents, shape (len(texts), D), float32."""
        return self.encode(texts, "documents")

    def encode(
        self, texts: Sequence[str], side: Side, *, advance: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of texts of one side, shape (len(texts), D), float32, in their order.

        Args:
            texts: of any lengths.
            side: "queries" or "documents".
            advance: called with the number of texts that were just encoded, or on a GPU sent there.

        Raises:
            ModelError: the device has too little memory.
        """
        import torch

        windows = self.windows(texts)
        parts = []
        for vecs in self.forward().vectors(self.tasks(texts, side, windows)):
            parts.append(vecs)
            if advance is not None:
                advance(len(vecs))
        if not parts:
            return np.empty((0, self.model.get_embedding_dimension() or 0), np.float32)
        return in_order(torch.cat(parts).float().cpu().numpy(), windows)  # one copy from a GPU, at the end

    def windows(self, texts: Sequence[str]) -> list[list[int]]:
        """Rows of texts that are encoded together; a vector's last digits depend on them and on nothing else."""
        return windows(texts, window_texts(self.model.device.type))

    def tasks(self, texts: Sequence[str], side: Side, windows: Sequence[Sequence[int]]) -> Iterator[Window]:
        """What forward passes take: the texts of each window."""
        prompt = self.query_prompt if side == "queries" else self.document_prompt
        return (Window([texts[row] for row in rows], side, prompt) for rows in windows)

    def forward(self) -> Forward:
        """The model as it is now, with what computes its vectors."""
        state = (weights_state(self.model), self.model.max_seq_length, methods_of_object(self.model))
        if self._chosen is None or self._chosen[0] != state:
            backend = choose_backend(self.model, self._precision, self._cache_folder() if self._export else None)
            self._chosen = state, Forward(self.model, backend, self.batch_size)
        forward = self._chosen[1]
        forward.batch_size = self.batch_size
        return forward

    @property
    def chunk_texts(self) -> int:
        """Texts that the vector cache keeps together."""
        return 16_384 if self.model.device.type == "cuda" else 1_024

    @property
    def backend(self) -> str:
        """What computes vectors: "onnxruntime", "torch", or "sentence-transformers" for a model run as it is."""
        return self.forward().backend.name

    @property
    def backend_reason(self) -> str | None:
        """Why it is not ONNX Runtime; None where it is."""
        return self.forward().backend.reason

    @property
    def precision(self) -> str:
        """In which the model multiplies: float32, float16, bfloat16 or int8."""
        return self.forward().backend.precision

    @contextmanager
    def workers(self, n_texts: int) -> Iterator[Encoder]:
        """This encoder, or for many texts the same over several processes, which end with the context."""
        num_workers = 1 if self.num_workers is None and self._device_given else self.num_workers
        if methods_of_object(self.model):  # a process cannot be sent them
            num_workers = 1
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

    @property
    def fingerprint(self) -> str | None:
        """A hash of the model and of both prompts, whatever runs it; None for a model with methods put on it."""
        identity = self._identity.hash()
        if identity is None:
            return None
        parts = (identity, self.query_prompt, self.document_prompt)
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def side_fingerprint(self, side: Side) -> str | None:
        """A hash of all that decides the vectors of one side; the other side's prompt has no part in it."""
        identity = self._identity.hash()
        if identity is None:
            return None
        prompt = self.query_prompt if side == "queries" else self.document_prompt
        parts = (identity, side, prompt, self.backend, self.precision)
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def _cache_folder(self) -> Path:
        """The cache folder; where there is none, one that ends with the encoder."""
        folder = open_cache(self._cache)
        if folder is not None:
            return folder
        if self._own_folder is None:
            self._own_folder = Path(mkdtemp(prefix="foolsgold-"))
            weakref.finalize(self, shutil.rmtree, self._own_folder, ignore_errors=True)
        return self._own_folder


def _similarity_of(model: SentenceTransformer) -> Similarity:
    similarity = model.similarity_fn_name
    if similarity == "cosine" or similarity == "dot":
        return similarity
    raise ModelError(
        f"model: it compares vectors by {similarity}, and foolsgold searches by cosine or dot product. "
        "If one of them suits the model, pass --similarity cosine or --similarity dot."
    )
