"""Finds the activations that 8 bits ruin, and leaves them in float.

In networks that were not trained for it a few tensors have outliers, often behind the first layers, and spoil everything
after them. They are found by halves: where a group of activations in 8 bits moves the outputs too far, each half is tried.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from .runtime import ort

TOLERANCE = 0.02  # of an output's variance; as much as a cosine of 0.99
LIMITS = [TOLERANCE, TOLERANCE / 4]


class Probe:
    """A QDQ model on a few inputs: how far do its outputs move when some of its activations are in 8 bits?"""

    def __init__(self, model, outputs, feeds):
        self.model, self.outputs, self.feeds = model, outputs, feeds
        self.reference = self.run(set())

    def run(self, quantised):
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        keep_in_float(model, set(activations(model)) - quantised)
        named = {o.name for o in model.graph.output}
        model.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in self.outputs if n not in named)
        options = ort.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, 2
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [session.run(self.outputs, feed) for feed in self.feeds]

    def error(self, quantised):
        """Squared error over variance, of the worst output."""
        worst = 0.0
        for ours, theirs in zip(zip(*self.run(quantised)), zip(*self.reference)):
            ours, theirs = np.stack(ours).astype(np.float64), np.stack(theirs).astype(np.float64)
            moved = float(np.square(ours - theirs).mean() / max(theirs.var(), 1e-12))
            worst = max(worst, moved if np.isfinite(moved) else np.inf)
        return worst


def activations(model):
    """Names of the tensors that are quantised at run time, in the order of the graph."""
    return [n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"]


def keep_in_float(model, names):
    """Takes the steps to 8 bits and back out around these tensors, in place."""
    graph = model.graph
    makers = {o: n for n in graph.node for o in n.output}
    source = lambda n: makers[n.input[0]].input[0] if n.op_type == "DequantizeLinear" and n.input[0] in makers else None
    float_name = {n.output[0]: source(n) for n in graph.node if source(n) in names}
    for node in graph.node:
        node.input[:] = [float_name.get(name, name) for name in node.input]
    outputs = {o.name for o in graph.output} & set(float_name)
    gone = [n for n in graph.node if n.output[0] in float_name or n.op_type == "QuantizeLinear" and n.input[0] in names]
    for node in gone:
        graph.node.remove(node)
    graph.node.extend(helper.make_node("Identity", [float_name[name]], [name]) for name in outputs)


def ruined(probe, group, limit):
    """The members of the group that move the outputs by more than the limit."""
    if probe.error(set(group)) <= limit:
        return []
    if len(group) == 1:
        return group
    half = len(group) // 2
    return ruined(probe, group[:half], limit) + ruined(probe, group[half:], limit)


def spare(model, outputs, feeds):
    """Leaves in float, in place, what 8 bits ruin; returns how many activations of how many."""
    probe, names = Probe(model, outputs, feeds), activations(model)
    rest = names
    for limit in LIMITS:  # small errors add up: then smaller ones count too
        if probe.error(set(rest)) <= TOLERANCE:
            break
        spared = set(ruined(probe, rest, limit))
        rest = [n for n in rest if n not in spared]
    keep_in_float(model, set(names) - set(rest))
    count = len(names) - len(rest)
    if count:
        print(f"  {count} of {len(names)} activations stay in float: 8 bits would ruin them", file=sys.stderr)
    return count, len(names)
