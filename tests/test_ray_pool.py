"""The pool on a Ray of this machine, with its real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

import foolsgold
import pool_calls
from foolsgold import MiningSettings, RayEngine
from foolsgold.errors import FoolsgoldError, SettingsError, TextError, WorkerError
from foolsgold.scale import Pool
from foolsgold.scale.ray_pool import RayPool
from foolsgold.scale.ray_stream import stream_over_ray_data

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]
TESTS, SOURCE = str(Path(__file__).parent), str(Path(foolsgold.__path__[0]).parent)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers of a Ray that is started for this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([TESTS, SOURCE]))  # for workers
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        with RayEngine("local", workers=2).pool(MiningSettings(memory="800MB")) as pool:
            yield pool


def test_calls_and_their_results(pool: Pool) -> None:
    six = pool.submit(pool_calls.double, 3)
    assert pool.get(six) == 6
    assert pool.get(pool.submit(pool_calls.add, six, pool.put(1))) == 7
    assert list(pool.map(pool_calls.double, range(20))) == list(range(0, 40, 2))
    assert list(pool.map(pool_calls.double, [])) == []
    assert (pool.n_workers, pool.n_nodes, pool.gpus_per_worker) == (2, 1, 0)


def test_actors_hold_what_they_were_given_and_are_called_from_tasks_too(pool: Pool) -> None:
    shares = pool.actors(pool_calls.Share, [([1, 2],), (pool.put([5]),), ([],), ([7],)])
    assert [share.result("total") for share in shares] == [3, 5, 0, 7]
    assert pool.get(pool.submit(pool_calls.add, shares[0].call("total"), shares[1].call("plus", pool.put(1)))) == 9
    # as many tasks as CPUs and more wait for actors: none of them takes what the others need
    assert list(pool.map(pool_calls.total_of, shares * 5)) == [3, 5, 0, 7] * 5
    where = [share.result("where") for share in shares]
    assert len({process for process, _ in where}) == len(shares)
    assert {cores for _, cores in where} == {pool.threads_per_worker}
    for share in shares:
        share.stop()
    end = monotonic() + 30
    while any(psutil.pid_exists(process) for process, _ in where):
        assert monotonic() < end, "an actor that was stopped holds its process"
        sleep(0.1)


def test_an_actor_answers_several_calls_at_the_same_time_where_it_may(pool: Pool, tmp_path: Path) -> None:
    (share,) = pool.actors(pool_calls.Share, [([1],)], concurrency=3)
    answers = [share.call("slow_total", 0.5, str(tmp_path), number) for number in range(3)]
    assert [pool.get(answer) for answer in answers] == [1, 1, 1]
    times = [int(next(tmp_path.glob(f"{number}.*.pid")).name.split(".")[1]) / 1e9 for number in range(3)]
    assert max(times) - min(times) < 0.5
    share.stop()


def test_results_that_were_taken_leave_the_object_store(pool: Pool) -> None:
    import ray

    taken = 0
    for result in pool.ordered((partial(pool.submit, pool_calls.megabytes, 20) for _ in range(15)), ahead=2):
        taken += result.nbytes
        del result
    assert taken == 300_000_000  # the store has 200 MB
    total = ray.cluster_resources()["object_store_memory"]
    assert total - ray.available_resources().get("object_store_memory", 0) < 100_000_000


def over_ray_data(pool: Pool, make: Callable[..., Any], args: tuple[Any, ...], items: Iterable[int]) -> Iterator[Any]:
    """As a pool streams whose cluster may have other machines."""
    return stream_over_ray_data(make, args, items, n_workers=pool.n_workers, gpus=0, n_threads=1)


STREAMS: dict[str, Callable[..., Iterator[Any]]] = {"actors": RayPool.stream, "Ray Data": over_ray_data}
each_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


@each_stream
def test_items_through_one_object_a_worker(pool: Pool, tmp_path: Path, stream: Callable[..., Iterator[Any]]) -> None:
    results = stream(pool, pool_calls.Doubling, (str(tmp_path),), iter(range(12)))
    assert sorted(results) == list(range(0, 24, 2))
    assert list(stream(pool, pool_calls.Doubling, (pool.put(str(tmp_path)),), [4])) == [8]
    assert list(stream(pool, pool_calls.Doubling, (str(tmp_path),), [])) == []
    with pytest.raises(TextError):
        list(stream(pool, pool_calls.Doubling, (str(tmp_path),), [1, -1, 2]))
    with pytest.raises(SettingsError, match=r"negatives is 0; it takes a whole number from 1\."):
        list(stream(pool, pool_calls.Broken, ("settings",), [1, 2]))
    with pytest.raises(WorkerError, match=r"Doubling failed on node .*KeyError: 'colour' \(pool_calls.py:"):
        list(stream(pool, pool_calls.Doubling, ("",), [1, -2, 2]))


def test_items_through_actors_that_stay(pool: Pool) -> None:
    shares = pool.actors(pool_calls.Share, [([1, 2],), ([3],)])
    assert sorted(pool.over(shares, "plus", (), iter(range(12)))) == list(range(3, 15))
    assert list(pool.over(shares, "plus", (), [])) == []
    with pytest.raises(SettingsError, match="negatives is 0"):
        list(pool.over(shares, "fail_as", (), ["settings"]))
    assert [share.result("total") for share in shares] == [3, 3]
    for share in shares:
        share.stop()


CALLS: dict[str, Callable[[Pool], object]] = {
    "a task": lambda pool: pool.get(pool.submit(pool_calls.fail_as, "settings")),
    "an argument": lambda pool: pool.get(pool.submit(pool_calls.add, pool.submit(pool_calls.fail_as, "settings"), 1)),
    "an actor": lambda pool: pool.actors(pool_calls.Share, [([],)])[0].result("fail_as", "settings"),
    "making an actor": lambda pool: pool.actors(pool_calls.Broken, [("settings",)])[0].result("total"),
    "an actor in a task": lambda pool: pool.get(
        pool.submit(pool_calls.failure_of, pool.actors(pool_calls.Share, [([],)])[0])
    ),
    "making what streams": lambda pool: list(pool.stream(pool_calls.Broken, ("settings",), [1, 2])),
}


@pytest.mark.parametrize("where", CALLS)
def test_an_error_of_foolsgold_arrives_as_itself(pool: Pool, where: str) -> None:
    with pytest.raises(FoolsgoldError) as error:
        CALLS[where](pool)
    assert type(error.value) is SettingsError
    assert str(error.value) == "negatives is 0; it takes a whole number from 1."


def test_errors_keep_what_they_carry_and_others_say_where(pool: Pool) -> None:
    with pytest.raises(TextError) as text:
        pool.get(pool.submit(pool_calls.fail_as, "text"))
    assert text.value.row == 3
    with pytest.raises(TextError):
        list(pool.stream(pool_calls.Doubling, ("",), [1, -1, 2]))
    for call in (
        lambda: pool.get(pool.submit(pool_calls.fail_as, "key")),
        lambda: list(pool.stream(pool_calls.Doubling, ("",), [1, -2, 2])),
    ):
        with pytest.raises(
            WorkerError, match=r"(fail_as|Doubling) failed on node .*KeyError: 'colour' \(pool_calls.py:"
        ):
            call()


def test_a_task_whose_process_is_killed_is_done_again(pool: Pool, tmp_path: Path) -> None:
    answer = pool.submit(pool_calls.slow_double, 3, 2.0, str(tmp_path))
    os.kill(pool_calls.begun(tmp_path, 3), signal.SIGKILL)
    assert pool.get(answer) == 6
    assert pool_calls.n_begun(tmp_path, 3) == 2


def test_an_actor_whose_process_is_killed_is_made_again(pool: Pool, tmp_path: Path) -> None:
    first, second = pool.actors(pool_calls.Share, [([1, 2],), (pool.put([5]),)])
    answers = [first.call("slow_total", 2.0, str(tmp_path), 1), second.call("slow_total", 2.0, str(tmp_path), 2)]
    os.kill(pool_calls.begun(tmp_path, 2), signal.SIGKILL)
    assert [pool.get(answer) for answer in answers] == [3, 5]
    assert [pool_calls.n_begun(tmp_path, number) for number in (1, 2)] == [1, 2]
    assert second.result("plus", 1) == 6


@each_stream
def test_a_stream_goes_on_when_one_of_its_processes_is_killed(
    pool: Pool, tmp_path: Path, stream: Callable[..., Iterator[Any]]
) -> None:
    results = stream(pool, pool_calls.Doubling, (str(tmp_path), 5), range(12))
    assert sorted(results) == list(range(0, 24, 2))
    assert pool_calls.n_begun(tmp_path, 5) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: pool.get(pool.submit(pool_calls.die)),
        lambda pool: pool.actors(pool_calls.Broken, [("die",)])[0].result("total"),
        lambda pool: list(pool.stream(pool_calls.Broken, ("die",), [1])),
        lambda pool: list(over_ray_data(pool, pool_calls.Broken, ("die",), [1])),
    ],
)
def test_a_call_that_kills_every_process_ends_with_what_to_do(pool: Pool, call: Callable[[Pool], object]) -> None:
    with pytest.raises(WorkerError) as error:
        call(pool)
    for said in ("died each time, 9 times in all", "--workers", "--memory", "Run the same command again"):
        assert said in str(error.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: pool.actors(pool_calls.Share, [([],)], gpus=1),
        lambda pool: pool.stream(pool_calls.Doubling, ("",), [1], gpus=0.5),
    ],
)
def test_gpus_that_are_not_there(pool: Pool, call: Callable[[Pool], object]) -> None:
    with pytest.raises(SettingsError, match=r"1 GPUs are asked for, and .* has 0 .*--gpus-per-worker 0"):
        call(pool)


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **variables}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)


JOIN = """
from foolsgold import MiningSettings, RayEngine
from foolsgold.errors import SettingsError
try:
    RayEngine({address!r}, gpus_per_worker={gpus!r}).pool(MiningSettings())
except SettingsError as error:
    print(error)
"""


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "nowhere.invalid:6379"])
def test_an_address_where_nothing_answers(address: str) -> None:
    start = monotonic()
    done = run(JOIN.format(address=address, gpus=None))
    assert f"address is {address}, but nothing answers there: check host, port and firewall" in done.stdout
    assert done.stderr == ""
    assert monotonic() - start < 30


def test_an_address_where_something_else_answers() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, and never says a word
        start = monotonic()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        done = run(JOIN.format(address=address, gpus=None))
        assert f"address is {address}, but what answers there is no Ray: check the port" in done.stdout
        assert monotonic() - start < 30


def test_more_gpus_than_there_are() -> None:
    done = run(JOIN.format(address="local", gpus=1))
    assert "1 GPUs are asked for, and the Ray cluster at this machine has 0" in done.stdout


def test_a_connection_that_the_program_has_is_used_and_left_open() -> None:
    code = """
import ray
from foolsgold import MiningSettings, RayEngine
ray.init(address="local", num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
with RayEngine().pool(MiningSettings()) as pool:
    print(pool.n_workers, pool.threads_per_worker, pool.get(pool.submit(abs, -3)))
print(ray.is_initialized())
"""
    assert run(code).stdout.split() == ["1", "1", "3", "True"]


def test_interrupted_while_waiting_it_ends_at_once_and_with_it_its_workers(tmp_path: Path) -> None:
    code = f"""
import pool_calls
from foolsgold import MiningSettings, RayEngine
try:
    with RayEngine("local").pool(MiningSettings(memory="800MB")) as pool:
        pool.get(pool.submit(pool_calls.slow_double, 3, 60.0, {str(tmp_path)!r}))
except KeyboardInterrupt:
    print("interrupted")
"""
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join([TESTS, SOURCE])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as driver:
        worker = pool_calls.begun(tmp_path, 3)
        start = monotonic()
        driver.send_signal(signal.SIGINT)
        assert driver.communicate(timeout=30)[0] == "interrupted\n"
    while psutil.pid_exists(worker) and monotonic() - start < 30:
        sleep(0.1)
    assert not psutil.pid_exists(worker)
    assert monotonic() - start < 30
