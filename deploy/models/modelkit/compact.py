"""What a file holds beside its weights, made small: names, repeated constants, zero points that are zero."""

import itertools
import string

import onnx

LETTERS = string.ascii_lowercase + string.ascii_uppercase
UNASKED = (onnx.TensorProto.INT8, onnx.TensorProto.INT32)  # types whose zero point may be left out when it is zero


def compact(model):
    """Changes the model in place. Inputs and outputs keep their names; every value stays the same."""
    graph = model.graph
    if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for n in graph.node for a in n.attribute):
        return  # the inner graphs use names of this one
    _constants_as_weights(graph)
    _without_zeros(graph)
    _once_each(graph)
    del graph.value_info[:]
    _short_names(graph)


def _constants_as_weights(graph):
    for node in [n for n in graph.node if n.op_type == "Constant" and n.attribute[0].name == "value"]:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)


def _without_zeros(graph):
    weights = {w.name: w for w in graph.initializer}
    for node in graph.node:
        zero = weights.get(node.input[2]) if node.op_type == "DequantizeLinear" and len(node.input) > 2 else None
        if zero is not None and zero.data_type in UNASKED and not onnx.numpy_helper.to_array(zero).any():
            del node.input[2:]


def _once_each(graph):
    """Equal weights become one, and those that no node reads go; those that a caller may replace stay."""
    fixed = {v.name for v in (*graph.input, *graph.output)}
    first, becomes = {}, {}
    for weight in graph.initializer:
        same = weight.data_type, tuple(weight.dims), onnx.numpy_helper.to_array(weight).tobytes()
        becomes[weight.name] = weight.name if weight.name in fixed else first.setdefault(same, weight.name)
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = becomes.get(name, name)
    used = fixed.union(*(n.input for n in graph.node))
    kept = [onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(w), w.name) for w in graph.initializer if w.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _short_names(graph):
    outside = {v.name for v in (*graph.input, *graph.output)} | {""}
    names = ("".join(letters) for length in itertools.count(1) for letters in itertools.product(LETTERS, repeat=length))
    fresh = (name for name in names if name not in outside)
    short = {name: name for name in outside}
    for node in graph.node:
        node.name = node.doc_string = ""
        for values in (node.input, node.output):
            for i, name in enumerate(values):
                if name not in short:
                    short[name] = next(fresh)
                values[i] = short[name]
    for weight in graph.initializer:
        weight.name = short[weight.name]
