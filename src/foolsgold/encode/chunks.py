"""Chunks: as many texts as are encoded, and kept in the cache, at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.openai_endpoint import OpenAIEncoder
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.encode.workers import EncodingWorkers
from foolsgold.errors import TextError, VectorError
from foolsgold.settings import VectorType

_CHUNK_TEXTS = 1024  # of an encoder that does not say
_BATCHES_PER_CALL = 8  # a call of an encoder is long enough to be worth it and short enough to show progress


class TextsByRow(Protocol):
    """Where texts are read from."""

    def at(self, rows: NDArray[np.int64]) -> list[str]:
        """The texts of some rows, which ascend; at least one."""
        ...


@dataclass(frozen=True)
class ChunkEncoder:
    """Encodes chunk by chunk, and keeps each as soon as it is there.

    Attributes:
        encoder: any Encoder; one that has `chunk_texts` says how many texts a chunk has.
        side: of the texts.
        batch_size: texts per forward pass; a call of an encoder that does not know of chunks gets 8 times as many.
        vector_type: of the numbers.
        cache: None keeps nothing.
        advance: called with the number of texts just encoded.
    """

    encoder: Encoder
    side: Side
    batch_size: int
    vector_type: VectorType
    cache: VectorCache | None
    advance: Callable[[int], object]

    def encode(
        self, texts: TextsByRow, rows: NDArray[np.int64], keys: pa.FixedSizeBinaryArray
    ) -> Generator[tuple[slice, NDArray[Any]], None, None]:
        """Which of the rows a chunk has, and its vectors (B, D).

        Args:
            texts: those to encode, and others.
            rows: shape (n,), of those to encode, ascending.
            keys: shape (n,), their hashes.
        """
        for part, active in self._chunks(len(rows)):
            chunk_keys = keys[part]
            vecs = None if self.cache is None else self.cache.chunk(chunk_keys)
            if vecs is None:
                vecs = self._vectors_of(texts, rows[part], active)
                if self.cache is not None and np.isfinite(vecs).all():
                    self.cache.write(chunk_keys, vecs)
            else:  # another run on the same cache was faster
                self.advance(len(vecs))
            yield part, vecs

    def _chunks(self, n_texts: int) -> Iterator[tuple[slice, Encoder]]:
        """The chunks, and what encodes each: processes, if there are several, or for what is left over the encoder.

        Which of the two depends on the chunk alone: its vectors are the same whatever was encoded before it.
        """
        size = chunk_texts(self.encoder)
        n_whole = n_texts // size * size
        with self._workers(size) if n_whole else nullcontext(self.encoder) as active:
            for start in range(0, n_whole, size):
                yield slice(start, start + size), active
        if n_whole < n_texts:
            yield slice(n_whole, n_texts), self.encoder

    def _workers(self, n_texts: int) -> AbstractContextManager[Encoder]:
        encoder = self.encoder
        return encoder.workers(n_texts) if isinstance(encoder, SentenceTransformerEncoder) else nullcontext(encoder)

    def _vectors_of(self, texts: TextsByRow, rows: NDArray[np.int64], active: Encoder) -> NDArray[Any]:
        try:
            return self._vectors(texts.at(rows), active)
        except TextError as error:
            raise TextError(error.problem, row=int(rows[error.row])) from error

    def _vectors(self, texts: list[str], active: Encoder) -> NDArray[Any]:
        if isinstance(active, (SentenceTransformerEncoder, EncodingWorkers, OpenAIEncoder)):
            vecs = active.encode(texts, self.side, advance=self.advance)
        else:
            vecs = self._in_calls(texts, active)
        with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite, and is refused as such
            return vecs.astype(self.vector_type, copy=False)

    def _in_calls(self, texts: list[str], encoder: Encoder) -> NDArray[np.float32]:
        """By an encoder of one's own, longest first, so that texts of a batch are about as long."""
        call = encoder.encode_queries if self.side == "queries" else encoder.encode_documents
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]), reverse=True)
        vecs: NDArray[np.float32] | None = None
        size = self.batch_size * _BATCHES_PER_CALL
        for places in (order[start : start + size] for start in range(0, len(order), size)):
            block = vectors_of(call, [texts[place] for place in places], self.side)
            if vecs is None:
                vecs = np.empty((len(texts), block.shape[1]), np.float32)
            if block.shape[1] != vecs.shape[1]:
                raise VectorError(
                    f"the encoder returned vectors of {vecs.shape[1]} and of {block.shape[1]} dimensions."
                )
            vecs[places] = block
            self.advance(len(places))
        assert vecs is not None  # a chunk has at least one text
        return vecs


def chunk_texts(encoder: Encoder) -> int:
    """How many texts of an encoder are kept at once."""
    return int(getattr(encoder, "chunk_texts", _CHUNK_TEXTS))


def vectors_of(call: Callable[[Sequence[str]], Any], texts: list[str], side: Side) -> NDArray[np.float32]:
    """What an encoder returns for some texts, shape (len(texts), D), whether in lists, NumPy or torch.

    Raises:
        VectorError: it is something else than one vector a text.
    """
    returned = call(texts)
    try:
        values = np.asarray(_off_its_device(returned))
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            vecs = values.astype(np.float32, copy=False)
    except (ValueError, TypeError, RuntimeError) as error:
        raise VectorError(f"the encoder returned no matrix of numbers for {len(texts)} {side} ({error}).") from error
    if vecs.ndim != 2 or len(vecs) != len(texts):
        raise VectorError(
            f"the encoder returned shape {vecs.shape} for {len(texts)} {side}; it must return (texts, dimensions)."
        )
    return vecs


def _off_its_device(returned: Any) -> Any:
    """As it is, but of torch tensors, alone or in a list, what they hold, wherever they lie and in whichever type."""
    if hasattr(returned, "detach"):
        return returned.detach().cpu().float().numpy()
    if isinstance(returned, (list, tuple)) and any(hasattr(vec, "detach") for vec in returned):
        return [_off_its_device(vec) for vec in returned]
    return returned
