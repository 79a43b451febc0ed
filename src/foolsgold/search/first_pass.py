"""The first pass of exact search: all scores, approximately, and by how much each may be off.

In float32 rounding depends on blocks and threads, yet an inner product is off by no more than `gamma * |q| * |d|`
(Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). Processors multiply int8 several
times as fast, so vectors are written in coarse and fine steps, `q = q1 + q2 + e` and `d = d1 + d2 + f`, and the score
is `q1 · d1 + q2 · d1 + q1 · d2`. It leaves out `q2 · d2 + e · d + (q1 + q2) · f`, which by Cauchy-Schwarz is no more
than `|q2| |d2| + |e| |d| + |q1 + q2| |f|`, and those lengths are known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from foolsgold.cores import n_cores
from foolsgold.encode import Vectors
from foolsgold.errors import SettingsError
from foolsgold.search.threads import worker_threads

_UNIT_ROUNDOFF = 2.0**-24  # of float32
_MOST_STEPS = 127  # of int8, on either side of zero
_FINER = 254  # half a step is 127 fine ones
_TRIAL_SHAPE = (512, 4_096)  # queries and documents, to time the two passes
_SMALLEST = 1e-30  # value that steps span, so that dividing by them stays within float32
_ROWS_AT_ONCE = 8_192
_LEAST_PRODUCTS = 2e8  # below, measuring costs more than it saves


class Prepared(NamedTuple):
    """Queries as a pass multiplies them.

    Attributes:
        values: shape (B, D).
        units: shape (B,), float64: products times these are scores; None where they are scores themselves.
        bounds: shape (B,), float64: the most by which such a score can be off.
    """

    values: NDArray[np.number]
    units: NDArray[np.float64] | None
    bounds: NDArray[np.float64]


class FirstPass(Protocol):
    """Multiplies blocks."""

    name: str

    def docs(self, start: int, stop: int) -> NDArray[np.number]:
        """Documents as they are multiplied, shape (stop - start, D)."""
        ...

    def prepare(self, queries: NDArray[np.float32]) -> Prepared:
        """Queries, shape (B, D), as they are multiplied."""
        ...

    def products(self, queries: NDArray[np.number], docs: NDArray[np.number]) -> NDArray[np.number]:
        """All products, shape (B, n), in a buffer that the thread uses again."""
        ...


class Float32Pass:
    """Multiplies as it is."""

    name = "float32"

    def __init__(self, doc_vecs: Vectors) -> None:
        self._doc_vecs = doc_vecs
        self._buffers = _Buffers()

    def docs(self, start: int, stop: int) -> NDArray[np.number]:
        """As `FirstPass.docs`."""
        return self._doc_vecs.block(start, stop)

    def prepare(self, queries: NDArray[np.float32]) -> Prepared:
        """As `FirstPass.prepare`."""
        return Prepared(queries, None, rounding_bounds(queries, self._doc_vecs))

    def products(self, queries: NDArray[np.number], docs: NDArray[np.number]) -> NDArray[np.number]:
        """As `FirstPass.products`."""
        out = self._buffers.of("products", (len(queries), len(docs)), np.float32)
        np.matmul(queries, docs.T, out=out)
        return out


class Int8Pass:
    """Multiplies whole numbers; keeps its own copy of the corpus, two bytes a value.

    Raises:
        SettingsError: this machine cannot, or sums could be too large for 32 bits (thousands of dimensions).
    """

    name = "int8"

    def __init__(self, doc_vecs: Vectors) -> None:
        self._buffers = _Buffers()
        n_docs, n_dimensions = len(doc_vecs), doc_vecs.dimensions
        blocks = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, n_docs, _ROWS_AT_ONCE)]
        self._doc_vecs = doc_vecs
        self._step = max(float(_steps(doc_vecs.block(part.start, part.stop)).max()) for part in blocks)
        self._values = np.empty((n_docs, 2 * n_dimensions), np.int8)  # coarse, then fine
        self._left_out = self._fine = 0.0
        for part in blocks:
            in_steps = _InSteps.of(doc_vecs.block(part.start, part.stop), self._step)
            self._values[part] = np.concatenate([in_steps.coarse, in_steps.fine], axis=1)
            self._left_out = max(self._left_out, float(in_steps.left_out.max()))
            self._fine = max(self._fine, float(in_steps.fine_lengths.max()))
        if not multiplies_int8() or not self._fits(n_dimensions):
            raise SettingsError(
                f"first_pass is 'int8', which torch cannot do here with {n_dimensions} dimensions. Take 'float32'."
            )

    def docs(self, start: int, stop: int) -> NDArray[np.number]:
        """As `FirstPass.docs`."""
        return self._values[start:stop]

    def prepare(self, queries: NDArray[np.float32]) -> Prepared:
        """As `FirstPass.prepare`; the fine steps first, so that they meet the coarse ones of documents."""
        steps = _steps(queries)
        in_steps = _InSteps.of(queries, steps[:, None])
        bounds = (
            in_steps.fine_lengths * self._fine
            + in_steps.left_out * self._doc_vecs.longest
            + (_lengths(queries) + in_steps.left_out) * self._left_out
            + 3 * rounding_bounds(queries, self._doc_vecs)
        )
        values = np.concatenate([in_steps.fine, in_steps.coarse], axis=1)
        return Prepared(values, steps * self._step / _FINER, bounds)

    def products(self, queries: NDArray[np.number], docs: NDArray[np.number]) -> NDArray[np.number]:
        """As `FirstPass.products`."""
        import torch

        out, spare = (self._buffers.of(name, (len(queries), len(docs)), np.int32) for name in ("products", "spare"))
        left, right, half = torch.from_numpy(queries), torch.from_numpy(docs).T, docs.shape[1] // 2
        total, crossed = torch.from_numpy(out), torch.from_numpy(spare)
        torch._int_mm(left[:, half:], right[:half], out=total)  # coarse times coarse
        torch._int_mm(left, right, out=crossed)  # fine times coarse, and coarse times fine
        total.mul_(_FINER).add_(crossed)
        return out

    def _fits(self, n_dimensions: int) -> bool:
        """Whether no sum of products can leave 32 bits, by Cauchy-Schwarz."""
        longest_query = _MOST_STEPS * n_dimensions**0.5
        longest_doc = self._doc_vecs.longest / self._step + n_dimensions**0.5
        return bool(1.1 * _FINER * longest_query * longest_doc < np.iinfo(np.int32).max)


class _Buffers(threading.local):
    """Arrays that each thread makes once, and uses again."""

    def __init__(self) -> None:
        self._flat: dict[str, NDArray[Any]] = {}

    def of(self, name: str, shape: tuple[int, int], dtype: type[np.number]) -> NDArray[Any]:
        """Of a shape; what it holds is anything."""
        size = shape[0] * shape[1]
        if name not in self._flat or self._flat[name].size < size:
            self._flat[name] = np.empty(size, dtype)
        return self._flat[name][:size].reshape(shape)


class PassSpeed(NamedTuple):
    """What a pass takes on this machine, in seconds.

    Attributes:
        product: of one query with one document, on all cores.
        copied: for each number of the corpus, before anything is multiplied.
    """

    product: float
    copied: float


def choose_first_pass(doc_vecs: Vectors, *, n_queries: int, memory_bytes: int | None) -> FirstPass:
    """Int8 where it was found to be right, and to save more on this machine than its copy takes; else float32.

    Args:
        doc_vecs: the corpus.
        n_queries: that will be searched for.
        memory_bytes: the 8-bit copy may take half of them; None is half of what this machine has free.
    """
    n_values = len(doc_vecs) * doc_vecs.dimensions
    most = (psutil.virtual_memory().available if memory_bytes is None else memory_bytes) // 2
    n_products = n_queries * len(doc_vecs)
    if n_products >= _LEAST_PRODUCTS and 2 * n_values <= most:
        speeds = pass_speeds(doc_vecs)
        seconds = {name: n_products * speed.product + n_values * speed.copied for name, speed in speeds.items()}
        if min(seconds, key=lambda name: seconds[name]) == "int8":
            return Int8Pass(doc_vecs)
    return Float32Pass(doc_vecs)


def pass_speeds(doc_vecs: Vectors) -> dict[str, PassSpeed]:
    """Of those passes that this machine can do, by name: measured, on a small part of the corpus."""
    n_queries, n_docs = _TRIAL_SHAPE
    sample = doc_vecs.first(n_docs)
    queries = np.resize(sample.block(0, n_queries), (n_queries, sample.dimensions))
    copied = {"float32": 0.0}
    passes: list[FirstPass] = [Float32Pass(sample)]
    with suppress(SettingsError):
        passes.append(Int8Pass(sample))
        copied["int8"] = _seconds(lambda: Int8Pass(sample)) / (len(sample) * sample.dimensions)
    with worker_threads(1, use_torch=True) as thread:
        seconds = [thread.submit(_trial_seconds, one, queries, len(sample)).result() for one in passes]
    n_products = n_queries * len(sample) * n_cores()
    return {
        one.name: PassSpeed(taken / n_products, copied[one.name]) for one, taken in zip(passes, seconds, strict=True)
    }


def rounding_bounds(queries: NDArray[np.float32], doc_vecs: Vectors) -> NDArray[np.float64]:
    """The most by which a float32 product of each query can be off, shape (B,)."""
    n = queries.shape[1] + 12  # products and sums, and both sides scaled to unit length, or taken for that long
    gamma = n * _UNIT_ROUNDOFF / (1 - n * _UNIT_ROUNDOFF)
    bounds: NDArray[np.float64] = 1.01 * gamma * _lengths(queries) * doc_vecs.longest
    return bounds


class _InSteps(NamedTuple):
    """Vectors as whole numbers of steps, and of steps 254 times finer for what those leave out.

    Attributes:
        coarse: shape (n, D), int8.
        fine: shape (n, D), int8.
        fine_lengths: shape (n,): the length of what the coarse steps leave out, as far as fine steps have it.
        left_out: shape (n,): the length of what neither have.
    """

    coarse: NDArray[np.int8]
    fine: NDArray[np.int8]
    fine_lengths: NDArray[np.float64]
    left_out: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float32], step: float | NDArray[np.float64]) -> _InSteps:
        """Of vectors (n, D), in steps that span each of their values; what float32 rounds is far below a fine step."""
        step = np.asarray(step, np.float32)
        coarse = np.rint(values / step)
        rest = values - coarse * step
        fine = np.rint(rest * (_FINER / step))
        near = fine * (step / _FINER)
        rest -= near
        return cls(coarse.astype(np.int8), fine.astype(np.int8), _lengths(near), _lengths(rest))


def _steps(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The step with which 127 of them span each row, shape (n,)."""
    largest = np.abs(values).max(axis=1).astype(np.float64)
    steps: NDArray[np.float64] = np.maximum(largest, _SMALLEST) / _MOST_STEPS
    return steps


def _lengths(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return lengths


def multiplies_int8() -> bool:
    """Whether this torch multiplies int8 on the CPU, and rightly; it is not part of its documented interface."""
    import torch

    a = np.arange(-60, 60, dtype=np.int8).reshape(3, 40)
    out = np.empty((3, 3), np.int32)
    try:
        torch._int_mm(torch.from_numpy(a), torch.from_numpy(a).T, out=torch.from_numpy(out))
    except (AttributeError, RuntimeError):
        return False
    wide = a.astype(np.int32)
    return bool(np.array_equal(out, wide @ wide.T))


def _trial_seconds(one: FirstPass, queries: NDArray[np.float32], n_docs: int) -> float:
    prepared, docs = one.prepare(queries), one.docs(0, n_docs)
    return min(_seconds(lambda: one.products(prepared.values, docs)) for _ in range(3))


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
