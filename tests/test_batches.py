from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from foolsgold.ahead import ahead
from foolsgold.encode.batches import batches, in_order, pass_tokens, windows


def padded(*lengths: int, left: bool = False) -> dict[str, Any]:
    """Texts whose tokens are all the length of the text, padded with zeros."""
    width = max(lengths)
    rows = [[length] * length for length in lengths]
    ids = [[0] * (width - len(row)) + row if left else row + [0] * (width - len(row)) for row in rows]
    return {"input_ids": torch.tensor(ids), "attention_mask": (torch.tensor(ids) > 0).long(), "prompt_length": 2}


def test_windows_hold_texts_about_as_long() -> None:
    assert windows(["a", "ccc", "bb", "ddd", "e"], 2) == [[1, 3], [2, 0], [4]]
    assert windows([], 2) == []
    values = np.array([[1], [3], [2], [0], [4]], np.float32)  # of the rows that the windows have
    assert in_order(values, [[1, 3], [2, 0], [4]])[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("left", [False, True])
def test_a_forward_pass_has_so_many_tokens_with_its_padding(left: bool) -> None:
    parts = list(batches(padded(2, 5, 1, 9, 2, 4, left=left), 10))
    assert [part.rows.tolist() for part in parts] == [[3], [1, 5], [0, 4, 2]]
    assert [tuple(part.features["input_ids"].shape) for part in parts] == [(1, 9), (2, 5), (3, 2)]
    assert parts[2].features["input_ids"].tolist() == [[2, 2], [2, 2], [0, 1] if left else [1, 0]]
    assert parts[1].features["attention_mask"].sum().item() == 5 + 4
    assert [part.features["prompt_length"] for part in parts] == [2, 2, 2]


def test_a_text_longer_than_a_forward_pass_is_alone() -> None:
    assert [part.rows.tolist() for part in batches(padded(3, 8, 7), 5)] == [[1], [2], [0]]


def test_small_batch_sizes_have_fewer_tokens() -> None:
    assert pass_tokens("cpu", 32, "float32") == pass_tokens("cpu", 500, "float32") == 1_024
    assert [pass_tokens("cpu", 16, precision) for precision in ("float32", "int8")] == [512, 1_024]
    assert pass_tokens("cuda", 1, "float16") == 2_048


def test_an_error_in_work_done_ahead_reaches_the_caller_in_its_turn() -> None:
    results = ahead(map(lambda item: 8 // item, [4, 2, 0, 1]))
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(ZeroDivisionError):
        next(results)
