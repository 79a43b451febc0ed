"""Encoding by two processes; slow, since each of them loads torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from conftest import heed_ctrl_c
from foolsgold.encode import SentenceTransformerEncoder
from foolsgold.encode.workers import EncodingWorkers, worker_devices
from foolsgold.errors import WorkerError

pytestmark = pytest.mark.slow
TEXTS = [f"text number {n} about {'cats' if n % 2 else 'dogs'}" for n in range(1_100)]


def children() -> set[int]:
    return {
        child.pid for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(child.cmdline())
    }


def is_running(pid: int) -> bool:
    """False too for a process that has ended but was not waited for: in a container, orphans may stay so for good."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_how_many_workers() -> None:
    assert worker_devices("cpu", 2, 1_001) == ["cpu", "cpu"]
    assert worker_devices("cpu", 2, 1_000) == ["cpu"]  # not worth it
    cores = len(os.sched_getaffinity(0))
    assert len(worker_devices("cpu", None, 100_000)) == max(1, cores // 8)


@pytest.mark.parametrize("precision", ["float32", "int8", "bfloat16"])
def test_two_processes_give_the_vectors_of_one_and_end(precision: Any, model_folder: str) -> None:
    options: dict[str, Any] = {"device": "cpu", "precision": precision}
    expected = SentenceTransformerEncoder(model_folder, **options).encode_documents(TEXTS)
    together = SentenceTransformerEncoder(model_folder, **options, num_workers=2)
    finished: list[int] = []
    with together.workers(len(TEXTS)) as active:
        vecs = active.encode(TEXTS, "documents", advance=finished.append)
        seen = list(children())
    assert len(seen) == 2
    assert sum(finished) == len(TEXTS)
    assert np.array_equal(vecs, expected)
    assert not children()


def test_workers_end_on_an_error(model_folder: str) -> None:
    encoder = SentenceTransformerEncoder(model_folder, device="cpu")
    with pytest.raises(ValueError, match="stop"), EncodingWorkers(encoder, ["cpu", "cpu"]) as active:
        active.encode_queries(["a"])
        raise ValueError("stop")
    assert not children()


def test_an_error_in_a_worker_reaches_the_caller(model_folder: str) -> None:
    encoder = SentenceTransformerEncoder(model_folder, device="cpu")
    with pytest.raises(Exception, match=r"."), EncodingWorkers(encoder, ["cpu", "cpu"]) as active:
        active.encode_queries([object()] * 3)  # type: ignore[list-item]
    assert not children()


def test_a_killed_worker_is_noticed(model_folder: str) -> None:
    encoder = SentenceTransformerEncoder(model_folder, device="cpu")
    with (
        pytest.raises(WorkerError, match=r"process died.*__name__.*num_workers=1"),
        EncodingWorkers(encoder, ["cpu", "cpu"]) as active,
    ):
        active.encode_queries(["a"])
        os.kill(next(iter(children())), signal.SIGKILL)
        active.encode_queries(TEXTS)
    assert not children()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_when_the_run_is_interrupted_or_killed(
    how: signal.Signals, model_folder: str, tmp_path: Path
) -> None:
    script = tmp_path / "encode.py"
    script.write_text(
        textwrap.dedent(f"""
        from foolsgold import SimpleMiner

        if __name__ == "__main__":
            miner = SimpleMiner("en", model={model_folder!r})
            miner.build_index(["a long text about something " * 40 + str(n) for n in range(20_000)], num_workers=2)
        """)
    )
    command = [sys.executable, str(script)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=heed_ctrl_c)
    try:
        workers = wait_for_workers(process.pid)
        os.killpg(process.pid, how) if how == signal.SIGINT else os.kill(process.pid, how)
        process.wait(60)
        deadline = time.monotonic() + 20
        while any(map(is_running, workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not [pid for pid in workers if is_running(pid)]
        assert process.stderr is not None
        assert process.stderr.read().count(b"Traceback") <= 1  # the script's own
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        assert process.stderr is not None
        process.stderr.close()


def wait_for_workers(pid: int) -> list[int]:
    """Both workers, once they have loaded torch and work."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        workers = [
            child
            for child in psutil.Process(pid).children(recursive=True)
            if "spawn_main" in " ".join(child.cmdline()) and child.memory_info().rss > 300 * 2**20
        ]
        if len(workers) == 2:
            time.sleep(2)
            return [worker.pid for worker in workers]
        time.sleep(0.2)
    raise AssertionError("the workers did not start")
