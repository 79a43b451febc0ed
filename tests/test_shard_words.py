from __future__ import annotations

import pickle
from itertools import pairwise
from math import log

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foolsgold.errors import CollectionError
from foolsgold.search import Bm25Index, ShardWords, WeighedWords, WordStatistics, guess_language
from foolsgold.search.stems import Stems, stem_hash
from foolsgold.search.tokens import language_of, language_sample, tokenize
from foolsgold.witness.shared_words import SharedWords

TEXTS = ["red rose", "red red wine", "", "the sky", "Red ROSE"]
LANGUAGES = {
    "en": ["boiled eggs", "boiling an egg for two", "the wine of the sea", "an egg, two eggs", "?", "wine"],
    "zh": ["东京铁塔", "我爱北京天安门", "北京烤鸭", "", "茶", "天安门广场在北京 Beijing 2008"],
    "th": ["แมวนั่งบนเสื่อ", "แมวดำ", "น้ำ", "…", "กินน้ำ", "แมวกินน้ำ"],
    "none": ["a b", "b c d", "", "a a a a", "d", "c c b"],
}


def shards_of(texts: list[str], cuts: list[int], language: str | None = "none") -> list[ShardWords]:
    bounds = [0, *sorted(min(cut, len(texts)) for cut in cuts), len(texts)]
    return [ShardWords.of(texts[start:stop], language) for start, stop in pairwise(bounds)]


def weighed(shards: list[ShardWords]) -> list[WeighedWords]:
    whole = WordStatistics.merged([shard.statistics for shard in shards])
    return [pickle.loads(pickle.dumps(shard)).weigh(whole.only(shard.hashes)) for shard in shards]


def index(texts: list[str], language: str | None = "none") -> Bm25Index:
    return Bm25Index(texts, language=language, quiet=True)


def same(one: WeighedWords, other: WeighedWords) -> bool:
    arrays = "hashes", "indptr", "columns", "values"
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in arrays)


def merged_search(
    parts: list[WeighedWords], queries: list[str], language: str | None, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The best of the shards' best, by score, then by row of the whole."""
    starts = np.cumsum([0, *(part.n_documents for part in parts)])
    rows, scores = [], []
    for start, part in zip(starts, parts, strict=False):
        found, best = part.search(queries, language, k)
        rows.append(np.where(found >= 0, found + start, np.iinfo(np.int32).max))
        scores.append(best)
    all_rows, all_scores = np.concatenate(rows, axis=1), np.concatenate(scores, axis=1)
    order = np.lexsort((all_rows, -all_scores), axis=1)[:, :k]
    best = np.take_along_axis(all_scores, order, 1)
    return np.where(best > 0, np.take_along_axis(all_rows, order, 1), -1), best


def test_the_words_of_a_shard() -> None:
    shard = ShardWords.of(["red red rose", "", "a rose"], "none")
    expected = [{"red": 2, "rose": 1}, {}, {"a": 1, "rose": 1}]
    for document, counts in enumerate(expected):
        some = slice(shard.indptr[document], shard.indptr[document + 1])
        by_hash = dict(zip(shard.hashes[shard.columns[some]].tolist(), shard.frequencies[some].tolist(), strict=True))
        assert by_hash == {stem_hash(word): n for word, n in counts.items()}
        assert sorted(by_hash) == list(by_hash)  # in the order of the hashes
    assert shard.lengths.tolist() == [3, 0, 2]
    counts = dict(zip(shard.statistics.hashes.tolist(), shard.statistics.counts.tolist(), strict=True))
    assert counts == {stem_hash("red"): 1, stem_hash("rose"): 2, stem_hash("a"): 1}
    assert (shard.statistics.n_documents, shard.statistics.total_length) == (3, 5)


def test_statistics_merge() -> None:
    first, second, third = (shard.statistics for shard in shards_of(TEXTS, [2, 3]))
    whole = WordStatistics.merged([third, WordStatistics.merged([first, second])])
    at_once = ShardWords.of(TEXTS, "none").statistics
    assert (whole.n_documents, whole.total_length, whole.mean_length) == (5, 9, 9 / 5)
    assert (
        whole.hashes.tolist()
        == at_once.hashes.tolist()
        == sorted(map(stem_hash, ["red", "rose", "wine", "the", "sky"]))
    )
    assert whole.counts.tolist() == at_once.counts.tolist()
    assert dict(zip(whole.hashes.tolist(), whole.counts.tolist(), strict=True))[stem_hash("red")] == 3
    assert whole.n_bytes == 5 * 12
    empty = WordStatistics.merged([])
    assert (empty.n_documents, len(empty.hashes), empty.hashes.dtype, empty.counts.dtype) == (0, 0, "uint64", "int32")


def test_a_shard_weighs_its_words_by_the_whole_corpus() -> None:
    first, second = weighed(shards_of(TEXTS, [2]))
    rose = log(1 + (5 - 2 + 0.5) / (2 + 0.5)) / (1 + 1.5 * (1 - 0.75 + 0.75 * 2 / (9 / 5)))
    assert first.search(["rose"], None, 2)[0].tolist() == [[0, -1]]
    assert second.search(["rose"], None, 2)[0].tolist() == [[2, -1]]
    assert first.search(["rose"], None, 1)[1] == pytest.approx(rose)
    assert second.pair_scores(["rose", "the sky"], None, np.array([[2, 0], [-1, 2]]))[:, 0] == pytest.approx([rose, 0])


def test_values_are_those_of_the_library_bm25s() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghij"), rng.integers(1, 30))) for _ in range(200)]
    vocabulary = sorted({token for text in texts for token in tokenize(text)})
    library = bm25s.BM25(k1=1.5, b=0.75, method="lucene", backend="numpy")
    documents = [[vocabulary.index(token) for token in tokenize(text)] for text in texts]
    by_token = library.build_index_from_ids(range(len(vocabulary)), documents, show_progress=False)
    own = index(texts).matrix.toarray()[:, np.argsort(np.argsort([stem_hash(token) for token in vocabulary]))]
    for token in range(len(vocabulary)):
        some = slice(by_token["indptr"][token], by_token["indptr"][token + 1])
        values = np.zeros(len(texts), np.float32)
        values[by_token["indices"][some]] = by_token["data"][some]
        assert own[:, token] == pytest.approx(values, rel=3e-7)


@pytest.mark.parametrize("language", LANGUAGES)
def test_shards_find_what_the_whole_finds(language: str) -> None:
    texts = LANGUAGES[language] * 2
    queries = [*texts[:6], f"{texts[0]} {texts[0]} {texts[5]} unheard-of", "?", ""]
    whole = index(texts, language)
    parts = weighed(shards_of(texts, [1, 4, 4, 9], language))
    assert same(WeighedWords.concatenated(parts), whole.words)
    for k in (1, 3, 20):
        expected = whole.search(queries, k)
        rows, scores = merged_search(parts, queries, language, k)
        assert rows.tolist() == expected[0].tolist() and scores.tobytes() == expected[1].tobytes()
    assert (whole.search(queries[:1], 3)[0][0, :2] == [0, 6]).all()  # a document finds itself and its copy


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("abcde ", max_size=14), min_size=1, max_size=25).filter(
        lambda texts: any(t.strip() for t in texts)
    ),
    st.lists(st.text("abcdef ", max_size=8), min_size=1, max_size=4),
    st.lists(st.integers(0, 25), max_size=5),
    st.integers(1, 6),
)
def test_neither_search_nor_pairs_show_the_shards(
    texts: list[str], queries: list[str], cuts: list[int], k: int
) -> None:
    texts = [" ".join(text) for text in texts]
    whole, parts = index(texts), weighed(shards_of(texts, cuts))
    assert same(WeighedWords.concatenated(parts), whole.words)
    expected = whole.search(queries, k)
    rows, scores = merged_search(parts, queries, "none", k)
    assert rows.tolist() == expected[0].tolist() and scores.tobytes() == expected[1].tobytes()
    everything = whole.pair_scores(queries, np.tile(np.arange(len(texts)), (len(queries), 1)))
    of_parts = [
        part.pair_scores(queries, "none", np.tile(np.arange(part.n_documents), (len(queries), 1))) for part in parts
    ]
    assert np.concatenate(of_parts, axis=1).tobytes() == everything.tobytes()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shared_words_of_a_few_documents(language: str) -> None:
    rng = np.random.default_rng(3)
    words = [word for text in LANGUAGES[language] for word in text.split()]
    texts = ["", *(" ".join(rng.choice(words, rng.integers(0, 40))) for _ in range(80))]
    queries = [" ".join(rng.choice([*words, "unheard"], 4)) for _ in range(9)]
    n_docs, n_positives = rng.integers(0, 12, 9), rng.integers(0, 4, 9)
    docs, positives = rng.integers(0, 81, n_docs.sum()), rng.integers(0, 81, n_positives.sum())
    offsets = np.concatenate([[0], np.cumsum(n_docs)]), np.concatenate([[0], np.cumsum(n_positives)])
    expected = SharedWords(index(texts, language)).of(queries, docs, offsets[0], positives, offsets[1])
    parts = weighed(shards_of(texts, [7, 30, 31], language))
    bounds = np.array([0, 7, 30, 31, 81])
    named = np.unique(np.concatenate([docs, positives]))
    taken = [
        part.take(named[(named >= start) & (named < stop)] - start)
        for part, (start, stop) in zip(parts, pairwise(bounds), strict=True)
    ]
    few = pickle.loads(pickle.dumps(WeighedWords.concatenated(taken)))
    found = SharedWords.of_words(few, language).of(
        queries, np.searchsorted(named, docs), offsets[0], np.searchsorted(named, positives), offsets[1]
    )
    assert len(few.hashes) <= len(np.unique(np.concatenate([part.hashes for part in parts])))
    assert found.scores.tobytes() == expected.scores.tobytes() and found.scores.any()
    assert found.likeness.tobytes() == expected.likeness.tobytes() and found.likeness.any()


def test_documents_are_taken_in_the_order_asked_for() -> None:
    words = index(TEXTS).words
    taken = words.take([4, 2, 0, 4])
    assert taken.search(["red rose"], "none", 4)[0].tolist() == [[0, 2, 3, -1]]
    assert taken.hashes.tolist() == sorted([stem_hash("red"), stem_hash("rose")])  # no other is held
    assert same(words.take(range(5)), words)
    assert same(WeighedWords.concatenated([words.take([0, 1]), words.take([]), words.take([2, 3, 4])]), words)
    nothing = words.take([])
    assert (nothing.n_documents, len(nothing.hashes), nothing.n_bytes) == (0, 0, 8)
    assert nothing.search(["red"], "none", 2)[0].tolist() == [[-1, -1]]
    assert WeighedWords.concatenated([]).n_documents == 0


def test_what_is_sent_is_light() -> None:
    words = index(TEXTS).words
    before = len(pickle.dumps(words))
    words.search(["red"], "none", 3)
    assert len(pickle.dumps(words)) == before < words.n_bytes + 2_000
    assert words.n_bytes == 5 * 8 + 6 * 8 + 8 * (4 + 4)
    stems = Stems("en")
    assert pickle.loads(pickle.dumps(stems)).counts("two eggs") == stems.counts("two eggs")


def test_arrays_may_lie_in_memory_that_is_only_read() -> None:
    def received(thing: object) -> object:
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
        return pickle.loads(data, buffers=[memoryview(bytes(buffer)) for buffer in buffers])

    shards = [received(shard) for shard in shards_of(TEXTS, [2])]
    assert not shards[0].hashes.flags.writeable
    whole = received(WordStatistics.merged([received(shard.statistics) for shard in shards]))
    words = received(WeighedWords.concatenated([received(shard.weigh(whole)) for shard in shards]))
    own = index(TEXTS)
    assert same(words, own.words) and same(words.take([3, 1]), own.words.take([3, 1]))
    assert words.search(["red wine"], "none", 3)[1].tolist() == own.search(["red wine"], 3)[1].tolist()
    asked = ["red wine"], np.arange(5), np.array([0, 5]), np.array([1]), np.array([0, 1])
    found, expected = SharedWords.of_words(words, "none").of(*asked), SharedWords(own).of(*asked)
    assert found.likeness.tolist() == expected.likeness.tolist() and found.likeness[1] == 1


def test_a_shard_without_a_word() -> None:
    parts = weighed(shards_of(["red rose", "?", "", "…", "blue rose"], [1, 4]))
    assert [part.n_documents for part in parts] == [1, 3, 1]
    assert parts[1].search(["red rose", ""], "none", 2)[0].tolist() == [[-1, -1]] * 2
    assert not parts[1].pair_scores(["red"], "none", np.array([[0, 2, -1]])).any()
    shared = SharedWords.of_words(parts[1], "none")
    found = shared.of(["red"], np.array([0, 2]), np.array([0, 2]), np.array([1]), np.array([0, 1]))
    assert not found.scores.any() and not found.likeness.any()


def test_a_corpus_without_a_word() -> None:
    shards = shards_of(["?!", "", "…"], [1])
    whole = WordStatistics.merged([shard.statistics for shard in shards])
    with pytest.raises(CollectionError, match="none of the 3 documents holds a letter or a digit"):
        whole.check()
    assert [shard.weigh(whole).n_documents for shard in shards] == [1, 2]


def test_statistics_of_another_corpus() -> None:
    with pytest.raises(ValueError, match="1 of 2 stems are in no document of these statistics"):
        ShardWords.of(["red rose"], "none").weigh(ShardWords.of(["red"], "none").statistics)


def test_the_language_of_texts_fetched_by_row() -> None:
    english = "The cat sat on the mat, and it was as happy as a cat can be."
    texts = [english] * 1_500 + ["Le chat est sur le tapis, et il est aussi content que les autres."] * 500
    rows = language_sample(len(texts))
    assert (len(rows), rows[0], rows[-1]) == (1_000, 0, 1_999) and (np.diff(rows) > 0).all()
    assert language_of(texts[row] for row in rows) == guess_language(texts) == "en"
    assert language_sample(3).tolist() == [0, 1, 2] and language_sample(0).tolist() == []
    assert language_of([]) is None
