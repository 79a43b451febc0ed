"""Encoding in stretches of chunks, and vectors read by row: the bytes of the local engine, in this process."""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foolsgold import MiningSettings, PrecomputedVectors, read_pairs
from foolsgold.collection import Collection
from foolsgold.encode import encode
from foolsgold.encode.texts import Texts
from foolsgold.errors import ModelError, SettingsError, TextError, VectorError
from foolsgold.scale.corpus_of import corpus_of
from foolsgold.scale.encode_on import EncodedOn, encode_on
from foolsgold.scale.encoder_on_worker import EncoderFacts
from foolsgold.scale.pool import InProcessPool
from foolsgold.scale.remote_collection import RemoteCollection
from foolsgold.scale.stored_vectors import InFile
from foolsgold.scale.texts import SideTexts, TextsInFile
from letter_encoders import Choosy, Letters, Nameless, Numbers

CORPUS = [f"text {number} {'about cats' * (number % 3)}" for number in range(10)]
ROWS = np.array([9, 0, 5, 5, 2])


def quiet(**changes: Any) -> MiningSettings:
    return MiningSettings(**{"quiet": True, "negatives": 1, "cache": None, **changes})


def collection_of(texts: list[str], query: str = "what?") -> Collection:
    return read_pairs([(query, texts[0])], texts)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def encoded_on(
    texts: list[str] | Collection, encoder: Any, store: Path, *, cache: Path | None = None, **changes: Any
) -> EncodedOn:
    collection = texts if isinstance(texts, Collection) else collection_of(texts)
    documents, queries = SideTexts.of_documents(collection), SideTexts.of_queries(collection)
    return encode_on(InProcessPool(), documents, queries, encoder, quiet(**changes), cache=cache, store=store)


def files(cache: Path) -> dict[str, bytes]:
    return {str(path.relative_to(cache)): path.read_bytes() for path in sorted(cache.rglob("*.safetensors"))}


def test_chunks_and_vectors_are_those_of_the_local_engine(tmp_path: Path, store: Path) -> None:
    texts = [*CORPUS[:3], CORPUS[0], *CORPUS, CORPUS[9]]  # some come twice
    local, remote = Letters(), Letters()
    expected = encode(collection_of(texts), local, quiet(), cache=tmp_path / "local")
    assert expected is not None
    result = encoded_on(texts, remote, store, cache=tmp_path / "shared")
    assert files(tmp_path / "shared") == files(tmp_path / "local")
    assert remote.asked == local.asked
    values = np.asarray(expected.doc_vecs.values)
    assert result.doc_vecs.read(0, len(values)).tobytes() == values.tobytes()
    assert result.doc_vecs.read(3, 9).tobytes() == values[3:9].tobytes()
    assert result.doc_vecs.take(ROWS).tobytes() == values[ROWS].tobytes()
    assert result.query_vecs.read(0, 1).tobytes() == np.asarray(expected.query_vecs.values).tobytes()
    assert result.encoder == expected.encoder
    assert (result.doc_vecs.n_rows, result.doc_vecs.similarity) == (len(values), "cosine")


def test_what_one_engine_made_the_other_finds(tmp_path: Path, store: Path) -> None:
    encoded_on(CORPUS, Letters(), store, cache=tmp_path)
    again, other = Letters(), Letters()
    result = encoded_on(CORPUS, again, store, cache=tmp_path)
    assert again.asked == []
    encode(collection_of(CORPUS), other, quiet(), cache=tmp_path)
    assert other.asked == []
    assert result.doc_vecs.read(0, 10).tolist() == Letters().encode_queries(CORPUS)


def test_vectors_are_read_elsewhere(tmp_path: Path, store: Path) -> None:
    stored = encoded_on(CORPUS, Letters(), store, cache=tmp_path).doc_vecs
    sent = pickle.dumps(stored)
    assert len(sent) < 2_000
    assert pickle.loads(sent).take(ROWS).tolist() == stored.take(ROWS).tolist()


@pytest.mark.parametrize(
    ("texts", "new"),
    [([*CORPUS, "snow", "ice"], ["snow", "ice"]), (CORPUS[::-1], []), (["snow", CORPUS[5], "snow"], ["snow"])],
    ids=["appended", "reordered", "another collection that shares some"],
)
def test_what_is_cached_is_not_encoded_again(texts: list[str], new: list[str], tmp_path: Path, store: Path) -> None:
    encoded_on(CORPUS, Letters(), store, cache=tmp_path)
    encoder = Letters()
    stored = encoded_on(texts, encoder, store, cache=tmp_path).doc_vecs
    assert encoder.asked == new
    assert stored.read(0, len(texts)).tolist() == Letters().encode_queries(texts)


def test_a_run_that_was_stopped_is_gone_on_with(tmp_path: Path, store: Path) -> None:
    whole = tmp_path / "whole"
    encoded_on(CORPUS, Letters(), store, cache=whole)
    stopped = Letters(stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        encoded_on(CORPUS, stopped, store, cache=tmp_path / "cache")
    assert len(files(tmp_path / "cache")) == 1
    again = Letters()
    encoded_on(CORPUS, again, store, cache=tmp_path / "cache")
    assert sorted(again.asked) == sorted([*CORPUS[4:], "what?"])
    assert files(tmp_path / "cache") == files(whole)


def test_chunks_finished_out_of_order_leave_the_others_as_they_were(tmp_path: Path, store: Path) -> None:
    whole = tmp_path / "whole"
    encoded_on(CORPUS, Letters(), store, cache=whole)
    expected = files(whole)
    for path in list(whole.rglob("*.safetensors")):
        before = path.read_bytes()
        path.unlink()
        encoded_on(CORPUS, Letters(), store, cache=whole)
        assert path.read_bytes() == before
    assert files(whole) == expected


def test_half_precision(tmp_path: Path, store: Path) -> None:
    stored = encoded_on(CORPUS, Letters(), store, cache=tmp_path, vector_type="float16").doc_vecs
    assert (stored.read(0, 10).dtype, stored.vector_type) == (np.float16, "float16")
    assert stored.n_bytes == 10 * 38 * 2


@pytest.mark.parametrize("encoder", [Letters, Nameless])
def test_without_a_cache_vectors_are_kept_for_the_run_alone(encoder: type, tmp_path: Path, store: Path) -> None:
    stored = encoded_on(CORPUS, encoder(), store).doc_vecs
    assert stored.read(0, 10).tolist() == Letters().encode_queries(CORPUS)
    nameless = Nameless()
    encoded_on(CORPUS, nameless, store, cache=tmp_path / "cache")
    again = Nameless()
    encoded_on(CORPUS, again, store, cache=tmp_path / "cache")
    assert sorted(again.asked) == sorted(nameless.asked)  # nothing tells it from another
    assert not files(tmp_path / "cache")


@pytest.mark.parametrize("damage", ["vectors", "hashes", "cut"])
def test_a_damaged_chunk_is_made_again(damage: str, tmp_path: Path, store: Path) -> None:
    encoded_on(CORPUS, Letters(), store, cache=tmp_path)
    before = files(tmp_path)
    path = tmp_path / max(before, key=lambda name: len(before[name]))
    content = bytearray(path.read_bytes())
    place = {"vectors": content.index(b"}}") + 200, "hashes": -1, "cut": 0}[damage]
    content[place] ^= 1
    path.write_bytes(content[: len(content) // 2] if damage == "cut" else content)
    encoder = Letters()
    stored = encoded_on(CORPUS, encoder, store, cache=tmp_path).doc_vecs
    assert len(encoder.asked) == 4
    assert files(tmp_path) == before
    assert stored.read(0, 10).tolist() == Letters().encode_queries(CORPUS)


def test_a_chunk_that_is_damaged_or_gone_when_it_is_read(tmp_path: Path, store: Path) -> None:
    stored = encoded_on(CORPUS, Letters(), store, cache=tmp_path).doc_vecs
    path = tmp_path / max(files(tmp_path), key=lambda name: len(files(tmp_path)[name]))
    content = bytearray(path.read_bytes())
    content[content.index(b"}}") + 200] ^= 1
    path.write_bytes(content)
    with pytest.raises(VectorError, match=r"damaged\. Run again: its texts are then encoded again"):
        stored.read(0, 10)
    with pytest.raises(VectorError, match=r"gone: .*Run again, with a cache folder \(--cache DIR\) that all"):
        stored.read(0, 10)


def test_what_an_earlier_call_gave_stays_as_it_is(tmp_path: Path, store: Path) -> None:
    corpora = [CORPUS, CORPUS[::-1]]
    results = [encoded_on(texts, Letters(), store, cache=tmp_path).doc_vecs for texts in corpora]
    for texts, stored in zip(corpora, results, strict=True):
        assert stored.read(0, 10).tolist() == Letters().encode_queries(texts)


def test_a_text_that_the_encoder_does_not_take_is_named(tmp_path: Path, store: Path) -> None:
    collection = collection_of([*CORPUS, "poison"])
    with pytest.raises(ModelError) as local:
        encode(collection, Choosy(), quiet(), cache=tmp_path / "local")
    with pytest.raises(ModelError) as remote:
        encoded_on(collection, Choosy(), store, cache=tmp_path)
    assert str(remote.value) == str(local.value)
    assert collection.doc_ids[10].as_py() in str(remote.value)


def test_an_error_about_a_text_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(TextError("is too long.", row=3)))
    assert (str(error), error.problem, error.row) == ("text 3 is too long.", "is too long.", 3)


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        (["1 2", "0 0", "3 4", "0 0", "nan 1"], {}),
        (["1 2", "0 0", "3 4", "0 0"], {}),
        (["1 2", "5 6", "1e30 4", "7 8"], {}),
        (["1 2", "3 4", "5 6", "70000 8"], {"vector_type": "float16"}),
        (["1 2", "3 4", "5 6 7", "8 9 7"], {}),
        (["0 0", "1 2"], {"similarity": "dot"}),
    ],
    ids=["NaN", "zeros", "too long", "too large for float16", "dimensions", "nothing wrong"],
)
def test_vectors_that_cannot_be_searched(texts: list[str], settings: Any, tmp_path: Path, store: Path) -> None:
    def message(call: Any) -> str | None:
        try:
            call()
        except VectorError as error:
            return str(error)
        return None

    collection = collection_of(texts, "5 5")
    expected = message(lambda: encode(collection, Numbers(), quiet(**settings), cache=tmp_path / "local"))
    assert (expected is None) == ("similarity" in settings)
    for _ in range(2):  # when they are made, and when they are found
        assert message(lambda: encoded_on(collection, Numbers(), store, cache=tmp_path, **settings)) == expected


def test_queries_and_documents_of_different_dimensions(tmp_path: Path, store: Path) -> None:
    with pytest.raises(VectorError, match=r"query_vecs have 3 dimensions and doc_vecs 2"):
        encoded_on(collection_of(["1 2"], "1 2 3"), Numbers(), store, cache=tmp_path)


@pytest.mark.parametrize("by_path", [False, True])
def test_vectors_made_elsewhere(by_path: bool, tmp_path: Path, store: Path) -> None:
    collection = collection_of(CORPUS)
    doc_vecs = np.arange(1, 31, dtype=np.float32).reshape(10, 3)
    query_vecs = np.ones((1, 3), np.float16)
    np.save(tmp_path / "d.npy", doc_vecs)
    vectors = PrecomputedVectors(query_vecs, tmp_path / "d.npy" if by_path else doc_vecs, "dot")
    result = encoded_on(collection, vectors, store)
    local = encode(collection, vectors, quiet())
    assert local is not None and result.encoder == local.encoder
    assert result.doc_vecs.take(ROWS).tolist() == doc_vecs[ROWS].tolist()
    assert result.query_vecs.read(0, 1).dtype == np.float16
    assert isinstance(result.doc_vecs.where, InFile)
    assert (result.doc_vecs.where.path == tmp_path / "d.npy") == by_path


def test_wrong_vectors_made_elsewhere(store: Path) -> None:
    collection = collection_of(CORPUS)
    good, query = np.ones((10, 2), np.float32), np.ones((1, 2), np.float32)
    zeros = good.copy()
    zeros[[4, 7]] = 0
    for docs in (zeros, good[:9], good.astype(int), np.ones((10, 3), np.float32), np.ones(10, np.float32)):
        vectors = PrecomputedVectors(query, docs)
        with pytest.raises(VectorError) as local:
            encode(collection, vectors, quiet())
        with pytest.raises(VectorError) as remote:
            encoded_on(collection, vectors, store)
        assert str(remote.value) == str(local.value)
    with pytest.raises(SettingsError, match="query_prompt and document_prompt have no effect"):
        encoded_on(collection, PrecomputedVectors(query, good), store, query_prompt="q: ")


def test_texts_in_a_file_and_of_a_corpus(tmp_path: Path) -> None:
    texts = [{"title": "T", "text": "one"}, "two", {"title": "", "text": "three"}]
    collection = read_pairs([("what?", "two")], texts)
    pieces = corpus_of(collection, tmp_path, InProcessPool())
    here, there = SideTexts.of_documents(collection), SideTexts.of_documents(RemoteCollection.of(collection, pieces))
    in_file = TextsInFile.kept(Texts.of_documents(collection), tmp_path / "texts.arrow")
    rows = np.array([0, 2])
    for one in (here.texts, there.texts, in_file):
        assert one.at(rows) == ["T one", "three"]
    assert there.keys == here.keys
    assert there.ids.to_pylist() == here.ids.to_pylist()


def test_documents_in_pieces_make_the_same_chunks(tmp_path: Path, store: Path) -> None:
    collection = collection_of([*CORPUS, CORPUS[1]])
    pieces = corpus_of(collection, tmp_path / "pieces", InProcessPool())
    for name, one in {"here": collection, "there": RemoteCollection.of(collection, pieces)}.items():
        encoded_on(one, Letters(), store, cache=tmp_path / name)
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_another_encoder_on_another_worker_is_refused() -> None:
    facts = EncoderFacts.of(Letters(), quiet())
    facts.check(EncoderFacts.of(Letters(), quiet()))
    content = {**vars(facts), "host": "far", "packages": {**facts.packages, "torch": "1.0"}}
    here = re.escape(str(facts.packages["torch"]))
    with pytest.raises(ModelError, match=rf"with torch {here}, and on far with torch 1\.0"):
        facts.check(EncoderFacts.from_dict(content))
    other = Letters()
    other.fingerprint = "letters 2"
    with pytest.raises(ModelError, match=r"fingerprint letters 1.*fingerprint letters 2"):
        facts.check(EncoderFacts.of(other, quiet()))


def test_what_an_encoder_is_survives_json(tmp_path: Path) -> None:
    facts = EncoderFacts.of(Letters(), quiet())
    assert EncoderFacts.from_dict(json.loads(json.dumps(asdict(facts)))) == facts


def test_there_must_be_texts(tmp_path: Path, store: Path) -> None:
    nothing = SideTexts(Texts.of([]), Texts.of([]).keys(), pa.chunked_array([], pa.string()))
    queries = SideTexts.of_queries(collection_of(["a"]))
    with pytest.raises(SettingsError, match="there are no documents to encode"):
        encode_on(InProcessPool(), nothing, queries, Letters(), quiet(), cache=None, store=store)
