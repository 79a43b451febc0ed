"""Hide all positives of a query but one, and hear the witnesses: what every measurement here begins with."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration import hide_positives
from foolsgold.calibration.hidden import blocks_of
from foolsgold.collection import Collection, read_beir
from foolsgold.encode import Encoded, encode
from foolsgold.filters import Relevance
from foolsgold.search import Search
from foolsgold.settings import MiningSettings
from foolsgold.witness import Witnesses

SEVERAL_POSITIVES = ("argkp", "medquad", "policyqa", "spf_fr", "xquad_multi")


@dataclass(frozen=True)
class Trial:
    """The candidates of H queries, of whose positives one is known.

    Attributes:
        name: of the collection.
        features: shape (H, K, 4), what the witnesses say.
        scores: shape (H, K), most similar first.
        positive_scores: shape (H,), of the visible positive.
        unknown: shape (H, K), which are candidates: not the visible positive.
        relevant: shape (H, K), which are hidden positives.
        query_rows: shape (H,), rows of the queries in the collection.
        doc_rows: shape (H, K), rows of the candidates.
        positive_rows: shape (H,), rows of the visible positives.
    """

    name: str
    features: NDArray[np.float64]
    scores: NDArray[np.float64]
    positive_scores: NDArray[np.float64]
    unknown: NDArray[np.bool_]
    relevant: NDArray[np.bool_]
    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    positive_rows: NDArray[np.int32]


def trial(name: str, collection: Collection, encoded: Encoded, *, depth: int = 100, seed: int = 42) -> Trial:
    """Mine with all positives hidden but one, up to 2,000 queries."""
    hidden = hide_positives(collection, seed=seed)
    if hidden is None:
        raise SystemExit(f"{name}: no query has two positives, so that none can be hidden.")
    settings = MiningSettings(depth=depth + 1, index="exact", seed=seed, quiet=True)
    witnesses, relevance = Witnesses(collection, encoded, settings), Relevance(hidden.collection)
    parts = []
    for block in blocks_of(hidden, Search(collection, encoded, {}, settings).blocks()):
        testimony = witnesses.of(block, relevance, hidden.query_rows[block.query_rows])
        scores, positive_scores = block.scores.astype(np.float64), block.positive_scores.astype(np.float64)
        relevant = hidden.were_hidden(block.query_rows[:, None], block.doc_rows)
        query_rows = hidden.query_rows[block.query_rows]
        arrays = (testimony.features, scores, positive_scores, relevance.may_be_relevant(block), relevant)
        parts.append((*arrays, query_rows, block.doc_rows, block.positive_rows))
    return Trial(name, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def encoded_collection(name: str, data: Path, model: str, cache: Path) -> tuple[Collection, Encoded]:
    """A collection and its vectors, which are kept in `cache` for the next time."""
    from foolsgold import PrecomputedVectors

    collection = read_beir(data / name)
    files = [cache / f"{name}.{Path(model).name}.{side}.npy" for side in ("queries", "documents")]
    settings = MiningSettings()
    if not all(file.is_file() for file in files):
        cache.mkdir(parents=True, exist_ok=True)
        encoded = encode(collection, model, settings)
        for file, vectors in zip(files, (encoded.query_vecs, encoded.doc_vecs), strict=True):
            np.save(file, vectors.values)
    vectors = PrecomputedVectors(*(str(file) for file in files))
    return collection, encode(collection, vectors, settings)


def arguments(description: str) -> argparse.ArgumentParser:
    """The flags that all scripts here take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--collections", nargs="+", default=list(SEVERAL_POSITIVES), help="folders in it")
    parser.add_argument("--models", nargs="+", default=["offline"], help="model names or folders")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/.cache"), help="where vectors are kept")
    return parser
