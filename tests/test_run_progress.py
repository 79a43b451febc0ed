"""What is told of a stage: units, rate and time left, shards, and the machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import write_jsonl
from foolsgold import MiningSettings, ShardEngine, mine
from foolsgold.scale.pool import InProcessPool
from foolsgold.scale.progress import RunProgress


def test_a_stage_that_goes_on_tells_shards_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = RunProgress(InProcessPool(), quiet=False)
    with progress.stage("encode", total=10, unit="text", n_shards=4, kept=(5, 2)) as line:
        line.done(3)
        line.done(2)
    last = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"encode: 100%.* 10/10 \[.*text/s, shards=4/4, workers=1, nodes=1\]", last), last


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(InProcessPool(), quiet=True).stage("read", total=1, unit="row", n_shards=1) as line:
        line.done(1)
    assert capsys.readouterr().err == ""


def test_every_stage_of_a_run_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(tmp_path / "corpus.jsonl", [{"_id": f"d{row}", "text": f"document number {row}"} for row in range(30)])
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": f"q{row}", "text": f"query {row}"} for row in range(8)])
    (tmp_path / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(f"q{row}\td{row}\t1\n" for row in range(8))
    )
    settings = MiningSettings(out=str(tmp_path / "out"), cache=None, source="bm25", negatives=2)
    mine(str(tmp_path), None, settings, engine=ShardEngine())
    said = capsys.readouterr().err
    for name, total in [("read corpus", 1), ("words", 30), ("index", 30), ("mine", 8)]:
        assert re.search(rf"{name}: 100%.*{total}/{total} .*shards=1/1", said), (name, said)
