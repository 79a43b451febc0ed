"""Runs that are killed, run at once, or meet a full disk: real processes, over a part of Python's own documentation."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import cache_with_models, write_jsonl
from foolsgold.sample_collection import write_sample_collection
from test_report_page import data_in

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and limits are POSIX")]
N_DOCUMENTS = 600

# An encoder that needs no torch, so that many runs fit into a minute: a text is the sum of its words, and each word a
# vector drawn by its hash, of whole numbers. It is slow enough to be killed at work.
RUN = """
import sys, zlib
import numpy as np
from foolsgold import MiningSettings, mine

class Words:
    chunk_texts, fingerprint = 64, "words of 64 dimensions"

    def encode_queries(self, texts):
        return np.stack([sum(map(vector, ["", *text.lower().split()[:40]])) for text in texts])

    encode_documents = encode_queries

def vector(word):
    return np.random.default_rng(zlib.crc32(word.encode())).integers(-9, 10, 64).astype(np.float32)

collection, out, cache = sys.argv[1:]
mine(collection, Words(), MiningSettings(out=out, cache=cache, random_ratio=0.25, depth=30, quiet=True))
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python") / "docs"
    write_sample_collection(folder)
    for name in ("corpus.jsonl", "qrels.tsv"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:N_DOCUMENTS]), encoding="utf-8")
    return folder


def start(collection: Path, out: Path, cache: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(collection), str(out), str(cache)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def finish(process: subprocess.Popen[str]) -> str:
    _, errors = process.communicate(timeout=300)
    return errors


def run(collection: Path, out: Path, cache: Path) -> dict[str, Any]:
    """What a run writes that is let be."""
    assert finish(start(collection, out, cache)) == ""
    return result(out)


def result(out: Path) -> dict[str, Any]:
    """All files of a run, without times, memory and the names of folders."""
    files: dict[str, Any] = {path.name: path.read_bytes() for path in out.iterdir()}
    report, settings = json.loads(files["report.json"]), json.loads(files["settings.json"])
    for name in ("out", "cache"):
        del settings["settings"][name]
    page = data_in(files["report.html"].decode())
    return {**files, "report.json": {**report, "stages": None}, "report.html": page, "settings.json": settings}


@pytest.fixture(scope="module")
def undisturbed(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(collection, folder / "out", folder / "cache")


MOMENTS: dict[str, tuple[str, float]] = {  # what appears, and how many seconds later at most
    "encode": ("cache/vectors/*/*.safetensors", 0.5),
    "search": ("out/.foolsgold-partial/candidates.parquet", 0.2),
    "calibrate": ("out/.foolsgold-partial/new.candidates.parquet", 0.5),
    "select": ("cache/candidates/*/record.json", 0.2),
    "export": ("out/.foolsgold-partial/train.jsonl", 0.02),
    "publish": ("out/.foolsgold-partial/moving", 0.005),
}


def is_killed(process: subprocess.Popen[str], folder: Path, pattern: str, delay: float) -> bool:
    """Kill a process soon after a new file appears; False if it came to its end before."""
    before = set(folder.glob(pattern))
    while process.poll() is None and set(folder.glob(pattern)) <= before:
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    finish(process)
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_is_finished_by_the_same_command(
    moment: str, collection: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    draw = random.Random(moment)
    pattern, longest = MOMENTS[moment]
    n_killed = 0
    for _ in range(2):
        process = start(collection, tmp_path / "out", tmp_path / "cache")
        n_killed += is_killed(process, tmp_path, pattern, draw.uniform(0, longest))
    assert n_killed
    assert run(collection, tmp_path / "out", tmp_path / "cache") == undisturbed


def test_two_runs_at_once_on_one_cache(collection: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    processes = [start(collection, tmp_path / name, tmp_path / "cache") for name in ("a", "b")]
    assert [finish(process) for process in processes] == ["", ""]
    assert result(tmp_path / "a") == result(tmp_path / "b") == undisturbed


def test_a_disk_that_fills_up(collection: Path, tmp_path: Path) -> None:
    """A limit on file sizes is a full disk: at 4 KB the first new chunk is too large, at 50 KB the candidates are."""
    out, cache = tmp_path / "out", tmp_path / "cache"
    run(collection, out, cache)
    larger = tmp_path / "larger"
    shutil.copytree(collection, larger)
    with (larger / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f'{{"_id": "new{n}", "text": "document {n} of the new ones"}}\n' for n in range(64))
    for n_bytes, where in ((4_096, f"cache: writing to {cache}/vectors"), (50_000, f"out: writing to {out} failed")):
        before = files(out), files(cache)
        message = finish(start(larger, out, cache, preexec_fn=limited_to(n_bytes)))
        assert f"foolsgold.errors.OutputError: {where}" in message and "earlier output" in message
        assert files(out) == before[0]
        assert files(cache).items() >= before[1].items()
        assert not list(tmp_path.rglob("*.partial"))
    assert run(larger, out, cache) == run(larger, tmp_path / "alone", tmp_path / "own")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def limited_to(n_bytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


def test_the_command_line_goes_on_where_it_was_killed_encoding(collection: Path, tmp_path: Path) -> None:
    """With a real model, whose vectors depend in their last digits on what is encoded together."""
    words = (collection / "corpus.jsonl").read_text(encoding="utf-8").replace('"', "").split()
    docs = [{"_id": f"d{n}", "text": " ".join([str(n), *words[7 * n : 7 * n + 7]])} for n in range(1_100)]
    short = tmp_path / "short"
    short.mkdir()
    write_jsonl(short / "corpus.jsonl", docs)
    write_jsonl(short / "queries.jsonl", [{"_id": f"q{n}", "text": docs[n]["text"][-20:]} for n in range(100)])
    (short / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t1\n" for n in range(100)))

    caches = {name: cache_with_models(tmp_path / name / "cache") for name in ("alone", "killed")}

    def mine(name: str) -> subprocess.Popen[str]:
        folders = ["--out", str(tmp_path / name / "out"), "--cache", str(caches[name])]
        command = [sys.executable, "-m", "foolsgold.cli", "mine", "--collection", str(short), "--model", "offline"]
        return subprocess.Popen([*command, "--quiet", *folders], stderr=subprocess.PIPE, text=True)

    assert finish(mine("alone")) == ""
    assert is_killed(mine("killed"), tmp_path / "killed", MOMENTS["encode"][0], random.Random(0).uniform(0, 0.3))
    left = {path: path.stat().st_ino for path in (tmp_path / "killed").glob(MOMENTS["encode"][0])}
    assert left
    assert finish(mine("killed")) == ""
    assert {path: path.stat().st_ino for path in left} == left  # not made again
    assert result(tmp_path / "killed" / "out") == result(tmp_path / "alone" / "out")
