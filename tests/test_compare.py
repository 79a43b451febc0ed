"""compare on two choices from six documents by angle to two queries, whose answer is seen by eye.

q1 lies at 0 degrees: d1 at 10 is its positive, d3 at 20, d5 at 30 (judged not relevant), d4 at 60, d2 at 70, d6 at 90.
q2 lies at 90: d6 at 0 from it, d2 at 20 is its positive, d4 at 30, d5 at 60, d3 at 70, d1 at 80.

`tight` keeps the margin, which drops d3 for q1 and d6 for q2: d5 and d4 for q1, d4 and d5 for q2.
`loose` has none: d3 and d5 for q1, d6 and d4 for q2.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import t

import foolsgold
from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import Comparison, MiningSettings, PrecomputedVectors, compare, mine, read_pairs, select
from foolsgold.cli import main
from foolsgold.errors import CollectionError, SettingsError

ANGLES = (10.0, 70, 20, 60, 30, 90)
VECTORS = PrecomputedVectors(on_circle(0, 90), on_circle(*ANGLES))


def cos(*degrees: float) -> Any:
    return np.cos(np.deg2rad(degrees))


def settings(out: Path, **changes: Any) -> MiningSettings:
    return MiningSettings(**{**PLAIN, "negatives": 2, "quiet": True, "out": str(out), **changes})


@pytest.fixture
def tight(beir: Path, tmp_path: Path) -> Path:
    mine(beir, VECTORS, settings(tmp_path / "tight"))
    return tmp_path / "tight"


@pytest.fixture
def loose(tight: Path, tmp_path: Path) -> Path:
    select(tight, relative_margin=None, out=str(tmp_path / "loose"), quiet=True)
    return tmp_path / "loose"


def both(first: Path, second: Path, **more: Any) -> Comparison:
    return compare(first, second, quiet=True, **more)


def test_the_overlap(tight: Path, loose: Path) -> None:
    found = both(tight, loose)
    assert (found.overlap.both, found.overlap.first_only, found.overlap.second_only) == (2, 2, 2)
    assert found.overlap.ratio == pytest.approx(2 / 6)
    assert found.overlap.mean_by_query == pytest.approx((1 / 3 + 1 / 3) / 2)
    assert (found.shared_queries, found.overlap.queries) == (2, 2)
    assert {name: count for name, count in found.overlap_counts if count} == {"30–40%": 2}


def test_the_numbers_of_each_run(tight: Path, loose: Path) -> None:
    found = both(tight, loose)
    first, second = found.first.numbers, found.second.numbers
    assert (first.negatives, first.queries, first.pairs, first.by_source) == (4, 2, 4, {"dense": 1.0})
    assert first.hardness == pytest.approx(cos(30, 60, 30, 60).mean(), abs=1e-6)
    assert second.hardness == pytest.approx(cos(20, 30, 0, 30).mean(), abs=1e-6)
    assert first.positive_score == pytest.approx(cos(10, 20).mean(), abs=1e-6)
    spread = (cos(10)[0] - cos(20)[0]) / 2  # the standard deviation of two values
    assert first.relative_hardness == pytest.approx(
        (cos(30, 60, 30, 60) - cos(10, 10, 20, 20)).mean() / spread, rel=1e-4
    )
    assert (first.above_positive_ratio, second.above_positive_ratio) == (0, 1 / 4)  # d6 is nearer to q2 than d2
    assert (first.median_rank, second.median_rank) == (np.median([2, 3, 2, 3]), np.median([1, 2, 0, 2]))
    assert (first.yield_ratio, first.pair_yield_ratio) == (1, 1)


def test_where_the_negatives_of_one_stand_in_the_other(tight: Path, loose: Path) -> None:
    found = both(tight, loose).first.numbers.in_other
    assert found is not None
    assert (found.candidate_ratio, found.median_rank, found.chosen_ratio, found.positive_ratio) == (1, 2.5, 0.5, 0)


def test_the_difference_by_query_and_its_interval(tight: Path, loose: Path) -> None:
    found = both(tight, loose).differences["hardness"]
    assert found is not None
    by_query = np.array([cos(20, 30).mean() - cos(30, 60).mean(), cos(0, 30).mean() - cos(30, 60).mean()])
    reach = t.ppf(0.975, df=1) * by_query.std(ddof=1) / np.sqrt(2)
    assert found.mean == pytest.approx(by_query.mean(), abs=1e-6)
    assert (found.low, found.high) == pytest.approx((by_query.mean() - reach, by_query.mean() + reach), abs=1e-5)
    assert found.queries == 2


def test_expected_false_negatives_are_those_of_the_reports(tight: Path, loose: Path) -> None:
    found = both(tight, loose)
    rates = []
    for folder, run in ((tight, found.first), (loose, found.second)):
        report = json.loads((folder / "report.json").read_text())
        assert run.numbers.expected_false_negative_ratio == pytest.approx(report["expected_false_negative_ratio"])
        table = pq.read_table(folder / "negatives.parquet").to_pandas()
        rates.append(table.groupby("query_id")["false_negative_probability"].mean())
    difference = found.differences["expected_false_negative_ratio"]
    assert difference is not None
    assert difference.mean == pytest.approx((rates[1] - rates[0]).mean(), abs=1e-6)
    # judged not relevant is no false negative, whoever looks; for all else one model gave both estimates
    assert found.first.numbers.in_other is not None
    assert found.first.numbers.in_other.expected_false_negative_ratio == pytest.approx(
        found.first.numbers.expected_false_negative_ratio, abs=1e-6
    )


def test_settings_that_differ(tight: Path, loose: Path) -> None:
    assert [tuple(one) for one in both(tight, loose).settings] == [("relative_margin", "0.05", "none")]


def test_the_queries_that_differ_most(tight: Path, loose: Path) -> None:
    shown = both(tight, loose).differing
    assert {query.query_id for query in shown} == {"q1", "q2"}
    q1 = next(query for query in shown if query.query_id == "q1")
    assert (q1.text, q1.overlap_ratio) == ("red flower", pytest.approx(1 / 3))
    assert [(one.doc_id, one.known_in, one.text) for one in q1.positives] == [("d1", "both", "T1 red rose")]
    assert [(one.chosen_by, one.doc_id, one.text) for one in q1.negatives] == [
        ("both", "d5", "T5 pink tulip"), ("first", "d4", "T4 green grass"), ("second", "d3", "T3 scarlet rose"),
    ]  # fmt: skip
    alone = q1.negatives[1]
    assert (alone.first.chosen, alone.first.rank, alone.second.chosen, alone.second.rank) == (True, 3, False, 3)


def test_the_lowest_overlap_comes_first_and_agreement_is_not_shown(beir: Path, tight: Path, tmp_path: Path) -> None:
    # q2 at 89: its candidates stay in their order; q1 at 45 has others
    mine(beir, PrecomputedVectors(on_circle(75, 89), on_circle(*ANGLES)), settings(tmp_path / "turned"))
    found = both(tight, tmp_path / "turned")
    ratios = [query.overlap_ratio for query in found.differing]
    assert ratios == sorted(ratios)
    assert all(ratio < 1 for ratio in ratios)
    assert both(tight, tmp_path / "turned", n_queries=1).differing == found.differing[:1]


def test_identical_runs(tight: Path) -> None:
    found = both(tight, tight)
    assert (found.overlap.ratio, found.overlap.mean_by_query) == (1, 1)
    assert found.first.numbers == found.second.numbers
    assert (list(found.differing), list(found.settings)) == ([], [])
    assert found.differences["hardness"] == pytest.approx((0, 0, 0, 2))
    assert "both are the same folder" in found.notes


def test_disjoint_runs(tmp_path: Path) -> None:
    collection = read_pairs([("q", "a"), ("r", "f")], corpus=["a", "b", "c", "d", "e", "f"])
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(5, 30, 40, 50, 60, 85))
    for name, window in (("top", (0, 3)), ("rest", (3, 6))):
        mine(collection, vectors, settings(tmp_path / name, min_rank=window[0], max_rank=window[1], depth=6))
    found = both(tmp_path / "top", tmp_path / "rest")
    assert (found.overlap.both, found.overlap.first_only, found.overlap.second_only) == (0, 4, 4)
    assert (found.overlap.ratio, found.overlap_counts[0]) == (0, ("none", 2))
    assert [query.overlap_ratio for query in found.differing] == [0, 0]
    assert found.first.numbers.in_other is not None
    assert (found.first.numbers.in_other.chosen_ratio, found.first.numbers.in_other.candidate_ratio) == (0, 1)


def test_what_is_no_candidate_there(beir: Path, tight: Path, tmp_path: Path) -> None:
    # three candidates for each query: d1, d3, d5 and d6, d2, d4; of tight's d5, d4, d4, d5 these are d5 and d4
    mine(beir, VECTORS, settings(tmp_path / "short", depth=3, negatives=1))
    found = both(tight, tmp_path / "short").first.numbers.in_other
    assert found is not None
    assert (found.candidate_ratio, found.median_rank) == (0.5, 2)


def test_a_document_chosen_for_several_positives_is_one_pair(tmp_path: Path) -> None:
    collection = read_pairs([("q", "a"), ("q", "b")], corpus=["a", "b", "c", "d", "e"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(10, 20, 40, 50, 60))
    for name, n in (("two", 2), ("three", 3)):
        mine(collection, vectors, settings(tmp_path / name, negatives=n))
    found = both(tmp_path / "two", tmp_path / "three")
    assert (found.first.numbers.negatives, found.first.numbers.pairs) == (4, 2)
    assert found.overlap.ratio == pytest.approx(2 / 3)
    assert found.first.numbers.positive_score == pytest.approx(cos(10, 20).mean(), abs=1e-6)
    assert found.differences["hardness"] is None  # one query has no spread


def test_scores_of_other_encoders_are_not_compared(beir: Path, tight: Path, tmp_path: Path) -> None:
    mine(beir, PrecomputedVectors(on_circle(5, 85), on_circle(*ANGLES)), settings(tmp_path / "other"))
    found = both(tight, tmp_path / "other")
    assert found.scores_not_comparable == "scores come from different encoders"
    assert found.differences["hardness"] is None
    assert found.differences["relative_hardness"] is not None
    assert found.spread.relative
    assert "not to be compared: scores come from different encoders" in str(found)


def test_words_against_vectors(tmp_path: Path) -> None:
    texts = ["red rose garden", "red wine", "rose water", "blue sky", "red sky", "blue rose"]
    collection = read_pairs([("red rose", texts[0]), ("blue sky", texts[3])], corpus=texts)
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(10, 30, 40, 70, 50, 60))
    mine(collection, vectors, settings(tmp_path / "dense"))
    mine(collection, None, settings(tmp_path / "bm25", source="bm25", language="none"))
    found = both(tmp_path / "dense", tmp_path / "bm25")
    assert found.scores_not_comparable == "scores are of different kinds (dense, bm25)"
    assert found.second.numbers.expected_false_negative_ratio is None
    assert found.differences["expected_false_negative_ratio"] is None
    assert "the second gives no estimate of false negatives: that takes vectors" in found.notes
    # but the first knows of what the second chose
    assert found.second.numbers.in_other is not None
    assert found.second.numbers.in_other.expected_false_negative_ratio is not None
    assert both(tmp_path / "bm25", tmp_path / "bm25").scores_not_comparable is None
    assert "neither run estimates" in str(both(tmp_path / "bm25", tmp_path / "bm25"))


def grown(beir: Path, tmp_path: Path) -> Path:
    """The collection with one more query, before the others, and one more document."""
    folder = tmp_path / "grown"
    shutil.copytree(beir, folder)
    queries = [json.loads(line) for line in (beir / "queries.jsonl").read_text().splitlines()]
    write_jsonl(folder / "queries.jsonl", [{"_id": "q0", "text": "new"}, *reversed(queries)])
    with (folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "d7", "title": "", "text": "dark"}) + "\n")
    with (folder / "qrels.tsv").open("a") as file:
        file.write("q0\td7\t1\n")
    return folder


def test_different_collections_share_what_they_share(beir: Path, tight: Path, tmp_path: Path) -> None:
    other = PrecomputedVectors(on_circle(45, 90, 0), on_circle(*ANGLES, 200))
    mine(grown(beir, tmp_path), other, settings(tmp_path / "more", relative_margin=None))
    found = both(tight, tmp_path / "more")
    assert (found.shared_queries, found.first.queries, found.second.queries) == (2, 2, 3)
    assert found.second.numbers.negatives == 4  # those of q0 are left out
    assert found.overlap.ratio == pytest.approx(2 / 6)  # as tight and loose, though the queries stand in another order
    assert any("2 queries that both have by id, of 2 and 3" in note for note in found.notes)
    assert [query.text for query in found.differing if query.query_id == "q2"] == ["blue thing"]
    ranks = [one.rank for query in found.differing for one in (query.negatives[1].second,) if query.query_id == "q1"]
    assert ranks == [3]  # d4 is chosen by the first alone


def test_equal_ids_with_other_texts_are_told(beir: Path, tight: Path, tmp_path: Path) -> None:
    folder = grown(beir, tmp_path)
    write_jsonl(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"quite another {n}"} for n in range(3)])
    mine(folder, PrecomputedVectors(on_circle(45, 0, 90), on_circle(*ANGLES, 200)),
         settings(tmp_path / "more", relative_margin=None))  # fmt: skip
    found = both(tight, tmp_path / "more")
    assert any("2 of the 2 queries that differ most have other texts" in note for note in found.notes)


def test_nothing_shared_is_an_error(tight: Path, tmp_path: Path) -> None:
    vectors = PrecomputedVectors(on_circle(0), on_circle(30, 60, 10))
    other = read_pairs([("red", "crimson")], corpus=["rose", "blue", "crimson"])
    mine(other, vectors, settings(tmp_path / "other", negatives=1))
    with pytest.raises(CollectionError, match="have no query in common: 'q1', 'q2' in the first"):
        both(tight, tmp_path / "other")


def test_a_relabelled_run_is_read_with_its_decisions(loose: Path, tmp_path: Path) -> None:
    decisions = [("q1", "d3", "positive"), ("q2", "d6", "drop")]
    select(loose, relabel=decisions, out=str(tmp_path / "judged"), quiet=True)
    found = both(loose, tmp_path / "judged")
    assert found.first.numbers.in_other is not None
    assert found.first.numbers.in_other.positive_ratio == pytest.approx(1 / 4)  # d3, of d3, d5, d6, d4
    q1 = next(query for query in found.differing if query.query_id == "q1")
    assert [(one.doc_id, one.known_in) for one in q1.positives] == [("d1", "both"), ("d3", "second")]
    d3 = next(one for one in q1.negatives if one.doc_id == "d3")
    assert (d3.chosen_by, d3.second.is_positive) == ("first", True)
    assert "the second was relabelled: its positives are those after its decisions" in found.notes


def test_results_in_place_of_folders(beir: Path, tight: Path, tmp_path: Path) -> None:
    result = mine(beir, VECTORS, settings(tmp_path / "again"))
    assert compare(result, str(tight), quiet=True).overlap.ratio == 1
    with pytest.raises(SettingsError, match=r"lies in no folder. Mine it again with out=FOLDER"):
        compare(mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=2, quiet=True)), tight)


def test_a_collection_that_moved(beir: Path, tight: Path, loose: Path, tmp_path: Path) -> None:
    shutil.move(beir, tmp_path / "away")
    found = both(tight, loose)
    assert found.overlap.ratio == pytest.approx(1 / 3)  # for the numbers it is not needed
    assert [query.text for query in found.differing] == [None, None]
    assert any("texts of the first run cannot be shown" in note and "--collection" in note for note in found.notes)
    again = both(tight, loose, collection=str(tmp_path / "away"))
    assert {query.text for query in again.differing} == {"red flower", "blue thing"}


def test_without_candidates(tight: Path, loose: Path) -> None:
    (loose / "candidates.parquet").unlink()
    found = both(tight, loose)
    assert (found.first.numbers.in_other, found.overlap.ratio) == (None, pytest.approx(1 / 3))
    assert "the second has no candidates.parquet: ranks in it are not known" in found.notes


def test_a_query_for_which_one_run_has_nothing(beir: Path, tight: Path, tmp_path: Path) -> None:
    # nothing scores above .9 for q1 but its positive and d3, which the margin drops; q2 has d6, which it drops
    mine(beir, VECTORS, settings(tmp_path / "none", min_score=0.99))
    found = both(tight, tmp_path / "none")
    assert (found.second.numbers.negatives, found.second.numbers.hardness) == (0, None)
    assert (found.overlap.ratio, found.differences["hardness"]) == (0, None)
    assert [len(query.negatives) for query in found.differing] == [2, 2]
    assert both(tmp_path / "none", tmp_path / "none").overlap.ratio is None
    str(found), str(both(tmp_path / "none", tmp_path / "none"))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda out: shutil.rmtree(out), "does not exist; it takes a folder that `foolsgold mine` wrote"),
        (lambda out: (out / "settings.json").unlink(), "has no settings.json; it takes a folder"),
        (lambda out: (out / "settings.json").write_text("{"), "is not what foolsgold writes"),
        (lambda out: (out / "report.json").unlink(), "has no readable report.json"),
        (lambda out: (out / "report.json").write_text('{"negatives": 3}'), "has no readable report.json"),
        (lambda out: (out / "negatives.parquet").unlink(), "has no readable negatives.parquet"),
        (lambda out: (out / "negatives.parquet").write_bytes(b"PAR1"), "has no readable negatives.parquet"),
        (lambda out: broken(out / "candidates.parquet"), "candidates.parquet is not readable"),
        (lambda out: only(out, 3), r"negatives.parquet has 3 rows, and report.json tells of 4"),
        (lambda out: without_column(out, "source"), "has no readable negatives.parquet .* Select or mine again"),
        (lambda out: unfinished(out), "is not finished: a run writes to it, or was ended while it did"),
    ],
)  # fmt: skip
def test_what_is_no_whole_output_folder(tight: Path, loose: Path, harm: Any, message: str) -> None:
    harm(loose)
    for first, second in ((tight, loose), (loose, tight)):
        with pytest.raises((SettingsError, CollectionError), match=message) as error:
            both(first, second)
        assert str(loose) in str(error.value)


def broken(file: Path) -> None:
    file.unlink()  # select made a link of it
    file.write_bytes(b"PAR1")


def only(out: Path, n_rows: int) -> None:
    pq.write_table(pq.read_table(out / "negatives.parquet").slice(0, n_rows), out / "negatives.parquet")


def without_column(out: Path, name: str) -> None:
    pq.write_table(pq.read_table(out / "negatives.parquet").drop_columns([name]), out / "negatives.parquet")


def unfinished(out: Path) -> None:
    for name in os.listdir(out):
        (out / name).unlink()
    (out / ".foolsgold-partial").mkdir()


def test_a_report_of_an_older_foolsgold_has_dashes(tight: Path, loose: Path) -> None:
    report = json.loads((loose / "report.json").read_text())
    for name in ("false_negatives", "stages", "pair_yield_ratio"):
        del report[name]
    (loose / "report.json").write_text(json.dumps(report))
    stored = json.loads((loose / "settings.json").read_text())
    del stored["settings"]["sampler"]
    stored["foolsgold"] = "0.0.1"
    (loose / "settings.json").write_text(json.dumps(stored))
    found = both(tight, loose)
    assert (found.second.numbers.leak_test, found.second.numbers.seconds) == (None, None)
    assert [tuple(one) for one in found.settings if one.name == "sampler"] == [("sampler", "top", "–")]
    assert any(note.endswith("and 0.0.1") for note in found.notes)
    str(found)


def test_a_row_group_may_end_within_a_pair(tight: Path, loose: Path) -> None:
    whole = both(tight, loose)
    pq.write_table(pq.read_table(loose / "negatives.parquet"), loose / "negatives.parquet", row_group_size=1)
    candidates = pq.read_table(loose / "candidates.parquet")
    (loose / "candidates.parquet").unlink()
    pq.write_table(candidates, loose / "candidates.parquet", row_group_size=1)
    assert both(tight, loose) == whole


def test_the_table(tight: Path, loose: Path) -> None:
    lines = str(both(tight, loose)).splitlines()
    assert lines[0].split() == ["tight", "loose"]
    columns = {line.index(cell) for line, cell in ((lines[0], "loose"), (lines[3], "4 for 2 queries"))}
    assert lines[3].split()[0] == "negatives"
    assert lines[3].rindex("4 for 2 queries") == lines[0].index("loose")
    assert len(columns) == 2
    assert any(line.startswith("overlap     33.3%: 2 of 6 chosen") for line in lines)
    assert "setting     relative_margin: 0.05 | none" in lines
    assert any("red flower" in line for line in lines)


def test_folders_of_the_same_name_are_told_apart(beir: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        mine(beir, VECTORS, settings(tmp_path / name / "out"))
    assert both(tmp_path / "a" / "out", tmp_path / "b" / "out").names == (
        str(tmp_path / "a/out"),
        str(tmp_path / "b/out"),
    )


def test_the_command(tight: Path, loose: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tight), str(loose)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{both(tight, loose)}\n"
    assert "--out compare.html" in err
    assert main(["compare", str(tight), str(loose), "--json", "--quiet", "--out", str(tmp_path / "page.html")]) == 0
    out, err = capsys.readouterr()
    numbers = json.loads(out)
    assert numbers["overlap"]["ratio"] == pytest.approx(1 / 3)
    assert numbers["first"]["numbers"]["negatives"] == 4
    assert numbers["differences"]["hardness"]["queries"] == 2
    assert (tmp_path / "page.html").is_file()
    assert main(["compare", str(tight), str(loose), "--json"]) == 0  # reads no text
    assert json.loads(capsys.readouterr().out) == numbers
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".foolsgold-")]


@pytest.mark.parametrize(
    ("place", "message"),
    [("page.txt", "does not end in .html"), ("no/such.html", "in a folder that exists"), ("folder.html", "in a folder"),
     ("tight/report.html", "is the report of a run")],
)  # fmt: skip
def test_no_place_for_a_page(
    tight: Path, tmp_path: Path, place: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.html").mkdir()
    before = sorted(tight.iterdir())
    assert main(["compare", str(tight), str(tight), "--out", str(tmp_path / place)]) == 2
    out, err = capsys.readouterr()
    assert (out, message in err) == ("", True)
    assert sorted(tight.iterdir()) == before


def test_a_page_in_an_output_folder_stays_and_is_in_nobodys_way(tight: Path, loose: Path) -> None:
    both(tight, loose).write_page(loose / "compare.html")
    select(loose, negatives=1, quiet=True)
    assert (loose / "compare.html").is_file()


def test_wrong_use_on_the_command_line(tight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tight), str(tmp_path / "nothing")]) == 2
    assert f"{tmp_path / 'nothing'} does not exist" in capsys.readouterr().err


HOSTILE = {
    "script": '</script><script>document.title = "ran"</script><img src=x onerror="document.title=1">',
    "quotes": "\"double\" 'single' `tick` ${x} \\ {{ 7 * 7 }} {% raw %}",
    "control": "nul\x00 bell\x07 escape\x1b[31m separator\u2028 end",
    "right to left": "\u202eevil\u202c שלום مرحبا",
    "comment": "<!-- <script> --> ]]> &lt;b&gt; &amp;",
    "long": "<long>" * 200_000,
}


def hostile_runs(folder: Path) -> tuple[Path, Path]:
    """Two runs over texts that no page may run, with ids like them."""
    names = [f"<b>{name}</b>'\"" for name in HOSTILE]
    beir = folder / "hostile"
    beir.mkdir()
    write_jsonl(beir / "corpus.jsonl", [
        {"_id": f"{kind} {name}", "title": "", "text": f"{kind} {text}"}
        for kind in ("positive", "one", "two") for name, text in zip(names, HOSTILE.values(), strict=True)
    ])  # fmt: skip
    write_jsonl(
        beir / "queries.jsonl",
        [{"_id": name, "text": text} for name, text in zip(names, HOSTILE.values(), strict=True)],
    )
    rows = "".join(f"{name}\tpositive {name}\t1\n" for name in names)
    (beir / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows, encoding="utf-8")
    n, folders = len(names), (folder / "</script><script>alert(1)", folder / "second")
    for out, turn in zip(folders, (0.0, 3.0), strict=True):
        middle = np.arange(n) * 60.0
        docs = np.concatenate([middle + 2, middle + 10 + turn, middle - 11 + turn])
        mine(beir, PrecomputedVectors(on_circle(*middle), on_circle(*docs)), settings(out, negatives=1))
    return folders


def test_hostile_texts_are_data(tmp_path: Path) -> None:
    (tmp_path / "out.of").mkdir()
    first, second = hostile_runs(tmp_path / "out.of")
    comparison = both(first, second)
    page = comparison.write_page(tmp_path / "page.html").read_text("utf-8")
    assert len(page.encode()) < 1_000_000
    assert '<script>document.title = "ran"' not in page
    assert "onerror=" not in page.split('id="data">')[0]
    assert "\\u003c/script" in page
    content = page.split('id="data">')[1].split("</script>")[0]
    data = json.loads(content)
    assert HOSTILE["script"] in {query["text"] for query in data["queries"]}
    assert "{{ 7 * 7 }}" in content
    assert str(comparison).isprintable() or all(c.isprintable() or c == "\n" for c in str(comparison))


@pytest.mark.slow
def test_the_page_has_a_limit(tmp_path: Path) -> None:
    """200 queries with no negative in common, each text far longer than what a page shows of it."""
    n = 200
    heavy = ["<&\u2028漢" * 3_000, "漢字" * 6_000, "plain words " * 1_000]
    texts = [f"{i} {heavy[i % 3]}" for i in range(400)]
    collection = read_pairs([(f"query {i} {heavy[i % 3]}", texts[i]) for i in range(n)], corpus=texts)
    for name, seed in (("a", 1), ("b", 2)):
        generator = np.random.default_rng(seed)
        vectors = PrecomputedVectors(
            generator.normal(size=(n, 8)).astype(np.float32), generator.normal(size=(400, 8)).astype(np.float32)
        )
        mine(collection, vectors, settings(tmp_path / name, negatives=12, relative_margin=None))
    found = both(tmp_path / "a", tmp_path / "b")
    assert len(found.differing) == 50
    page = found.write_page(tmp_path / "page.html")
    assert page.stat().st_size < 3_000_000


def test_the_same_runs_give_the_same_page(tight: Path, loose: Path, tmp_path: Path) -> None:
    pages = [both(tight, loose).write_page(tmp_path / name).read_bytes() for name in ("1.html", "2.html")]
    assert pages[0] == pages[1]


def test_it_is_public() -> None:
    assert foolsgold.compare is compare
    assert foolsgold.Comparison is Comparison
