"""What an encoding worker does: stretches of the texts of a side, chunk by chunk, to the cache."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.chunks import ChunkEncoder, TextsByRow
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder
from foolsgold.encode.texts import as_keys
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.encode.vectors import faults_of, lengths_of
from foolsgold.errors import TextError
from foolsgold.scale.encoder_on_worker import EncoderFacts
from foolsgold.scale.opened import mapped
from foolsgold.scale.row_faults import merged_faults
from foolsgold.settings import MiningSettings


class Stretch(NamedTuple):
    """Some whole chunks of one side, the last of which may be the side's last: texts `start` to `stop` of the new."""

    side: Side
    start: int
    stop: int


class ToEncode(NamedTuple):
    """The new texts of one side.

    Attributes:
        texts: where they are read from.
        rows: a `.npy` file, shape (M,), int64: their rows, ascending.
        keys: a `.npy` file, shape (M, 16), uint8: their hashes.
        cache: where their chunks are kept.
    """

    texts: TextsByRow
    rows: Path
    keys: Path
    cache: VectorCache


class Encoded(NamedTuple):
    """What the driver hears of a stretch.

    Attributes:
        stretch: which.
        dimensions: of its vectors: one number, if the encoder is in order.
        faults: as `faults_of` gives them, of places among the new texts.
        refused: the problem and the row of a text that the encoder does not take; what stands after it is not done.
    """

    stretch: Stretch
    dimensions: set[int]
    faults: dict[str, NDArray[np.int64]]
    refused: tuple[str, int] | None = None


class Encoding:
    """Encodes stretches.

    Args:
        encoder: loaded here.
        facts: what it is.
        sides: what there is to encode.
        settings: batches, type of the numbers.
    """

    def __init__(
        self, encoder: Encoder, facts: EncoderFacts, sides: Mapping[Side, ToEncode], settings: MiningSettings
    ) -> None:
        self._encoder = encoder
        self._sides = sides
        self._settings = settings
        self._similarity = facts.description["similarity"]
        processes = ExitStack()
        if isinstance(self._encoder, SentenceTransformerEncoder) and _has_whole_chunk(sides, facts.chunk_texts):
            self._encoder = processes.enter_context(self._encoder.workers(facts.chunk_texts))
        weakref.finalize(self, processes.close)

    def __call__(self, stretch: Stretch) -> Encoded:
        """Encode what of a stretch is not in the cache by now."""
        new = self._sides[stretch.side]
        part = slice(stretch.start, stretch.stop)
        dimensions: set[int] = set()
        faults: list[dict[str, NDArray[np.int64]]] = []
        try:
            for places, vecs in self._chunks(stretch.side, new).encode(
                new.texts, mapped(new.rows)[part], as_keys(mapped(new.keys)[part].tobytes())
            ):
                dimensions.add(vecs.shape[1])
                found = faults_of(lengths_of(vecs), self._similarity)
                faults.append({fault: rows + places.start + stretch.start for fault, rows in found.items()})
        except TextError as error:
            return Encoded(stretch, dimensions, {}, (error.problem, error.row))
        return Encoded(stretch, dimensions, merged_faults(faults))

    def _chunks(self, side: Side, new: ToEncode) -> ChunkEncoder:
        return ChunkEncoder(
            self._encoder, side, batch_size=self._settings.batch_size, vector_type=self._settings.vector_type,
            cache=new.cache, advance=_unheard,
        )  # fmt: skip


def _has_whole_chunk(sides: Mapping[Side, ToEncode], n_texts: int) -> bool:
    return any(len(mapped(side.rows)) >= n_texts for side in sides.values())


def _unheard(n_texts: int) -> None:
    """The driver hears of whole stretches."""
