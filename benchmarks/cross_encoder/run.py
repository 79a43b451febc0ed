"""Pairs scored by waves against scoring all candidates, at equal output.

A cross-encoder is fine-tuned on some queries of a collection, and judges candidates of others: by waves, as `mine`
does it, and by scoring every candidate and choosing afterwards, in code of this script's own. Both must
choose the same negatives; the script stops if they do not.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from foolsgold import Collection, MiningResult, MiningSettings, PrecomputedVectors, mine, read_beir, select
from foolsgold.encode import as_encoder, encode_texts
from foolsgold.rerank import PairScorer

SEED = 42
STEPS, BATCH, MAX_TOKENS = 100, 16, 64
TRAINING_QUERIES, TESTED_QUERIES, DOCUMENTS, WORDS = 600, 60, 3_000, 60
NEGATIVES, DEPTH = 4, 100
RULES: dict[str, dict[str, float | None]] = {
    "logit gap of 3": {"cross_encoder_margin": 3.0, "cross_encoder_max_probability": None},
    "probability of at most 0.1": {"cross_encoder_margin": None, "cross_encoder_max_probability": 0.1},
}
Triple = tuple[str, str, str]  # ids of query, positive and document


def main() -> None:
    """Run for each collection, and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument("--collections", nargs="+", default=["medquad"])
    parser.add_argument("--model", default="offline", help="bi-encoder, and what the cross-encoder is fine-tuned from")
    parser.add_argument("--save", type=Path, help="folder for the cross-encoder, to be used elsewhere")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.json")
    options = parser.parse_args()
    rows = []
    for name in options.collections:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(options.data / name, options.model, Path(folder), options.save)
        options.out.write_text(json.dumps({"settings": set_up(), "rows": rows}, indent=2) + "\n", encoding="utf-8")
    print_table(rows)


def set_up() -> dict[str, Any]:
    """What a reader must know to compare."""
    return {
        "seed": SEED, "training_steps": STEPS, "batch_size": BATCH, "max_tokens": MAX_TOKENS,
        "tested_queries": TESTED_QUERIES, "documents_at_most": DOCUMENTS, "words_of_a_document": WORDS,
        "negatives": NEGATIVES, "depth": DEPTH, "sampler": "top", "relative_margin": MiningSettings().relative_margin,
    }  # fmt: skip


def measure(source: Path, model: str, folder: Path, save: Path | None) -> list[dict[str, Any]]:
    """All rows of one collection."""
    hidden = split(source, folder)
    vectors = Vectors(read_beir(folder / "train"), model)
    train_seconds, scorer = timed(lambda: fine_tuned(read_beir(folder / "train"), vectors, model))
    if save is not None:
        scorer.model.save_pretrained(str(save))
    rows = []
    scored: AllScores | None = None
    for positives in ("one", "all"):
        collection = read_beir(folder / positives)
        out = folder / f"mined-{positives}"
        plain = mine(collection, vectors.of(collection), settings(out))
        scored = scored or AllScores(collection, out, scorer)  # the candidates are the same, whatever is positive
        for rule, thresholds in RULES.items():
            row = compared(collection, out, scorer, scored, thresholds, hidden if positives == "one" else {})
            row |= {"collection": source.name, "positives": positives, "rule": rule, "train_seconds": train_seconds}
            row["false_negative_ratio_without"] = false_negative_ratio(plain, hidden) if positives == "one" else None
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def split(source: Path, folder: Path) -> dict[str, set[str]]:
    """Queries to train with, and others to test: with all positives, and with one. Returns those then hidden."""
    by_query: dict[str, list[str]] = defaultdict(list)
    for line in (source / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query_id, doc_id, score = line.split("\t")
        if int(score) > 0:
            by_query[query_id].append(doc_id)
    generator = random.Random(SEED)
    query_ids = sorted(by_query)
    generator.shuffle(query_ids)
    test = [query_id for query_id in query_ids if len(by_query[query_id]) > 1][:TESTED_QUERIES]
    train = [query_id for query_id in query_ids if query_id not in set(test)][:TRAINING_QUERIES]
    shown = {query_id: generator.choice(by_query[query_id]) for query_id in test}
    needed = {doc_id for query_id in (*train, *test) for doc_id in by_query[query_id]}
    corpus = cut_corpus(source, needed, generator)
    write_beir(source, folder / "train", corpus, {query_id: by_query[query_id] for query_id in train})
    write_beir(source, folder / "all", corpus, {query_id: by_query[query_id] for query_id in test})
    write_beir(source, folder / "one", corpus, {query_id: [shown[query_id]] for query_id in test})
    return {query_id: set(by_query[query_id]) - {shown[query_id]} for query_id in test}


def cut_corpus(source: Path, needed: set[str], generator: random.Random) -> str:
    """The documents needed, and others at random up to a number; of each the first words. A corpus.jsonl."""
    documents = [json.loads(line) for line in (source / "corpus.jsonl").read_text("utf-8").splitlines()]
    others = [document["_id"] for document in documents if document["_id"] not in needed]
    kept = needed | set(generator.sample(others, min(len(others), max(0, DOCUMENTS - len(needed)))))
    cut = [document | {"text": " ".join(document["text"].split()[:WORDS])} for document in documents]
    return "".join(json.dumps(document) + "\n" for document in cut if document["_id"] in kept)


def write_beir(source: Path, folder: Path, corpus: str, positives: dict[str, list[str]]) -> None:
    """Apart from each other: positives of another split in the same folder would be known, and kept out."""
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(corpus, encoding="utf-8")
    queries = (source / "queries.jsonl").read_text("utf-8").splitlines(keepends=True)
    asked = [line for line in queries if json.loads(line)["_id"] in positives]
    (folder / "queries.jsonl").write_text("".join(asked), encoding="utf-8")
    lines = [f"{query_id}\t{doc_id}\t1\n" for query_id, docs in positives.items() for doc_id in docs]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), encoding="utf-8")


class Vectors:
    """The corpus is encoded once for all splits."""

    def __init__(self, collection: Collection, model: str) -> None:
        self._encoder: Any = as_encoder(model, MiningSettings())
        self._doc_vecs = self._encode(collection.document_texts(), "documents")

    def of(self, collection: Collection) -> PrecomputedVectors:
        """For a split with this corpus."""
        return PrecomputedVectors(self._encode(collection.query_texts(), "queries"), self._doc_vecs)

    def _encode(self, texts: list[str], side: str) -> Any:
        return encode_texts(texts, self._encoder, side, batch_size=32, quiet=True)


def settings(out: Path | None, **changes: Any) -> MiningSettings:
    """`top`, four negatives of the hundred nearest, and nothing but the margin before the cross-encoder."""
    values = {
        "negatives": NEGATIVES, "depth": DEPTH, "short_rows": "drop", "max_false_negative_rate": None,
        "margin_min_probability": 0.0,
        "max_similarity_to_positive": None, "max_similarity_to_negative": None, "quiet": True,
        "out": None if out is None else str(out),
    }  # fmt: skip
    return MiningSettings(**{**values, **changes})


def fine_tuned(collection: Collection, vectors: Vectors, model: str) -> PairScorer:
    """A cross-encoder that has learnt positives against random documents and against any of the hundred nearest."""
    import torch
    from datasets import Dataset
    from sentence_transformers import CrossEncoder
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    from foolsgold.encode.load_model import offline_model_folder

    torch.manual_seed(SEED)
    location = str(offline_model_folder()) if model == "offline" else model
    cross_encoder = CrossEncoder(location, num_labels=1, max_length=MAX_TOKENS, device="cpu")
    rows = Dataset.from_list(training_rows(collection, vectors)[: STEPS * BATCH])
    with tempfile.TemporaryDirectory() as folder:
        arguments = CrossEncoderTrainingArguments(
            folder, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=2e-4, warmup_steps=15,
            use_cpu=True, report_to=[], save_strategy="no", seed=SEED, logging_steps=10, disable_tqdm=True,
        )  # fmt: skip
        CrossEncoderTrainer(
            model=cross_encoder, args=arguments, train_dataset=rows, loss=BinaryCrossEntropyLoss(cross_encoder)
        ).train()
    return PairScorer(cross_encoder)


def training_rows(collection: Collection, vectors: Vectors) -> list[dict[str, Any]]:
    """For each (query, positive) pair three rows in random order: the positive, a random document, a candidate."""
    drawn = settings(None, sampler="uniform", format="triplet", negatives=1, seed=SEED)
    documents, generator, rows = collection.document_texts(), random.Random(SEED), []
    for row in mine(collection, vectors.of(collection), drawn).to_dataset():
        texts = ((row["positive"], 1.0), (generator.choice(documents), 0.0), (row["negative"], 0.0))
        rows += [{"query": row["anchor"], "document": text, "label": label} for text, label in texts]
    generator.shuffle(rows)
    return rows


class AllScores:
    """Logits of every candidate and of every positive, by ids of query and document."""

    def __init__(self, collection: Collection, out: Path, scorer: PairScorer) -> None:
        self._queries = dict(zip(collection.query_ids.to_pylist(), collection.query_texts(), strict=True))
        self._documents = dict(zip(collection.doc_ids.to_pylist(), collection.document_texts(), strict=True))
        self._scorer = scorer
        table = pq.read_table(out / "candidates.parquet", columns=["query_id", "doc_ids"]).to_pylist()
        pairs = [(row["query_id"], doc_id) for row in table for doc_id in row["doc_ids"]]
        self.n_candidates = len(pairs)
        self.seconds, self.logits = timed(lambda: self._scored(pairs))
        known = self.logits.values()
        self.quantiles = np.quantile(np.array(list(known)), [0.05, 0.5, 0.95]).round(2).tolist()

    def add_positives(self, positives: set[tuple[str, str]]) -> float:
        """Score what is no candidate; the seconds that it takes."""
        seconds, logits = timed(lambda: self._scored(sorted(positives - set(self.logits))))
        self.logits |= logits
        return seconds

    def _scored(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
        texts = [(self._queries[query_id], self._documents[doc_id]) for query_id, doc_id in pairs]
        return dict(zip(pairs, self._scorer.logits(texts, lambda _: None).tolist(), strict=True))


def compared(
    collection: Collection,
    out: Path,
    scorer: PairScorer,
    scored: AllScores,
    thresholds: dict[str, float | None],
    hidden: dict[str, set[str]],
) -> dict[str, Any]:
    """One rule by both ways.

    Raises:
        SystemExit: they choose different negatives.
    """
    survivors = triples(select(out, out=str(out.with_name("survivors")), negatives=DEPTH, short_rows="keep",
                               format="triplet", quiet=True))  # fmt: skip
    judged = out.with_name(f"{out.name}-{thresholds['cross_encoder_margin']}")
    seconds, waves = timed(lambda: select(out, out=str(judged), cross_encoder=scorer.model, quiet=True, **thresholds))
    positive_pairs = {(query_id, positive_id) for query_id, positive_id, _ in survivors}
    scored.add_positives(positive_pairs)
    expected = first_that_pass(survivors, scored.logits, thresholds)
    chosen = triples(waves)
    if chosen != expected:
        raise SystemExit(f"{collection.source}: waves chose {len(chosen)} negatives, scoring all {len(expected)}.")
    report = waves.report["cross_encoder"]
    return {
        "queries": collection.n_queries,
        "pairs": len(positive_pairs),
        "candidates": scored.n_candidates,
        "survivors_of_other_filters": len({(query_id, doc_id) for query_id, _, doc_id in survivors}),
        "candidates_scored_by_waves": report["candidates_scored"],
        "positives_scored_by_waves": report["positives_scored"],
        "scored_ratio": report["candidates_scored"] / scored.n_candidates,
        "waves": report["waves"],
        "seconds_waves": round(seconds, 1),
        "seconds_all_candidates": round(scored.seconds, 1),
        "negatives": len(chosen),
        "pair_yield_ratio": waves.report["pair_yield_ratio"],
        "hardness": waves.report["hardness"],
        "dropped_by_cross_encoder": waves.report["candidates"]["by_fate"].get("cross_encoder", 0),
        "false_negative_ratio": false_negative_ratio(waves, hidden),
        "candidate_logits_p5_p50_p95": scored.quantiles,
    }


def first_that_pass(
    survivors: list[Triple], logits: dict[tuple[str, str], float], thresholds: dict[str, float | None]
) -> list[Triple]:
    """Of each pair's survivors, in order, the first four that the rule keeps; none where there are fewer."""
    margin, probability = thresholds["cross_encoder_margin"], thresholds["cross_encoder_max_probability"]
    by_pair: dict[tuple[str, str], list[Triple]] = defaultdict(list)
    for query_id, positive_id, doc_id in survivors:
        logit, of_positive = logits[query_id, doc_id], logits[query_id, positive_id]
        passes = margin is None or logit <= of_positive - margin
        passes &= probability is None or 1 / (1 + math.exp(-logit)) <= probability
        if passes:
            by_pair[query_id, positive_id].append((query_id, positive_id, doc_id))
    return [triple for found in by_pair.values() if len(found) >= NEGATIVES for triple in found[:NEGATIVES]]


def triples(result: MiningResult) -> list[Triple]:
    """The negatives, in order, by ids."""
    columns = [result.negatives[name].to_pylist() for name in ("query_id", "positive_id", "doc_id")]
    return list(zip(*columns, strict=True))


def false_negative_ratio(result: MiningResult, hidden: dict[str, set[str]]) -> float | None:
    """Share of the negatives that are hidden positives; None where none are hidden."""
    found = [doc_id in hidden[query_id] for query_id, _, doc_id in triples(result) if query_id in hidden]
    return sum(found) / len(found) if found else None


def timed(work: Any) -> tuple[float, Any]:
    """Seconds that it takes, and what it returns."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def print_table(rows: list[dict[str, Any]]) -> None:
    """As the README shows it."""
    print("| collection | positives shown | rule | candidates | scored by waves | share | seconds, waves / all |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['collection']} | {row['positives']} | {row['rule']} | {row['candidates']:,} | "
            f"{row['candidates_scored_by_waves']:,} | {row['scored_ratio']:.1%} | "
            f"{row['seconds_waves']} / {row['seconds_all_candidates']} |"
        )


if __name__ == "__main__":
    main()
