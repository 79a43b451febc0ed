from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foolsgold.errors import CollectionError
from foolsgold.search import Bm25Index

K1, B = 1.5, 0.75
TEXTS = ["red rose", "red red wine and a rose", "blue sky", "", "Red ROSE"]
MEAN = (2 + 6 + 2 + 0 + 2) / 5


def index(texts: list[str], language: str | None = "none") -> Bm25Index:
    return Bm25Index(texts, language=language, quiet=True)


def part(n_documents: int, n_with: int, frequency: int, length: int, mean: float) -> float:
    idf = log(1 + (n_documents - n_with + 0.5) / (n_with + 0.5))
    return idf * frequency / (frequency + K1 * (1 - B + B * length / mean))


def test_the_formula() -> None:
    red, rose = [part(5, 3, f, n, MEAN) for f, n in ((1, 2), (2, 6))], [part(5, 3, 1, n, MEAN) for n in (2, 6)]
    doc_rows, scores = index(TEXTS).search(["red rose", "rose rose sky"], 4)
    assert doc_rows[0].tolist() == [0, 4, 1, -1]  # equal scores by document order
    assert scores[0] == pytest.approx([red[0] + rose[0], red[0] + rose[0], red[1] + rose[1], 0])
    # a word that is there twice counts twice
    sky = part(5, 1, 1, 2, MEAN)
    found = dict(zip(doc_rows[1].tolist(), scores[1].tolist(), strict=True))
    assert found == pytest.approx({0: 2 * rose[0], 4: 2 * rose[0], 1: 2 * rose[1], 2: sky})


def test_the_pairs_and_the_best() -> None:
    toy, queries = index(TEXTS), ["red rose", "green", "", "?", "x" * 50]
    doc_rows, scores = toy.search(queries, 5)
    assert toy.pair_scores(queries, doc_rows).tolist() == scores.tolist()
    assert toy.pair_scores(["red rose"], np.array([[-1, 3, 2, 0]])).tolist() == [[0, 0, 0, scores[0, 0]]]
    assert (doc_rows[1:] == -1).all()
    assert toy.search([], 3)[0].shape == (0, 3)


def test_a_language_joins_the_forms_of_a_word() -> None:
    texts = ["boiled eggs", "the wine is on the table", "the sky is blue over the sea"]
    assert index(texts, "en").search(["boiling an egg"], 1)[0].tolist() == [[0]]
    assert index(texts, "none").search(["boiling an egg"], 1)[0].tolist() == [[-1]]
    guessed = index(texts, None)
    assert (guessed.language, guessed.search(["egg"], 1)[0].tolist()) == ("en", [[0]])


def test_a_corpus_without_a_word() -> None:
    with pytest.raises(CollectionError, match="none of the 2 documents holds a letter or a digit"):
        index(["?!", ""])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("ab ", max_size=12), min_size=1, max_size=30).filter(lambda texts: any(t.strip() for t in texts)),
    st.lists(st.text("abc ", max_size=6), min_size=1, max_size=5),
    st.integers(1, 8),
)
def test_search_is_the_top_of_all_pairs(texts: list[str], queries: list[str], k: int) -> None:
    toy = index(texts)
    everything = toy.pair_scores(queries, np.tile(np.arange(len(texts)), (len(queries), 1)))
    doc_rows, scores = toy.search(queries, k)
    for row, best in enumerate(np.argsort(-everything, axis=1, kind="stable")[:, :k]):
        shared = best[everything[row, best] > 0]
        assert doc_rows[row, : len(shared)].tolist() == shared.tolist()
        assert scores[row, : len(shared)].tolist() == everything[row, shared].tolist()
        assert (doc_rows[row, len(shared) :] == -1).all()
    one_by_one = [toy.search([query], k) for query in queries]
    assert np.concatenate([docs for docs, _ in one_by_one]).tobytes() == doc_rows.tobytes()
    assert np.concatenate([part for _, part in one_by_one]).tobytes() == scores.tobytes()
