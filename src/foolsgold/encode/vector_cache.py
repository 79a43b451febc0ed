"""Vectors on disk, found again by text: what one encoder made of the texts of one side."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from foolsgold.cache_folder import VECTORS, fingerprint_of, mark_used, write_whole
from foolsgold.encode.texts import KEY_BYTES, as_keys

_CHUNK = re.compile(r"[0-9a-f]{32}\.safetensors")  # the hash of the texts' hashes
_CHECKSUM = "foolsgold"

logger = logging.getLogger(__name__)


class VectorCache:
    """Chunks of vectors, each in a file that is written whole and bears the hash of its texts as its name.

    A chunk that is damaged, or was made by another encoder, is removed and counts as never made; so does one that
    another process removes.

    Args:
        cache: the cache folder.
        identity: all that decides a vector, apart from the text: the encoder, the side, the type of the numbers.
        about: what `foolsgold cache` says of it.
        prefix: of its folder, up to the hash of the identity.

    Raises:
        OutputError: it cannot be written to.
    """

    def __init__(
        self, cache: Path, identity: Mapping[str, str], about: Mapping[str, Any], *, prefix: str = f"{VECTORS}/"
    ) -> None:
        self._identity = fingerprint_of(identity)
        self.folder = cache / f"{prefix}{self._identity}"
        self._about = {**about, **identity}
        mark_used(self.folder, self._about)

    def read(self, keys: pa.FixedSizeBinaryArray) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """What there is of some texts, chunk by chunk: places among the keys (B,), and their vectors (B, D).

        Args:
            keys: hashes of texts, shape (n,), no two alike.
        """
        chunks = {path: hashes for path in chunk_files(self.folder) if (hashes := self.hashes(path))}
        starts = np.cumsum([0, *(len(hashes) // KEY_BYTES for hashes in chunks.values())])
        known = pc.index_in(keys, value_set=as_keys(b"".join(chunks.values())))
        places = np.flatnonzero(known.is_valid().to_numpy(zero_copy_only=False))
        rows = known.drop_null().to_numpy().astype(np.int64)  # among all that is cached
        order = np.argsort(rows, kind="stable")
        groups = np.split(order, np.searchsorted(rows[order], starts[1:-1]))
        for path, start, group in zip(chunks, starts, groups, strict=False):  # starts end with the total
            vecs = self.vectors(path) if len(group) else None
            if vecs is not None:
                yield places[group], vecs[rows[group] - start]

    def chunk(self, keys: pa.FixedSizeBinaryArray) -> NDArray[Any] | None:
        """The vectors of a chunk of just these texts, shape (n, D), if there is one by now."""
        path = self.path(_hashes_of(keys))
        return self.vectors(path) if path.is_file() else None

    def write(self, keys: pa.FixedSizeBinaryArray, vecs: NDArray[Any]) -> None:
        """Keep a chunk.

        Raises:
            OutputError: it could not be written.
        """
        hashes = _hashes_of(keys)
        arrays = {"keys": np.frombuffer(hashes, np.uint8).reshape(-1, KEY_BYTES), "vectors": vecs}
        content = save(arrays, {_CHECKSUM: self._checksum(hashes, vecs)})
        mark_used(self.folder, self._about)
        write_whole(self.path(hashes), lambda file: file.write(content))

    def path(self, hashes: bytes) -> Path:
        """Where a chunk of texts of these hashes, one after the other, is kept."""
        return self.folder / f"{_name_of(hashes)}.safetensors"

    def hashes(self, path: Path) -> bytes:
        """The hashes of a chunk's texts, one after the other; none where they are not what was written."""
        with _damage_noticed(path), safe_open(path, "numpy") as file:
            return _checked_hashes(path, file.get_tensor("keys"))
        return b""

    def vectors(self, path: Path) -> NDArray[Any] | None:
        """The vectors of a chunk, shape (n, D), if its content is what was written."""
        with _damage_noticed(path), safe_open(path, "numpy") as file:
            hashes = _checked_hashes(path, file.get_tensor("keys"))
            vecs: NDArray[Any] = file.get_tensor("vectors")
            if file.metadata() != {_CHECKSUM: self._checksum(hashes, vecs)}:
                raise ValueError("its checksum is wrong")
            return vecs
        return None

    def _checksum(self, hashes: bytes, vecs: NDArray[Any]) -> str:
        digest = blake2b(f"{self._identity} {vecs.dtype} {vecs.shape}".encode() + hashes, digest_size=16)
        digest.update(np.ascontiguousarray(vecs).data)
        return digest.hexdigest()


def chunk_files(folder: Path) -> list[Path]:
    """The chunks in a folder, in the order of their names."""
    return sorted(path for path in folder.glob("*.safetensors") if _CHUNK.fullmatch(path.name))


@contextmanager
def _damage_noticed(path: Path) -> Iterator[None]:
    """What keeps a chunk from being read is said, and the chunk removed; one that is gone is nothing to speak of."""
    try:
        yield
    except FileNotFoundError:
        return
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        logger.warning("cache: %s is damaged (%s); its texts are encoded again.", path, error)
        with suppress(OSError):
            path.unlink()


def _checked_hashes(path: Path, keys: NDArray[Any]) -> bytes:
    hashes = keys.tobytes()
    if path.stem != _name_of(hashes):
        raise ValueError("it is of other texts")
    return hashes


def _name_of(hashes: bytes) -> str:
    return blake2b(hashes, digest_size=16).hexdigest()


def _hashes_of(keys: pa.FixedSizeBinaryArray) -> bytes:
    return b"".join(keys.to_pylist())
