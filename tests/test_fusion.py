from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foolsgold.search.fusion import combinations, fuse


def lists(*rows: Any) -> list[np.ndarray]:
    return [np.array([row], np.int32) for row in rows]


def test_the_formula() -> None:
    # 1 / 61 + 1 / 63 for document 5; 1 / 62 + 1 / 62 for document 7 is less; then 1 / 61 for 9, 1 / 63 for 3
    doc_rows, found_by = fuse(lists([5, 7, 3], [9, 7, 5]), 5)
    assert doc_rows.tolist() == [[5, 7, 9, 3, -1]]
    names = combinations(["bm25", "dense"])
    assert [names[place] for place in found_by[0, :4]] == ["bm25+dense", "bm25+dense", "dense", "bm25"]
    assert found_by[0, 4] == -1


def test_ties_go_to_the_first_source_and_then_by_document_order() -> None:
    assert fuse(lists([4, 2], [2, 4]), 2)[0].tolist() == [[4, 2]]
    assert fuse(lists([6], [1]), 2)[0].tolist() == [[6, 1]]
    assert fuse(lists([-1], [8], [3]), 3)[0].tolist() == [[3, 8, -1]]


def test_a_single_source_keeps_its_order() -> None:
    doc_rows, found_by = fuse([np.array([[3, 1, -1], [-1, -1, -1], [2, 0, 1]], np.int32)], 2)
    assert doc_rows.tolist() == [[3, 1], [-1, -1], [2, 0]]
    assert found_by.tolist() == [[0, 0], [-1, -1], [0, 0]]


ranked = st.lists(st.integers(0, 9), max_size=6, unique=True).map(lambda docs: docs + [-1] * (6 - len(docs)))


@given(st.lists(st.tuples(ranked, ranked, ranked), min_size=1, max_size=4), st.integers(1, 12))
def test_against_the_definition(queries: list[Any], k: int) -> None:
    arrays = [np.array([query[s] for query in queries], np.int32) for s in range(3)]
    doc_rows, found_by = fuse(arrays, k)
    names = combinations("abc")
    for row, query in enumerate(queries):
        ranks = {d: [q.index(d) if d in q else None for q in query] for d in range(10) if any(d in q for q in query)}
        parts = {d: sorted(1 / (60 + r + 1) for r in found if r is not None) for d, found in ranks.items()}
        order = sorted(ranks, key=lambda d: (-sum(parts[d]), 99 if ranks[d][0] is None else ranks[d][0], d))[:k]
        assert doc_rows[row].tolist() == order + [-1] * (k - len(order))
        said = ["+".join(n for n, r in zip("abc", ranks[d], strict=True) if r is not None) for d in order]
        assert [names[place] for place in found_by[row, : len(order)]] == said
