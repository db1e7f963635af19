import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ..compact import compact

LONG = "/a/name/as/exporters/write/it/"


def model(opset=13):
    """x → DequantizeLinear(QuantizeLinear(x)) × weight + weight, the weight there twice and dequantised with a zero point of zero."""
    weight, zero = np.array([-3, 5, 7], np.int8), np.array(0, np.int8)
    weights = [numpy_helper.from_array(v, LONG + n) for n, v in (
        ("first", weight), ("second", weight.copy()), ("zero", zero), ("scale", np.float32(0.5)), ("level", np.array(128, np.uint8)), ("unread", weight))]
    node = lambda kind, inputs, output: helper.make_node(kind, [i if i == "x" else LONG + i for i in inputs], [output if output == "y" else LONG + output], name=LONG + output)
    nodes = [
        helper.make_node("Constant", [], [LONG + "one"], value=numpy_helper.from_array(np.float32(1))),
        node("QuantizeLinear", ["x", "scale", "level"], "q"), node("DequantizeLinear", ["q", "scale", "level"], "d"),
        node("DequantizeLinear", ["first", "scale", "zero"], "w1"), node("DequantizeLinear", ["second", "scale", "zero"], "w2"),
        node("Mul", ["d", "w1"], "product"), node("Add", ["product", "w2"], "sum"), node("Add", ["sum", "one"], "y")]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "net", [value("x")], [value("y")], weights, value_info=[value(LONG + "sum")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def answer(model, x):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]


class CompactTest(unittest.TestCase):
    def setUp(self):
        self.x = np.array([[0.2, -1.4, 30], [3, -70, 1]], np.float32)

    def test_same_values_and_less_around_them(self):
        small, before = model(), model()
        compact(small)
        onnx.checker.check_model(small, full_check=True)
        np.testing.assert_array_equal(answer(small, self.x), answer(before, self.x))
        self.assertLess(small.ByteSize(), 0.5 * before.ByteSize())
        self.assertNotIn(LONG.encode(), small.SerializeToString())

    def test_equal_weights_once_and_no_zero_point_that_is_zero(self):
        small = model()
        compact(small)
        kept = [numpy_helper.to_array(w) for w in small.graph.initializer]
        self.assertEqual(1, sum(k.shape == (3,) for k in kept))
        # The activations' zero point of 128 stays, that of the weights goes.
        self.assertEqual([2, 3], sorted({len(n.input) for n in small.graph.node if n.op_type == "DequantizeLinear"}))

    def test_a_weight_that_a_caller_may_replace_stays_what_it_is(self):
        small = model()
        small.graph.input.append(helper.make_tensor_value_info(LONG + "second", TensorProto.INT8, [3]))
        compact(small)
        onnx.checker.check_model(small, full_check=True)
        session = onnxruntime.InferenceSession(small.SerializeToString(), providers=["CPUExecutionProvider"])
        other = session.run(["y"], {"x": self.x, LONG + "second": np.zeros(3, np.int8)})[0]
        np.testing.assert_allclose(other, answer(model(), self.x) - np.float32([-1.5, 2.5, 3.5]))

    def test_a_graph_with_graphs_inside_stays_as_it_is(self):
        inner = helper.make_graph([helper.make_node("Identity", [LONG + "first"], ["inner"])], "inner", [], [helper.make_tensor_value_info("inner", TensorProto.INT8, [3])])
        whole = model()
        whole.graph.node.append(helper.make_node("If", [LONG + "yes"], [LONG + "chosen"], then_branch=inner, else_branch=inner))
        before = whole.SerializeToString()
        compact(whole)
        self.assertEqual(before, whole.SerializeToString())
