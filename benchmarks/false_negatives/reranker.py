"""Does a cross-encoder help as a fifth witness? On a sample of queries: it has to score all of their candidates.

It must not have learnt from the collections: `cross_encoder/run.py --save FOLDER` fine-tunes one on medquad.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from explore import alone, tried
from numpy.typing import NDArray
from protocol import Trial, arguments, encoded_collection, trial

from foolsgold.collection import Collection
from foolsgold.rerank import PairScorer


def main() -> None:
    """Try, and write reranker.json."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--cross-encoder", required=True, help="folder of the cross-encoder")
    parser.add_argument("--queries", type=int, default=80, help="of each collection")
    parser.set_defaults(collections=["argkp", "policyqa", "spf_fr", "xquad_multi"])
    options = parser.parse_args()
    scorer = PairScorer(options.cross_encoder)
    (model,) = options.models
    four, five = {}, {}
    for name in options.collections:
        collection, encoded = encoded_collection(name, options.data, model, options.cache)
        key = name, model
        four[key] = _sampled(trial(name, collection, encoded), options.queries)
        logits = _logits(four[key], collection, scorer)
        fifth = alone(logits, four[key])[..., None]
        five[key] = replace(four[key], features=np.concatenate([four[key].features, fifth], axis=-1))
        print(f"{name}: {logits.size:,} pairs scored", flush=True)
    dense_alone = {key: replace(each, features=each.features[..., :1]) for key, each in four.items()}
    logit_alone = {key: replace(each, features=each.features[..., 4:]) for key, each in five.items()}
    sets: Sequence[tuple[str, dict[tuple[str, str], Trial]]] = (
        ("the four", four), ("and a cross-encoder", five),
        ("dense alone", dense_alone), ("the cross-encoder alone", logit_alone),
    )  # fmt: skip
    results = {name: tried(trials) for name, trials in sets}
    Path(__file__).with_name("reranker.json").write_text(json.dumps(results, indent=1) + "\n")
    print("| witnesses | AUC | ratio |\n|---|---|---|")
    for name, row in results.items():
        auc, ratio = row.values()
        print(f"| {name} | {auc:.3f} | {ratio:.3f} |")


def _sampled(trial: Trial, n: int) -> Trial:
    """Some of the queries, spread evenly."""
    rows = np.unique(np.linspace(0, len(trial.scores) - 1, min(n, len(trial.scores))).astype(np.int64))
    arrays = {field.name: getattr(trial, field.name)[rows] for field in fields(trial) if field.name != "name"}
    return replace(trial, **arrays)


def _logits(trial: Trial, collection: Collection, scorer: PairScorer) -> NDArray[np.float64]:
    """Of all candidates, shape (H, K)."""
    queries = collection.query_texts(trial.query_rows)
    pairs = [
        (query, text)
        for query, rows in zip(queries, trial.doc_rows, strict=True)
        for text in collection.document_texts(rows)
    ]
    return scorer.logits(pairs, lambda _: None).reshape(trial.doc_rows.shape).astype(np.float64)


if __name__ == "__main__":
    main()
