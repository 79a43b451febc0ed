"""What was found for blocks of queries, kept in the cache: a run that was killed does not search them again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import LISTS, fingerprint_of, mark_used, write_whole
from foolsgold.scale.lists import Lists

_CHECKSUM = "foolsgold"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptLists:
    """The lists of one collection, encoder and search; can be sent to workers that see the cache.

    Attributes:
        folder: in the cache.
        about: what `foolsgold cache` says of it.
    """

    folder: Path
    about: Mapping[str, Any]

    @classmethod
    def of(cls, cache: Path, identity: Mapping[str, Any]) -> KeptLists:
        """Those of whatever decides what is found."""
        return cls(cache / LISTS / fingerprint_of(identity), identity)

    def path(self, rows: NDArray[np.int64]) -> Path:
        """The file of some queries."""
        return self.folder / f"{blake2b(rows.tobytes(), digest_size=16).hexdigest()}.safetensors"

    def read(self, path: Path) -> dict[str, Lists] | None:
        """What was found; None where it was not kept, or is damaged, and then removed."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # no mapping
                if (file.metadata() or {}).get(_CHECKSUM) != _checksum(arrays):
                    raise ValueError("its checksum is wrong")
            names = [name.removeprefix("doc_rows ") for name in arrays if name.startswith("doc_rows ")]
            return {name: Lists(arrays[f"doc_rows {name}"], arrays[f"scores {name}"]) for name in names}
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            logger.warning("cache: %s is damaged (%s); its queries are searched again.", path, error)
            with suppress(OSError):
                path.unlink()
            return None

    def write(self, path: Path, found: Mapping[str, Lists]) -> None:
        """Keep what was found.

        Raises:
            OutputError: it could not be written.
        """
        from safetensors.numpy import save

        arrays: dict[str, NDArray[Any]] = {}
        for name, lists in found.items():
            arrays |= {f"doc_rows {name}": lists.doc_rows, f"scores {name}": lists.scores}
        arrays = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        content = save(arrays, {_CHECKSUM: _checksum(arrays)})
        mark_used(self.folder, self.about)
        write_whole(path, lambda file: file.write(content))


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = blake2b(digest_size=16)
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
