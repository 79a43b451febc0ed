"""The pool on a cluster of several raylets: nodes that go, come, or run something else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import foolsgold
import pool_calls
from foolsgold import MiningSettings, RayEngine
from foolsgold.errors import SettingsError
from foolsgold.scale import Pool

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]
TESTS = str(Path(__file__).parent)
PACKAGE = Path(foolsgold.__path__[0])
NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head with one CPU; tests add nodes."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([TESTS, str(PACKAGE.parent)]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def pool_of(cluster: Any) -> Iterator[Callable[..., Pool]]:
    """Joins the cluster."""
    pools: list[Pool] = []

    def join(**engine: Any) -> Pool:
        pools.append(RayEngine(cluster.address, **engine).pool(MiningSettings()))
        return pools[-1]

    yield join
    for pool in pools:
        pool.close()


def test_a_node_that_goes_and_one_that_comes_change_no_result(
    cluster: Any, pool_of: Callable[..., Pool], tmp_path: Path
) -> None:
    second = cluster.add_node(**NODE)
    pool = pool_of()
    assert (pool.n_workers, pool.threads_per_worker, pool.n_nodes) == (2, 1, 2)
    shares = pool.actors(pool_calls.Share, [([number],) for number in range(4)])
    nodes = [share.result("node") for share in shares]
    assert sorted(nodes.count(node) for node in set(nodes)) == [2, 2]

    calls = [partial(pool.submit, pool_calls.slow_double, number, 0.3, str(tmp_path)) for number in range(12)]
    results = pool.ordered(calls, ahead=4)
    found = [next(results), next(results)]
    cluster.remove_node(second, allow_graceful=False)
    answers = [share.call("plus", 1) for share in shares]
    found += list(results)
    assert found == list(range(0, 24, 2))
    assert [pool.get(answer) for answer in answers] == [1, 2, 3, 4]

    third = cluster.add_node(**NODE)
    end = monotonic() + 60
    while pool.n_nodes != 2:  # the head finds out that a node was killed when it misses its heartbeats
        assert monotonic() < end
        sleep(0.2)
    where = list(pool.map(pool_calls.node_of, range(12)))
    assert third.node_id in where


def test_a_stream_loses_no_item_with_its_node(cluster: Any, pool_of: Callable[..., Pool], tmp_path: Path) -> None:
    second = cluster.add_node(**NODE)
    results = pool_of().stream(pool_calls.Doubling, (str(tmp_path), None, 0.3), range(20))
    found = [next(results)]
    cluster.remove_node(second, allow_graceful=False)
    assert sorted([*found, *results]) == list(range(0, 40, 2))


def test_large_results_that_are_lost_with_their_node_are_made_again(cluster: Any, pool_of: Callable[..., Pool]) -> None:
    second = cluster.add_node(**NODE)
    pool = pool_of()
    shares = pool.actors(pool_calls.Large, [(number,) for number in range(1, 5)])
    answers = [share.call("megabytes") for share in shares]
    import ray

    ray.wait([answer.held for answer in answers], num_returns=4, fetch_local=False)
    cluster.remove_node(second, allow_graceful=False)
    results = pool.ordered([partial(_given, answer) for answer in answers], ahead=4)
    assert [int(result[0]) for result in results] == [1, 2, 3, 4]


def altered(folder: Path, change: Callable[[Path], object]) -> str:
    """A copy of the package that differs, as the path that a node finds it by."""
    shutil.copytree(PACKAGE, folder / "foolsgold", ignore=shutil.ignore_patterns("__pycache__"))
    change(folder / "foolsgold")
    return str(folder)


def another_code(package: Path) -> None:
    path = package / "cores.py"
    path.write_text(path.read_text() + "\n# changed\n")


def not_there(package: Path) -> None:
    (package / "__init__.py").write_text("raise ImportError('not installed here')\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [(another_code, "has another version of foolsgold: "), (not_there, "has no foolsgold. Install the same version")],
)
def test_a_node_that_has_another_version_is_refused_before_any_work(
    cluster: Any, pool_of: Callable[..., Pool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None], said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("PYTHONPATH", altered(tmp_path, change))
    cluster.add_node(**NODE)
    with pytest.raises(SettingsError, match="^Node ") as error:
        pool_of()
    assert said in str(error.value)


def test_a_node_with_another_version_that_comes_later_is_refused_by_its_first_call(
    cluster: Any, pool_of: Callable[..., Pool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pool_of()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([TESTS, altered(tmp_path, another_code)]))
    cluster.add_node(**NODE)
    with pytest.raises(SettingsError, match="has another version of foolsgold, in .* Install the same one"):
        list(pool.map(pool_calls.node_of, range(40)))


HEAD_GOES = """
import os, signal, threading, time
from ray.cluster_utils import Cluster
from foolsgold import MiningSettings, RayEngine
from foolsgold.errors import WorkerError
import pool_calls
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
pool = RayEngine(cluster.address).pool(MiningSettings())
answer = pool.submit(pool_calls.slow_double, 1, 120.0, FOLDER)
def go():
    pool_calls.begun(__import__("pathlib").Path(FOLDER), 1)
    for processes in cluster.head_node.all_processes.values():
        for info in processes:
            info.process.kill()
threading.Thread(target=go).start()
start = time.monotonic()
try:
    pool.get(answer)
except WorkerError as error:
    print("WorkerError", error)
print(time.monotonic() - start)
os._exit(0)
"""


def test_a_cluster_whose_head_is_gone(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([TESTS, str(PACKAGE.parent)])}
    code = f"FOLDER = {str(tmp_path)!r}\n{HEAD_GOES}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, env=environment)
    assert "WorkerError The Ray cluster at " in done.stdout, done.stdout + done.stderr
    assert "is gone" in done.stdout
    assert "Run the same command again: what was finished is kept" in done.stdout


def _given(answer: Any) -> Any:
    return answer
