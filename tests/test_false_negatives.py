from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PLAIN, cross_encoder_saying, write_jsonl
from foolsgold import MiningResult, MiningSettings, PrecomputedVectors, calibrate, mine, read_beir, read_pairs, select
from foolsgold.calibration import Interval, fit_near, hide_positives, with_base_rate
from foolsgold.calibration.base_rate import estimated_base_rate
from foolsgold.cli import main
from foolsgold.collection import Collection
from foolsgold.errors import FoolsgoldError
from foolsgold.filters import FalseNegativeModel, logistic
from foolsgold.rerank import PairScorer
from foolsgold.witness import WITNESSES

QUIET: dict[str, Any] = {"quiet": True, "format": "triplet", "cache": None}


class Topics:
    """Queries on topics: a topic has several relevant documents; look-alikes are as near, and of no topic's words.

    Relevant documents share the words of their topic, and a direction of their own.
    """

    def __init__(self, *, n_topics: int = 40, n_relevant: int = 4, visible: int = 4, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        dimensions = 64
        self.texts: list[str] = []
        self.lines: list[str] = []
        queries, docs, doc_vecs, query_vecs = [], [], [], []
        for topic in range(n_topics):
            query, own, other = (self._unit(rng.normal(size=dimensions)) for _ in range(3))
            queries.append({"_id": f"q{topic}", "text": f"what about topic{topic}"})
            query_vecs.append(query)
            for n in range(2 * n_relevant):
                relevant = n < n_relevant
                side = own if relevant else other
                noise = self._unit(rng.normal(size=dimensions))
                doc_vecs.append(self._unit(query + 0.8 * side + (0.6 if relevant else 0.5) * noise))
                words = f"topic{topic} matter{topic} issue{topic}" if relevant else f"topic{topic} else elsewhere"
                docs.append({"_id": f"d{topic}-{n}", "text": f"{words} number {topic} {n}"})
                if n < visible and relevant:
                    self.lines.append(f"q{topic}\td{topic}-{n}\t1")
        self.queries, self.docs = queries, docs
        self.vectors = PrecomputedVectors(np.array(query_vecs, np.float32), np.array(doc_vecs, np.float32))

    @staticmethod
    def _unit(vec: np.ndarray) -> np.ndarray:
        return vec / np.linalg.norm(vec)

    def write(self, folder: Path) -> Path:
        folder.mkdir()
        write_jsonl(folder / "corpus.jsonl", self.docs)
        write_jsonl(folder / "queries.jsonl", self.queries)
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{line}\n" for line in self.lines))
        return folder


def relevant(negatives: Any) -> float:
    """Share of negatives of a Topics collection that are relevant though not visible."""
    pairs = zip(negatives["query_id"].to_pylist(), negatives["doc_id"].to_pylist(), strict=True)
    hits = [doc.startswith(f"d{query[1:]}-") and int(doc.split("-")[1]) < 4 for query, doc in pairs]
    return float(np.mean(hits))


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    return Topics().write(tmp_path / "topics")


# the model


def test_a_probability_is_the_logistic_function_of_the_weighted_witnesses() -> None:
    model = FalseNegativeModel((1.0, 0.5, 0.0, -2.0), -1.0)
    features = np.array([[2.0, 4.0, 9.0, 1.0], [0, 0, 0, 0]])
    assert model.probabilities(features) == pytest.approx([1 / (1 + np.exp(-1.0)), 1 / (1 + np.e)])
    assert logistic(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]


def test_the_default_coefficients_say_where_they_come_from() -> None:
    assert len(FalseNegativeModel.default().weights) == len(WITNESSES)
    assert all(weight > 0 for weight in FalseNegativeModel.default().weights)
    provenance = FalseNegativeModel.provenance()
    assert {"collections", "encoders", "date", "script"} <= set(provenance)
    assert (Path(__file__).parents[1] / provenance["script"]).is_file()


def test_fitting_finds_the_coefficients_that_made_the_examples() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40_000, 4))
    true = FalseNegativeModel((1.5, -0.5, 0.8, 0.0), -2.0)
    labels = rng.random(len(features)) < true.probabilities(features)
    found = fit_near(FalseNegativeModel((0.0,) * 4, 0.0), features, labels, trust=0.0)
    assert (*found.weights, found.intercept) == pytest.approx((*true.weights, true.intercept), abs=0.06)


def test_few_examples_leave_the_weights_and_learn_the_base_rate() -> None:
    prior = FalseNegativeModel((1.0, 1.0, 1.0, 1.0), 0.0)
    features = np.random.default_rng(2).normal(size=(20, 4))
    labels = np.arange(20) < 2
    trusting = fit_near(prior, features, labels, trust=1e6)
    assert trusting.weights == pytest.approx(prior.weights, abs=1e-3)
    assert trusting.probabilities(features).mean() == pytest.approx(0.1, abs=1e-3)


def test_the_order_of_examples_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    features, labels = rng.normal(size=(500, 4)), rng.random(500) < 0.2
    order = rng.permutation(500)
    prior = FalseNegativeModel.default()
    assert fit_near(prior, features, labels, trust=20) == fit_near(prior, features[order], labels[order], trust=20)


@given(rate=st.floats(0.001, 0.9))
def test_a_base_rate_is_the_mean_probability(rate: float) -> None:
    features = np.random.default_rng(4).normal(size=(50, 4))
    model = with_base_rate(FalseNegativeModel.default(), features, rate)
    assert model.probabilities(features).mean() == pytest.approx(rate, rel=1e-3)


def test_the_base_rate_is_told_by_how_the_known_positives_score() -> None:
    rng = np.random.default_rng(5)
    positives = rng.normal(3, 1, 2_000)
    candidates = np.concatenate([rng.normal(3, 1, 2_000), rng.normal(0, 1, 18_000)])  # a tenth is relevant
    assert estimated_base_rate(candidates, positives) == pytest.approx(0.1, rel=0.1)
    assert estimated_base_rate(candidates, positives[:19]) is None
    assert estimated_base_rate(np.empty(0), positives) is None
    assert estimated_base_rate(rng.normal(-50, 1, 100), positives) == 0.001


# the choice


def test_fewer_false_negatives_are_chosen_where_fewer_are_allowed(topics: Path) -> None:
    vectors = Topics().vectors
    one = Topics(visible=1).write(topics.parent / "one")
    rates = [None, 0.5, 0.2, 0.05]
    results = [
        mine(one, vectors, MiningSettings(relative_margin=None, max_false_negative_rate=rate, **QUIET))
        for rate in rates
    ]
    measured = [relevant(result.negatives) for result in results]
    assert measured == sorted(measured, reverse=True) and measured[0] > 0.3 and measured[-1] < 0.05
    for rate, result in zip(rates[1:], results[1:], strict=True):
        expected = result.report["expected_false_negative_ratio"]
        assert expected is not None and rate is not None and expected <= rate + 1e-6
    assert [result.hardness for result in results] == sorted((r.hardness for r in results), reverse=True)


def test_where_few_are_expected_nothing_changes(topics: Path) -> None:
    vectors = Topics().vectors  # all four relevant documents of each query are known
    plain = mine(topics, vectors, MiningSettings(**{**QUIET, **PLAIN}))
    guarded = mine(topics, vectors, MiningSettings(**{**QUIET, **PLAIN, "max_false_negative_rate": 0.9}))
    assert guarded.report["false_negatives"]["price"] == 0
    assert guarded.negatives.equals(plain.negatives)


def test_no_choice_with_as_few_expected_is_harder(tmp_path: Path) -> None:
    made = Topics(n_topics=3, visible=1)
    result = mine(made.write(tmp_path / "three"), made.vectors, MiningSettings(
        negatives=2, depth=8, relative_margin=None, max_false_negative_rate=0.2, max_similarity_to_positive=None,
        max_similarity_to_negative=None, out=str(tmp_path / "out"), **QUIET))  # fmt: skip
    expected, hardness = result.report["expected_false_negative_ratio"], result.hardness
    assert hardness is not None
    rows = pq.read_table(tmp_path / "out" / "candidates.parquet").to_pylist()
    choices = []
    for row in rows:
        candidates = [
            (score, probability)
            for doc, score, probability in zip(
                row["doc_ids"], row["scores"], row["false_negative_probabilities"], strict=True
            )
            if doc not in row["positive_ids"]
        ]
        choices.append([np.sum(pair, axis=0) for pair in itertools.combinations(candidates, 2)])
    totals = np.array([np.sum(choice, axis=0) / 6 for choice in itertools.product(*choices)])
    as_safe = totals[totals[:, 1] <= expected + 1e-9]
    assert as_safe[:, 0].max() == pytest.approx(hardness, abs=1e-6)


def test_where_candidates_cannot_keep_the_rate_random_documents_take_their_place(tmp_path: Path) -> None:
    made = Topics(n_topics=30, visible=1)
    shared = {**QUIET, **PLAIN, "negatives": 4, "depth": 8, "relative_margin": None}
    folder = made.write(tmp_path / "c")
    hard = mine(folder, made.vectors, MiningSettings(**shared))
    kept = mine(folder, made.vectors, MiningSettings(**{**shared, "max_false_negative_rate": 0.01}))
    assert hard.report["negatives"]["random"] == 0
    assert hard.report["expected_false_negative_ratio"] > 0.1 > relevant(kept.negatives)
    assert kept.report["expected_false_negative_ratio"] <= 0.01
    assert kept.report["negatives"]["random"] > 0 and kept.yield_ratio == 1
    assert kept.report["candidates"]["by_fate"]["false_negative_rate"] > 0
    # what was passed over as too likely does not come back as a random document
    suspicious = {(row["query_id"], row["doc_id"]) for row in hard.negatives.to_pylist()
                  if row["false_negative_probability"] > 0.01}  # fmt: skip
    drawn = {(row["query_id"], row["doc_id"]) for row in kept.negatives.to_pylist() if row["source"] == "random"}
    assert drawn and not drawn & suspicious


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_lower_bound_never_adds_a_negative_of_higher_probability(data: st.DataObject) -> None:
    made = Topics(n_topics=4, visible=1, seed=data.draw(st.integers(0, 3)))
    collection = read_pairs(
        [(query["text"], made.docs[8 * n]["text"]) for n, query in enumerate(made.queries)],
        [doc["text"] for doc in made.docs],
    )
    low, high = sorted(data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
    rule = data.draw(st.sampled_from(["max_false_negative_probability", "max_false_negative_rate"]))
    sampler = data.draw(st.sampled_from(["top", "uniform", "softmax", "simans"]))
    shared = {**QUIET, **PLAIN, "negatives": 2, "short_rows": "keep", "sampler": sampler}
    loose, strict = (mine(collection, made.vectors, MiningSettings(**{**shared, rule: bound})) for bound in (high, low))

    def chosen(result: MiningResult) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for row in result.negatives.to_pylist():
            found.setdefault(row["query_id"], {})[row["doc_id"]] = row["false_negative_probability"]
        return found

    before, after = chosen(loose), chosen(strict)
    if rule == "max_false_negative_probability":
        assert all(p <= low + 1e-7 for documents in after.values() for p in documents.values())
    if sampler == "top":
        for query, documents in after.items():
            gone = [p for doc, p in before[query].items() if doc not in documents]
            added = [p for doc, p in documents.items() if doc not in before[query]]
            assert max(added, default=0) <= min(gone, default=1) + 1e-7


def test_short_rows_relax_the_margin_for_the_least_suspicious(tmp_path: Path) -> None:
    made = Topics(visible=1)
    folder = made.write(tmp_path / "c")
    margin = {**QUIET, "relative_margin": 0.6, "depth": 12, "max_similarity_to_positive": None}
    margin["margin_min_probability"] = 0.0
    dropped = mine(folder, made.vectors, MiningSettings(short_rows="drop", **margin))
    relaxed = mine(folder, made.vectors, MiningSettings(out=str(tmp_path / "out"), **margin))
    assert dropped.yield_ratio is not None and dropped.yield_ratio < 0.5 and relaxed.yield_ratio == 1
    row = pq.read_table(tmp_path / "out" / "candidates.parquet").to_pylist()[0]
    probability = dict(zip(row["doc_ids"], row["false_negative_probabilities"], strict=True))
    score = dict(zip(row["doc_ids"], row["scores"], strict=True))
    bound = 0.4 * row["positive_scores"][0]
    chosen = [n["doc_id"] for n in relaxed.negatives.to_pylist() if n["query_id"] == "q0"]
    above = [doc for doc in score if score[doc] > bound and doc not in row["positive_ids"]]
    below = [doc for doc in score if score[doc] <= bound]
    assert set(below) <= set(chosen) and len(below) < 4
    safest = sorted(above, key=lambda doc: probability[doc])[: 4 - len(below)]
    assert set(chosen) == {*below, *safest}
    assert relaxed.report["candidates"]["by_fate"]["margin"] > 0


@pytest.mark.parametrize("rule", ["relative_margin", "absolute_margin"])
def test_margins_bind_only_what_may_be_relevant(tmp_path: Path, rule: str) -> None:
    made = Topics(visible=1)
    folder, out = made.write(tmp_path / "c"), tmp_path / "out"
    values = {**QUIET, **PLAIN, "relative_margin": None, rule: 0.2, "depth": 12, "negatives": 12, "short_rows": "keep"}
    mine(folder, made.vectors, MiningSettings(out=str(out), **values))
    bound, probability = {}, {}
    for row in pq.read_table(out / "candidates.parquet").to_pylist():
        positive = row["positive_scores"][0]
        bound[row["query_id"]] = 0.8 * positive if rule == "relative_margin" else positive - 0.2
        for doc, p in zip(row["doc_ids"], row["false_negative_probabilities"], strict=True):
            probability[row["query_id"], doc] = p
    middle = float(np.median([p for p in probability.values() if p is not None]))
    for least in (0.0, middle):
        found = select(out, quiet=True, margin_min_probability=least).negatives.to_pylist()
        above = [row for row in found if row["score"] > bound[row["query_id"]]]
        assert bool(above) == (least > 0)
        assert all(probability[row["query_id"], row["doc_id"]] < least for row in above)
    for short_rows in ("keep", "relax"):
        chosen = {"negatives": 2, "short_rows": short_rows, "quiet": True}
        bound_by_none = select(out, margin_min_probability=1.0, **chosen).negatives
        assert bound_by_none.equals(select(out, **{**chosen, rule: None}).negatives)


def test_margins_bind_what_nothing_is_known_of(tmp_path: Path) -> None:
    """A run without vectors has no probabilities."""
    corpus = ["red rose in bloom", "red rose", "red tulip", "blue sky"]
    run = tmp_path / "run.trec"
    collection = read_pairs([("red flower", corpus[0])], corpus[1:])
    ids = collection.doc_ids.to_pylist()
    names = dict(zip(collection.document_texts(), ids, strict=True))
    query_id = collection.query_ids.to_pylist()[0]
    lines = [(corpus[1], 9), (corpus[0], 8), (corpus[2], 1)]
    run.write_text("".join(f"{query_id} Q0 {names[text]} {n} {score} x\n" for n, (text, score) in enumerate(lines, 1)))
    chosen = MiningSettings(negatives=1, source=f"run:{run}", margin_min_probability=1.0, short_rows="keep", **QUIET)
    rows = mine(collection, None, chosen).negatives.to_pylist()
    assert [row["doc_id"] for row in rows] == [names[corpus[2]]]


# near duplicates


def near_collection(texts: list[str]) -> Collection:
    return read_pairs([("the query", texts[0])], texts)


def fates(texts: list[str], docs: list[list[float]], **changes: Any) -> dict[str, int]:
    vecs = np.array(docs, np.float32)
    collection = near_collection(texts)
    vectors = PrecomputedVectors(np.array([[1, 0, 0]], np.float32), vecs)
    values = {**PLAIN, **QUIET, "relative_margin": None, "negatives": 1, "short_rows": "keep", **changes}
    by_fate: dict[str, int] = mine(collection, vectors, MiningSettings(**values)).report["candidates"]["by_fate"]
    return by_fate


def test_near_positive() -> None:
    texts = ["the known answer in words", "another way to say it", "something else", "a fourth thing"]
    docs = [[1, 1, 0], [1, 1, 0.1], [1, -1, 0], [1, 0, 2.0]]  # the second has a cosine of .998 to the positive
    assert fates(texts, docs, max_similarity_to_positive=0.95)["near_positive"] == 1
    assert fates(texts, docs, max_similarity_to_positive=0.9995)["near_positive"] == 0


def test_a_text_that_contains_the_positive_is_near_to_it() -> None:
    texts = ["soft eggs take six minutes", "Well: SOFT EGGS take six minutes, not more", "something else", "a fourth"]
    docs = [[1, 1, 0], [1, 1, 1.2], [1, -1, 0], [1, 0, 2.0]]  # cosine .76
    assert fates(texts, docs, max_similarity_to_positive=0.95)["near_positive"] == 1
    texts[1] = "Well: soft eggs take seven minutes, not more"
    assert fates(texts, docs, max_similarity_to_positive=0.95)["near_positive"] == 0


def test_an_encoder_whose_cosines_lie_close_together_is_noted() -> None:
    collection = near_collection(["a", "b", "c", "d", "e"])
    docs = np.ones((5, 5), np.float32) * 10 + np.eye(5, dtype=np.float32)
    settings = MiningSettings(negatives=1, **QUIET)
    summary = mine(collection, PrecomputedVectors(docs[:1], docs), settings).summary()
    assert "80.0% of candidates were dropped as near-duplicates" in summary


def test_near_negative() -> None:
    texts = ["the known answer in words", "one", "nearly one", "a fourth thing"]
    docs = [[1, 1, 0], [1, -1, 0], [1, -1, 0.1], [1, 0, 2.0]]
    found = fates(texts, docs, max_similarity_to_negative=0.95, negatives=3)
    assert (found["near_negative"], found["chosen"]) == (1, 2)
    assert fates(texts, docs, negatives=3)["near_negative"] == 0


# the leak test


def test_hidden_positives_are_all_but_one_of_several(topics: Path) -> None:
    collection = read_beir(topics)
    hidden = hide_positives(collection, seed=1)
    assert hidden is not None
    assert hidden.query_rows.tolist() == list(range(40))
    assert hidden.collection.positives.counts.tolist() == [1] * 40
    assert hidden.n_hidden.tolist() == [3] * 40
    again = hide_positives(collection, seed=1)
    assert again is not None
    assert np.array_equal(again.collection.positives.doc_rows, hidden.collection.positives.doc_rows)
    assert hide_positives(read_pairs([("a", "b"), ("c", "d")]), seed=1) is None
    assert hide_positives(read_pairs([("a", "b"), ("a", "B ")]), seed=1) is None  # they say the same


def test_the_leak_test_counts_what_would_have_been_chosen(topics: Path, tmp_path: Path) -> None:
    vectors = Topics().vectors
    naive = mine(topics, vectors, MiningSettings(relative_margin=None, out=str(tmp_path / "out"),
                                                 max_false_negative_rate=None, **QUIET))  # fmt: skip
    leak = naive.report["false_negatives"]["leak_test"]
    assert (leak["measurable"], leak["queries"], leak["hidden_positives"]) == (True, 40, 120)
    # with three positives hidden, the nearest four of each query are as many relevant ones as look-alikes
    assert leak["false_negative_ratio"] == leak["hidden_positives_chosen"] / leak["negatives"] > 0.3
    low, high = leak["false_negative_ratio_interval"]
    assert low < leak["false_negative_ratio"] < high
    assert leak["expected_false_negative_ratio"] == pytest.approx(leak["false_negative_ratio"], rel=0.5)
    careful = select(tmp_path / "out", max_false_negative_rate=0.05, quiet=True)
    found = careful.report["false_negatives"]["leak_test"]
    assert found["false_negative_ratio"] < 0.1 < leak["false_negative_ratio"]
    assert f"{found['hidden_positives_chosen']} of 120 positives hidden of 40 queries" in careful.summary()


def test_one_positive_a_query_is_not_measurable(tmp_path: Path) -> None:
    made = Topics(visible=1)
    result = mine(made.write(tmp_path / "c"), made.vectors, MiningSettings(out=str(tmp_path / "out"), **QUIET))
    found = result.report["false_negatives"]
    assert found["leak_test"]["measurable"] is False and "not measurable" in result.summary()
    assert found["calibration"]["method"] == "base rate"
    assert not (tmp_path / "out" / "hidden_positives.parquet").exists()


def test_an_interval_is_wider_where_hits_go_together() -> None:
    spread = Interval.of(np.array([1] * 20 + [0] * 20), np.array([2] * 40))
    heaped = Interval.of(np.array([2] * 10 + [0] * 30), np.array([2] * 40))
    assert spread.ratio == heaped.ratio == 0.25
    assert heaped.high - heaped.low > spread.high - spread.low
    none = Interval.of(np.zeros(10, np.int64), np.full(10, 4))
    assert none.low == none.ratio == 0 and 0.05 < none.high < 0.15  # Wilson: z² / (n + z²)
    assert none.high == pytest.approx(1.96**2 / (40 + 1.96**2))


# suspected positives


def test_suspected_positives_come_back_as_positives(tmp_path: Path) -> None:
    made = Topics(visible=1)
    mine(made.write(tmp_path / "c"), made.vectors,
         MiningSettings(out=str(tmp_path / "out"), suspect_probability=0.5, **QUIET))  # fmt: skip
    suspects = pq.read_table(tmp_path / "out" / "suspected_positives.parquet")
    rows = suspects.to_pylist()
    assert len(rows) > 40 and relevant(suspects.slice(0, 40)) == 1
    assert [row["false_negative_probability"] for row in rows] == sorted(
        (row["false_negative_probability"] for row in rows), reverse=True
    )
    assert rows[0]["query"].startswith("what about") and rows[0]["document"].startswith("topic")
    labelled = write_jsonl(
        tmp_path / "labels.jsonl",
        [{"query_id": row["query_id"], "doc_id": row["doc_id"], "label": "positive"} for row in rows],
    )
    result = select(tmp_path / "out", relabel=labelled, quiet=True)
    assert result.report["collection"]["positives"] == 40 + len(rows)
    pairs = {(row["query_id"], row["doc_id"]) for row in rows}
    negatives = zip(result.negatives["query_id"].to_pylist(), result.negatives["doc_id"].to_pylist(), strict=True)
    assert not pairs & set(negatives)
    assert pq.read_metadata(tmp_path / "out" / "suspected_positives.parquet").num_rows == 0


# calibrate


def test_the_table_of_rates(topics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Topics()
    table = calibrate(topics, made.vectors, MiningSettings(relative_margin=None, quiet=True), rates=(None, 0.2, 0.05))
    assert [row.rate for row in table.thresholds] == [None, 0.2, 0.05]
    measured = [row.measured.ratio for row in table.thresholds if row.measured is not None]
    assert len(measured) == 3 and measured[0] > measured[1] >= measured[2]
    for row in table.thresholds[1:]:
        assert row.expected is not None and row.rate is not None and row.expected <= row.rate + 1e-6
    np.save(tmp_path / "d.npy", made.vectors.doc_vecs)
    np.save(tmp_path / "q.npy", made.vectors.query_vecs)
    vectors = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy")]
    assert main(["calibrate", str(topics), *vectors, "--quiet", "--relative-margin", "none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["max", "rate", "expected", "measured", "(95%", "interval)", "hardness", "yield"]
    assert [line.split()[0] for line in lines[1:-1]] == ["none", "30%", "20%", "10%", "5%", "2%", "1%"]
    assert lines[-1] == "(estimates: calibrated; queries with positives hidden, all but one of each: 40)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--model", "offline"], "nowhere does not exist"),
        ([], "the following arguments are required: COLLECTION"),
        (["nowhere", "--max-false-negative-rate", "0.1"], "unrecognized arguments: --max-false-negative-rate"),
    ],
)
def test_mistakes_with_calibrate(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["calibrate", *arguments])
    except SystemExit as error:
        status = int(str(error.code))
    assert status == 2
    assert message in capsys.readouterr().err


# what may be given


def test_a_collection_without_words_is_mined_by_its_vectors(tmp_path: Path) -> None:
    made = Topics(visible=1)
    for n, doc in enumerate(made.docs):
        doc["text"] = "…" * (n + 1)
    for n, query in enumerate(made.queries):
        query["text"] = "?" * (n + 1)
    folder = made.write(tmp_path / "c")
    result = mine(folder, made.vectors, MiningSettings(**QUIET))
    assert result.report["false_negatives"]["calibration"]["silent_witnesses"] == ["words", "words_of_positive"]
    assert result.yield_ratio == 1
    with pytest.raises(FoolsgoldError, match="none of the 320 documents holds a letter or a digit"):
        mine(folder, made.vectors, MiningSettings(source="bm25", **QUIET))


def test_queries_of_one_character(tmp_path: Path) -> None:
    made = Topics(n_topics=5)
    for n, query in enumerate(made.queries):
        query["text"] = "abcde"[n]
    assert mine(made.write(tmp_path / "c"), made.vectors, MiningSettings(source="both", **QUIET)).yield_ratio == 1


def test_all_candidates_are_positives() -> None:
    collection = read_pairs([("q", "a"), ("q", "b"), ("q", "c")], ["a", "b", "c"])
    vectors = PrecomputedVectors(np.eye(3, dtype=np.float32)[:1] + 0.1, np.eye(3, dtype=np.float32))
    result = mine(collection, vectors, MiningSettings(negatives=1, **QUIET))
    assert result.negatives.num_rows == 0
    assert result.report["candidates"]["by_fate"]["known_positive_id"] == 3
    assert "nothing was chosen" in result.summary()


def test_without_vectors_nothing_is_estimated(topics: Path) -> None:
    result = mine(topics, None, MiningSettings(source="bm25", **QUIET))
    assert result.report["expected_false_negative_ratio"] is None
    assert "not estimated without a model or vectors" in result.summary()
    with pytest.raises(FoolsgoldError, match="false negatives are estimated from vectors"):
        calibrate(topics, None, MiningSettings(source="bm25", quiet=True))


def test_judged_negatives_are_surely_none(tmp_path: Path) -> None:
    made = Topics(visible=1)
    made.lines += [f"q{topic}\td{topic}-1\t0" for topic in range(40)]
    result = mine(made.write(tmp_path / "c"), made.vectors, MiningSettings(**QUIET))
    judged = [row for row in result.negatives.to_pylist() if row["doc_id"] == f"d{row['query_id'][1:]}-1"]
    assert len(judged) == 40 and all(row["false_negative_probability"] == 0 for row in judged)


@pytest.mark.slow
def test_estimates_depend_on_neither_blocks_nor_threads(topics: Path, tmp_path: Path) -> None:
    vectors = Topics().vectors
    contents = []
    for size in (1, 7, 1024):
        out = tmp_path / str(size)
        mine(topics, vectors, MiningSettings(block_size=size, out=str(out), **QUIET))
        contents.append([(out / f"{name}.parquet").read_bytes() for name in
                         ("candidates", "hidden_positives", "negatives", "suspected_positives")])  # fmt: skip
        assert json.loads((out / "report.json").read_text())["false_negatives"]["calibration"]["method"] == "calibrated"
    assert contents[0] == contents[1] == contents[2]


def test_the_leak_test_scores_no_pair_again_with_a_cross_encoder(
    topics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[tuple[str, str]] = []
    logits = PairScorer.logits

    def recorded(self: PairScorer, pairs: Any, progress: Any) -> Any:
        scored.extend(pairs)
        return logits(self, pairs, progress)

    monkeypatch.setattr(PairScorer, "logits", recorded)
    reranker = cross_encoder_saying({"else": -10.0}, tmp_path / "reranker")
    result = mine(topics, Topics().vectors, MiningSettings(
        **{**QUIET, **PLAIN}, relative_margin=None, cross_encoder=str(reranker), cross_encoder_margin=None,
        cross_encoder_max_probability=0.4, out=str(tmp_path / "out")))  # fmt: skip
    assert len(scored) == len(set(scored))
    asked = result.report["cross_encoder"]
    assert asked["pairs_scored"] + asked["pairs_scored_for_leak_test"] == len(scored)
    assert asked["pairs_scored_for_leak_test"] > 0  # hidden positives, which nobody asked about before
    assert result.report["false_negatives"]["leak_test"]["hidden_positives_chosen"] == 0
    scored.clear()
    again = select(tmp_path / "out", quiet=True)
    assert again.negatives.equals(result.negatives)
    assert again.report["cross_encoder"]["pairs_scored"] == 0
