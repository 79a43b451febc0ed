from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foolsgold import exact_topk
from foolsgold.encode import Vectors
from foolsgold.errors import SettingsError, VectorError
from foolsgold.search import ExactIndex, VoyagerIndex
from foolsgold.search.device_index import DeviceIndex
from foolsgold.search.plan import Index, Plan, plan_index
from foolsgold.search.rescore import pair_scores
from foolsgold.search.sweep import SweepSizes
from foolsgold.search.voyager import recall_of

SMALL = SweepSizes(queries=13, tile=5, documents=7)
BACKENDS: dict[str, Callable[[Vectors], Index]] = {
    "exact": lambda docs: ExactIndex(docs),
    "exact, small blocks": lambda docs: ExactIndex(docs, sizes=SMALL),
    "exact, int8": lambda docs: ExactIndex(docs, first_pass="int8"),
    "exact, int8, small blocks, three threads": lambda docs: ExactIndex(
        docs, first_pass="int8", sizes=SMALL, n_threads=3
    ),
    "device": lambda docs: DeviceIndex(docs, "cpu"),
    "device, small blocks": lambda docs: DeviceIndex(docs, "cpu", sizes=SMALL),
    "voyager": lambda docs: VoyagerIndex(docs, seed=42),
}


def brute_force(queries: np.ndarray, docs: np.ndarray, k: int, similarity: str) -> tuple[np.ndarray, np.ndarray]:
    """In float64, equal scores by document order."""
    q, d = queries.astype(np.float64), docs.astype(np.float64)
    if similarity == "cosine":
        q, d = q / np.linalg.norm(q, axis=1, keepdims=True), d / np.linalg.norm(d, axis=1, keepdims=True)
    scores = q @ d.T
    order = np.argsort(-scores.round(12), axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


def random_vecs(n: int, dimensions: int = 16, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dimensions)).astype(dtype)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("k", [1, 10, 300])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_documents_and_order_of_brute_force(backend: str, k: int, dtype: Any, similarity: Any) -> None:
    queries, docs = random_vecs(20, seed=1, dtype=dtype), random_vecs(300, seed=2, dtype=dtype)
    index = BACKENDS[backend](Vectors.of(docs, similarity))
    found, scores = index.search(Vectors.of(queries, similarity), slice(0, 20), k)
    expected, expected_scores = brute_force(queries, docs, k, similarity)
    assert found.tolist() == expected.tolist()
    assert np.allclose(scores, expected_scores, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_equal_scores_stand_in_document_order(backend: str) -> None:
    docs = np.tile(random_vecs(5, seed=3), (20, 1))  # each vector twenty times
    queries = random_vecs(4, seed=4)
    found, _ = BACKENDS[backend](Vectors.of(docs, "cosine")).search(Vectors.of(queries, "cosine"), slice(0, 4), 50)
    assert found.tolist() == brute_force(queries, docs, 50, "cosine")[0].tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_document_and_one_query(backend: str) -> None:
    one = Vectors.of(random_vecs(1), "cosine")
    found, scores = BACKENDS[backend](one).search(one, slice(0, 1), 1)
    assert found.tolist() == [[0]]
    assert np.allclose(scores, 1)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_mapped_vectors(backend: str, dtype: Any, similarity: Any, tmp_path: Path) -> None:
    docs, queries = random_vecs(40, dtype=dtype), random_vecs(3, seed=7, dtype=dtype)
    np.save(tmp_path / "docs.npy", docs)
    np.save(tmp_path / "queries.npy", queries)
    mapped = (np.load(tmp_path / name, mmap_mode="r") for name in ("docs.npy", "queries.npy"))
    doc_vecs, query_vecs = (Vectors.of(values, similarity) for values in mapped)
    found, _ = BACKENDS[backend](doc_vecs).search(query_vecs, slice(0, 3), 9)
    assert found.tolist() == brute_force(queries, docs, 9, similarity)[0].tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_any_part_of_the_queries(backend: str) -> None:
    docs, queries = Vectors.of(random_vecs(50), "cosine"), Vectors.of(random_vecs(9, seed=5), "cosine")
    index = BACKENDS[backend](docs)
    whole, _ = index.search(queries, slice(0, 9), 5)
    part, _ = index.search(queries, slice(3, 6), 5)
    assert part.tolist() == whole[3:6].tolist()


def test_a_collection_of_nothing_but_equal_vectors() -> None:
    docs = np.tile(random_vecs(1), (5_000, 1))
    found, _ = exact_topk(random_vecs(3, seed=6), docs, 4)
    assert found.tolist() == [[0, 1, 2, 3]] * 3


def test_what_int8_cannot_tell_apart_is_found_in_float32() -> None:
    docs, queries = random_vecs(6_000), random_vecs(5, seed=6)
    docs[17, 3] = 1e6  # steps that span this tell nothing of the others
    queries[:, 3] = 0
    docs_vecs, query_vecs = Vectors.of(docs, "dot"), Vectors.of(queries, "dot")
    index = ExactIndex(docs_vecs, first_pass="int8")
    found, _ = index.search(query_vecs, slice(0, 5), 20)
    assert found.tolist() == brute_force(queries, docs, 20, "dot")[0].tolist()
    assert index.first_pass == "float32"


def test_int8_is_not_for_sums_beyond_32_bits() -> None:
    with pytest.raises(SettingsError, match=r"first_pass is 'int8'.* with 70000 dimensions.*Take 'float32'"):
        exact_topk(np.ones((1, 70_000), np.float32), np.ones((2, 70_000), np.float32), 1, first_pass="int8")


@pytest.mark.parametrize("backend", BACKENDS)
def test_zeros_among_dot_products(backend: str) -> None:
    docs, queries = random_vecs(30), random_vecs(4, seed=6)
    docs[5], queries[2] = 0, 0
    index = BACKENDS[backend](Vectors.of(docs, "dot"))
    found, _ = index.search(Vectors.of(queries, "dot"), slice(0, 4), 30)
    assert found.tolist() == brute_force(queries, docs, 30, "dot")[0].tolist()


@settings(max_examples=40, deadline=None)
@given(
    n_docs=st.integers(1, 60), n_queries=st.integers(1, 8), levels=st.integers(1, 3), data=st.data(),
    sizes=st.builds(SweepSizes, st.integers(1, 9), st.integers(1, 9), st.integers(1, 70)),
    first_pass=st.sampled_from(["float32", "int8"]),
)  # fmt: skip
def test_blocks_never_show(
    n_docs: int, n_queries: int, levels: int, data: Any, sizes: SweepSizes, first_pass: Any
) -> None:
    """Coarse values make many ties; whatever the blocks, the result is that of one block, to the last bit."""
    k = data.draw(st.integers(1, n_docs))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    docs = generator.integers(-levels, levels + 1, (n_docs, 3)).astype(np.float32)
    queries = generator.integers(-levels, levels + 1, (n_queries, 3)).astype(np.float32)
    doc_vecs, query_vecs = Vectors.of(docs, "dot"), Vectors.of(queries, "dot")
    found, scores = ExactIndex(doc_vecs, sizes=sizes, first_pass=first_pass).search(query_vecs, slice(0, n_queries), k)
    assert found.tolist() == brute_force(queries, docs, k, "dot")[0].tolist()
    again, scores_again = ExactIndex(doc_vecs).search(query_vecs, slice(0, n_queries), k)
    assert found.tobytes() == again.tobytes()
    assert scores.tobytes() == scores_again.tobytes()


def test_scores_do_not_depend_on_their_neighbours() -> None:
    queries, docs = Vectors.of(random_vecs(50, 384), "cosine"), Vectors.of(random_vecs(50, 384, seed=9), "cosine")
    rows = np.arange(50)
    together = pair_scores(queries, docs, rows, rows)
    transposed = Vectors.of(np.asfortranarray(docs.values), "cosine")
    assert pair_scores(queries, transposed, rows, rows).tobytes() == together.tobytes()
    one_by_one = np.concatenate([pair_scores(queries, docs, rows[n : n + 1], rows[n : n + 1]) for n in rows])
    backwards = pair_scores(queries, docs, rows[::-1], rows[::-1])[::-1]
    assert together.tobytes() == one_by_one.tobytes() == backwards.tobytes()


def test_voyager_is_built_the_same_again() -> None:
    docs, queries = Vectors.of(random_vecs(3_000, 32), "cosine"), Vectors.of(random_vecs(50, 32, seed=8), "cosine")
    one, other = (VoyagerIndex(docs, seed=1).search(queries, slice(0, 50), 100) for _ in range(2))
    assert one[0].tobytes() == other[0].tobytes()


def test_voyager_visits_more_until_recall_is_good() -> None:
    docs, queries = Vectors.of(random_vecs(9_000, 128), "cosine"), Vectors.of(random_vecs(80, 128, seed=8), "cosine")
    index = VoyagerIndex(docs, seed=1)
    hasty, _ = index.search(queries, slice(0, 80), 50)
    index.tune(queries, k=50, seed=1)
    tuned, _ = index.search(queries, slice(0, 80), 50)
    true, _ = ExactIndex(docs).search(queries, slice(0, 80), 50)
    described = index.describe()
    assert recall_of(hasty, true) < 0.99 <= recall_of(tuned, true) == described["recall"]
    assert (described["recall_sample_queries"], described["M"]) == (80, 16)
    assert described["query_ef"] > 400


def planned(n_queries: int, n_documents: int, kind: Any = "auto") -> Plan:
    queries, docs = (np.broadcast_to(random_vecs(1, 64), (n, 64)) for n in (n_queries, n_documents))
    vectors = (Vectors(values, "cosine", np.broadcast_to(1.0, len(values))) for values in (queries, docs))
    return plan_index(kind, *vectors, k=10, device="cpu", seed=1)


def test_the_plan() -> None:
    assert planned(1, 1, "voyager").describe() == {"index": "voyager", "reason": "asked for", "estimated": {}}
    assert planned(1_000, 10_000).describe()["reason"] == "few enough products to be done in seconds"
    middling = planned(100_000, 100_000)
    assert middling.kind == "exact"
    assert 0 < middling.exact_seconds < 600  # type: ignore[operator]
    assert "measured on a sample" in middling.reason
    huge = planned(5_000_000, 50_000_000)
    assert huge.kind == "voyager"
    assert huge.exact_seconds > 2 * huge.voyager_seconds  # type: ignore[operator]


def test_exact_topk_says_what_it_takes() -> None:
    with pytest.raises(SettingsError, match="k is 4; it takes 1 to 3"):
        exact_topk(random_vecs(2), random_vecs(3), 4)
    with pytest.raises(VectorError, match="doc_vecs: type float64"):
        exact_topk(random_vecs(2), random_vecs(3).astype(np.float64), 1)


def test_a_limit_for_memory_is_kept_and_changes_nothing() -> None:
    docs, queries = Vectors.of(random_vecs(20_000, 32), "cosine"), Vectors.of(random_vecs(4_000, 32, seed=6), "cosine")

    def searched(memory_bytes: int | None) -> tuple[bytes, int]:
        tracemalloc.start()
        index = ExactIndex(docs, first_pass="float32", n_threads=2, memory_bytes=memory_bytes)
        found, scores = index.search(queries, slice(0, 4_000), 50)
        peak = tracemalloc.get_traced_memory()[1] - found.nbytes - scores.nbytes
        tracemalloc.stop()
        return found.tobytes() + scores.tobytes(), peak

    (free, most), (limited, least) = searched(None), searched(20_000_000)
    assert limited == free
    assert least < 20_000_000 < most
