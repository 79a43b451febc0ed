from __future__ import annotations

import argparse
import os
import pickle
import sys
from collections.abc import Callable, Iterator

import pytest

import pool_calls
from foolsgold import FoolsgoldError, MiningSettings, RayEngine, ShardEngine, mine, read_pairs
from foolsgold.cores import n_cores
from foolsgold.engine_flags import add_engine_flags, engine_of
from foolsgold.errors import MissingExtraError, SettingsError, TextError, WorkerError
from foolsgold.scale import InProcessPool, Ref
from foolsgold.scale.pool import in_order
from foolsgold.scale.ray_versions import compare

SETTINGS = MiningSettings(quiet=True)


def test_calls_and_their_results_in_this_process() -> None:
    with ShardEngine().pool(SETTINGS) as pool:
        six = pool.submit(pool_calls.double, 3)
        assert pool.get(six) == 6
        assert pool.get(pool.submit(pool_calls.add, six, pool.put(1))) == 7
        assert list(pool.map(pool_calls.double, [3, 1, 2])) == [6, 2, 4]
        assert list(pool.stream(pool_calls.Doubling, ("unused",), iter([3, 1]))) == [6, 2]
        assert pool.n_workers == pool.n_nodes == 1


def test_actors_are_made_when_they_are_called() -> None:
    pool = InProcessPool()
    first, second, broken = [
        *pool.actors(pool_calls.Share, [([1, 2],), (pool.put([5]),)]), *pool.actors(pool_calls.Broken, [("settings",)])
    ]  # fmt: skip
    assert (first.result("total"), second.result("plus", pool.put(1))) == (3, 6)
    assert pool.get(pool.submit(pool_calls.add, first.call("total"), 1)) == 4
    assert list(pool.over([first], "plus", (), iter([1, 5]))) == [4, 8]
    with pytest.raises(SettingsError, match="negatives is 0"):
        broken.result("total")


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_as_many_calls_as_allowed_are_under_way_and_results_come_in_order(ahead: int) -> None:
    under_way: list[int] = []
    most = 0

    def calls() -> Iterator[Callable[[], Ref[int]]]:
        for number in range(10):
            yield lambda number=number: under_way.append(number) or Ref(number)

    results = in_order(calls(), ahead=ahead, get=lambda call, ref: ref.held)
    for expected in range(10):
        assert next(results) == expected
        most = max(most, len(under_way))
        under_way.remove(expected)
    assert most == min(ahead, 10)
    assert list(results) == []


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"address": ""}, "address is ''; it takes local, auto, HOST:6379 or ray://HOST:10001"),
        ({"address": "http://head:8265"}, "it takes local, auto, HOST:6379 or ray://HOST:10001"),
        ({"workers": 0}, "workers is 0; it takes a whole number from 1"),
        ({"workers": True}, "workers is True"),
        ({"workers": 1.5}, "workers is 1.5"),
        ({"gpus_per_worker": -1}, "gpus_per_worker is -1; it takes a number from 0"),
        ({"gpus_per_worker": float("nan")}, "gpus_per_worker is nan"),
        ({"gpus_per_worker": "1"}, "gpus_per_worker is '1'"),
    ],
)
def test_an_engine_says_what_it_takes(engine: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        RayEngine(**engine)  # type: ignore[arg-type]
    assert said in str(error.value)


@pytest.mark.parametrize("address", ["local", "auto", "head", "head:6379", "10.0.0.1:6379", "ray://head:10001",
                                     "ray://head", "[::1]:6379", "ray://[fe80::1]:10001"])  # fmt: skip
def test_addresses_of_any_form(address: str) -> None:
    assert RayEngine(address).address == address


def parsed(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_engine_flags(parser)
    return parser.parse_args(flags)


def test_flags_name_an_engine() -> None:
    assert engine_of(parsed()) is None
    assert engine_of(parsed("--engine", "local")) is None
    assert engine_of(parsed("--engine", "shards")) == ShardEngine()
    assert engine_of(parsed("--engine", "ray")) == RayEngine()
    flags = ("--engine", "ray", "--address", "auto", "--workers", "4", "--gpus-per-worker", "0.5")
    assert engine_of(parsed(*flags)) == RayEngine("auto", workers=4, gpus_per_worker=0.5)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--workers", "2"), "--workers says how Ray runs; add --engine ray."),
        (("--engine", "shards", "--address", "auto", "--workers", "2"), "--address and --workers say how Ray runs"),
        (("--engine", "ray", "--workers", "0"), "workers is 0"),
    ],
)
def test_flags_that_do_not_go_together(flags: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        engine_of(parsed(*flags))
    assert said in str(error.value)


def test_what_is_no_engine_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"engine is 'ray'; it takes RayEngine\(...\), ShardEngine\(\) or None"):
        mine(read_pairs([("red", "crimson")]), None, SETTINGS, engine="ray")  # type: ignore[arg-type]


def test_without_ray_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "foolsgold\[ray\]"'):
        RayEngine().pool(SETTINGS)


HERE = {"python": "3.11", "foolsgold": "0.1.0", "code": "aa", "folder": "/here", "ray": "2.60.0", "numpy": "2.4.6",
        "pyarrow": "26.0.1", "torch": "2.13.0", "sentence-transformers": "6.2.0", "onnxruntime": None}  # fmt: skip


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"foolsgold": None}, "Node b has no foolsgold. Install the same version on all nodes"),
        ({"python": "3.12"}, "Node b runs Python 3.12, and this process 3.11"),
        ({"foolsgold": "0.2.0", "code": "bb"}, "another version of foolsgold: 0.2.0 there, 0.1.0 here, in /here"),
        ({"code": "bb"}, "0.1.0 there, 0.1.0 here (of the same number, but not the same code)"),
    ],
)
def test_a_node_with_another_version_is_refused(there: dict[str, str | None], said: str) -> None:
    compare(HERE, HERE, node="Node b")
    with pytest.raises(SettingsError) as error:
        compare(HERE, HERE | there, node="Node b")
    assert said in str(error.value)


def test_a_node_with_other_libraries_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    compare(HERE, HERE, node="Node b")
    assert not caplog.records
    compare(HERE, HERE | {"numpy": "2.0.0", "onnxruntime": "1.32.0"}, node="Node b")
    assert (
        "Node b has other versions: numpy 2.0.0 there, 2.4.6 here; onnxruntime 1.32.0 there, None here" in caplog.text
    )


def test_cores_are_the_share_that_a_worker_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    all_cores = n_cores()
    for named, expected in [("1", 1), ("100000", all_cores), ("0", all_cores), ("", all_cores), ("2,1", all_cores)]:
        monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", named)
        assert n_cores() == expected


def test_errors_pass_from_one_process_to_another() -> None:
    error = pickle.loads(pickle.dumps(TextError("has no words", row=3)))
    assert (str(error), error.row, error.problem) == ("text 3 has no words", 3, "has no words")
    for kind in (SettingsError, WorkerError, FoolsgoldError):
        assert str(pickle.loads(pickle.dumps(kind("why")))) == "why"
