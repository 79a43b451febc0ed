"""What a person decided at the desk: read as a log by select, and what calibrate learns from it.

The collection is that of test_relabel: q1 lies at 0 degrees, q2 at 90; d1 is q1's positive, d2 that of q2.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PLAIN, real_collection, write_jsonl
from foolsgold import MiningSettings, calibrate, mine, read_pairs, select
from foolsgold.calibration import Decided, estimate_decided, fit_near
from foolsgold.cli import main
from foolsgold.collection import LABELS, Collection, read_beir, read_labels
from foolsgold.encode import encode
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.filters import FalseNegativeModel
from foolsgold.relabel import Decisions, relabelled, with_positives_of_both
from foolsgold.review.decision_log import DecisionLog
from foolsgold.search import CandidateStore, Search, open_sources
from test_false_negatives import Topics
from test_mine import VECTORS, contents
from test_relabel import chosen

BEFORE = {"q1 d1": ["d5", "d4"], "q2 d2": ["d4", "d5"]}
Said = tuple[str, str, "str | None"]


@pytest.fixture
def out(beir: Path, tmp_path: Path) -> Path:
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=2, quiet=True, out=str(tmp_path / "out")))
    return tmp_path / "out"


def log(path: Path, *said: Said) -> Path:
    """A log to which these were added, as the desk does: null is an undo."""
    decisions = DecisionLog(path)
    for query_id, doc_id, label in said:
        decisions.add(query_id, doc_id, label, action="undo" if label is None else "decide")
    return path


def rows(*said: Said) -> list[dict[str, Any]]:
    return [
        {"decision": number, "query_id": query_id, "doc_id": doc_id, "label": label}
        for number, (query_id, doc_id, label) in enumerate(said, start=1)
    ]


def labels(given: Any, beir: Path) -> list[tuple[int, int, int, bool]]:
    """Row of the query, of the document, position in LABELS, and whether it stands."""
    found = read_labels(given, read_beir(beir), "relabel")
    columns = (found.query_rows, found.doc_rows, found.labels, found.stands)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_of_a_pair_that_stands_several_times_in_a_log_the_last_holds(beir: Path, tmp_path: Path) -> None:
    said = (("q1", "d3", "positive"), ("q1", "d4", "drop"), ("q1", "d3", "negative"))
    assert labels(log(tmp_path / "decisions.jsonl", *said), beir) == [(0, 3, 2, True), (0, 2, 1, True)]
    assert labels(rows(*said), beir) == labels(pd.DataFrame(rows(*said)), beir) == labels(rows(*said)[1:], beir)
    assert labels(pa.Table.from_pylist(rows(*said)), beir) == labels(rows(*said), beir)


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_log_may_be_any_file(ending: str, beir: Path, tmp_path: Path) -> None:
    said = rows(("q1", "d3", "positive"), ("q1", "d3", "negative"), ("q1", "d4", "drop"), ("q1", "d4", None))
    path = tmp_path / f"decisions.{ending}"
    table = pd.DataFrame(said)
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    assert labels(path, beir) == labels(said, beir) == [(0, 2, 1, True), (0, 3, 2, False)]


def test_numbers_beside_nulls_are_numbers(beir: Path) -> None:
    """As pandas has them: floats."""
    table = pd.DataFrame([*rows(("q1", "d3", "positive"), ("q1", "d3", "drop")),
                          {"query_id": "q2", "doc_id": "d6", "label": "negative"}])  # fmt: skip
    assert table["decision"].dtype == "float64"
    assert labels(table, beir) == [(0, 2, 2, True), (1, 5, 1, True)]


@pytest.mark.parametrize("number", [None, "", "yes", 1.5, True, float("nan")])
def test_without_a_number_two_labels_for_a_pair_are_an_error(number: Any, beir: Path) -> None:
    two = [{**row, "decision": number} for row in rows(("q1", "d3", "positive"), ("q1", "d3", "negative"))]
    with pytest.raises(BadRowError, match=r'"q1" and document "d3" are labelled positive at .* and negative at'):
        labels(two, beir)


def test_a_log_and_a_row_without_a_number_contradict_each_other(beir: Path) -> None:
    plain = {"query_id": "q1", "doc_id": "d3", "label": "drop"}
    logged = rows(("q1", "d3", "positive"), ("q1", "d3", "negative"))
    with pytest.raises(BadRowError, match=r"labelled negative at relabel\[1\] and drop at relabel\[2\]"):
        labels([*logged, plain], beir)
    assert labels([*logged, {**plain, "label": "negative"}], beir) == [(0, 2, 1, True), (0, 2, 1, True)]


def test_what_was_skipped_or_undone_is_undecided(beir: Path) -> None:
    said = rows(("q1", "d3", None), ("q1", "d4", "positive"), ("q1", "d4", None), ("q2", "d6", "drop"))
    found = read_labels(said, read_beir(beir), "relabel")
    assert (found.n_undecided, found.stands.tolist()) == (2, [False, True])
    with pytest.raises(CollectionError, match="no decisions: all 1 rows are undecided"):
        labels(said[:1], beir)


def test_unknown_ids_of_what_was_undone_are_said_too(beir: Path) -> None:
    with pytest.raises(BadRowError, match=r'relabel\[0\]: the collection has no document "d9"'):
        labels(rows(("q1", "d9", "positive"), ("q1", "d9", None), ("q1", "d3", "drop")), beir)


# a line that was not written to its end

TORN = ['{"decision": 3, "query_id": "q1", "doc_id": "d', '{"decision": ', "{"]


@pytest.mark.parametrize("torn", TORN)
def test_a_line_that_was_not_written_to_its_end_is_left_out_and_said(
    torn: str, beir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = log(tmp_path / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d4", "drop"))
    whole = labels(path, beir)
    with path.open("a") as file:
        file.write(torn)
    with caplog.at_level(logging.WARNING):
        assert labels(path, beir) == whole
    assert f"{path}:3: the last line of this log of decisions was not written to its end" in caplog.text
    assert [decision.doc_id for decision in DecisionLog(path).decisions] == ["d3", "d4"]  # as the desk does


def test_a_whole_line_needs_no_line_end(beir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = log(tmp_path / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d4", "drop"))
    whole = labels(path, beir)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert labels(path, beir) == whole
    assert not caplog.text


def test_other_files_need_no_last_line_end_and_their_mistakes_are_said(beir: Path, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "plain.jsonl", [{"query_id": "q1", "doc_id": "d3", "label": "drop"}])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert labels(path, beir) == [(0, 2, 2, True)]
    path.write_bytes(path.read_bytes() + b'\n{"query_id": "q1"')
    with pytest.raises(BadRowError, match=r"plain.jsonl:2: malformed JSON"):
        labels(path, beir)
    path = log(tmp_path / "decisions.jsonl", ("q1", "d3", "positive"))
    path.write_bytes(b"{\n" + path.read_bytes())
    with pytest.raises(BadRowError, match=r"decisions.jsonl:1: malformed JSON"):  # written to its end, and wrong
        labels(path, beir)
    path = log(tmp_path / "blank.jsonl", ("q1", "d3", "positive"))
    path.write_bytes(path.read_bytes() + b"  ")
    assert labels(path, beir) == [(0, 2, 0, True)]


# select, again and again


def test_a_longer_log_is_taken_in_by_the_next_selection(out: Path) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d4", "drop"))
    assert chosen(select(out, relabel=path, quiet=True)) == {
        "q1 d1": ["d5", "d2"], "q1 d3": ["d5", "d2"], "q2 d2": ["d4", "d5"],
    }  # fmt: skip
    log(path, ("q1", "d3", "negative"), ("q2", "d6", "negative"))
    assert chosen(select(out, relabel=path, quiet=True)) == {"q1 d1": ["d3", "d5"], "q2 d2": ["d6", "d4"]}
    assert path.is_file()  # select leaves the desk's log where it is
    assert len(DecisionLog(path).decisions) == 4


def test_an_undo_takes_back_what_an_earlier_selection_took_in(out: Path) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"), ("q2", "d6", "negative"))
    assert chosen(select(out, relabel=path, quiet=True)) != BEFORE
    log(path, ("q1", "d3", None))
    result = select(out, relabel=path, quiet=True)
    assert chosen(result) == {"q1 d1": ["d5", "d4"], "q2 d2": ["d6", "d4"]}
    assert (result.report["relabelled"]["undecided"], result.report["relabelled"]["taken_back"]) == (1, 1)
    assert "1 decisions that an earlier selection took in were taken back" in result.summary()
    log(path, ("q2", "d6", None))
    result = select(out, relabel=path, quiet=True)
    assert chosen(result) == BEFORE
    assert result.report["relabelled"] is None
    assert not (out / "relabelled.parquet").exists()
    assert chosen(select(out, quiet=True)) == BEFORE
    log(path, ("q1", "d3", "negative"))  # and decided once more
    assert chosen(select(out, relabel=path, quiet=True)) == {"q1 d1": ["d3", "d5"], "q2 d2": ["d4", "d5"]}


def test_a_selection_in_between_may_have_taken_in_another_label(out: Path) -> None:
    """positive, selected, drop, undone: what was selected is taken back, though it was not the last that was said."""
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"))
    select(out, relabel=path, quiet=True)
    log(path, ("q1", "d3", "drop"), ("q1", "d3", None))
    assert chosen(select(out, relabel=path, quiet=True)) == BEFORE


def test_an_undo_takes_back_nothing_that_came_from_elsewhere(out: Path) -> None:
    path = log(out / "decisions.jsonl", ("q2", "d6", "positive"), ("q2", "d6", None), ("q1", "d4", None))
    first = select(out, relabel=[("q2", "d6", "negative"), ("q1", "d4", "drop")], quiet=True)
    later = select(out, relabel=path, quiet=True)
    assert later.negatives.equals(first.negatives)
    assert later.report["relabelled"]["taken_back"] == 0


def test_a_log_in_which_all_is_undone_needs_nothing_taken_in(out: Path) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d3", None))
    assert chosen(select(out, relabel=path, quiet=True)) == BEFORE


def test_nothing_is_exported_over_the_log(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"))
    before = path.read_bytes()
    assert main(["export", str(out), "--format", "triplet", "--out", str(path)]) == 2
    assert "decisions.jsonl is not the path of a training file" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_the_command_line_reads_the_log(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d3", "drop"))
    with path.open("a") as file:
        file.write('{"decision": 3, "quer')
    assert main(["select", str(out), "--relabel", str(path)]) == 0
    assert "relabel   0 positive, 0 negative, 1 drop, 0 undecided" in capsys.readouterr().err
    assert pq.read_table(out / "relabelled.parquet").to_pylist() == [
        {"query_id": "q1", "doc_id": "d3", "label": "drop"}
    ]


def test_a_bad_line_within_a_log_changes_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(out / "decisions.jsonl", ("q1", "d3", "positive"))
    with path.open("a") as file:
        file.write(json.dumps(rows(("q1", "d3", "perhaps"))[0]) + "\n")
    before = contents(out)
    assert main(["select", str(out), "--relabel", str(path)]) == 1
    assert f"{path}:2: the label is 'perhaps' (str); it takes positive" in capsys.readouterr().err
    assert contents(out) == before


@pytest.fixture(scope="module")
def small() -> Collection:
    return read_pairs([("red", "rose"), ("blue", "sky")], ["sea"])


one_said = st.tuples(
    st.sampled_from(["q0", "q1"]), st.sampled_from(["d0", "d1", "d2"]), st.sampled_from([None, None, *LABELS])
)


@given(said=st.lists(one_said, min_size=1, max_size=12), cuts=st.sets(st.integers(1, 12)))
def test_a_log_read_again_and_again_as_it_grows_says_what_it_says_at_the_end(
    small: Collection, said: list[Said], cuts: set[int]
) -> None:
    taken_in = Decisions(np.empty(0, np.int64), np.empty(0, np.int64), small.n_documents)
    for length in [*sorted(cut for cut in cuts if cut < len(said)), len(said)]:
        if any(label for _, _, label in said[:length]):
            taken_in = taken_in.overridden_by(Decisions.read(rows(*said[:length]), small))
    last = {(query_id, doc_id): label for query_id, doc_id, label in said}
    assert {(row["query_id"], row["doc_id"]): row["label"] for row in taken_in.table(small).to_pylist()} == {
        pair: label for pair, label in last.items() if label is not None
    }


# calibrate: topics of eight documents, of which four are relevant; one of them is a known positive

SETTINGS = MiningSettings(relative_margin=None, quiet=True, cache=None, negatives=3)


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    return Topics(visible=1).write(tmp_path / "topics")


def is_relevant(doc_id: str) -> bool:
    return int(doc_id.split("-")[1]) < 4


def mined_candidates(topics: Path, tmp_path: Path) -> dict[tuple[str, str], float]:
    """Probabilities before anything was decided, of candidates of a query's own topic that are no known positive."""
    mine(topics, Topics().vectors, SETTINGS.replace(out=str(tmp_path / "mined")))
    found = {}
    for row in pq.read_table(tmp_path / "mined" / "candidates.parquet").to_pylist():
        for doc_id, probability in zip(row["doc_ids"], row["false_negative_probabilities"], strict=True):
            if doc_id.startswith(f"d{row['query_id'][1:]}-") and doc_id not in row["positive_ids"]:
                found[row["query_id"], doc_id] = probability
    return found


def answers(pairs: list[tuple[str, str]]) -> list[Said]:
    return [(query, doc, "positive" if is_relevant(doc) else "negative") for query, doc in pairs]


def test_what_was_expected_is_what_was_mined_before_anything_was_decided(topics: Path, tmp_path: Path) -> None:
    before = mined_candidates(topics, tmp_path)
    decided = sorted(before)[::4]
    lesson = calibrate(topics, Topics().vectors, SETTINGS, relabel=answers(decided), rates=()).lesson
    assert lesson is not None and lesson.relevant is not None and lesson.expected is not None
    assert (lesson.n, lesson.n_dropped, lesson.n_left_out) == (len(decided), 0, 0)
    assert lesson.expected == pytest.approx(np.mean([before[pair] for pair in decided]), abs=1e-6)
    assert lesson.relevant.ratio == pytest.approx(np.mean([is_relevant(doc) for _, doc in decided]))
    for band in lesson.bands:
        here = [pair for pair in decided if band.low <= before[pair] < band.high or before[pair] == band.high == 1]
        assert band.n == len(here) >= 10
        assert band.expected == pytest.approx(np.mean([before[pair] for pair in here]), abs=1e-6)
        assert band.relevant == pytest.approx(np.mean([is_relevant(doc) for _, doc in here]))


def expected_without_limit(topics: Path, said: list[Said] | None) -> float:
    table = calibrate(topics, Topics().vectors, SETTINGS, relabel=said, rates=(None,))
    assert table.thresholds[0].expected is not None
    return table.thresholds[0].expected


def test_decisions_move_what_is_expected_of_others(topics: Path, tmp_path: Path) -> None:
    """Those of half the topics are decided, once as they are, once all the same: that of the other half moves."""
    pairs = sorted(pair for pair in mined_candidates(topics, tmp_path) if int(pair[0][1:]) < 20)
    made, decided = Topics().vectors, answers(pairs)
    moved = {}
    for name, said in {
        "none": None,
        "as they are": decided,
        "all relevant": [(query, doc, "positive") for query, doc, _ in decided],
        "none relevant": [(query, doc, "negative") for query, doc, _ in decided],
    }.items():
        result = calibrate(topics, made, SETTINGS, relabel=said, rates=())
        assert result.calibration.model is not None
        moved[name] = result.calibration.model.probabilities(np.array([[1.0, 0.5, 0.1, 0.1]]))[0]
    assert moved["none relevant"] < moved["as they are"] < moved["all relevant"]
    assert moved["none relevant"] < moved["none"] < moved["all relevant"]


def test_one_decision_moves_little(topics: Path, tmp_path: Path) -> None:
    pair = next(pair for pair in sorted(mined_candidates(topics, tmp_path)) if not is_relevant(pair[1]))
    before, after = (expected_without_limit(topics, said) for said in (None, answers([pair])))
    assert after < before
    assert after == pytest.approx(before, rel=0.2)


def test_what_teaches_nothing_is_counted(topics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[Said] = [
        ("q0", "d0-1", "positive"), ("q1", "d1-5", "drop"),
        ("q2", "d2-0", "negative"),  # its known positive
        ("q3", "d9-6", "negative"),  # no candidate at this depth
    ]  # fmt: skip
    table = calibrate(topics, Topics().vectors, SETTINGS.replace(depth=8), relabel=said, rates=(None,))
    assert table.lesson is not None
    assert (table.lesson.n, table.lesson.n_dropped, table.lesson.n_left_out) == (1, 1, 2)
    assert table.lesson.bands == []
    lines = str(table).splitlines()
    assert (
        lines[-3].startswith("decisions: 1 on candidates, ")
        and "of them expected to be relevant, and 100.0% are" in lines[-3]
    )
    assert lines[-2:] == [
        "decisions without a lesson: 1 that say neither (drop)",
        "decisions without a lesson: 2 on pairs that are no candidates or were known to be relevant",
    ]
    nothing = calibrate(topics, Topics().vectors, SETTINGS, relabel=[("q1", "d1-5", "drop")], rates=(None,))
    assert nothing.lesson is not None and nothing.lesson.n == 0 and nothing.lesson.relevant is None
    assert "then" not in str(nothing)


def test_all_else_is_of_the_relabelled_collection(topics: Path) -> None:
    """Queries with a second positive have one to hide; a positive that is no candidate has its score all the same."""
    said: list[Said] = [(f"q{topic}", f"d{topic}-1", "positive") for topic in range(35)]
    said.append(("q39", "d0-0", "positive"))
    table = calibrate(topics, Topics().vectors, SETTINGS.replace(depth=8), relabel=said, rates=(None,))
    assert table.n_hidden == 36
    assert table.thresholds[0].measured is not None
    assert calibrate(topics, Topics().vectors, SETTINGS, rates=(None,)).n_hidden == 0


def test_a_log_in_which_all_is_undone_says_nothing(topics: Path, tmp_path: Path) -> None:
    path = log(tmp_path / "decisions.jsonl", ("q0", "d0-1", "positive"), ("q0", "d0-1", None))
    plain = calibrate(topics, Topics().vectors, SETTINGS)
    assert calibrate(topics, Topics().vectors, SETTINGS, relabel=path) == plain


def test_a_half_of_the_trial_is_estimated_without_decisions_on_it() -> None:
    rng = np.random.default_rng(0)
    features, relevant, queries = rng.normal(size=(60, 4)), rng.random(60) < 0.5, np.arange(60) // 3
    decided = Decided(queries, features, relevant, 0, 0)
    others = queries % 2 == 1
    rest = Decided(queries[others], features[others], relevant[others], 0, 0)
    prior = FalseNegativeModel.default()
    assert decided.moved(prior, without=np.arange(0, 20, 2)) == rest.moved(prior) != decided.moved(prior)
    assert decided.moved(prior, without=np.arange(20)) == prior


def test_a_decision_moves_the_estimates_of_the_other_half_alone(tmp_path: Path) -> None:
    """The trial of the leak test: whoever is estimated there must not have taught."""
    made = Topics(visible=3)
    collection = read_beir(made.write(tmp_path / "c"))
    encoded = encode(collection, made.vectors, SETTINGS, cache=None, scratch=None)

    def trial(said: list[Said]) -> list[Any]:
        decisions = Decisions.read(said, collection)
        both = with_positives_of_both(collection, relabelled(collection, decisions))
        candidates = CandidateStore(both)
        candidates.write(Search(both, encoded, open_sources(collection, SETTINGS), SETTINGS).blocks())
        taught = estimate_decided(collection, decisions, encoded, candidates, SETTINGS)
        assert taught.trial is not None and len(taught.trial.hidden.query_rows) == 40
        (block,) = taught.trial.candidates.blocks(100)
        assert block.estimates is not None
        return [block.estimates.false_negative_probabilities[half::2] for half in (0, 1)]

    some: list[Said] = [("q0", "d0-6", "negative"), ("q1", "d1-6", "negative")]
    (even, odd), (even_again, odd_again) = trial(some), trial([*some, ("q4", "d4-6", "negative")])  # of an even row
    assert np.array_equal(even, even_again, equal_nan=True)
    assert not np.array_equal(odd, odd_again, equal_nan=True)


def test_an_intercept_is_moved_as_far_as_its_trust_allows() -> None:
    """One example without features: `trust · (intercept - prior) = 1 - p`."""
    prior = FalseNegativeModel((1.0,) * 4, -2.0)
    found = fit_near(prior, np.zeros((1, 4)), np.array([True]), trust=20.0, intercept_trust=0.5)
    p = 1 / (1 + np.exp(-found.intercept))
    assert 0.5 * (found.intercept + 2.0) == pytest.approx(1 - p, abs=1e-5)
    assert found.weights == pytest.approx(prior.weights)


def test_calibrate_on_the_command_line(topics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Topics().vectors
    np.save(tmp_path / "d.npy", made.doc_vecs)
    np.save(tmp_path / "q.npy", made.query_vecs)
    pairs = sorted(mined_candidates(topics, tmp_path))
    path = log(tmp_path / "mined" / "decisions.jsonl", *answers(pairs[:60]))
    flags = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy"), "--quiet"]
    assert main(["calibrate", str(topics), *flags, "--relabel", str(path)]) == 0
    printed = capsys.readouterr().out
    assert ", then 60 decisions; " in printed
    assert "\ndecisions: 60 on candidates, " in printed
    assert "\n  expected " in printed
    write_jsonl(path, rows(("q0", "d77-1", "positive")))
    assert main(["calibrate", str(topics), *flags, "--relabel", str(path)]) == 1
    assert f'{path}:1: the collection has no document "d77-1"' in capsys.readouterr().err
    assert main(["calibrate", str(topics), *flags, "--relabel", str(tmp_path / "none.jsonl")]) == 2


@pytest.mark.slow
def test_decisions_near_the_threshold_mend_the_estimates_of_other_queries(tmp_path: Path, static_encoder: Any) -> None:
    """On real judgements: one positive a query is known; 200 answers on half of the queries, picked by probability."""
    folder = real_collection("argkp")
    judged: dict[tuple[str, str], bool] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        query_id, doc_id, score = line.split("\t")
        judged[query_id, doc_id] = int(score) > 0
    visible = {query_id: doc_id for (query_id, doc_id), is_positive in judged.items() if is_positive}
    collection = read_beir(with_one_positive(folder, visible, tmp_path / "argkp"))
    settings = MiningSettings(quiet=True, cache=None)
    encoded = encode(collection, static_encoder, settings, cache=None, scratch=None)
    open_pairs = {pair for pair in judged if pair[0] in visible and pair[1] != visible[pair[0]]}
    half = {query_id for query_id in visible if int(query_id.encode().hex(), 16) % 2}

    def estimates(decided: list[Said]) -> dict[tuple[str, str], float]:
        """Of judged candidates that are open."""
        decisions = Decisions.read(decided, collection)
        both = with_positives_of_both(collection, relabelled(collection, decisions))
        candidates = CandidateStore(both, tmp_path / "candidates.parquet")
        candidates.write(Search(both, encoded, open_sources(collection, settings), settings).blocks())
        estimate_decided(collection, decisions, encoded, candidates, settings)
        found = {}
        for row in pq.read_table(tmp_path / "candidates.parquet").to_pylist():
            for doc_id, probability in zip(row["doc_ids"], row["false_negative_probabilities"], strict=True):
                if (row["query_id"], doc_id) in open_pairs:
                    found[row["query_id"], doc_id] = probability
        return found

    before = estimates([(*min(open_pairs), "drop")])
    nearest = sorted((pair for pair in before if pair[0] in half), key=lambda pair: (abs(before[pair] - 0.3), pair))
    after = estimates([(*pair, "positive" if judged[pair] else "negative") for pair in nearest[:200]])
    others = [pair for pair in before if pair[0] not in half]
    truth = np.array([judged[pair] for pair in others])

    def miss(found: dict[tuple[str, str], float]) -> tuple[float, float]:
        """How far the expected share is off, and the mean log-loss."""
        p = np.array([found[pair] for pair in others])
        return abs(p.mean() - truth.mean()), float(-np.log(np.where(truth, p, 1 - p)).mean())

    (off_before, loss_before), (off_after, loss_after) = miss(before), miss(after)
    assert off_after < 0.5 * off_before, (off_before, off_after)
    assert loss_after < loss_before - 0.02, (loss_before, loss_after)


def with_one_positive(folder: Path, visible: dict[str, str], part: Path) -> Path:
    part.mkdir()
    for name in ("corpus.jsonl", "queries.jsonl"):
        (part / name).symlink_to(folder / name)
    lines = [f"{query_id}\t{doc_id}\t1" for query_id, doc_id in visible.items()]
    (part / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n", "utf-8")
    return part
