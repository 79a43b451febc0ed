"""What a person decided at the desk: read as a log by select, and what calibrate learns from it.

The collection is that of test_relabel: q1 lies at 0 degrees, q2 at 90; d1 is q1's positive, d2 that of q2.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, write_jsonl
from foolsgold import MiningSettings, mine, select
from foolsgold.cli import main
from foolsgold.collection import read_beir, read_labels
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.review.decision_log import DecisionLog
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


def test_a_whole_line_without_its_end_is_left_out_as_the_desk_does(
    beir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = log(tmp_path / "decisions.jsonl", ("q1", "d3", "positive"), ("q1", "d4", "drop"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with caplog.at_level(logging.WARNING):
        assert labels(path, beir) == [(0, 2, 0, True)]
    assert "If it is whole, add the line end that it lacks" in caplog.text
    assert len(DecisionLog(path).decisions) == 1


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
