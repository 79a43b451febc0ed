"""Runs over `beir`: queries q1 and q2, documents d1 to d6."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import MiningSettings, read_beir
from foolsgold.errors import BadRowError, CollectionError, SettingsError
from foolsgold.search.run_file import RunSource, read_run
from foolsgold.sources import parse_sources


def read(beir: Path, lines: str | bytes, name: str = "a.trec", **changes: Any) -> RunSource:
    path = beir / name
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    (source,) = parse_sources(f"run:{path}")
    return read_run(source, read_beir(beir), MiningSettings(quiet=True, **changes))


def test_order_is_by_score_then_rank_then_line(beir: Path) -> None:
    run = read(beir, "q2 Q0 d1 1 0.5 x\nq1 Q0 d4 1 1 x\nq1\tQ0\td3  2 1e1 x\n\nq1 Q0 d6 0 1 x\nq1 Q0 d5 0 1.0 x\n")
    doc_rows, scores = run.search(slice(0, 2), 5)
    assert doc_rows.tolist() == [[2, 5, 4, 3, -1], [0, -1, -1, -1, -1]]
    assert scores[0, :4].tolist() == [10, 1, 1, 1]
    assert run.search(slice(1, 2), 1)[0].tolist() == [[0]]
    assert run.search(slice(0, 1), 2)[0].tolist() == [[2, 5]]
    pairs = run.pair_scores(np.array([0, 0, 1, 1]), np.array([2, 0, 0, 5]))
    assert np.array_equal(pairs, [10, np.nan, 0.5, np.nan], equal_nan=True)


def test_of_a_document_that_is_there_twice_the_best_is_kept_and_the_others_counted(beir: Path) -> None:
    run = read(beir, "q1 Q0 d1 1 1 x\nq1 Q0 d2 2 2 x\nq1 Q0 d1 3 3 x\nq1 Q0 d1 3 3 x\n")
    assert run.search(slice(0, 1), 3)[0].tolist() == [[0, 1, -1]]
    assert run.search(slice(0, 1), 3)[1][0, :2].tolist() == [3, 2]
    assert run.pair_scores(np.array([0]), np.array([0])).tolist() == [3]
    assert (run.description["duplicates"], run.description["lines"], run.description["queries"]) == (2, 4, 1)


def test_a_gzipped_run_is_the_same(beir: Path) -> None:
    lines = b"q1 Q0 d1 1 1 x\n"
    run = read(beir, gzip.compress(lines), "a.trec.gz")
    assert (run.name, run.search(slice(0, 1), 1)[0].tolist()) == ("run:a.trec.gz", [[0]])
    with pytest.raises(CollectionError, match=r"b\.trec\.gz: not a whole gzip file"):
        read(beir, gzip.compress(lines)[:-4], "b.trec.gz")


BAD_LINES = {
    "q1 Q0 d1 1 1\n": r"a\.trec:1: 5 columns; a line of a run has 6: query-id Q0 document-id rank score tag",
    "q1 Q0 d1 1 1 x y\n": r"a\.trec:1: 7 columns",
    "q1 Q0 d1 1 1 x\nq1 Q0 d2 2 high x\n": r"a\.trec:2: the score is 'high'; it takes a finite number",
    "q1 Q0 d1 1 nan x\n": "the score is 'nan'",
    "q1 Q0 d1 1 -inf x\n": "the score is '-inf'",
    "q1 Q0 d1 1 1e300 x\n": "the score is '1e300'",
    "q1 Q0 d1 first 1 x\n": "the rank is 'first'; it takes a whole number",
    f"q1 Q0 d1 {2**70} 1 x\n": "the rank is '1180591620717411303424'",
    b"q1 Q0 d\xff 1 1 x\n": "an id that is not valid UTF-8",
}


@pytest.mark.parametrize("lines", BAD_LINES)
def test_a_bad_line(beir: Path, lines: str | bytes) -> None:
    with pytest.raises(BadRowError, match=BAD_LINES[lines]):
        read(beir, lines)
    good = b"q2 Q0 d4 1 1 x\n"
    run = read(beir, (lines.encode() if isinstance(lines, str) else lines) + good, on_bad_line="skip")
    assert run.search(slice(1, 2), 1)[0].tolist() == [[3]]
    assert run.description["bad_lines_skipped"] == 1


def test_a_run_without_lines(beir: Path) -> None:
    with pytest.raises(CollectionError, match=r"a\.trec: no lines\. Give"):
        read(beir, "\n")
    with pytest.raises(CollectionError, match=r"no lines \(1 bad lines were skipped, the first: "):
        read(beir, "q1\n", on_bad_line="skip")


def test_unknown_ids(beir: Path) -> None:
    lines = "q1 Q0 d1 1 2 x\nq1 Q0 d99 2 1 x\nq9 Q0 d1 1 1 x\n"
    with pytest.raises(CollectionError, match=r'2 of 3 lines \(67%\).*trec:2: query "q1", document "d99".*ratio 0\.67'):
        read(beir, lines)
    run = read(beir, lines, max_unknown_ratio=0.67)
    assert run.description["unknown_ids"] == 2
    assert run.description["unknown_id_examples"][1].endswith('a.trec:3: query "q9", document "d1"')
    nothing = read(beir, "q9 Q0 d1 1 1 x\n", max_unknown_ratio=1.0)
    assert nothing.search(slice(0, 2), 2)[0].tolist() == [[-1, -1], [-1, -1]]
    assert np.isnan(nothing.pair_scores(np.array([0]), np.array([0]))).all()


def test_no_such_run(beir: Path) -> None:
    for path, message in ((beir / "no.trec", "no.trec does not exist"), (beir, "is a folder")):
        with pytest.raises(SettingsError, match=message):
            read_run(parse_sources(f"run:{path}")[0], read_beir(beir), MiningSettings())


def test_a_long_run(beir: Path) -> None:
    lines = [f"q{1 + n % 2} Q0 d{1 + n % 6} {n} {n} x\n" for n in range(140_000)]
    run = read(beir, "".join(lines))
    assert run.search(slice(0, 2), 3)[1].tolist() == [[139_998, 139_996, 139_994], [139_999, 139_997, 139_995]]
    assert run.description["duplicates"] == 140_000 - 6
