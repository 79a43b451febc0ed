from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import SimpleMiner
from foolsgold.errors import CollectionError, ModelError, SettingsError, VectorError
from foolsgold.simple_miner import storage_type

WINDOWS = {1: [], 2: [1], 4: [2, 3], 20: range(10, 20), 100: range(10, 20), 300: range(10, 30), 1_200: range(10, 110)}


class Directions:
    """Gives each text its own direction in 24 dimensions, the same in every process."""

    def __init__(self) -> None:
        self.calls = 0

    def encode_queries(self, texts: Any) -> Any:
        self.calls += 1
        return np.stack([np.random.default_rng([*text.encode()]).standard_normal(24) for text in texts])

    encode_documents = encode_queries


def miner_of(n: int, encoder: Any = None) -> SimpleMiner:
    miner = SimpleMiner("en", model=encoder or Directions())
    miner.build_index([f"document {i}" for i in range(n)], show_progress=False)
    return miner


@cache
def brute_force(query: str, n: int) -> list[str]:
    return brute_force_of([f"document {i}" for i in range(n)], query)


def brute_force_of(docs: list[str], query: str) -> list[str]:
    vecs, query_vec = Directions().encode_documents(docs), Directions().encode_queries([query])[0]
    scores = (vecs / np.linalg.norm(vecs, axis=1, keepdims=True)) @ query_vec
    return [docs[i] for i in np.argsort(-scores, kind="stable")]


@pytest.mark.parametrize("n", WINDOWS)
def test_just_the_ranks_of_the_rule(n: int) -> None:
    miner = miner_of(n)
    queries = [f"query {i}" for i in range(5)]
    expected = [[brute_force(query, n)[rank] for rank in WINDOWS[n]] for query in queries]
    assert miner.mine_hard_negatives(queries) == expected
    assert [miner.mine_hard_negatives(query) for query in queries] == expected


def test_real_text_with_the_offline_model() -> None:
    documents = ["Cats purr.", "Kittens purr softly.", "Dogs bark.", "Stocks fell on Monday."]
    miner = SimpleMiner("en", model="offline")
    query = "What sound does a cat make?"
    assert miner.mine_hard_negatives(query, documents) == ["Dogs bark.", "Stocks fell on Monday."]
    assert miner.mine_hard_negatives([query]) == [miner.mine_hard_negatives(query)]
    assert (miner.min_rank, miner.max_rank, miner.has_index) == (10, 4, True)
    assert miner.corpus_map == dict(enumerate(documents))
    assert type(miner.model).__name__ == "SentenceTransformer"
    assert len(miner.voyager_index or []) == 4


def test_query_index_gives_ids_and_distances() -> None:
    miner = miner_of(50)
    vec = Directions().encode_queries(["a query"])
    ids, distances = miner.query_index(vec[0], top_k=5)
    assert [miner.corpus_map[i] for i in ids] == brute_force("a query", 50)[:5]
    assert (distances.shape, bool((np.diff(distances) >= 0).all())) == ((5,), True)
    many, _ = miner.query_index(np.tile(vec, (3, 1)), top_k=1_000)
    assert many.shape == (3, 50)
    with pytest.raises(VectorError, match="7 dimensions, the index 24"):
        miner.query_index(np.ones(7))
    with pytest.raises(SettingsError, match="top_k is 0"):
        miner.query_index(vec[0], top_k=0)


def test_all_queries_are_encoded_together() -> None:
    encoder = Directions()
    miner = miner_of(50, encoder)
    encoder.calls = 0
    miner.mine_hard_negatives([f"query {i}" for i in range(200)])
    assert encoder.calls == 1


def test_equal_documents_stand_in_their_order() -> None:
    miner = SimpleMiner("en", model=Directions())
    miner.min_rank = 0
    documents = ["same"] * 15 + ["other"] * 15
    miner.build_index(documents, show_progress=False)
    ids, _ = miner.query_index(Directions().encode_queries(["same"])[0], top_k=20)
    assert ids.tolist() == list(range(20))


def test_min_rank_can_be_set() -> None:
    miner = miner_of(100)
    miner.min_rank = 0
    assert miner.mine_hard_negatives("q") == brute_force("q", 100)[:20]
    miner.min_rank = 15
    assert miner.mine_hard_negatives("q") == brute_force("q", 100)[10:20]  # half the window's end at most


def test_max_rank_can_be_set() -> None:
    miner = miner_of(120)
    miner.max_rank = 5
    assert miner.mine_hard_negatives("q") == brute_force("q", 120)[2:5]
    miner.max_rank = 1_000
    assert miner.mine_hard_negatives("q") == brute_force("q", 120)[10:]
    miner.min_rank = -1
    with pytest.raises(SettingsError, match="min_rank is -1"):
        miner.mine_hard_negatives("q")


def test_save_index_with_an_index_that_is_there(tmp_path: Path) -> None:
    miner = miner_of(30)
    found = miner.mine_hard_negatives("q", save_index=True, save_path=tmp_path / "saved")
    assert SimpleMiner.load(tmp_path / "saved", model=Directions()).mine_hard_negatives("q") == found


def test_another_collection_is_indexed_again() -> None:
    encoder = Directions()
    miner = miner_of(20, encoder)
    calls = encoder.calls
    miner.mine_hard_negatives("q", [f"document {i}" for i in range(20)])
    assert encoder.calls == calls + 1  # the query alone
    assert miner.mine_hard_negatives("q", ["a", "b"]) == [brute_force_of(["a", "b"], "q")[1]]


def test_saved_and_loaded_whole(tmp_path: Path) -> None:
    miner = miner_of(300)
    miner.min_rank = 5
    assert miner.export_index(tmp_path / "saved")
    loaded = SimpleMiner.load(tmp_path / "saved", model=Directions())
    queries = ["one", "two"]
    assert loaded.mine_hard_negatives(queries) == miner.mine_hard_negatives(queries)
    assert (loaded.min_rank, loaded.max_rank, loaded.corpus_map) == (5, 30, miner.corpus_map)
    with pytest.raises(SettingsError, match="Pass the same one"):
        SimpleMiner.load(tmp_path / "saved")


def test_save_index_while_building_and_load_by_name(tmp_path: Path, model_folder: str) -> None:
    miner = SimpleMiner("en", model="offline")
    documents = ["Cats purr.", "Dogs bark.", "Cows moo.", "Stocks fell."]
    miner.build_index(documents, save_index=True, save_path=tmp_path / "deep" / "saved", show_progress=False)
    identity = json.loads((tmp_path / "deep" / "saved" / "simple_miner.json").read_text())
    assert identity["model_name"] == "offline"
    loaded = SimpleMiner.load(tmp_path / "deep" / "saved")
    assert loaded.mine_hard_negatives("cat?") == miner.mine_hard_negatives("cat?")
    with pytest.raises(ModelError, match="another model"):
        SimpleMiner.load(tmp_path / "deep" / "saved", model=Directions())


def test_saving_spares_what_is_not_its_own(tmp_path: Path) -> None:
    miner = miner_of(4)
    miner.export_index(tmp_path / "saved")
    miner_of(5).export_index(tmp_path / "saved")  # its own is replaced
    assert len(SimpleMiner.load(tmp_path / "saved", model=Directions()).corpus_map) == 5
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(SettingsError, match="holds something else"):
        miner.export_index(tmp_path / "mine")
    encoder = Directions()
    with pytest.raises(SettingsError, match=r"holds something else \(thesis.tex\)"):
        SimpleMiner("en", model=encoder).build_index(["a"], save_index=True, save_path=tmp_path / "mine")
    assert encoder.calls == 0  # said before anything is encoded
    (tmp_path / "saved" / "notes.txt").touch()
    with pytest.raises(SettingsError, match=r"notes.txt"):
        miner.export_index(tmp_path / "saved")
    with pytest.raises(SettingsError, match="save_path is None"):
        miner.build_index(["a"], save_index=True)


@pytest.mark.parametrize("damage", ["index.voyager", "corpus.parquet", "simple_miner.json"])
def test_a_damaged_folder_is_said(tmp_path: Path, damage: str) -> None:
    miner_of(30).export_index(tmp_path / "saved")
    file = tmp_path / "saved" / damage
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CollectionError, match="is damaged"):
        SimpleMiner.load(tmp_path / "saved", model=Directions())
    with pytest.raises(SettingsError, match="holds no saved SimpleMiner"):
        SimpleMiner.load(tmp_path)


def test_wrong_use() -> None:
    with pytest.raises(SettingsError, match="model_size is 'huge'"):
        SimpleMiner("en", "huge", model=Directions())  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="language_code is ''"):
        SimpleMiner("", model=Directions())
    miner = SimpleMiner("en", model=Directions())
    assert isinstance(miner.model, Directions)
    with pytest.raises(SettingsError, match="batch_size is 0"):
        miner.build_index(["a"], batch_size=0)
    for call in (
        lambda: miner.mine_hard_negatives("q"),
        lambda: miner.export_index("x"),
        lambda: miner.query_index([1]),
    ):  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match="no index"):
            call()
    with pytest.raises(CollectionError, match="collection is empty"):
        miner.build_index([])
    with pytest.raises(CollectionError, match=r"collection\[1\].*None"):
        miner.build_index(["a", None])  # type: ignore[list-item]
    with pytest.raises(CollectionError, match="collection is a set"):
        miner.build_index({"a", "b"})  # type: ignore[arg-type]
    with pytest.raises(CollectionError, match="collection is a str"):
        miner.build_index("a text")  # type: ignore[arg-type]
    miner.build_index(["a", "b"], show_progress=False)
    with pytest.raises(CollectionError, match=r"queries\[0\].*7"):
        miner.mine_hard_negatives([7])  # type: ignore[list-item]
    assert miner.mine_hard_negatives([]) == []


def test_e4m3_only_above_500_000_documents_and_where_allowed() -> None:
    from voyager import StorageDataType

    assert storage_type(500_001, force_fp32=False) == StorageDataType.E4M3
    assert storage_type(500_000, force_fp32=False) == StorageDataType.Float32
    assert storage_type(500_001, force_fp32=True) == StorageDataType.Float32


def test_an_index_of_e4m3_finds_nearly_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("foolsgold.simple_miner.FULL_PRECISION_DOCUMENTS", 100)
    miner = SimpleMiner("en", model=Directions())
    miner.build_index([f"document {i}" for i in range(300)], force_fp32=False, show_progress=False)
    assert "E4M3" in str(miner.voyager_index.storage_data_type)  # type: ignore[union-attr]
    found = miner.mine_hard_negatives("query")
    assert len(set(found) & set(brute_force("query", 300)[10:30])) >= 14
    miner.export_index(tmp_path / "saved")
    assert SimpleMiner.load(tmp_path / "saved", model=Directions()).mine_hard_negatives("query") == found
