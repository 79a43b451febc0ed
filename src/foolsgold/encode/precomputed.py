"""Vectors that were made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foolsgold.encode.vectors import matrix_fingerprint
from foolsgold.errors import SettingsError, VectorError
from foolsgold.settings import Similarity


@dataclass(frozen=True)
class PrecomputedVectors:
    """Takes the place of an encoder: row i of each matrix belongs to the i-th query or document of the collection.

    Attributes:
        query_vecs: shape (Q, D), float32 or float16: an array, or the path of a `.npy` file, which is memory-mapped.
        doc_vecs: shape (N, D), likewise.
        similarity: "cosine" or "dot".
    """

    query_vecs: Any
    doc_vecs: Any
    similarity: Similarity = "cosine"

    def fingerprint(self) -> str:
        """A hash of all values, as they are now.

        Raises:
            SettingsError: a file is not there.
            VectorError: it is no `.npy` file of numbers.
        """
        queries, documents = open_vectors(self.query_vecs, "query_vecs"), open_vectors(self.doc_vecs, "doc_vecs")
        return matrix_fingerprint(queries) + matrix_fingerprint(documents)


def open_vectors(vectors: Any, argument: str) -> Any:
    """The array itself, or the memory-mapped contents of a `.npy` file.

    Raises:
        SettingsError: the file is not there.
        VectorError: it is no `.npy` file of numbers.
    """
    if not isinstance(vectors, (str, Path)):
        return np.asarray(vectors)
    path = Path(vectors)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise SettingsError(f"{argument}: {path} {what}. Give a .npy file of float32 or float16.")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (ValueError, OSError, EOFError) as error:
        raise VectorError(
            f"{argument}: {path} is not a readable .npy file ({error}). Save it with numpy.save."
        ) from error
