"""Whole runs on Ray, with its real processes: whatever is killed, lost or damaged, the same bytes or a clear word."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import foolsgold
from conftest import heed_ctrl_c, write_jsonl
from foolsgold import MiningSettings, RayEngine, ShardEngine, mine
from foolsgold.collection import CollectionFiles
from foolsgold.errors import BadRowError, CollectionError
from letter_encoders import Slow
from ray_processes import are_gone, kill_one, meanwhile, processes, wait_for

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
TESTS, SOURCE = str(Path(__file__).parent), str(Path(foolsgold.__path__[0]).parent)
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}
N_DOCUMENTS, N_QUERIES = 2_000, 8_600  # so many queries are searched in two blocks, after a pilot
KEPT = {"chunks": "vectors/*/*.safetensors", "lists": "lists/*/*.safetensors", "pieces": "corpora/*/*.arrow"}


class Made(NamedTuple):
    """A collection in shards, with vectors for it, and what this process makes of it."""

    files: CollectionFiles
    folder: Path
    vectors: tuple[str, ...]
    expected: dict[str, Any]


def ray_variables() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([TESTS, SOURCE]), "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of a CPU each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ray_variables().items():
            patch.setenv(name, value)
        patch.setenv("RAY_health_check_period_ms", "1000")  # for nodes that are gone: half a minute by default
        patch.setenv("RAY_health_check_failure_threshold", "3")
        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        cluster.add_node(**NODE)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 7))) for _ in range(900)]
    texts = [" ".join(draw.choices(words, k=9)) for _ in range(N_DOCUMENTS)]
    (folder / "corpus").mkdir()
    for shard in range(4):
        ids = list(range(shard, N_DOCUMENTS, 4))
        table = pa.table({"_id": [f"d{row}" for row in ids], "text": [texts[row] for row in ids]})
        pq.write_table(table, folder / "corpus" / f"part-{shard}.parquet")
    positives = [draw.randrange(N_DOCUMENTS) for _ in range(N_QUERIES)]
    queries = [{"_id": f"q{n}", "text": f"{texts[row][:20]} {n}"} for n, row in enumerate(positives)]
    write_jsonl(folder / "queries.jsonl", queries)
    judged = "".join(f"q{n}\td{row}\t1\n" for n, row in enumerate(positives))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    generator = np.random.default_rng(0)
    flags: list[str] = []
    for name, n_rows in (("query", N_QUERIES), ("doc", N_DOCUMENTS)):
        np.save(folder / f"{name}.npy", generator.standard_normal((n_rows, 24)).astype(np.float32))
        flags += [f"--{name}-vectors", str(folder / f"{name}.npy")]
    files = CollectionFiles(str(folder))
    mine(files, encoder(folder, seconds=0), settings(folder / "expected"))
    return Made(files, folder, tuple(flags), content(folder / "expected" / "out"))


def encoder(folder: Path, *, seconds: float = 0.2) -> Slow:
    (folder / "workers").mkdir(exist_ok=True)
    return Slow(folder / "workers", seconds, 512)


def settings(folder: Path, **changes: Any) -> MiningSettings:
    folder.mkdir(exist_ok=True)
    places = {"out": str(folder / "out"), "cache": str(folder / "cache")}
    return MiningSettings(**{**places, "depth": 10, "negatives": 2, "quiet": True, "memory": "1GB", **changes})


def content(out: Path) -> dict[str, Any]:
    """All that a run writes, its shards put together; without times and the names of folders."""
    tables = {path.name: pq.read_table(path).to_pylist() for path in out.glob("*.parquet")}
    training = out / "train.jsonl"
    shards = sorted(training.iterdir()) if training.is_dir() else [training]
    report, about = json.loads((out / "report.json").read_text()), json.loads((out / "settings.json").read_text())
    for name in ("out", "cache"):
        del about["settings"][name]
    return {
        **tables, "train": b"".join(shard.read_bytes() for shard in shards), "report": {**report, "stages": None},
        "settings": about,
    }  # fmt: skip


def kept(folder: Path, what: str) -> dict[Path, int]:
    """Finished files of the cache, and when they were."""
    return {path: path.stat().st_mtime_ns for path in (folder / "cache").glob(KEPT[what])}


def test_the_shard_engine_writes_what_one_process_does(made: Made, tmp_path: Path) -> None:
    mine(made.files, encoder(tmp_path, seconds=0), settings(tmp_path), engine=ShardEngine())
    assert content(tmp_path / "out") == made.expected


def test_workers_that_are_killed_change_nothing(cluster: Any, made: Made, tmp_path: Path) -> None:
    with meanwhile(partial(mine_on, cluster, made, tmp_path)):
        wait_for(lambda: len(kept(tmp_path, "chunks")) >= 3, "nothing is encoded")
        kill_one("ray::MapWorker")
        wait_for(lambda: kept(tmp_path, "lists"), "nothing is searched")
        kill_one("ray::Held")
        kill_one("ray::handle")
    assert content(tmp_path / "out") == made.expected


def test_nodes_that_go_and_come_change_nothing(cluster: Any, made: Made, tmp_path: Path) -> None:
    cluster.add_node(**NODE)
    with meanwhile(partial(mine_on, cluster, made, tmp_path)):
        wait_for(lambda: len(kept(tmp_path, "chunks")) >= 3, "nothing is encoded")
        cluster.remove_node(another_node(cluster), allow_graceful=False)
        cluster.add_node(**NODE)
        wait_for(lambda: kept(tmp_path, "lists"), "nothing is searched")
        cluster.remove_node(another_node(cluster), allow_graceful=False)
        wait_for(lambda: processes("ray::handle"), "no block is handled")
        cluster.add_node(**NODE, wait=False)
    assert content(tmp_path / "out") == made.expected


def mine_on(cluster: Any, made: Made, folder: Path, seconds: float = 0.2) -> None:
    engine = RayEngine(cluster.address, workers=2)
    mine(made.files, encoder(folder, seconds=seconds), settings(folder), engine=engine)


def another_node(cluster: Any) -> Any:
    """One that is neither the head nor the driver's, and works on something if any does."""
    import ray

    driver = ray.get_runtime_context().get_node_id()
    others = [node for node in cluster.list_all_nodes() if node is not cluster.head_node and node.node_id != driver]
    return max(others, key=lambda node: len(psutil.Process(raylet_of(node)).children()))


def raylet_of(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


def test_a_shard_that_cannot_be_read_is_named_and_the_others_are_kept(cluster: Any, made: Made, tmp_path: Path) -> None:
    broken = made.folder / "corpus" / "part-2.parquet"
    whole = broken.read_bytes()
    try:
        broken.write_bytes(whole[:100] + bytes(1_000) + whole[1_100:])
        with pytest.raises(CollectionError, match=r"corpus/part-2\.parquet") as error:
            mine_on(cluster, made, tmp_path, seconds=0)
    finally:
        broken.write_bytes(whole)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    done = kept(tmp_path, "pieces")
    assert done
    mine_on(cluster, made, tmp_path, seconds=0)
    assert content(tmp_path / "out") == made.expected
    assert kept(tmp_path, "pieces").items() >= done.items()


def test_one_bad_row_in_many(cluster: Any, tmp_path: Path) -> None:
    rows = [{"_id": f"d{n}", "text": f"text {n} of the {n % 17}"} for n in range(20_000)]
    rows[13_337]["text"] = ""
    (tmp_path / "corpus").mkdir()
    for shard in range(4):
        write_jsonl(tmp_path / "corpus" / f"{shard}.jsonl", rows[5_000 * shard : 5_000 * shard + 5_000])
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": f"q{n}", "text": f"text {n}"} for n in range(50)])
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(50))
    (tmp_path / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    engine, words = RayEngine(cluster.address, workers=2), settings(tmp_path, source="bm25")
    with pytest.raises(BadRowError, match=r"corpus/2\.jsonl:3338: the text"):
        mine(str(tmp_path), None, words, engine=engine)
    result = mine(str(tmp_path), None, words.replace(on_bad_line="skip"), engine=engine)
    assert result.collection.n_documents == 19_999
    assert result.report["collection"]["bad_lines_skipped"] == 1


class Run:
    """The command line as a process of its own, with what it says."""

    def __init__(self, made: Made, folder: Path, *flags: str, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "foolsgold.cli", "mine", "--collection", str(made.folder), "--depth", "10"]
        command += ["--negatives", "2", "--out", str(folder / "out"), "--cache", str(folder / "cache"), *flags]
        environment = {**os.environ, **ray_variables()}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
        )

    def said(self, status: int = 0) -> str:
        """On stderr, at its end."""
        out, errors = self.process.communicate(timeout=240)
        assert self.process.returncode == status, errors
        assert status == 0 or out == ""
        return errors

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> list[psutil.Process]:
        """Kill -9 the driver alone; what it leaves."""
        left = self.descendants()
        self.process.kill()
        self.process.communicate()
        return left


ON_RAY = ("--engine", "ray", "--address", "local", "--workers", "2")


def test_a_driver_that_is_killed_encoding_is_finished_by_the_same_command(made: Made, tmp_path: Path) -> None:
    """With a real model."""
    short = short_texts(made, tmp_path / "short")
    model = ("--model", "offline", "--quiet")
    assert Run(short, tmp_path / "local", *model).said() == ""
    run = Run(short, tmp_path / "ray", *model, *ON_RAY)
    wait_for(lambda: kept(tmp_path / "ray", "chunks"), "nothing is encoded")
    left = run.kill()
    chunks, pieces = kept(tmp_path / "ray", "chunks"), kept(tmp_path / "ray", "pieces")
    assert left and chunks and pieces
    wait_for(lambda: are_gone(left), "Ray is still there")
    assert Run(short, tmp_path / "ray", *model, *ON_RAY).said() == ""
    assert kept(tmp_path / "ray", "chunks").items() > chunks.items()
    assert kept(tmp_path / "ray", "pieces").items() >= pieces.items()
    assert content(tmp_path / "ray" / "out") == content(tmp_path / "local" / "out")
    assert left_by_runs(tmp_path / "ray") == []


def short_texts(made: Made, folder: Path) -> Made:
    """Few words, and more texts than a chunk of a model has."""
    folder.mkdir()
    words = pq.read_table(made.folder / "corpus" / "part-0.parquet")["text"].to_pylist()
    write_jsonl(folder / "corpus.jsonl", [{"_id": f"d{n}", "text": f"{n} {words[n % 500][:12]}"} for n in range(1_300)])
    write_jsonl(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"{words[n][:10]} {n}"} for n in range(100)])
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t1\n" for n in range(100)))
    return made._replace(files=CollectionFiles(str(folder)), folder=folder)


def left_by_runs(folder: Path) -> list[Path]:
    """What a run that ended leaves nothing of."""
    return [*(folder / "cache").glob(".run-*"), *folder.glob("out/.foolsgold-partial")]


def test_a_driver_that_is_killed_searching_is_finished_by_the_same_command(made: Made, tmp_path: Path) -> None:
    run = Run(made, tmp_path, *made.vectors, "--quiet", *ON_RAY)
    wait_for(lambda: len(kept(tmp_path, "lists")) >= 2, "nothing is searched")
    left = run.kill()
    lists, pieces = kept(tmp_path, "lists"), kept(tmp_path, "pieces")
    assert left_by_runs(tmp_path)
    wait_for(lambda: are_gone(left), "Ray is still there")
    assert Run(made, tmp_path, *made.vectors, "--quiet", *ON_RAY).said() == ""
    assert kept(tmp_path, "lists").items() >= lists.items()
    assert kept(tmp_path, "pieces") == pieces
    assert left_by_runs(tmp_path) == []
    assert Run(made, tmp_path / "local", *made.vectors, "--quiet").said() == ""
    assert content(tmp_path / "out") == content(tmp_path / "local" / "out")


def test_interrupted_it_says_so_and_ends_its_workers(made: Made, tmp_path: Path) -> None:
    run = Run(made, tmp_path, *made.vectors, *ON_RAY, preexec_fn=heed_ctrl_c)
    wait_for(lambda: kept(tmp_path, "lists"), "nothing is searched")
    left = run.descendants()
    run.process.send_signal(signal.SIGINT)
    said = run.said(130)
    assert said.endswith("\nfoolsgold mine: interrupted; earlier output is untouched.\n")
    assert "Traceback" not in said
    wait_for(lambda: are_gone(left), "Ray is still there")
    assert left_by_runs(tmp_path) == []
    assert not (tmp_path / "out").exists()


def test_an_address_where_nothing_answers_is_one_line(made: Made, tmp_path: Path) -> None:
    said = Run(made, tmp_path, *made.vectors, "--engine", "ray", "--address", "ray://127.0.0.1:9").said(2)
    assert said.startswith("foolsgold mine: error: address is ray://127.0.0.1:9, but nothing answers there")
    assert said.count("\n") == 1


NO_MEMORY = """
import sys
from pathlib import Path
from foolsgold import FoolsgoldError, MiningSettings, RayEngine, mine
from letter_encoders import Hungry
try:
    settings = MiningSettings(out=sys.argv[2], cache=sys.argv[3], quiet=True, memory="1GB")
    mine(sys.argv[1], Hungry(), settings, engine=RayEngine("local", workers=1))
except FoolsgoldError as error:
    print("\\n" + type(error).__name__, error)
"""


@pytest.mark.cluster
def test_a_worker_without_memory_ends_with_what_to_do(made: Made, tmp_path: Path) -> None:
    """Ray's own monitor ends what takes some gigabytes more than are taken now."""
    memory = psutil.virtual_memory()
    if memory.available < 5e9:
        pytest.skip("less than 5 GB of memory are free")
    threshold = (memory.total - memory.available + 3e9) / memory.total
    environment = {**os.environ, **ray_variables(), "RAY_memory_monitor_refresh_ms": "50"}
    environment["RAY_memory_usage_threshold"] = f"{threshold:.4f}"
    folders = [str(made.folder), str(tmp_path / "out"), str(tmp_path / "cache")]
    command = [sys.executable, "-c", NO_MEMORY, *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env=environment)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("WorkerError EncodingWorker.encode: its process died each time, 9 times in all"), (
        done.stdout + done.stderr
    )
    assert "--workers" in last and "--memory" in last and "Run the same command again" in last
    assert kept(tmp_path, "pieces")
    assert left_by_runs(tmp_path) == []
