from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foolsgold.collection import fold, text_keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gold", "gOLD"),
        ("a  b\t\n c ", "a b c"),
        ("ＦＯＯＬ", "fool"),
        ("ﬁne", "fine"),
        ("Straße", "STRASSE"),
        ("e\u0301", "é"),
        ("a\u00a0b", "a b"),
    ],
)
def test_texts_that_say_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert text_keys([one]) == text_keys([other])


def test_texts_that_say_something_else() -> None:
    assert len(set(text_keys(["a b", "ab", "a c", "", "b a"]).tolist())) == 5


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
