from __future__ import annotations

import json
import logging
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foolsgold import MiningSettings, mine, read_pairs
from foolsgold.cli import main
from foolsgold.encode import SentenceTransformerEncoder, encode, encode_texts
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.errors import OutputError, SettingsError, VectorError

CORPUS = ["a rose is red", "a cat purrs", "rain falls on the sea", "bread", "a dog barks at a cat", "the sea is blue"]
PAIRS = [("what is red?", "a rose is red"), ("who purrs?", "a cat purrs"), ("what is blue?", "the sea is blue")]


class Letters:
    """Encodes a text by how often it has each letter, and remembers what it was asked; chunks of four texts."""

    chunk_texts = 4

    def __init__(self, fingerprint: str = "letters 1", scale: float = 1.0) -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []
        self._scale = scale

    def encode_queries(self, texts: Any) -> Any:
        self.asked += texts
        return [[self._scale * text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz ?"] for text in texts]

    encode_documents = encode_queries


def quiet(**changes: Any) -> MiningSettings:
    return MiningSettings(**{"quiet": True, "negatives": 1, "cache": None, **changes})


def encoded(cache: Path, texts: list[str], encoder: Any = None, **changes: Any) -> tuple[list[str], np.ndarray]:
    """What the encoder was asked, and the vectors of the documents."""
    encoder = Letters() if encoder is None else encoder
    vecs = encode(read_pairs([("?", texts[0])], texts), encoder, quiet(**changes), cache=cache).doc_vecs.values
    return [text for text in encoder.asked if text != "?"], vecs


def expected(texts: list[str]) -> np.ndarray:
    return np.array(Letters().encode_queries(texts), np.float32)


def chunks(cache: Path) -> list[Path]:
    return sorted(cache.glob("vectors/*/*.safetensors"))


def document_chunks(cache: Path) -> list[Path]:
    sides = [path.parent for path in cache.glob("vectors/*/about.json") if '"documents"' in path.read_text()]
    return [path for path in chunks(cache) if path.parent in sides]


def test_nothing_is_encoded_twice(tmp_path: Path) -> None:
    asked, vecs = encoded(tmp_path, CORPUS)
    again, same = encoded(tmp_path, CORPUS)
    assert (sorted(asked), again) == (sorted(CORPUS), [])
    assert np.array_equal(vecs, expected(CORPUS)) and np.array_equal(same, vecs)
    assert len(document_chunks(tmp_path)) == 2  # of four and of two texts


@pytest.mark.parametrize(
    ("texts", "new"),
    [
        ([*CORPUS, "snow", "ice"], ["snow", "ice"]),
        (CORPUS[::-1], []),
        (CORPUS[2:4], []),
        (["snow", CORPUS[5], "snow", CORPUS[0], CORPUS[5]], ["snow"]),
    ],
    ids=["appended", "reordered", "reduced", "another collection that shares some"],
)
def test_texts_are_found_wherever_they_stand(texts: list[str], new: list[str], tmp_path: Path) -> None:
    encoded(tmp_path, CORPUS)
    asked, vecs = encoded(tmp_path, texts)
    assert asked == new
    assert np.array_equal(vecs, expected(texts))


@given(st.lists(st.lists(st.text("abc", max_size=2), min_size=1), min_size=1, max_size=5))
def test_however_often_texts_come_each_is_encoded_once(tmp_path_factory: Any, corpora: list[list[str]]) -> None:
    folder, encoder = tmp_path_factory.mktemp("cache"), Letters()
    for texts in corpora:
        cache = VectorCache(folder, {"encoder": "letters"}, {})
        vecs = encode_texts(texts, encoder, "documents", batch_size=1, quiet=True, cache=cache)
        assert np.array_equal(vecs, expected(texts))
    assert sorted(encoder.asked) == sorted({text for texts in corpora for text in texts})


def test_encoders_sides_and_types_do_not_share(tmp_path: Path) -> None:
    texts = ["?", *CORPUS]
    assert len(encoded(tmp_path, texts)[0]) == 6
    _, other = encoded(tmp_path, texts, Letters("letters 2", scale=2.0))
    assert np.array_equal(other, 2 * expected(texts))
    asked, half = encoded(tmp_path, texts, vector_type="float16")
    assert (len(asked), half.dtype) == (6, np.float16)
    assert len(list((tmp_path / "vectors").iterdir())) == 6  # each with queries and documents


def test_float16_takes_half_the_room(tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(400)]
    sizes = []
    for kind in ("float32", "float16"):
        encoder = Letters()
        encoder.chunk_texts = 400
        _, vecs = encoded(tmp_path / kind, texts, encoder, vector_type=kind)
        sizes.append(sum(path.stat().st_size for path in document_chunks(tmp_path / kind)) - 16 * 400)
        assert vecs.nbytes == 400 * 28 * vecs.itemsize
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.01)


def test_what_float16_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="holds NaN or infinity"):
        encoded(tmp_path, CORPUS, Letters(scale=1e6), vector_type="float16")
    assert not document_chunks(tmp_path)  # nor kept


def test_an_encoder_without_a_fingerprint_is_not_cached(tmp_path: Path) -> None:
    encoder: Any = Letters()
    encoder.fingerprint = None
    for times in (1, 2):
        assert len(encoded(tmp_path, CORPUS, encoder)[0]) == times * len(CORPUS)
    assert not chunks(tmp_path)


@pytest.mark.slow
def test_a_model_that_was_trained_further_is_another(model_folder: str, tmp_path: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(model_folder, device="cpu")
    collection = read_pairs(PAIRS, CORPUS)
    before = encode(collection, model, quiet(), cache=tmp_path).doc_vecs.values
    assert np.array_equal(encode(collection, model, quiet(), cache=tmp_path).doc_vecs.values, before)
    assert len(chunks(tmp_path)) == 2
    with torch.no_grad():
        next(model.parameters()).mul_(1.5)
    after = encode(collection, model, quiet(), cache=tmp_path).doc_vecs.values
    assert not np.allclose(after, before)
    assert np.allclose(after, model.encode(CORPUS), atol=1e-5)


@pytest.mark.slow
def test_another_query_prompt_leaves_the_documents(model_folder: str, tmp_path: Path) -> None:
    for prompt in ("", "query: "):
        encoder = SentenceTransformerEncoder(model_folder, query_prompt=prompt, device="cpu")
        encode(read_pairs(PAIRS, CORPUS), encoder, quiet(), cache=tmp_path)
    assert (len(chunks(tmp_path)), len(document_chunks(tmp_path))) == (3, 1)


def altered(place: int) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return alter


def foreign(path: Path) -> None:
    """A whole chunk of the same texts by another encoder."""
    encoded(path.parents[2] / "elsewhere", CORPUS, Letters("another", scale=3.0))
    shutil.copy(document_chunks(path.parents[2] / "elsewhere")[0], path)


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "empty": lambda path: path.write_bytes(b""),
    "no such file": lambda path: path.write_bytes(b"something else " * 100),
    "a bit of the vectors": altered(-20),
    "a bit of the texts' hashes": altered(300),
    "a bit of the length": altered(0),
    "foreign": foreign,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_chunk_is_noticed_and_made_again(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    encoder = Letters()
    encoder.chunk_texts = 6
    encoded(cache, CORPUS, encoder)
    (path,) = document_chunks(cache)
    whole = path.read_bytes()
    DAMAGE[damage](path)
    assert path.read_bytes() != whole
    encoder.asked.clear()
    caplog.clear()
    asked, vecs = encoded(cache, CORPUS, encoder)
    assert sorted(asked) == sorted(CORPUS)
    assert np.array_equal(vecs, expected(CORPUS))
    assert [record.levelno for record in caplog.records if record.name.startswith("foolsgold")] == [logging.WARNING]
    assert path.name in caplog.text
    assert path.read_bytes() == whole


def test_other_files_in_the_cache_are_left_alone(tmp_path: Path) -> None:
    encoded(tmp_path, CORPUS)
    note = document_chunks(tmp_path)[0].with_name("thesis.safetensors")
    note.write_text("precious")
    assert encoded(tmp_path, CORPUS)[0] == []
    assert main(["cache", "prune", "--all", "--cache", str(tmp_path)]) == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [note]


def test_a_large_matrix_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    class Counts:
        chunk_texts = 65_536

        def encode_queries(self, texts: Any) -> Any:
            return np.repeat(np.array([[int(text) % 1000] for text in texts], np.float32), 1024, axis=1)

        encode_documents = encode_queries

    texts = [str(n // 2) for n in range(2**17 + 2)]  # each twice: just over 256 MiB
    vecs = encode_texts(texts, Counts(), "documents", batch_size=8192, quiet=True, vector_type="float16",
                        scratch=tmp_path)  # fmt: skip
    assert isinstance(vecs, np.memmap) and vecs.shape == (2**17 + 2, 1024)
    assert not list(tmp_path.iterdir())
    assert np.array_equal(vecs[:, 0], np.arange(2**17 + 2) // 2 % 1000)


@pytest.mark.skipif(sys.platform == "win32", reason="file-size limits are POSIX")
def test_a_full_disk(tmp_path: Path) -> None:
    """The second chunk does not fit; the first is kept, and the next run goes on after it."""
    texts = [*CORPUS[:4], *(f"{word} and so on" for word in "a very much larger chunk than the first".split())]
    encoder = Letters()
    encoded(tmp_path, CORPUS[:4], encoder)
    before = document_chunks(tmp_path)
    encoder.chunk_texts = 8
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OutputError, match=r"cache: writing to .* failed .*--cache DIR.*--cache none"):
            encoded(tmp_path, texts, encoder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert document_chunks(tmp_path) == before
    assert not list(tmp_path.rglob("*.partial"))
    encoder.asked.clear()
    assert sorted(encoded(tmp_path, texts, encoder)[0]) == sorted(texts[4:])


def test_a_default_folder_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    result = mine(read_pairs(PAIRS, CORPUS), Letters(), quiet(cache="auto", out=str(tmp_path / "out")))
    assert result.negatives.num_rows == 3
    assert len(caplog.records) == 1 and "No cache" in caplog.text
    with pytest.raises(OutputError, match="cache: .*file/own cannot be written to"):
        mine(read_pairs(PAIRS, CORPUS), Letters(), quiet(cache=str(tmp_path / "file" / "own")))


def test_where_a_cache_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cache is ' '; it takes a folder"):
        mine(read_pairs(PAIRS, CORPUS), Letters(), quiet(cache=" "))
    inside = quiet(cache=str(tmp_path / "out" / "cache"), out=str(tmp_path / "out"))
    with pytest.raises(SettingsError, match="lies in the output folder"):
        mine(read_pairs(PAIRS, CORPUS), Letters(), inside)
    assert not (tmp_path / "out").exists()


def test_the_default_is_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    mine(read_pairs(PAIRS, CORPUS), Letters(), quiet(cache="auto"))
    assert len(chunks(tmp_path / "xdg" / "foolsgold")) == 3
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    mine(read_pairs(PAIRS, CORPUS), Letters(), quiet(cache=None))
    assert not (tmp_path / "other").exists()


# foolsgold cache


def used(path: Path, *, days_ago: float) -> None:
    then = time.time() - days_ago * 86_400
    os.utime(path / "about.json", (then, then))


def entry_of(cache: Path, side: str) -> Path:
    (path,) = (path.parent for path in cache.glob("vectors/*/about.json") if f'"{side}"' in path.read_text())
    return path


def test_the_list(tmp_path: Path, model_folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--cache", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"total: 0 B in {tmp_path}\n"
    encoder = SentenceTransformerEncoder(model_folder, query_prompt="find:", device="cpu")
    mine(read_pairs(PAIRS, CORPUS), encoder, quiet(cache=str(tmp_path), out=str(tmp_path / "out")))
    used(entry_of(tmp_path, "documents"), days_ago=3)
    capsys.readouterr()
    assert main(["cache", "list", "--cache", str(tmp_path)]) == 0
    title, *rows, total = capsys.readouterr().out.splitlines()
    assert title.split() == ["what", "model", "side", "prompt", "precision", "type", "dimensions", "texts", "size",
                             "last", "used"]  # fmt: skip
    kinds = {row.split()[0]: row for row in rows}
    assert (len(rows), set(kinds)) == (3, {"candidates", "vectors"})
    assert rows[2].split()[2:7] == ["documents", "float32", "float32", "384", "6"]  # used last of all
    assert any(row.split()[2:8] == ["queries", "'find:'", "float32", "float32", "384", "3"] for row in rows)
    n_bytes = sum(path.stat().st_size for path in (tmp_path / "vectors").rglob("*.*"))
    n_bytes += sum(path.stat().st_size for path in (tmp_path / "candidates").rglob("*.*"))
    assert total == f"total: {n_bytes / 1000:.1f} KB in {tmp_path}"


def test_pruning_by_age(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoded(tmp_path, CORPUS)
    used(entry_of(tmp_path, "documents"), days_ago=31)
    used(entry_of(tmp_path, "queries"), days_ago=29)
    assert main(["cache", "prune", "--older-than", "30", "--cache", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "documents" in printed and "queries" not in printed and "removed: 1 entries" in printed
    assert [path.name for path in (tmp_path / "vectors").iterdir()] == [entry_of(tmp_path, "queries").name]


def test_pruning_by_size_keeps_what_was_used_last(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        encoded(tmp_path, CORPUS, Letters(name))
    for path in tmp_path.glob("vectors/*/about.json"):
        if '"queries"' in path.read_text():
            used(path.parent, days_ago=9)
        elif 'Letters b"' in path.read_text():
            kept = path.parent
        else:
            used(path.parent, days_ago=1)
    size = sum(path.stat().st_size for path in kept.iterdir())
    assert main(["cache", "prune", "--max-size", f"{size / 1000:.4f}KB", "--cache", str(tmp_path)]) == 0
    assert list((tmp_path / "vectors").iterdir()) == [kept]


def test_a_run_encodes_again_what_was_pruned_under_it(tmp_path: Path) -> None:
    class Pruned(Letters):
        def encode_documents(self, texts: Any) -> Any:
            assert main(["cache", "prune", "--all", "--cache", str(tmp_path)]) == 0
            return super().encode_queries(texts)

    result = mine(read_pairs(PAIRS, CORPUS), Pruned(), quiet(cache=str(tmp_path), out=str(tmp_path / "out")))
    alone = mine(read_pairs(PAIRS, CORPUS), Letters(), quiet())
    assert result.negatives.equals(alone.negatives)
    assert len(document_chunks(tmp_path)) == 1  # what came after the last pruning


def test_pruning_removes_what_killed_runs_left_half_written(tmp_path: Path) -> None:
    encoded(tmp_path, CORPUS)
    old, new = (entry_of(tmp_path, "documents") / f".{digit * 32}.partial" for digit in "ab")
    for path in (old, new):
        path.write_bytes(b"half a chu")
    os.utime(old, (0, 0))
    assert encoded(tmp_path, CORPUS)[0] == []
    assert main(["cache", "prune", "--older-than", "1", "--cache", str(tmp_path)]) == 0
    assert (old.exists(), new.exists()) == (False, True)  # the new one may still be written


def test_pruning_removes_folders_of_runs_that_ended_long_ago(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "print(__import__('os').getpid())"], capture_output=True, text=True)
    owners = {
        "mine": [platform.node(), os.getpid(), psutil.Process().create_time()],
        "ended": [platform.node(), int(ended.stdout), time.time()],
        "elsewhere": [f"not-{platform.node()}", 1, 0.0],
        "long_ago": [f"not-{platform.node()}", 1, 0.0],
    }
    for name, owner in owners.items():
        folder = tmp_path / f".run-{name}"
        (folder / "vectors").mkdir(parents=True)
        (folder / "owner").write_text(json.dumps(owner))
        (folder / "vectors" / "rows.npy").write_bytes(b"rows")
    for path in [*(tmp_path / ".run-long_ago").rglob("*"), *tmp_path.glob(".run-[!e]*")]:
        os.utime(path, (0, 0))
    (tmp_path / "not-a-run").mkdir()
    assert main(["cache", "prune", "--older-than", "9999", "--cache", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run-elsewhere", ".run-mine", "not-a-run"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["prune"], "--older-than DAYS, --max-size SIZE, or --all"),
        (["list", "--all"], "foolsgold cache prune"),
        (["--cache", "nowhere"], "nowhere is no folder"),
        (["prune", "--max-size", "much"], "max_size is 'much'; it takes a number with a unit"),
        (["prune", "--older-than", "-1"], "it takes a number of days from 0 on"),
    ],
)
def test_mistakes(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", *flags]) == 2
    assert message in capsys.readouterr().err
