"""What a source of candidates is, and how those that need no vectors are opened."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.search.bm25 import Bm25Source
from foolsgold.search.run_file import read_run
from foolsgold.settings import MiningSettings
from foolsgold.sources import BM25, needs_vectors, parse_sources


class Source(Protocol):
    """Finds documents for the queries of one collection."""

    @property
    def name(self) -> str:
        """What files and reports call it."""
        ...

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """The k best documents of a block of queries: doc_rows (B, k), -1 where it has fewer, and scores (B, k)."""
        ...

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.floating]:
        """Its score of each (query, document) pair, shape (P,); NaN where it has none."""
        ...

    def describe(self) -> dict[str, Any]:
        """What settings.json and the report say of it."""
        ...


def check_sources(settings: MiningSettings, *, has_encoder: bool) -> None:
    """Without vectors there is one source, whose scores are taken as they are.

    Raises:
        SettingsError: there is no encoder, and it is needed; or there is none, and a setting asks something of it.
    """
    if has_encoder:
        return
    if needs_vectors(parse_sources(settings.source)):
        raise SettingsError(
            f"encoder is None, but source={settings.source!r} needs vectors: to search, or to score alike what several "
            "sources found. Give a model (--model) or vectors, or take one source that scores by itself: 'bm25' or "
            "'run:FILE'."
        )
    for name in ("query_prompt", "document_prompt", "similarity"):
        if getattr(settings, name) is not None:
            raise SettingsError(f"{name} has no effect without a model or vectors. Leave it out, or give an encoder.")


def open_sources(collection: Collection, settings: MiningSettings) -> dict[str, Source]:
    """Reads the runs and indexes the words that `source` asks for, by name: what fails is said before encoding.

    Raises:
        SettingsError: a run that is not there.
        CollectionError: a run that cannot be read, or documents without any word.
    """
    names = parse_sources(settings.source)
    opened: dict[str, Source] = {name.name: read_run(name, collection, settings) for name in names if name.path}
    if BM25 in [name.name for name in names]:
        opened[BM25] = Bm25Source(collection, language=settings.language, quiet=settings.quiet)
    return opened
