"""Vectors of unit length, as sentence-transformers' miner makes them, by foolsgold's own encoding."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import open_cache
from foolsgold.collection import Collection
from foolsgold.encode import Encoder, SentenceTransformerEncoder, encode_texts
from foolsgold.encode.encoder import Side
from foolsgold.encode.identity import vector_cache
from foolsgold.encode.identity_of_model import ModelIdentity
from foolsgold.encode.load_model import load_sentence_transformer
from foolsgold.encode.texts import Texts
from foolsgold.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_ROWS_AT_ONCE = 4_096
_TEXTS_PER_CALL = 16_384  # of a model's own encoding, which makes batches and processes of them itself
_SHORTEST = 1e-12  # as torch normalises: a vector of zeros stays one
_METHODS = ("encode_query", "encode_document", "similarity", "similarity_pairwise")

logger = logging.getLogger(__name__)


class Prompt(NamedTuple):
    """What is put before texts: a text, or the name of one of the model's prompts."""

    text: str | None
    name: str | None


@dataclass(frozen=True)
class Encoding:
    """How texts become vectors; for each field see `mine_hard_negatives`."""

    model: Any
    query_prompt: Prompt
    corpus_prompt: Prompt
    batch_size: int
    use_multi_process: list[str] | bool
    cache_folder: str | Path | None
    quiet: bool

    def unit_vectors(self, collection: Collection) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of all queries (Q, D) and all documents (N, D), float32, of length 1 where they have a direction.

        Raises:
            ModelError: the model cannot encode.
            VectorError: it returned something else than one vector a text.
            SettingsError: no such prompt, a batch size that cannot work, or a cache folder that is no path.
            OutputError: the cache cannot be written to.
        """
        cache = open_cache(_folder_named(self.cache_folder))
        with self._encoder() as encoder:
            docs = self._encoded(Texts.of_documents(collection), encoder, "documents", cache)
            queries = self._encoded(Texts.of_queries(collection), encoder, "queries", cache)
        return queries, docs

    @contextmanager
    def _encoder(self) -> Iterator[Encoder]:
        """By foolsgold in this process; with several, or for a model of another kind, by the model's own methods."""
        if is_sentence_transformer(self.model) and not self.use_multi_process:
            yield self._own_encoder(self.model)
            return
        with ExitStack() as stack:
            yield _ByTheModel(self, stack)

    def _own_encoder(self, model: SentenceTransformer) -> SentenceTransformerEncoder:
        import torch

        return SentenceTransformerEncoder(
            model,
            query_prompt=_prompt_of(model, self.query_prompt),
            document_prompt=_prompt_of(model, self.corpus_prompt),
            batch_size=self.batch_size,
            num_workers=1,
            similarity="cosine",  # it is not asked: scores come from the model's own function
            precision="float32" if model.dtype in (None, torch.float32) else "auto",
        )

    def _encoded(self, texts: Texts, encoder: Encoder, side: Side, cache: Path | None) -> NDArray[np.float32]:
        folder = "query_embeddings_" if side == "queries" else "corpus_embeddings_"
        kept = None if cache is None else vector_cache(cache, encoder, side, "float32", prefix=folder)
        if cache is not None and kept is None:
            logger.warning("cache_folder: nothing tells one %s from another; no vectors are kept.", type(self.model))
        calls = isinstance(encoder, _ByTheModel)
        vecs = encode_texts(
            texts, encoder, side, batch_size=_TEXTS_PER_CALL // 8 if calls else self.batch_size, quiet=self.quiet,
            cache=kept, scratch=cache,
        )  # fmt: skip
        return vecs if calls else _of_unit_length(vecs)


def _folder_named(cache_folder: Any) -> str | None:
    """In full, since no name stands for another folder here; None for no cache."""
    if not cache_folder:
        return None
    if not isinstance(cache_folder, (str, Path)):
        raise SettingsError(f"cache_folder is {cache_folder!r}; it takes the path of a folder, or None.")
    return str(Path(cache_folder).expanduser().absolute())


def as_model(model: Any) -> Any:
    """A model that encodes and compares: as it is, or loaded by name.

    Raises:
        ModelError: it cannot, or there is none of that name.
    """
    if isinstance(model, (str, Path)):
        return load_sentence_transformer(str(model))
    missing = [name for name in _METHODS if not callable(getattr(model, name, None))]
    if missing:
        raise ModelError(
            f"model is a {type(model).__name__}, without {', '.join(missing)}; it takes a SentenceTransformer, or what "
            "encodes and compares like one."
        )
    return model


def is_sentence_transformer(model: Any) -> TypeGuard[SentenceTransformer]:
    """Whether foolsgold can encode with it, rather than by its own methods."""
    from sentence_transformers import SentenceTransformer

    return isinstance(model, SentenceTransformer)


@contextmanager
def process_pool(model: Any, use_multi_process: list[str] | bool) -> Iterator[dict[str, Any] | None]:
    """Processes of a model, which end with the context; None where one process is to do."""
    if not use_multi_process:
        yield None
        return
    devices = None if isinstance(use_multi_process, bool) else use_multi_process
    pool = model.start_multi_process_pool(target_devices=devices)
    try:
        yield pool
    finally:
        model.stop_multi_process_pool(pool)


class _ByTheModel:
    """An Encoder that calls `encode_query` and `encode_document`; its processes start with the first call.

    Args:
        encoding: model, prompts and batches.
        stack: ends the processes.
    """

    chunk_texts = _TEXTS_PER_CALL

    def __init__(self, encoding: Encoding, stack: ExitStack) -> None:
        self._encoding = encoding
        self._stack = stack
        self._started = False
        self._pool: dict[str, Any] | None = None

    @property
    def fingerprint(self) -> str | None:
        """Of the weights and prompts; None for a model of another kind, unless it has one itself."""
        model, prompts = self._encoding.model, (self._encoding.query_prompt, self._encoding.corpus_prompt)
        own = ModelIdentity(model).hash() if is_sentence_transformer(model) else getattr(model, "fingerprint", None)
        return f"{own} {prompts!r}" if isinstance(own, str) else None

    def encode_queries(self, texts: Sequence[str]) -> Any:
        """Vectors of queries, shape (len(texts), D)."""
        return self._encode(self._encoding.model.encode_query, texts, self._encoding.query_prompt)

    def encode_documents(self, texts: Sequence[str]) -> Any:
        """Vectors of documents, shape (len(texts), D)."""
        return self._encode(self._encoding.model.encode_document, texts, self._encoding.corpus_prompt)

    def _encode(self, call: Callable[..., Any], texts: Sequence[str], prompt: Prompt) -> Any:
        if not self._started:
            pool = process_pool(self._encoding.model, self._encoding.use_multi_process)
            self._pool, self._started = self._stack.enter_context(pool), True
        return call(
            texts, pool=self._pool, batch_size=self._encoding.batch_size, normalize_embeddings=True,
            convert_to_numpy=True, show_progress_bar=False, prompt_name=prompt.name, prompt=prompt.text,
        )  # fmt: skip


def _prompt_of(model: SentenceTransformer, prompt: Prompt) -> str | None:
    """The text of a prompt; None is the side's own, or the model's default."""
    if prompt.text is not None or prompt.name is None:
        return prompt.text
    if prompt.name not in model.prompts:
        raise SettingsError(
            f"Prompt name '{prompt.name}' not found in the configured prompts dictionary with keys "
            f"{list(model.prompts)!r}."
        )
    return model.prompts[prompt.name] or ""


def _of_unit_length(vecs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same matrix (n, D), its rows divided by their lengths in place."""
    for start in range(0, len(vecs), _ROWS_AT_ONCE):
        block = vecs[start : start + _ROWS_AT_ONCE]
        block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), _SHORTEST)
    return vecs
