"""Which texts are encoded together: windows of texts about as long, and in them forward passes of so many tokens.

Both depend on the texts alone: the same texts give the same vectors, bit for bit, however many processes encode them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_USUAL_BATCH_SIZE = 32  # what larger ones do not add to
_CPU_TEXTS, _GPU_TEXTS = 256, 2_048  # of a window
# of a forward pass: more do not stay in a processor's caches, which hold more of int8; fewer starve a GPU
_CPU_TOKENS, _CPU_INT8_TOKENS, _GPU_TOKENS = 1_024, 2_048, 65_536


class Batch(NamedTuple):
    """What one forward pass takes.

    Attributes:
        rows: shape (B,), places in the window.
        features: what the model's own preprocessing gives for them, padded to the longest: input_ids (B, L), and so on.
    """

    rows: NDArray[np.int64]
    features: dict[str, Any]


def window_texts(device_type: str) -> int:
    """How many texts a window has."""
    return _CPU_TEXTS if device_type == "cpu" else _GPU_TEXTS


def pass_tokens(device_type: str, batch_size: int, precision: str) -> int:
    """How many tokens a forward pass has, with the padding; fewer for a `batch_size` below 32, in proportion."""
    on_cpu = _CPU_INT8_TOKENS if precision == "int8" else _CPU_TOKENS
    tokens = on_cpu if device_type == "cpu" else _GPU_TOKENS
    return max(1, tokens * min(batch_size, _USUAL_BATCH_SIZE) // _USUAL_BATCH_SIZE)


def windows(texts: Sequence[str], size: int) -> list[list[int]]:
    """Rows of the texts, the longest first, in windows of `size`."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
    return [order[start : start + size] for start in range(0, len(order), size)]


def in_order(vecs: NDArray[np.float32], windows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Vectors (n, D) of the texts in the windows, one window after the other, in the order of the texts."""
    ordered = np.empty_like(vecs)
    ordered[[row for rows in windows for row in rows]] = vecs
    return ordered


def batches(features: Mapping[str, Any], tokens: int) -> Iterator[Batch]:
    """Cut a window into forward passes of at most so many tokens, the longest texts first.

    Args:
        features: of the whole window; attention_mask (B, L) tells where its texts begin and end.
        tokens: padded ones of a pass; a text that has more is alone.
    """
    lengths = features["attention_mask"].sum(dim=1).numpy()  # (B,)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, tokens // max(1, int(lengths[order[start]])))]
        yield Batch(rows, _cut(features, rows))
        start += len(rows)


def _cut(features: Mapping[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    """The features of some rows, without the columns that are padding in all of them."""
    n_rows, width = features["attention_mask"].shape
    used = features["attention_mask"][rows].any(dim=0).nonzero()
    columns = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(width)

    def cut(value: Any) -> Any:
        if not hasattr(value, "shape") or value.shape[:1] != (n_rows,):
            return value  # what belongs to all texts, such as the length of the prompt
        part: Tensor = value[rows]
        return part[:, columns].contiguous() if part.shape[1:2] == (width,) else part

    return {name: cut(value) for name, value in features.items()}
