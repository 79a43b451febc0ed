"""Which witnesses help on collections that were left out of the fit? Each is added to the four, or taken from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from protocol import Trial, arguments, encoded_collection, trial
from refit import fit
from rules import as_hard_as, margin, outcome

from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.search import Bm25Index
from foolsgold.witness import WITNESSES
from foolsgold.witness.features import above_median, standardised

_SAMPLE = 2_048
Extra = Callable[[Trial, Collection, Encoded], NDArray[np.float64]]


def _units(vectors: object) -> NDArray[np.float32]:
    return vectors.block(0, len(vectors))  # type: ignore[attr-defined, arg-type, no-any-return]


def _sample(n: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))


def alone(values: NDArray[np.float64], trial: Trial) -> NDArray[np.float64]:
    """In standard deviations of each query's candidates, which nobody is compared with but themselves."""
    nobody = np.empty(0, np.int64)
    return standardised(values, np.empty(0), nobody, trial.unknown)[0]


def plain_dense(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """The score without regard to hubs, in standard deviations."""
    return alone(trial.scores, trial)


def ratio_to_positive(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """What margins go by."""
    return trial.scores / np.maximum(np.abs(trial.positive_scores), 1e-6)[:, None]


def reverse_rank(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """Share of other queries that are nearer to the document than this one, as a logarithm."""
    queries, docs = _units(encoded.query_vecs), _units(encoded.doc_vecs)
    scores = np.sort(queries[_sample(len(queries))] @ docs.T, axis=0)  # (sample, N)
    nearer = np.empty(trial.scores.shape)
    for row, (candidates, own) in enumerate(zip(trial.doc_rows, trial.scores, strict=True)):
        nearer[row] = [
            len(scores) - np.searchsorted(scores[:, doc], s, "right") for doc, s in zip(candidates, own, strict=True)
        ]
    return above_median(-np.log10((nearer + 0.5) / (len(scores) + 1) + 1e-3), trial.unknown)


def rank_agreement(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """Rank by words among the candidates, as a logarithm, beside the rank by vectors."""
    index = Bm25Index(collection.document_texts(), language=None, quiet=True)
    scores = index.pair_scores(collection.query_texts(trial.query_rows), trial.doc_rows)
    by_words = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
    return -np.log10(1 + np.abs(by_words - np.arange(scores.shape[1])))


def mutual_neighbours(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """Share of documents that are nearer to the candidate than the positive is, as a logarithm."""
    docs = _units(encoded.doc_vecs)
    scores = np.sort(docs @ docs[_sample(len(docs))].T, axis=1)  # (N, sample)
    near = np.einsum("hkd,hd->hk", docs[trial.doc_rows], docs[trial.positive_rows])
    nearer = np.empty(near.shape)
    for row, candidates in enumerate(trial.doc_rows):
        places = [np.searchsorted(scores[doc], s, "right") for doc, s in zip(candidates, near[row], strict=True)]
        nearer[row] = scores.shape[1] - np.array(places)
    return above_median(-np.log10((nearer + 0.5) / (scores.shape[1] + 1) + 1e-3), trial.unknown)


def positives_of_similar_queries(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """Cosine with the visible positives of the ten nearest other queries, the nearest counting most."""
    queries, docs = _units(encoded.query_vecs)[trial.query_rows], _units(encoded.doc_vecs)
    similar = queries @ queries.T
    np.fill_diagonal(similar, -1)
    nearest = np.argsort(-similar, axis=1)[:, :10]
    found = np.empty(trial.scores.shape)
    for row, (candidates, others) in enumerate(zip(trial.doc_rows, nearest, strict=True)):
        cosines = docs[candidates] @ docs[trial.positive_rows[others]].T
        found[row] = (cosines * np.maximum(similar[row, others], 0)).max(axis=1)
    return above_median(found, trial.unknown)


def positive_of_another_query(trial: Trial, collection: Collection, encoded: Encoded) -> NDArray[np.float64]:
    """Whether the document is the visible positive of another query."""
    counts = np.bincount(trial.positive_rows, minlength=len(encoded.doc_vecs))
    return (counts[trial.doc_rows] > 0).astype(np.float64)


_EXTRA: dict[str, Extra] = {
    "score without regard to hubs": plain_dense,
    "ratio to the positive's score": ratio_to_positive,
    "reverse rank": reverse_rank,
    "agreement of dense and lexical rank": rank_agreement,
    "mutual neighbours": mutual_neighbours,
    "positives of similar queries": positives_of_similar_queries,
    "positive of another query": positive_of_another_query,
}


def main() -> None:
    """Try each, and write explore.json."""
    options = arguments(__doc__ or "").parse_args()
    keys = [(name, model) for name in options.collections for model in options.models]
    loaded = {key: encoded_collection(key[0], options.data, key[1], options.cache) for key in keys}
    trials = {key: trial(key[0], *loaded[key]) for key in keys}
    four = {key: each.features for key, each in trials.items()}
    sets = {"the four": four}
    for place, name in enumerate(WITNESSES):
        sets[f"without {name}"] = {key: np.delete(values, place, axis=-1) for key, values in four.items()}
    for name, extra in _EXTRA.items():
        found = {key: extra(trials[key], *loaded[key]) for key in keys}
        sets[f"and {name}"] = {key: np.concatenate([four[key], found[key][..., None]], axis=-1) for key in keys}
        print(name, flush=True)
    if len(options.models) > 1:
        second = {key: _second_encoder(trials[key], loaded, key, options.models) for key in keys}
        sets["and a second encoder"] = {key: np.concatenate([four[key], second[key][..., None]], -1) for key in keys}
    results = {name: tried({key: replace(trials[key], features=values[key]) for key in keys})
               for name, values in sets.items()}  # fmt: skip
    Path(__file__).with_name("explore.json").write_text(json.dumps(results, indent=1) + "\n")
    columns = [f"{Path(model).name}: {what}" for model in options.models for what in ("AUC", "ratio")]
    print(f"| witnesses | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, row in results.items():
        print(f"| {name} | {' | '.join(f'{row[column]:.3f}' for column in columns)} |")


def _second_encoder(
    trial: Trial, loaded: dict[tuple[str, str], tuple[Collection, Encoded]], key: tuple[str, str], models: list[str]
) -> NDArray[np.float64]:
    """The other encoder's score, in standard deviations."""
    _, encoded = loaded[key[0], models[1] if key[1] == models[0] else models[0]]
    queries, docs = _units(encoded.query_vecs), _units(encoded.doc_vecs)
    scores = np.einsum("hkd,hd->hk", docs[trial.doc_rows], queries[trial.query_rows])
    return alone(scores.astype(np.float64), trial)


def tried(trials: dict[tuple[str, str], Trial]) -> dict[str, float]:
    """AUC, and false negatives by those of PercPos 95% at its hardness, on collections left out: means."""
    found: dict[str, list[float]] = {}
    for (name, model), each in trials.items():
        fitted = fit([other for (other_name, _), other in trials.items() if other_name != name])
        probabilities = fitted.probabilities(each.features)
        reference = outcome(each, margin(each, relative=0.05))
        ours = outcome(each, as_hard_as(each, probabilities, reference.mean_hardness))
        tag = Path(model).name
        found.setdefault(f"{tag}: AUC", []).append(_auc(probabilities[each.unknown], each.relevant[each.unknown]))
        if reference.rate > 0:
            half = 0.5 / (4 * len(each.scores))
            found.setdefault(f"{tag}: ratio", []).append(float(np.log(max(ours.rate, half) / reference.rate)))
    return {what: float(np.exp(np.mean(values)) if "ratio" in what else np.mean(values))
            for what, values in found.items()}  # fmt: skip


def _auc(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> float:
    """Share of (relevant, other) pairs in the right order (Mann and Whitney)."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    n = int(relevant.sum())
    return float((ranks[relevant].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


if __name__ == "__main__":
    main()
