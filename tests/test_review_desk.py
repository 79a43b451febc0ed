"""The review desk: which pairs come, in which order, what the decisions say, and who may make them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN
from desk_process import LONG, DeskProcess, decisions, desk_process, mined
from foolsgold import MiningSettings, mine, select
from foolsgold.cli import main
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.review.decision_log import DecisionLog
from foolsgold.review.desk import Desk, OtherPair
from foolsgold.review.estimate import UNDECIDED, RateEstimate
from foolsgold.review.order import review_order
from foolsgold.review.pairs import FATES, Pairs
from foolsgold.sample import Threshold
from test_mine import VECTORS


@pytest.fixture(scope="module")
def mined_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mined(tmp_path_factory.mktemp("desk") / "out")


@pytest.fixture
def out(mined_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mined_once, tmp_path / "out"))


def shown(desk: Desk) -> tuple[str, str]:
    return desk.name.query_id, desk.name.doc_id


# Which pairs, and in which order


class Ids:
    """As much of a collection as an order asks for."""

    def __init__(self, n_queries: int, n_documents: int) -> None:
        import pyarrow as pa

        self.query_ids = pa.chunked_array([pa.array([f"q{n}" for n in range(n_queries)], pa.large_string())])
        self.doc_ids = pa.chunked_array([pa.array([f"d{n}" for n in range(n_documents)], pa.large_string())])


def pairs_of(queries: list[int], probabilities: list[float], scores: list[float] | None = None) -> Pairs:
    n = len(queries)
    return Pairs(
        np.array(queries), np.arange(n), np.zeros(n, np.int32),
        np.array(scores or [0.5] * n, np.float32), np.full(n, 0.8, np.float32), np.array(probabilities, np.float32),
        np.zeros(n, np.int16), np.zeros(n, np.int8), ("dense",),
    )  # fmt: skip


def order_of(pairs: Pairs, threshold: Threshold | None, seed: int = 42) -> list[int]:
    ids: Any = Ids(int(pairs.query_rows.max()) + 1, len(pairs))
    return review_order(pairs, threshold, ids, seed=seed).places.tolist()


def four_of_five(places: list[int]) -> list[int]:
    """The pairs that come by their distance: every fifth is of a farther bin."""
    return [place for turn, place in enumerate(places, start=1) if turn % 5]


def test_pairs_nearest_to_the_threshold_come_first() -> None:
    pairs = pairs_of(list(range(40)), [n / 40 for n in range(40)])
    places = order_of(pairs, Threshold("probability", 0.49))
    near = [abs(place / 40 - 0.49) for place in four_of_five(places)]
    assert sorted(places) == list(range(40))
    assert max(near[:10]) < min(near[10:])
    assert near[:10] != sorted(near[:10])  # at random within a bin


def test_every_fifth_pair_is_of_a_farther_bin_in_turn() -> None:
    """Else the rate of false negatives among most of the chosen would long stay the model's guess."""
    pairs = pairs_of(list(range(40)), [n / 40 for n in range(40)])
    ids: Any = Ids(40, 40)
    order = review_order(pairs, Threshold("probability", 0.0), ids, seed=42)
    assert [int(order.bins[place]) for place in order.places[:15]] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 1, 1, 3]


def test_where_probabilities_are_unknown_the_score_relative_to_the_positive_decides() -> None:
    scores = [0.8 * (1 + relative) for relative in np.linspace(-1, 0, 40)]  # the positive scores 0.8
    places = order_of(pairs_of(list(range(40)), [np.nan] * 40, scores), Threshold("score", -0.5))
    near = four_of_five(places)
    assert all(8 < place < 31 for place in near[:16]) and not all(8 < place < 31 for place in near[16:])


def test_where_nothing_is_known_the_highest_scores_come_first() -> None:
    places = order_of(pairs_of(list(range(20)), [np.nan] * 20, [n / 20 for n in range(20)]), None)
    assert set(four_of_five(places)[:8]) < set(range(10, 20))


def test_a_pair_whose_distance_is_unknown_is_the_farthest() -> None:
    pairs = pairs_of(list(range(30)), [np.nan] * 10 + [0.1] * 20)
    ids: Any = Ids(30, 30)
    bins = review_order(pairs, Threshold("probability", 0.5), ids, seed=42).bins
    assert bins[:10].min() > bins[10:].max()


def test_a_query_comes_again_only_after_the_others_of_its_bin() -> None:
    queries = [0] * 6 + [1, 2, 3]
    turns = [queries[place] for place in order_of(pairs_of(queries, [0.5] * 9), Threshold("probability", 0.5))]
    assert set(turns[:4]) == {0, 1, 2, 3} and turns[4:] == [0] * 5


def test_a_query_with_many_pairs_is_not_the_likelier_to_come_first() -> None:
    """Else decisions of a bin would be no sample of its queries."""
    queries = [0] * 30 + [1, 2, 3]
    pairs = pairs_of(queries, [0.5] * 33)
    first = [queries[order_of(pairs, Threshold("probability", 0.5), seed)[0]] for seed in range(400)]
    assert 60 < first.count(0) < 140  # a quarter; by chance alone, 5 standard deviations


def test_the_order_depends_on_the_seed_and_on_ids_alone() -> None:
    pairs = pairs_of(list(range(30)), [0.5] * 30)
    threshold = Threshold("probability", 0.5)
    assert order_of(pairs, threshold) == order_of(pairs, threshold) != order_of(pairs, threshold, seed=7)
    turned = pairs.at(np.arange(30)[::-1])
    assert [29 - place for place in order_of(turned, threshold)] == order_of(pairs, threshold)


def test_the_desk_has_what_was_chosen_and_what_a_guess_dropped(out: Path) -> None:
    chosen = {(row["query_id"], row["doc_id"]) for row in pq.read_table(out / "negatives.parquet").to_pylist()}
    fates: dict[str, set[tuple[str, str]]] = {}
    with Desk(out, quiet=True) as desk:
        while (pair := desk.current()) is not None:
            fates.setdefault(pair.fate, set()).add(shown(desk))
            assert pair.doc_row not in pair.positive_rows
            desk.decide("negative")
    assert fates["chosen"] == chosen and len(chosen) == 60
    report = json.loads((out / "report.json").read_text("utf-8"))["candidates"]["by_fate"]
    assert set(fates) <= set(FATES) and 0 < len(fates["relative_margin"]) == report["relative_margin"]


def test_given_and_random_negatives_are_not_asked_about(beir: Path, tmp_path: Path) -> None:
    settings = MiningSettings(**PLAIN, negatives=2, random_ratio=0.5, quiet=True, out=str(tmp_path / "o"))
    rows = mine(beir, VECTORS, settings).negatives.to_pylist()
    mined_ones = {(row["query_id"], row["doc_id"]) for row in rows if row["source"] == "dense"}
    judged = {("q1", "d5")}
    with Desk(tmp_path / "o", quiet=True) as desk:
        asked = set()
        while (pair := desk.current()) is not None:
            asked |= {shown(desk)} if pair.fate == "chosen" else set()
            desk.decide("drop")
    assert asked == mined_ones - judged and any(row["source"] == "random" for row in rows)


def test_what_select_took_in_is_not_asked_again(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        before = desk.progress().to_go
        seen = [shown(desk)]
        desk.decide("negative")
        seen.append(shown(desk))
        desk.decide("positive")
    select(out, relabel=[(*seen[0], "negative"), (*seen[1], "positive")], quiet=True)
    (out / "decisions.jsonl").unlink()
    with Desk(out, quiet=True) as desk:
        assert desk.progress().to_go <= before
        asked = set()
        while desk.current() is not None:
            asked.add(shown(desk))
            desk.decide("drop")
    assert not asked & set(seen)


# The estimate


def made_data(generator: np.random.Generator, n: int = 3_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries of 1 to 8 pairs, the model's probabilities, and the truth: queries with many pairs have more of it."""
    queries = np.repeat(np.arange(n), generator.integers(1, 9, n))[:n]
    size = np.bincount(queries)[queries]
    model = generator.beta(1, 6, n)
    truth = generator.random(n) < np.clip(model * (0.4 + 0.2 * size), 0, 1)
    return queries, model, truth


def labels_after(n_decisions: int, order: Any, truth: np.ndarray) -> np.ndarray:
    labels = np.full(len(truth), UNDECIDED)
    decided = order.places[:n_decisions]
    labels[decided] = np.where(truth[decided], 0, 1)
    return labels


def estimate_of(seed: int, n_decisions: int) -> tuple[Any, float]:
    queries, model, truth = made_data(np.random.default_rng(seed))
    pairs = pairs_of(queries.tolist(), model.tolist())
    ids: Any = Ids(int(queries.max()) + 1, len(queries))
    order = review_order(pairs, Threshold("probability", 0.3), ids, seed=seed)
    estimate = RateEstimate(order.bins, queries, chosen=np.ones(len(queries), bool), probabilities=model)
    return estimate.from_labels(labels_after(n_decisions, order, truth)), float(truth.mean())


@pytest.mark.parametrize("n_decisions", [0, 30, 300, 1_500, 2_900])
def test_the_interval_covers_the_truth(n_decisions: int) -> None:
    found = [estimate_of(seed, n_decisions) for seed in range(40)]
    covered = sum(rate.low <= truth <= rate.high for rate, truth in found)
    assert covered >= 35  # of 40; 95% would be 38


def test_the_estimate_comes_to_the_truth() -> None:
    errors, widths = [], []
    for n_decisions in (30, 1_500, 3_000):
        rate, truth = estimate_of(1, n_decisions)
        errors.append(abs(rate.ratio - truth))
        widths.append(rate.high - rate.low)
    assert widths[0] > widths[1] > widths[2] == 0 and errors[2] < 1e-12 and errors[1] < 0.03


def test_the_order_does_not_bias_the_estimate() -> None:
    """Decided are the 300 nearest of 3,000, two of three of them false; among all it is one in ten."""
    model = np.concatenate([np.full(300, 0.5), np.full(2_700, 0.05)])
    truth = np.zeros(3_000, bool)
    truth[:200], truth[300:400] = True, True
    bins = np.repeat(np.arange(10), 300)
    labels = np.where(np.arange(3_000) < 300, np.where(truth, 0, 1), UNDECIDED)
    rate = RateEstimate(bins, np.arange(3_000), chosen=np.ones(3_000, bool), probabilities=model).from_labels(labels)
    assert rate is not None and rate.ratio == pytest.approx(0.1 * 200 / 300 + 0.9 * 0.05) and rate.n_decisions == 300


def test_without_probabilities_the_prior_is_that_of_jeffreys() -> None:
    unknown = np.full(4, np.nan)
    estimate = RateEstimate(np.zeros(4, int), np.arange(4), chosen=np.ones(4, bool), probabilities=unknown)
    rate = estimate.from_labels(np.array([0, 1, UNDECIDED, UNDECIDED]))
    assert (
        rate is not None and rate.ratio == pytest.approx((1 + 2 * 1.5 / 3) / 4) and 0 < rate.low < 0.5 < rate.high < 1
    )


def test_a_decision_counts_for_the_pairs_of_its_query_that_are_still_to_come() -> None:
    """A query of nine pairs and nine of one had their first turn; the first is false: half of all, not a tenth."""
    queries = np.array([0] * 9 + list(range(1, 10)))
    estimate = RateEstimate(np.zeros(18, int), queries, chosen=np.ones(18, bool), probabilities=np.full(18, np.nan))
    rate = estimate.from_labels(np.array([0] + [UNDECIDED] * 8 + [1] * 9))
    assert rate is not None and rate.ratio == pytest.approx((1 + 8 * 0.5) / 18) and rate.n_decisions == 10


def test_a_dropped_pair_counts_nowhere_and_a_known_negative_does() -> None:
    unknown, all_chosen = np.full(3, np.nan), np.ones(3, bool)
    labels = np.array([0, 1, 2])
    estimate = RateEstimate(np.zeros(3, int), np.arange(3), chosen=all_chosen, probabilities=unknown)
    assert estimate.from_labels(labels) == (0.5, 0.5, 0.5, 2)
    estimate = RateEstimate(np.zeros(3, int), np.arange(3), chosen=all_chosen, probabilities=unknown, n_known=2)
    assert estimate.from_labels(labels) == (0.25, 0.25, 0.25, 2)


def test_decisions_on_what_was_dropped_do_not_count_as_negatives() -> None:
    chosen = np.array([True, True, False, False])
    estimate = RateEstimate(np.zeros(4, int), np.arange(4), chosen=chosen, probabilities=np.full(4, 0.5))
    undecided = np.full(4, UNDECIDED)
    decided = np.array([UNDECIDED, UNDECIDED, 0, 0])
    assert estimate.from_labels(decided) == estimate.from_labels(undecided)


def test_without_negatives_there_is_no_estimate() -> None:
    nothing = np.empty(0, int)
    estimate = RateEstimate(nothing, nothing, chosen=nothing.astype(bool), probabilities=nothing.astype(float))
    assert estimate.from_labels(nothing) is None


# The desk and its log


def test_decide_skip_and_undo(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        n = desk.progress().to_go
        first = shown(desk)
        desk.decide("positive")
        second = shown(desk)
        desk.skip()
        third = shown(desk)
        assert len({first, second, third}) == 3 and desk.progress().put_off == 1 and desk.progress().to_go == n - 1
        desk.undo()
        assert shown(desk) == second and desk.progress().put_off == 0
        desk.undo()
        assert shown(desk) == first and not desk.progress().can_undo and desk.progress().to_go == n
        with pytest.raises(OtherPair):
            desk.undo()
        desk.decide("drop")
        assert shown(desk) == second and desk.progress().labels == {"positive": 0, "negative": 0, "drop": 1}
    assert [(row["action"], row["label"]) for row in decisions(out)] == [
        ("decide", "positive"), ("skip", None), ("undo", None), ("undo", None), ("decide", "drop"),
    ]  # fmt: skip
    assert [row["decision"] for row in decisions(out)] == [1, 2, 3, 4, 5]


def test_a_desk_goes_on_where_the_last_one_ended(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        skipped = shown(desk)
        desk.skip()
        desk.decide("positive")
        desk.decide("negative")
        undone = None
        desk.decide("negative")
        desk.undo()
        undone, progress = shown(desk), desk.progress()
    with Desk(out, quiet=True) as desk:
        assert (shown(desk), desk.progress()) == (undone, progress)
        desk.undo()
        assert desk.progress().labels["negative"] == 0
        seen = []
        while desk.current() is not None:
            seen.append(shown(desk))
            desk.decide("drop")
        assert seen[-1] == skipped and desk.current() is None and desk.progress().to_go == 0
        with pytest.raises(OtherPair):
            desk.decide("drop")


def test_only_the_pair_that_is_meant_is_decided(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        name = desk.name
        desk.decide("positive", expecting=name)
        for change in (lambda: desk.decide("positive", expecting=name), lambda: desk.skip(expecting=name),
                       lambda: desk.undo(expecting=name)):  # fmt: skip
            with pytest.raises(OtherPair):
                change()
    assert len(decisions(out)) == 1


def test_one_desk_at_a_time(out: Path) -> None:
    with Desk(out, quiet=True):
        with pytest.raises(SettingsError, match=r"decisions\.jsonl is in use: a review desk is open"):
            Desk(out, quiet=True)
        with pytest.raises(SettingsError, match="in use"):
            DecisionLog(out / "decisions.jsonl").add("q", "d", "drop", by="argilla")
    with Desk(out, quiet=True) as desk:
        assert desk.n_decided == 0


def test_a_line_that_was_not_written_to_its_end_is_cut_off(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        desk.decide("positive")
    with (out / "decisions.jsonl").open("ab") as file:
        file.write(b'{"decision": 2, "query_id": "q')
    with Desk(out, quiet=True) as desk:
        desk.decide("negative")
    assert [row["label"] for row in decisions(out)] == ["positive", "negative"]


def test_a_whole_last_line_without_its_end_is_kept(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        desk.decide("positive")
    path = out / "decisions.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with Desk(out, quiet=True) as desk:
        desk.decide("negative")
    assert [row["label"] for row in decisions(out)] == ["positive", "negative"]


REST = '"doc_id":"d","action":"skip","by":"","at":""}'


@pytest.mark.parametrize("line", [
    b"{broken", b"[1]", b'{"decision": 1}', b"\xff", b"", b"[" * 100_000,
    b'{"decision":2,"query_id":1,"label":null,' + REST.encode(),
    b'{"decision":2,"query_id":"q","label":"x",' + REST.encode(),
])  # fmt: skip
def test_a_broken_line_is_named(out: Path, line: bytes) -> None:
    with Desk(out, quiet=True) as desk:
        desk.decide("positive")
    with (out / "decisions.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(CollectionError, match=r"decisions\.jsonl:2: not a decision that foolsgold writes"):
        Desk(out, quiet=True)


def test_what_cannot_be_written_is_not_decided(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        desk.decide("positive")
        before = desk.name
        (out / "decisions.jsonl").rename(out / "elsewhere.jsonl")
        with pytest.raises(OutputError, match=r"changed, moved or removed"):
            desk.decide("negative")
        assert desk.name == before and desk.progress().labels["negative"] == 0
        (out / "elsewhere.jsonl").rename(out / "decisions.jsonl")
        desk.decide("negative")
    assert len(decisions(out)) == 2


def test_a_full_disk_leaves_the_log_as_it_was(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with Desk(out, quiet=True) as desk:
        desk.decide("positive")
        before = (out / "decisions.jsonl").read_bytes()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            desk.skip()
        assert (out / "decisions.jsonl").read_bytes() == before
        monkeypatch.undo()
        desk.skip()
    assert len(decisions(out)) == 2


# Messages


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = main(["review", *arguments, "--quiet"])
    captured = capsys.readouterr()
    assert status in (1, 2) and captured.out == "" and captured.err.startswith("foolsgold review: error: ")
    return captured.err


def test_what_is_no_output_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist; it takes a folder that `foolsgold mine` wrote" in said(capsys, str(tmp_path / "none"))
    assert "has no settings.json" in said(capsys, str(tmp_path))
    (tmp_path / ".foolsgold-partial").mkdir()
    assert "is not finished: mining goes on there, or was stopped" in said(capsys, str(tmp_path))


def test_a_file_is_no_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "it takes a folder that `foolsgold mine` wrote" in said(capsys, str(tmp_path / "file"))


def test_an_empty_import_is_no_way_to_open_the_desk(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "import" in said(capsys, str(out), "--import", "")


def test_a_decision_on_an_id_that_is_no_unicode(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = {
        "decision": 1,
        "query_id": "\ud800",
        "doc_id": "d1",
        "label": None,
        "action": "skip",
        "by": "desk",
        "at": "",
    }
    (out / "decisions.jsonl").write_text(json.dumps(line) + "\n")
    assert "decisions.jsonl:1: not a decision" in said(capsys, str(out))


@pytest.mark.parametrize("part", ["settings", "collection"])
def test_settings_of_another_kind(out: Path, capsys: pytest.CaptureFixture[str], part: str) -> None:
    about = json.loads((out / "settings.json").read_text("utf-8"))
    (out / "settings.json").write_text(json.dumps({**about, part: []}))
    assert "is not what foolsgold writes" in said(capsys, str(out))


def test_what_is_missing_or_broken_is_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("candidates.parquet", "negatives.parquet"):
        content = (out / name).read_bytes()
        (out / name).unlink()
        assert f"has no {name}" in said(capsys, str(out))
        (out / name).write_bytes(content[:1000])
        assert "readable" in said(capsys, str(out))
        table = pq.read_table(__import__("io").BytesIO(content))
        pq.write_table(table.drop_columns(["doc_rows" if name.startswith("c") else "score"]), out / name)
        assert "again" in said(capsys, str(out))
        (out / name).write_bytes(content)
    shutil.move(out / "collection", out / "moved")
    assert "collection" in said(capsys, str(out))


def test_another_collection_is_said(out: Path, beir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the collection has changed" in said(capsys, str(out), "--collection", str(beir))


def test_a_broken_log_is_said_with_its_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (out / "decisions.jsonl").write_text("{\n", encoding="utf-8")
    assert f"{out}/decisions.jsonl:1: not a decision" in said(capsys, str(out))


def test_nothing_to_decide_is_said(beir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = MiningSettings(**PLAIN, relative_margin=None, negatives=1, random_ratio=1.0, quiet=True,
                              out=str(tmp_path / "o"))  # fmt: skip
    mine(beir, VECTORS, settings)
    assert "has nothing to decide" in said(capsys, str(tmp_path / "o"))


def test_a_port_that_is_none_is_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "port is 70000" in said(capsys, str(out), "--port", "70000")


def test_a_missing_package_is_said(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert 'pip install "foolsgold[review]"' in said(capsys, str(out))


def test_the_next_command_is_one_that_a_shell_takes(out: Path) -> None:
    moved = out.rename(out.with_name("it's mine; $HOME"))
    with Desk(moved, quiet=True) as desk:
        assert shlex.split(desk.next_command) == [
            "foolsgold",
            "select",
            str(moved),
            "--relabel",
            f"{moved}/decisions.jsonl",
        ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot be written to" in said(capsys, str(out))
    out.chmod(stat.S_IRWXU)


# Who may come in


@pytest.fixture(scope="module")
def open_desk(mined_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    copy = Path(shutil.copytree(mined_once, tmp_path_factory.mktemp("served") / "out"))
    with desk_process(copy, "--port", "0") as desk:
        assert desk.ask("GET", f"/?token={'x' * 43}").status == 403  # a wrong one does not use up the right one
        entered = desk.enter()
        assert entered.status == 303 and entered.headers["location"] == "/"
        yield desk


def test_the_token_works_once(open_desk: DeskProcess) -> None:
    again = open_desk.ask("GET", f"/?token={open_desk.token}", Cookie=None)
    assert again.status == 403 and b"start it again" in again.body and "set-cookie" not in again.headers
    assert open_desk.ask("GET", "/").status == 200


def test_the_cookie_is_for_this_site_alone_and_not_for_scripts(mined_once: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(mined_once, tmp_path / "o"))
    with desk_process(out, "--port", "0") as desk:
        cookie = desk.enter().headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie
        assert desk.token not in cookie and str(desk.port) in cookie.split("=")[0]


@pytest.mark.parametrize("path", ["/", "/state", "/text?part=query", "/nothing", "/?token=", "/?token=%ff%00"])
def test_without_the_cookie_there_is_nothing(open_desk: DeskProcess, path: str) -> None:
    for cookie in (None, f"foolsgold-review-{open_desk.port}=x", f"foolsgold-review-{open_desk.port}=\xe9"):
        answer = open_desk.ask("GET", path, Cookie=cookie)
        assert answer.status == 403 and b"query" not in answer.body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "0.0.0.0:{port}",
                                  "127.0.0.1:{port}.evil.example", "[::1]:{port}", "", None])  # fmt: skip
def test_another_host_gets_nothing(open_desk: DeskProcess, host: str | None) -> None:
    named = host if host is None else host.format(port=open_desk.port)
    answer = open_desk.ask("GET", "/", Host=named)
    assert answer.status in (400, 403) and b"pair" not in answer.body


def test_localhost_is_our_name_too(open_desk: DeskProcess) -> None:
    host = f"localhost:{open_desk.port}"
    assert open_desk.ask("GET", "/", Host=host).status == 200
    assert open_desk.ask("POST", "/undo", {}, Host=host, Origin=f"http://{host}").status == 400  # let in, with no name


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": None}, {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost:{port}"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"}, {"Cookie": None},
])  # fmt: skip
def test_a_post_from_elsewhere_changes_nothing(open_desk: DeskProcess, headers: dict[str, str | None]) -> None:
    before = open_desk.state()
    sent = {name: value and value.format(port=open_desk.port) for name, value in headers.items()}
    answer = open_desk.ask("POST", "/decide", {**before["name"], "label": "positive"}, **sent)
    assert answer.status == 403 and open_desk.state() == before


@pytest.mark.parametrize(("body", "content_type", "status"), [
    (b"{}", "text/plain", 415), (b"{}", "application/x-www-form-urlencoded", 415), (b"{}", None, 415),
    (b"{}", "application/json", 400), (b"[]", "application/json", 400), (b"nonsense", "application/json", 400),
    (b"\xff", "application/json", 400), (b"[" * 60_000, "application/json", 400),
    (b" " * 100_000, "application/json; charset=utf-8", 413),
])  # fmt: skip
def test_a_body_that_is_none(open_desk: DeskProcess, body: bytes, content_type: str | None, status: int) -> None:
    before = open_desk.state()
    assert open_desk.ask("POST", "/decide", body, Content_Type=content_type).status == status
    assert open_desk.state() == before


def test_a_label_that_is_none(open_desk: DeskProcess) -> None:
    before = open_desk.state()
    for label in ("relevant", "", None, 1, ["positive"], {}):
        assert open_desk.ask("POST", "/decide", {**before["name"], "label": label}).status == 400
    assert open_desk.state() == before


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/decide", 405), ("POST", "/", 405), ("PUT", "/decide", 403),
    ("DELETE", "/", 403), ("OPTIONS", "/decide", 403), ("GET", "/../../etc/passwd", 404),
    ("GET", "/text?number=x", 409),
    ("GET", "/text?part=positive&number=1&place=99", 404), ("GET", "/text?part=nothing&number=1", 404),
    ("GET", "/text?part=document&number=1&place=-1", 409),
])  # fmt: skip
def test_nothing_else_is_answered(open_desk: DeskProcess, method: str, path: str, status: int) -> None:
    answer = open_desk.ask(method, path)
    assert answer.status == status and len(answer.body) < 500


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/state"), ("GET", "/none"), ("POST", "/none")])
def test_every_answer_says_how_it_may_be_used(open_desk: DeskProcess, method: str, path: str) -> None:
    for headers in ({}, {"Cookie": None}, {"Host": "evil.example"}):
        got = open_desk.ask(method, path, **headers).headers
        assert "default-src 'none'" in got["content-security-policy"]
        assert "connect-src 'self'" in got["content-security-policy"]
        assert "frame-ancestors 'none'" in got["content-security-policy"]
        assert got["x-content-type-options"] == "nosniff" and got["cache-control"] == "no-store"
        assert got["referrer-policy"] == "no-referrer" and got["cross-origin-opener-policy"] == "same-origin"
        assert got["cross-origin-resource-policy"] == "same-origin" and "server" not in got
        assert "access-control-allow-origin" not in got


def test_it_listens_on_loopback_alone(open_desk: DeskProcess) -> None:
    import psutil

    listening = [one.laddr for one in psutil.Process(open_desk.process.pid).net_connections() if one.status == "LISTEN"]
    assert [(address.ip, address.port) for address in listening] == [("127.0.0.1", open_desk.port)]


# A session


@pytest.mark.slow
def test_a_decision_is_on_disk_before_the_answer_and_survives_a_kill(out: Path) -> None:
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        for n in range(10):
            state = desk.state()
            answer = desk.decide("negative", state)
            assert answer.status == 200 and answer.json()["name"]["number"] == n + 2
            assert {k: decisions(out)[-1][k] for k in ("query_id", "doc_id")} == {
                k: state["name"][k] for k in ("query_id", "doc_id")
            }
        left = desk.state()
        desk.process.send_signal(signal.SIGKILL)
        desk.process.wait()
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        assert desk.state() == left and len(decisions(out)) == 10


def test_a_second_press_or_tab_decides_nothing_else(out: Path) -> None:
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        state = desk.state()
        assert desk.decide("positive", state).status == 200
        again = desk.decide("positive", state)
        assert again.status == 409 and again.json() == desk.state()
        assert desk.ask("POST", "/undo", state["name"]).status == 409
        assert len(decisions(out)) == 1


def test_long_texts_come_cut_and_then_whole(out: Path) -> None:
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        while (state := desk.state())["pair"]["document"]["length"] < 1_000_000:
            assert desk.decide("negative", state).status == 200
        assert len(state["pair"]["document"]["text"]) == 20_000
        whole = desk.ask("GET", f"/text?part=document&number={state['name']['number']}&place=0")
        assert whole.json()["text"].strip() == LONG
        desk.decide("drop", state)
        assert desk.ask("GET", f"/text?part=document&number={state['name']['number']}").status == 409


@pytest.mark.slow
def test_ctrl_c_says_what_is_there_and_how_to_go_on(out: Path) -> None:
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        desk.decide("positive")
        desk.decide("negative")
        status, said = desk.end()
    assert status == 0 and f"2 pairs are decided, in {out}/decisions.jsonl" in said
    assert f"foolsgold select {out} --relabel {out}/decisions.jsonl" in said and "token" not in said
    assert "Traceback" not in said


def test_a_port_in_use_gives_the_next(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with desk_process(out, "--port", str(port)) as desk:
            assert port < desk.port <= port + 5
            status, said = desk.end()
    assert status == 0 and f"port {port} is in use; the desk is at {desk.port}" in said


def test_a_second_desk_is_refused(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with desk_process(out, "--port", "0"):
        assert "is in use: a review desk is open for this folder" in said(capsys, str(out))


def test_the_decisions_are_what_select_takes_in(out: Path) -> None:
    with Desk(out, quiet=True) as desk:
        for label in ("positive", "negative", "drop"):
            desk.decide(label)  # type: ignore[arg-type]
    result = select(out, relabel=str(out / "decisions.jsonl"), quiet=True)
    assert {k: result.report["relabelled"][k] for k in ("positive", "negative", "drop")} == {
        "positive": 1, "negative": 1, "drop": 1,
    }  # fmt: skip
    assert len(decisions(out)) == 3  # the log stays


def test_pairs_go_to_others_in_the_order_of_the_desk(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Desk(out, quiet=True) as desk:
        desk.decide("negative")
        fates = []
        while (pair := desk.current()) is not None:
            fates.append((*shown(desk), pair.fate))
            desk.skip()
            if len(fates) == 40:
                break
    to = tmp_path / "tasks"
    assert main(["review", str(out), "--export", "label-studio", "--to", str(to), "--most", "40", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{to}\n"
    tasks = [task["data"] for task in json.loads((to / "tasks.json").read_text("utf-8"))]
    assert [(task["query_id"], task["doc_id"], task["reason"]) for task in tasks] == fates
    assert {task["chosen"] for task in tasks} == {"yes", "no"}


def test_answers_are_not_taken_in_while_a_desk_is_open(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Desk(out, quiet=True) as desk:
        (query_id, doc_id), answers = shown(desk), tmp_path / "answers.json"
        row = {"query_id": query_id, "doc_id": doc_id, "relevance": "relevant", "annotator": 1, "annotation_id": 1}
        answers.write_text(json.dumps([row]), encoding="utf-8")
        assert main(["review", str(out), "--import", str(answers)]) == 2
        assert "in use: a review desk is open" in capsys.readouterr().err
    assert main(["review", str(out), "--import", str(answers)]) == 0
    with Desk(out, quiet=True) as desk:
        assert shown(desk) != (query_id, doc_id) and desk.progress().labels["positive"] == 1
        assert not desk.progress().can_undo  # the desk undoes what was decided at a desk
