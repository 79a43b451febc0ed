"""A corpus read by the workers of a Ray of this machine, with its real processes."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foolsgold import MiningSettings, RayEngine, read_beir
from foolsgold.collection import CollectionFiles
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.scale import Pool
from foolsgold.scale.read_sharded import read_sharded
from test_sharded_corpus import assert_same, documents, lay

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]
TESTS = str(Path(__file__).parent)
SETTINGS = MiningSettings(quiet=True, memory="800MB")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]))  # for workers
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        with RayEngine("local", workers=2).pool(SETTINGS) as pool:
            yield pool


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "jsonl.gz"])
def test_workers_read_what_one_process_reads(pool: Pool, tmp_path: Path, ending: str) -> None:
    folder = lay(tmp_path / "beir", ending=ending, shards=[f"part-{n}" for n in range(5)])
    found = read_sharded(CollectionFiles(str(folder)), SETTINGS, pool, tmp_path / "store")
    assert_same(found, read_beir(folder))
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.arrow")}
    assert_same(read_sharded(CollectionFiles(str(folder)), SETTINGS, pool, tmp_path / "store"), read_beir(folder))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.arrow")} == times


def test_one_bad_row_in_many_is_named_by_shard_and_line(pool: Pool, tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", shards=[])
    for shard in range(6):
        rows = [{"_id": f"{shard}-{n}", "text": "" if (shard, n) == (4, 4321) else f"text {n}"} for n in range(5_000)]
        (folder / "corpus" / f"{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BadRowError) as local:
        read_beir(folder)
    with pytest.raises(BadRowError) as found:
        read_sharded(CollectionFiles(str(folder)), SETTINGS, pool, tmp_path / "store")
    assert str(found.value) == str(local.value)
    assert f"{folder}/corpus/4.jsonl:4322: the text" in str(found.value)


def test_shards_that_cannot_be_read(pool: Pool, tmp_path: Path) -> None:
    folder = lay(tmp_path / "beir", documents(), shards=["a", "b", "c"], ending="jsonl.gz")
    broken = folder / "corpus" / "c.jsonl.gz"
    broken.write_bytes(gzip.compress(b'{"_id": "x", "text": "y"}\n')[:-6])
    with pytest.raises(CollectionError, match=r"c.jsonl.gz: not a whole gzip file"):
        read_sharded(CollectionFiles(str(folder)), SETTINGS, pool, tmp_path / "store")
    other = lay(tmp_path / "other", documents(), shards=["a", "b"], ending="parquet")
    pq.write_table(pa.table({"_id": ["x"], "text": [b"\xff\xfe"]}), other / "corpus" / "c.parquet")
    with pytest.raises(BadRowError, match=r"c.parquet, row 1: the text of document \"x\" is b'.*' \(bytes\)"):
        read_sharded(CollectionFiles(str(other)), SETTINGS, pool, tmp_path / "store")
