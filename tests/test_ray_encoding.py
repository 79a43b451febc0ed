"""Encoding by workers of Ray, with its real processes: the bytes of the local engine, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import cache_with_models
from foolsgold import MiningSettings, RayEngine, read_pairs
from foolsgold.collection import Collection
from foolsgold.encode import encode, identify
from foolsgold.errors import ModelError, SettingsError
from foolsgold.scale import InProcessPool, Pool
from foolsgold.scale.encode_on import EncodedOn, encode_on
from foolsgold.scale.shared_folder import check_shared
from foolsgold.scale.texts import SideTexts
from foolsgold.scale.worker_encoder import identify_on
from letter_encoders import Choosy, Letters, Slow

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]
TESTS = str(Path(__file__).parent)
CORPUS = [f"text number {n} about {'cats' if n % 2 else 'dogs'} {'and more ' * (n % 7)}" for n in range(1_100)]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers of a Ray that is started for this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]))  # for workers
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        with RayEngine("local", workers=2).pool(MiningSettings(memory="800MB")) as pool:
            yield pool


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def quiet(**changes: Any) -> MiningSettings:
    return MiningSettings(**{"quiet": True, "negatives": 1, "cache": None, **changes})


def collection_of(texts: list[str]) -> Collection:
    return read_pairs([("what?", texts[0])], texts)


def encoded_on(pool: Pool, collection: Collection, encoder: Any, store: Path, cache: Path, **changes: Any) -> EncodedOn:
    documents, queries = SideTexts.of_documents(collection), SideTexts.of_queries(collection)
    return encode_on(pool, documents, queries, encoder, quiet(**changes), cache=cache, store=store)


def files(cache: Path) -> dict[str, bytes]:
    return {str(path.relative_to(cache)): path.read_bytes() for path in sorted(cache.rglob("*.safetensors"))}


@pytest.mark.parametrize(
    ("name", "vector_type"),
    [("offline", "float32"), ("offline", "float16"), ("folder", "float32"), ("loaded", "float32")],
)
def test_the_vectors_of_a_model_are_those_of_the_local_engine(
    name: str, vector_type: str, pool: Pool, model: Any, model_folder: str, tmp_path: Path, store: Path
) -> None:
    encoder = {"offline": "offline", "folder": model_folder, "loaded": model}[name]
    collection = collection_of([*CORPUS, CORPUS[3]])
    settings, cache = quiet(vector_type=vector_type, cache="auto"), cache_with_models(tmp_path / "local")
    local_encoder, local_about = identify(encoder, settings, cache)
    local = encode(collection, local_encoder, settings, cache=cache, about=local_about)
    assert local is not None
    expected = np.asarray(local.doc_vecs.values)
    for one in (pool, InProcessPool()):
        other_cache = cache_with_models(tmp_path / type(one).__name__)
        on_workers, about = identify_on(one, encoder, settings, other_cache)
        result = encoded_on(one, collection, on_workers, store, other_cache, vector_type=vector_type)
        assert about == local_about
        assert files(other_cache) == files(cache)
        assert result.doc_vecs.read(0, len(expected)).tobytes() == expected.tobytes()
        assert result.encoder == local.encoder
    result = encoded_on(pool, collection, encoder, store, cache, vector_type=vector_type)  # which finds all
    assert result.doc_vecs.read(0, len(expected)).tobytes() == expected.tobytes()


def test_a_relative_folder_is_found_by_workers(
    pool: Pool, model_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(model_folder).parent)
    name, cache = f"./{Path(model_folder).name}", cache_with_models(tmp_path / "cache")
    expected = identify(name, quiet(cache="auto"), None)[1]
    for _ in range(2):  # it is known the second time
        assert identify_on(pool, name, quiet(), cache)[1] == expected


def test_a_worker_that_is_killed_changes_nothing(pool: Pool, tmp_path: Path, store: Path) -> None:
    workers = tmp_path / "workers"
    workers.mkdir()
    collection = collection_of(CORPUS[:100])
    encoded_on(InProcessPool(), collection, Letters(), store, tmp_path / "whole")
    chunks = {Path(name).name for name in files(tmp_path / "whole")}

    def kill() -> None:
        deadline = time.monotonic() + 60
        while len(files(tmp_path / "cache")) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        for path in workers.iterdir():
            os.kill(int(path.name), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = encoded_on(pool, collection, Slow(workers), store, tmp_path / "cache")
    killer.join()
    assert len(list(workers.iterdir())) > 2  # two were killed, and others came
    assert {Path(name).name for name in files(tmp_path / "cache")} == chunks
    assert result.doc_vecs.read(0, 100).tolist() == Letters().encode_queries(CORPUS[:100])


def test_a_text_that_the_encoder_does_not_take_is_named(pool: Pool, tmp_path: Path, store: Path) -> None:
    collection = collection_of([*CORPUS[:20], "poison"])
    with pytest.raises(ModelError) as local:
        encode(collection, Choosy(), quiet(), cache=tmp_path / "local")
    with pytest.raises(ModelError) as remote:
        encoded_on(pool, collection, Choosy(), store, tmp_path / "cache")
    assert str(remote.value) == str(local.value)


def test_an_encoder_that_cannot_be_sent(pool: Pool, tmp_path: Path) -> None:
    encoder = Letters()
    encoder.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(
        ModelError, match=r"is a Letters, which cannot be sent to workers \(.*lock.*\)\. Give the model's"
    ):
        identify_on(pool, encoder, quiet(), tmp_path)


def test_a_model_that_is_not_there(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as local:
        identify(f"{tmp_path}/nowhere", quiet(), tmp_path)
    with pytest.raises(ModelError) as remote:
        identify_on(pool, f"{tmp_path}/nowhere", quiet(), tmp_path)
    assert str(remote.value) == str(local.value)


def test_a_folder_that_only_this_process_sees(pool: Pool, tmp_path: Path) -> None:
    check_shared(pool, tmp_path / "new", "cache", "--cache DIR")
    assert list((tmp_path / "new").iterdir()) == []
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(SettingsError, match=r"cache: /proc/self/fd/\d+ on .* not there for the workers on .*DIR"):
            check_shared(pool, Path(f"/proc/self/fd/{descriptor}"), "cache", "--cache DIR")
    finally:
        os.close(descriptor)
    assert list(tmp_path.glob(".*")) == []
