from __future__ import annotations

import numpy as np
import pytest

from foolsgold import MiningSettings, PrecomputedVectors, read_pairs
from foolsgold.collection import Collection
from foolsgold.encode import Encoded, encode
from foolsgold.encode.vectors import Vectors
from foolsgold.filters import Relevance
from foolsgold.search import Bm25Index, Search
from foolsgold.witness import Witnesses
from foolsgold.witness.containment import contains
from foolsgold.witness.features import above_median, relative_to_best, standardised
from foolsgold.witness.hubs import Hubs
from foolsgold.witness.neighbours import Neighbours

QUIET = MiningSettings(quiet=True)


def unit(rows: list[list[float]]) -> np.ndarray:
    vecs = np.array(rows, np.float32)
    return vecs / np.linalg.norm(vecs, axis=1, keepdims=True)


def encoded(collection: Collection, query_vecs: np.ndarray, doc_vecs: np.ndarray) -> Encoded:
    return encode(collection, PrecomputedVectors(query_vecs, doc_vecs), QUIET)


def test_each_value_is_relative_to_its_own_query() -> None:
    values = np.array([[1.0, 2.0, 3.0, 100.0], [5.0, 5.0, 5.0, 5.0]])
    unknown = np.array([[True, True, True, False], [True] * 4])
    z, of_positives = standardised(values, np.array([4.0, 6.0]), np.array([0, 1]), unknown)
    assert z[0, :3] == pytest.approx((np.array([1, 2, 3]) - 2) / np.sqrt(2 / 3))
    assert of_positives == pytest.approx([2 / np.sqrt(2 / 3), 1.0])  # all equal: differences count as they are
    assert above_median(values, unknown)[0, :3].tolist() == [-1, 0, 1]
    best, positive = relative_to_best(values, np.array([4.0, 0.0]), np.array([0, 1]), unknown)
    assert best[0, :3].tolist() == [0.25, 0.5, 0.75] and positive.tolist() == [1.0, 0.0]


def test_nothing_is_divided_by_nothing() -> None:
    none = np.zeros((2, 3), np.bool_)
    values, nobody = np.zeros((2, 3)), np.empty(0, np.int64)
    with np.errstate(all="raise"):
        assert not standardised(values, np.empty(0), nobody, none)[0].any()
        assert not above_median(values, none).any()
        assert not relative_to_best(values, np.empty(0), nobody, none)[0].any()


def test_columns_without_candidates_change_no_digit() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((1, 13))
    wide = np.concatenate([values, np.zeros((1, 19))], axis=1)
    keep = np.arange(32)[None] < 13
    nobody = np.empty(0, np.int64)
    narrow, _ = standardised(values, np.empty(0), nobody, keep[:, :13])
    assert np.array_equal(standardised(wide, np.empty(0), nobody, keep)[0][:, :13], narrow)


def test_a_hub_is_near_to_other_queries_too() -> None:
    queries = unit([[1, 0], [0, 1], [1, 1]])
    docs = unit([[1, 1], [1, 0]])
    hubs = Hubs(Vectors.of(queries, "cosine"), Vectors.of(docs, "cosine"), seed=0, quiet=True)
    root = np.sqrt(0.5)
    of_first = hubs.of(np.array([[0, 0]]), np.array([[0, 1]]))  # without query 0 itself
    assert of_first == pytest.approx(np.array([[(root + 1) / 2, (0 + root) / 2]]), abs=1e-6)


def test_of_many_queries_the_ten_nearest_count() -> None:
    angles = np.deg2rad(np.arange(0, 60, 2.0))  # 30 queries
    queries = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    hubs = Hubs(Vectors.of(queries, "cosine"), Vectors.of(queries[:1], "cosine"), seed=0, quiet=True)
    assert hubs.of(np.array([0]), np.array([0])) == pytest.approx(np.cos(angles[1:11]).mean(), abs=1e-6)
    assert hubs.of(np.array([20]), np.array([0])) == pytest.approx(np.cos(angles[:10]).mean(), abs=1e-6)


def test_a_lone_query_has_no_others() -> None:
    one = Vectors.of(unit([[1, 0]]), "cosine")
    assert Hubs(one, one, seed=0, quiet=True).of(np.array([0]), np.array([0])).tolist() == [0]


def test_near_duplicates_go_to_the_first_that_is_kept() -> None:
    degrees = np.deg2rad([0.0, 10, 20, 90, 12])  # cos 10 = .985, cos 20 = .940
    vecs = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    # 10 repeats 0, and is not kept; so 20, which repeats 10 alone, is; 12 degrees repeats both, 0 first
    neighbours = Neighbours(Vectors.of(vecs, "cosine"), near_duplicate=0.95)
    assert neighbours.duplicate_of(vecs).tolist() == [0, 0, 2, 3, 0]
    off = Neighbours(Vectors.of(vecs, "cosine"), near_duplicate=None)
    assert off.duplicate_of(vecs).tolist() == [0, 1, 2, 3, 4]


def test_likeness_is_the_share_of_a_documents_words_by_weight() -> None:
    texts = ["red red rose", "red tulip", "blue sky", "rose red", "…"]
    index = Bm25Index(texts, language="none", quiet=True)
    found = index.likeness(0, np.array([0, 1, 2, 3, 4, -1]))
    own, other = index.pair_scores(["red rose"], np.array([[0, 3]]))[0]
    assert found == pytest.approx([1, found[1], 0, other / own, 0, 0])
    assert 0 < found[1] < 1 < found[3]  # all words in a shorter document weigh more
    assert index.likeness(4, np.array([0])).tolist() == [0]  # nothing said, nothing shared


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("boil it for six", "then boil it for six minutes", True),
        ("then boil it for six minutes", "boil it for six", True),
        ("boil it for six", "reboil it for six", False),  # word by word
        ("boil it for", "boil it for six minutes", False),  # three words are contained by chance
        ("", "anything at all here", False),
    ],
)
def test_containment(a: str, b: str, expected: bool) -> None:
    assert contains(a, b) is expected


def test_what_the_witnesses_say() -> None:
    pairs = [("red rose", "a red rose in bloom"), ("blue sky", "the sky is blue today")]
    collection = read_pairs(pairs, ["red roses bloom in june", "a blue sky", "green grass", "red wine"])
    docs = unit([[1, 0.3, 0.3], [0.2, 1, 0.2], [0.1, 0.1, 1], [0.6, 0.2, 0.6], [1, 0.2, 0], [0, 1, 0]])
    queries = unit([[1, 0, 0], [0, 1, 0]])
    vectors = encoded(collection, queries, docs)
    witnesses = Witnesses(collection, vectors, QUIET)
    relevance = Relevance(collection)
    block = next(Search(collection, vectors, {}, QUIET).blocks())
    testimony = witnesses.of(block, relevance)
    ids = collection.doc_ids.to_pylist()
    named = {ids[doc]: testimony.features[0, column] for column, doc in enumerate(block.doc_rows[0].tolist())}
    of_text = dict(zip(collection.document_texts(), ids, strict=True))
    rose, wine, grass = (named[of_text[text]] for text in ("red roses bloom in june", "red wine", "green grass"))
    assert (rose > grass).all()  # dense, words, near the positive, words of the positive
    assert min(rose[1], wine[1]) > grass[1] == 0
    assert rose[3] > wine[3] > grass[3]
    positive = block.doc_rows[0].tolist().index(ids.index(of_text["a red rose in bloom"]))
    assert testimony.positive_similarities[0, positive] == pytest.approx(1, abs=1e-6)
    assert witnesses.silent == ()


def test_a_collection_without_words_has_two_witnesses_less() -> None:
    collection = read_pairs([("?", "!")], ["…", "—", "§"])
    vectors = encoded(collection, unit([[1, 0]]), unit([[1, 0], [0, 1], [1, 1], [1, 2]]))
    witnesses = Witnesses(collection, vectors, QUIET)
    assert witnesses.silent == ("words", "words_of_positive")
    testimony = witnesses.of(next(Search(collection, vectors, {}, QUIET).blocks()), Relevance(collection))
    assert not testimony.features[..., [1, 3]].any()
    assert testimony.features[..., 0].any()
