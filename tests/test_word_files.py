"""Words in files: counted by stretches, and read as they were counted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from foolsgold import read_pairs
from foolsgold.errors import OutputError
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.corpus_of import corpus_of
from foolsgold.scale.mapped import mapped, room
from foolsgold.scale.pool import InProcessPool
from foolsgold.scale.word_files import CountWords, word_files_of
from foolsgold.search import ShardWords

TEXTS = ["red rose", "red red wine", "?", "the sky", "Red ROSE"]
ARRAYS = ("hashes", "indptr", "columns", "frequencies", "lengths")


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    collection = read_pairs([("q", "red rose")], corpus=TEXTS)
    return corpus_of(collection, tmp_path / "cache", InProcessPool())


@pytest.mark.parametrize("in_place", [True, False])
def test_words_are_read_as_they_were_counted(corpus: Corpus, tmp_path: Path, in_place: bool) -> None:
    shares = word_files_of(corpus, np.array([0, 2, 5]), tmp_path)
    assert [(file.start, file.stop) for files in shares for file in files] == [(0, 2), (2, 5)]
    for (file,) in shares:
        assert CountWords(corpus, "en")(file) == file.stop - file.start
        found, expected = file.words(in_place=in_place), ShardWords.of(TEXTS[file.start : file.stop], "en")
        for name in ARRAYS:
            array = getattr(found, name)
            assert np.array_equal(array, getattr(expected, name)) and array.dtype == getattr(expected, name).dtype
            assert array.flags.writeable is not in_place


def test_long_texts_make_short_stretches(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = corpus.read(0, 5, ("title", "text")).nbytes
    monkeypatch.setattr("foolsgold.scale.word_files._BYTES", whole // 2)
    (files,) = word_files_of(corpus, np.array([0, 5]), tmp_path)
    assert [(file.start, file.stop) for file in files] == [(0, 2), (2, 4), (4, 5)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells open files on Linux alone")
def test_what_is_mapped_keeps_no_file_open(corpus: Corpus, tmp_path: Path) -> None:
    ((file,),) = word_files_of(corpus, np.array([0, 5]), tmp_path)
    CountWords(corpus, "en")(file)
    values = np.arange(2**20, dtype=np.float32)
    before = len(os.listdir("/proc/self/fd"))
    kept = [file.words(in_place=True), mapped(values, tmp_path)]
    assert len(os.listdir("/proc/self/fd")) == before
    assert isinstance(kept[1], np.ndarray) and np.array_equal(kept[1], values)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "words-0.npy"]


def test_a_disk_without_room_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere has no room for 0\.0 GiB .*\(--cache DIR\)"):
        room((2**10, 2**10), np.float32, tmp_path / "nowhere")
    with pytest.raises(OutputError, match="nowhere has no room"):
        mapped(np.zeros(2**20), tmp_path / "nowhere")
