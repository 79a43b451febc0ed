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
from foolsgold.witness.containment import Containment
from foolsgold.witness.features import above_median, relative_to_best, standardised
from foolsgold.witness.hubs import Hubs, HubSample
from foolsgold.witness.neighbours import Neighbours
from foolsgold.witness.shared_words import SharedWords

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


def hubs_of(queries: Vectors, docs: Vectors) -> Hubs:
    return Hubs.of_documents(docs, HubSample.of(queries, seed=0), quiet=True)


def test_a_hub_is_near_to_other_queries_too() -> None:
    queries = unit([[1, 0], [0, 1], [1, 1]])
    docs = unit([[1, 1], [1, 0]])
    hubs = hubs_of(Vectors.of(queries, "cosine"), Vectors.of(docs, "cosine"))
    root = np.sqrt(0.5)
    of_first = hubs.of(np.array([[0, 0]]), np.array([[0, 1]]))  # without query 0 itself
    assert of_first == pytest.approx(np.array([[(root + 1) / 2, (0 + root) / 2]]), abs=1e-6)


def test_of_many_queries_the_ten_nearest_count() -> None:
    angles = np.deg2rad(np.arange(0, 60, 2.0))  # 30 queries
    queries = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    hubs = hubs_of(Vectors.of(queries, "cosine"), Vectors.of(queries[:1], "cosine"))
    assert hubs.of(np.array([0]), np.array([0])) == pytest.approx(np.cos(angles[1:11]).mean(), abs=1e-6)
    assert hubs.of(np.array([20]), np.array([0])) == pytest.approx(np.cos(angles[:10]).mean(), abs=1e-6)


def test_a_lone_query_has_no_others() -> None:
    one = Vectors.of(unit([[1, 0]]), "cosine")
    assert hubs_of(one, one).of(np.array([0]), np.array([0])).tolist() == [0]


def test_near_duplicates_go_to_the_first_that_is_kept() -> None:
    degrees = np.deg2rad([0.0, 10, 20, 90, 12])  # cos 10 = .985, cos 20 = .940
    vecs = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    # 10 repeats 0, and is not kept; so 20, which repeats 10 alone, is; 12 degrees repeats both, 0 first
    neighbours = Neighbours(Vectors.of(vecs, "cosine"), near_duplicate=0.95)
    present = np.array([[True] * 5, [True] * 4 + [False]])
    both = np.stack([vecs, vecs])
    assert neighbours.duplicate_of(both, present).tolist() == [[0, 0, 2, 3, 0], [0, 0, 2, 3, -1]]
    off = Neighbours(Vectors.of(vecs, "cosine"), near_duplicate=None)
    assert off.duplicate_of(both, present).tolist() == [[0, 1, 2, 3, 4], [0, 1, 2, 3, -1]]


def test_likeness_is_the_share_of_a_documents_words_by_weight() -> None:
    texts = ["red red rose", "red tulip", "blue sky", "rose red", "…"]
    index = Bm25Index(texts, language="none", quiet=True)
    everything, all_of_them = np.arange(5), np.array([0, 5])
    shared = SharedWords(index).of(["rose"], everything, all_of_them, np.array([0]), np.array([0, 1]))
    own, other = index.pair_scores(["red rose"], np.array([[0, 3]]))[0]
    found = shared.likeness
    assert found == pytest.approx([1, found[1], 0, other / own, 0])
    assert 0 < found[1] < 1 < found[3]  # all words in a shorter document weigh more
    assert shared.scores == pytest.approx(index.pair_scores(["rose"], everything[None])[0])
    nothing_said = SharedWords(index).of(["rose"], everything, all_of_them, np.array([4]), np.array([0, 1]))
    assert not nothing_said.likeness.any()


@pytest.mark.parametrize("table_values", [1, 40, 2**19])
def test_shared_words_do_not_depend_on_how_much_is_asked_at_once(table_values: int) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghij"), 6)) for _ in range(30)]
    index = Bm25Index(texts, language="none", quiet=True)
    n_positives = np.array([0, 1, 40, 2])  # one query asks more than fits
    positives, offsets = rng.integers(0, 30, n_positives.sum()), np.concatenate([[0], np.cumsum(n_positives)])
    docs, doc_offsets = rng.integers(0, 30, 26), np.array([0, 10, 20, 20, 26])
    queries = ["a b", "c c", "d", "unheard of"]
    found = SharedWords(index, table_values=table_values).of(queries, docs, doc_offsets, positives, offsets)
    for query, text in enumerate(queries):
        own = slice(doc_offsets[query], doc_offsets[query + 1])
        alone = SharedWords(index).of(
            [text], docs[own], np.array([0, own.stop - own.start]), positives[offsets[query] : offsets[query + 1]],
            np.array([0, n_positives[query]]),
        )  # fmt: skip
        assert found.scores[own].tobytes() == alone.scores.tobytes()
        assert found.likeness[own].tobytes() == alone.likeness.tobytes()
    assert not found.likeness[:10].any() and not found.scores[20:].any()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("boil it for six", "then boil it for six minutes", True),
        ("then boil it for six minutes", "boil it for six", True),
        ("Boil it, for six!", "boil it for six", True),
        ("boil it for six", "reboil it for six", False),  # word by word
        ("boil it for", "boil it for six minutes", False),  # three words are contained by chance
        ("six for it boil", "boil it for six minutes", False),  # the same words in another order
        ("水煮六分", "用水煮六分钟", True),
        ("?", "anything at all here", False),
    ],
)
def test_containment(a: str, b: str, expected: bool) -> None:
    collection = read_pairs([("q", a), ("q", b)])
    assert Containment(collection).of(np.array([0, 1, 0]), np.array([1, 0, 1])).tolist() == [expected] * 3


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


def test_neither_blocks_nor_missing_candidates_show_in_what_the_witnesses_say() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(list("abcdefghij"), 8)) for _ in range(40)]
    pairs = [(f"{text[:3]} {n}", texts[n + j]) for n, text in enumerate(texts[:12]) for j in range(n % 4 + 1)]
    collection = read_pairs(pairs, texts)
    docs = rng.normal(size=(collection.n_documents, 8)).astype(np.float32)
    vectors = encoded(collection, rng.normal(size=(collection.n_queries, 8)).astype(np.float32), docs)
    witnesses, relevance = Witnesses(collection, vectors, QUIET), Relevance(collection)
    block = next(Search(collection, vectors, {}, QUIET).blocks())
    block.doc_rows[3, 20:] = -1
    whole = witnesses.of(block, relevance)
    for query in range(len(block)):
        chosen = np.arange(len(block)) == query
        alone = witnesses.of(block.of_queries(chosen), relevance)
        assert alone.features.tobytes() == whole.features[query].tobytes()
        assert alone.positive_similarities.tobytes() == whole.positive_similarities[query].tobytes()
        assert np.array_equal(alone.duplicate_of[0], whole.duplicate_of[query])
        assert np.array_equal(alone.contains_positive[0], whole.contains_positive[query])
    assert np.isnan(whole.positive_similarities[3, 20:]).all() and (whole.duplicate_of[3, 20:] == -1).all()
