"""Cuts a PicoDet graph to its raw heads.

paddle2onnx's suppression fails at run time when exactly one box survives, and takes one image only. The product does
that part itself, so everything behind the last convolutions goes; what is left takes batches. The cut is found by
shapes, not by names: those change with the version that exported the model.
"""
from collections import defaultdict

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .boxes import BINS, STRIDES, cells, side
from .problem import Problem

EDGES = 4 * BINS


def cut_to_raw_heads(model, size):
    """A model of input image [N, 3, S, S] and eight outputs: scores [N, cells, classes] after the sigmoid, then
    distributions [N, cells, 32], each at strides 8, 16, 32 and 64.

    @raises Problem when the graph has no such heads
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
              for v in [*graph.value_info, *graph.input, *graph.output]}
    if shapes.get("image", [])[1:] != [3, size, size]:
        raise Problem(f"the detector has inputs {describe(graph.input)}; expected image [N, 3, {size}, {size}]")
    last = last_convolutions(graph)
    levels = [level_outputs(last, shapes, size, stride) for stride in STRIDES]
    nodes = ancestors(graph, {name for level in levels for name in level})
    constants = free_the_batch(nodes, shapes)
    scores, distances = [], []
    for stride, level in zip(STRIDES, levels):
        tail = Tail(stride, cells(size, stride), level, [shapes[name][1] for name in level])
        nodes += tail.nodes
        constants += tail.constants
        scores.append(output(tail.score, cells(size, stride), tail.classes))
        distances.append(output(tail.distance, cells(size, stride), EDGES))
    read = {name for node in nodes for name in node.input}
    weights = [i for i in [*graph.initializer, *constants] if i.name in read]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, size, size])
    result = helper.make_model(
        helper.make_graph(nodes, "picodet-raw-heads", [image], [*scores, *distances], weights),
        opset_imports=model.opset_import, ir_version=model.ir_version, producer_name="shelfstream")
    onnx.checker.check_model(result, full_check=True)
    return result


def output(name, count, width):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", count, width])


def describe(values):
    shape = lambda v: [d.dim_value or d.dim_param or "?" for d in v.type.tensor_type.shape.dim]
    return ", ".join(f"{v.name} {shape(v)}" for v in values) or "none"


def last_convolutions(graph):
    """Names of the outputs of those from which no other convolution is reached."""
    readers = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    reaches = {}
    for node in reversed(graph.node):
        for name in node.output:
            reaches[name] = any(r.op_type == "Conv" or any(reaches[o] for o in r.output) for r in readers[name])
    return [n.output[0] for n in graph.node if n.op_type == "Conv" and not reaches[n.output[0]]]


def level_outputs(last, shapes, size, stride):
    """The last convolutions of one level: one output for scores and distances, or one each, scores first."""
    row = side(size, stride)
    found = [name for name in last if shapes.get(name, [0])[-1] == row]
    channels = [shapes[name][1] for name in found]
    if len(found) == 1 and channels[0] > EDGES or len(found) == 2 and channels.count(EDGES) == 1:
        return sorted(found, key=lambda name: shapes[name][1] == EDGES)
    raise Problem(f"the detector has no PicoDet head of stride {stride}: its last convolutions at {row} x {row} have"
                  f" {channels or 'no'} output channels; expected one of classes + {EDGES}, or one of each")


def ancestors(graph, wanted):
    nodes = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted = wanted | set(node.input)
            nodes.insert(0, node)
    return nodes


def free_the_batch(nodes, shapes):
    """Upsampling becomes doubling at any batch; what else fixes a shape is refused. Returns the constants needed."""
    for node in nodes:
        if node.op_type == "Resize":
            before, after = shapes.get(node.input[0], []), shapes.get(node.output[0], [])
            if len(before) != 4 or [2 * d for d in before[2:]] != after[2:]:
                raise Problem(f"the detector resizes {before} to {after}; PicoDet only doubles")
            del node.input[1:]
            node.input.extend(["", "doubling"])
    fixed = sorted({n.op_type for n in nodes if n.op_type in ("Reshape", "Expand", "Tile")})
    if fixed:
        raise Problem(f"the detector has {', '.join(fixed)} before its heads; this is not the PicoDet expected")
    return [numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "doubling")]


class Tail:
    """From the convolutions of one level, [N, C, H, W], to rows [N, cells, C]; a sigmoid on the scores.

    Channels go last first: ONNX Runtime then leaves its blocked layout in the same step.
    """

    def __init__(self, stride, rows, convolutions, channels):
        self.nodes, self.constants, self.rows = [], [], rows
        self.score, self.distance = f"score_{stride}", f"distance_{stride}"
        self.classes = sum(channels) - EDGES
        logit = f"logit_{stride}"
        if len(convolutions) == 2:
            self._rows(convolutions[0], self.classes, logit)
            self._rows(convolutions[1], EDGES, self.distance)
        else:
            joined, widths = f"rows_{stride}", f"widths_{stride}"
            self._rows(convolutions[0], channels[0], joined)
            self.constants.append(numpy_helper.from_array(np.array([self.classes, EDGES]), widths))
            self.nodes.append(helper.make_node("Split", [joined, widths], [logit, self.distance], axis=2))
        self.nodes.append(helper.make_node("Sigmoid", [logit], [self.score]))

    def _rows(self, name, channels, rows):
        self.constants.append(numpy_helper.from_array(np.array([-1, self.rows, channels]), f"{rows}_shape"))
        self.nodes += [helper.make_node("Transpose", [name], [f"{rows}_last"], perm=[0, 2, 3, 1]),
                       helper.make_node("Reshape", [f"{rows}_last", f"{rows}_shape"], [rows])]
