"""int8: each multiplication by a weight matrix is done in whole numbers of eight bits.

A weight matrix (K, N) has a scale for each of its columns; what it is multiplied by, (..., K), one for each row, that
is for each token: `row * 127 / max|row|`, rounded. So a text's vector does not depend on the other texts of its batch,
which with one scale for a whole batch, the usual kind of dynamic quantisation, it does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_STEPS = 127  # of a number's magnitude in eight bits
_FEWER_STEPS = 63  # where products of two bytes are added in 16 bits, which two full ones would overflow
_ZERO = 128  # bytes without a sign: the first factor is moved up by this
_SMALLEST = 1e-12  # instead of the largest of a row of zeros
_LARGE_BYTES = 2**30  # a graph's file may have twice as many; weights are then kept beside it
_MICROSOFT = "com.microsoft"  # ONNX Runtime's own operations


def write_int8(source: Path, target: Path, *, weight_steps: int = _STEPS) -> int:
    """Write a graph whose multiplications by weight matrices are in int8.

    Args:
        source: a float32 graph.
        target: where to write it.
        weight_steps: largest magnitude of a weight: see `weight_steps`.

    Returns:
        How many multiplications that are; with 0 nothing is written.
    """
    model = onnx.load(source)
    graph = model.graph
    weights = {one.name: one for one in graph.initializer if len(one.dims) == 2 and one.data_type == TensorProto.FLOAT}
    nodes: list[onnx.NodeProto] = []
    rows: dict[str, str] = {}  # by input, the name of its rows in int8: queries, keys and values share one
    n_done = 0
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            nodes.append(node)
            continue
        factor, weight = node.input
        if factor not in rows:
            rows[factor] = f"int8_rows_{len(rows)}"
            nodes += _rows_in_int8(factor, rows[factor])
        graph.initializer.extend(_columns_in_int8(numpy_helper.to_array(weights[weight]), f"{n_done}", weight_steps))
        nodes += _multiplied(rows[factor], f"{n_done}", node.output[0])
        n_done += 1
    if n_done:
        graph.initializer.extend(_constants())
        _set_nodes(model, nodes)
        large = model.ByteSize() > _LARGE_BYTES
        onnx.save(model, target, save_as_external_data=large, location=f"{target.name}.data" if large else None)
    return n_done


def weight_steps() -> int:
    """The largest magnitude of a weight that this processor multiplies without overflow: 127, or 63 on older ones."""
    import onnxruntime

    full = helper.make_node("MatMulIntegerToFloat", ["a", "b", "one", "one"], ["c"], domain=_MICROSOFT)
    width = 64
    b = numpy_helper.from_array(np.full((width, width), _STEPS, np.int8), "b")
    one = numpy_helper.from_array(np.array(1, np.float32), "one")
    graph = helper.make_graph(
        [full], "full", [helper.make_tensor_value_info("a", TensorProto.UINT8, [1, width])],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1, width])], [b, one],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (product,) = session.run(None, {"a": np.full((1, width), 255, np.uint8)})
    return _STEPS if np.all(product == width * 255 * _STEPS) else _FEWER_STEPS


def _constants() -> list[onnx.TensorProto]:
    values = {
        "int8_step": np.float32(1 / _STEPS), "int8_zero": np.uint8(_ZERO), "int8_smallest": np.float32(_SMALLEST),
        "int8_last_axis": np.array([-1], np.int64),
    }  # fmt: skip
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]


def _rows_in_int8(factor: str, name: str) -> list[onnx.NodeProto]:
    """Nodes from (..., K) to its rows as bytes, `name`, and their largest magnitudes (..., 1), `name`_largest."""
    return [
        helper.make_node("Abs", [factor], [f"{name}_magnitude"]),
        helper.make_node("ReduceMax", [f"{name}_magnitude", "int8_last_axis"], [f"{name}_max"], keepdims=1),
        helper.make_node("Max", [f"{name}_max", "int8_smallest"], [f"{name}_largest"]),
        helper.make_node("Div", [factor, f"{name}_largest"], [f"{name}_ratio"]),
        helper.make_node("QuantizeLinear", [f"{name}_ratio", "int8_step", "int8_zero"], [name]),
    ]


def _columns_in_int8(weight: NDArray[np.float32], name: str, steps: int) -> list[onnx.TensorProto]:
    """A weight matrix (K, N) as int8, and the scales (N,) of its columns."""
    scales = np.maximum(np.abs(weight).max(axis=0), _SMALLEST).astype(np.float32) / np.float32(steps)
    whole = np.clip(np.rint(weight / scales), -steps, steps).astype(np.int8)
    return [
        numpy_helper.from_array(whole, f"int8_weight_{name}"),
        numpy_helper.from_array(scales, f"int8_scales_{name}"),
    ]


def _multiplied(rows: str, name: str, output: str) -> list[onnx.NodeProto]:
    inputs = [rows, f"int8_weight_{name}", "int8_step", f"int8_scales_{name}", "int8_zero"]
    return [
        helper.make_node("MatMulIntegerToFloat", inputs, [f"{output}_of_ratios"], domain=_MICROSOFT),
        helper.make_node("Mul", [f"{output}_of_ratios", f"{rows}_largest"], [output]),
    ]


def _set_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Replace the nodes, and leave out the weights that none of them takes any more."""
    graph = model.graph
    taken = {name for node in nodes for name in node.input}
    weights = [one for one in graph.initializer if one.name in taken]
    for field, values in ((graph.node, nodes), (graph.initializer, weights)):
        del field[:]
        field.extend(values)
    if all(one.domain != _MICROSOFT for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_MICROSOFT, 1))
