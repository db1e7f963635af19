import io
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .. import boxes, properties, quantize
from ..problem import Problem
from ..runtime import Detector, Extractor, model_directory

SIZE = 64
PROPERTIES = {
    "name": "tiny", "detector.file": "detector.onnx", "detector.input.size": SIZE, "detector.interpolation": "cubic",
    "detector.score.threshold": 0.2, "extractor.file": "extractor.onnx", "extractor.input.size": SIZE,
    "extractor.dimension": 16, "extractor.interpolation": "linear", "colour": "RGB", "mean": "0.485,0.456,0.406",
    "std": "0.229,0.224,0.225", "match.metric": "IP", "match.threshold": 0.5,
}


class Net:
    """A few convolutions with hard-swish, written down by hand."""

    def __init__(self):
        self.rng, self.nodes, self.weights = np.random.default_rng(3), [], []

    def constant(self, name, value):
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def conv(self, x, before, after, stride, kernel=3):
        y = f"conv{len(self.nodes)}"
        w = (self.rng.standard_normal((after, before, kernel, kernel)) / np.sqrt(before * kernel * kernel)).astype("f")
        pad = (kernel - 1) // 2
        self.nodes.append(helper.make_node("Conv", [x, self.constant(f"{y}_w", w)], [y], strides=2 * [stride], pads=4 * [pad]))
        return y

    def node(self, operation, inputs, **attributes):
        y = f"{operation}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [y], **attributes))
        return y

    def save(self, path, x, outputs):
        graph = helper.make_graph(self.nodes, "net", [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["N", 3, SIZE, SIZE])],
                                  [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)


def extractor(path):
    net = Net()
    x = net.node("HardSwish", [net.conv("x", 3, 16, 4)])
    x = net.node("HardSwish", [net.conv(x, 16, 32, 2)])
    x = net.node("Flatten", [net.node("GlobalAveragePool", [net.conv(x, 32, 16, 2)])])
    net.save(path, "x", [(x, ["N", 16])])


def detector(path):
    net = Net()
    x, outputs, scores, distances = "image", [], [], []
    for stride, before, step in zip(boxes.STRIDES, (3, 16, 16, 16), (8, 2, 2, 2)):
        x = net.node("HardSwish", [net.conv(x, before, 16, step)])
        head = net.conv(net.node("HardSwish", [net.conv(x, 16, 16, 1)]), 16, 33, 1, kernel=1)
        rows = net.node("Reshape", [net.node("Transpose", [head], perm=[0, 2, 3, 1]),
                                    net.constant(f"shape{stride}", np.array([-1, boxes.cells(SIZE, stride), 33]))])
        logit, distance = f"logit_{stride}", f"distance_{stride}"
        net.nodes.append(helper.make_node("Split", [rows, net.constant(f"split{stride}", np.array([1, 32]))], [logit, distance], axis=2))
        net.nodes.append(helper.make_node("Sigmoid", [logit], [f"score_{stride}"]))
        scores.append((f"score_{stride}", ["N", boxes.cells(SIZE, stride), 1]))
        distances.append((distance, ["N", boxes.cells(SIZE, stride), 32]))
    net.save(path, "image", scores + distances)


class QuantizeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = Path(folder.name)
        cls.models, rng = cls.work / "models", np.random.default_rng(4)
        cls.models.mkdir(), (cls.work / "photos").mkdir()
        properties.write(cls.models, PROPERTIES)
        extractor(cls.models / "extractor.onnx"), detector(cls.models / "detector.onnx")
        for i in range(8):
            coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
            cv2.imwrite(str(cls.work / f"photos/{i}.png"), cv2.resize(coarse, (160, 120)))
        cls.photos = quantize.pictures.listed(cls.work / "photos")

    def make(self, name, **options):
        out = self.work / name
        with redirect_stderr(io.StringIO()):
            quantize.make(self.models, self.photos, out, **options)
        return model_directory(out)

    def operations(self, file):
        return [n.op_type for n in onnx.load(file).graph.node]

    def cosine(self, out):
        rgbs = [quantize.pictures.read(p) for p in self.photos]
        return (Extractor(self.models)(rgbs) * Extractor(out)(rgbs)).sum(axis=1).min()

    def test_int8_gives_nearly_the_same_embeddings(self):
        out = self.make("int8")
        self.assertGreater(self.cosine(out), 0.99)
        self.assertEqual("tiny-int8", properties.read(out)["name"])

    def test_hard_swish_runs_in_integers(self):
        out = self.make("swish")
        count = lambda file: self.operations(file).count("HardSwish")
        self.assertEqual((2, 8), tuple(count(self.models / f"{m}.onnx") for m in ("extractor", "detector")))
        # What the last convolutions read stays in float with them.
        self.assertEqual((0, 4), tuple(count(out / f"{m}.onnx") for m in ("extractor", "detector")))

    def test_scores_and_distances_stay_in_float(self):
        out = self.make("tail")
        graph = onnx.load(out / "detector.onnx").graph
        makers = {o: n for n in graph.node for o in n.output}
        for name in (o.name for o in graph.output):
            node, passed = makers[name], []
            while node.op_type != "Conv":
                passed.append(node.op_type)
                node = makers[node.input[0]]
            self.assertFalse({"QuantizeLinear", "DequantizeLinear"} & set(passed), passed)

    def test_the_scores_of_an_int8_detector_are_near(self):
        out = self.make("scores")
        rgb = quantize.pictures.read(self.photos[0])
        whole, small = Detector(self.models), Detector(out)
        a, b = (d.session.run(None, d.feed(rgb)[0]) for d in (whole, small))
        for x, y in zip(a[:4], b[:4]):
            self.assertLess(abs(x - y).max(), 0.05)

    def test_eight_bits_and_percentiles_work_too(self):
        self.assertGreater(self.cosine(self.make("eight", full_range=True)), 0.995)
        self.assertGreater(self.cosine(self.make("percentile", method="percentile")), 0.95)

    def test_half_precision_keeps_inputs_and_outputs(self):
        out = self.make("half", fp16=True)
        self.assertGreater(self.cosine(out), 0.9999)
        graph = onnx.load(out / "detector.onnx").graph
        self.assertEqual({TensorProto.FLOAT}, {v.type.tensor_type.elem_type for v in [*graph.input, *graph.output]})
        self.assertIn(TensorProto.FLOAT16, {i.data_type for i in graph.initializer})

    def test_weights_stored_in_half_precision_become_integers_too(self):
        stored = onnx.load(self.models / "extractor.onnx")
        weight = next(w for w in stored.graph.initializer if len(w.dims) == 4)
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), "half")
        stored.graph.initializer.remove(weight)
        stored.graph.initializer.append(half)
        stored.graph.node.insert(0, helper.make_node("Cast", ["half"], [weight.name], to=TensorProto.FLOAT))
        floats = quantize.unpacked(stored)
        self.assertNotIn("Cast", [n.op_type for n in floats.graph.node])
        self.assertEqual({TensorProto.FLOAT}, {w.data_type for w in floats.graph.initializer if len(w.dims) == 4})
        onnx.checker.check_model(floats)

    def test_weights_have_seven_bits_so_that_no_cpu_overflows(self):
        largest = lambda out: max(abs(numpy_helper.to_array(i).astype(int)).max() for i in onnx.load(out / "detector.onnx").graph.initializer
                                  if i.data_type == TensorProto.INT8 and len(i.dims) == 4)
        self.assertEqual(64, largest(self.make("bits")))
        self.assertEqual(127, largest(self.make("all-bits", full_range=True)))

    def test_an_activation_with_an_outlier_stays_in_float(self):
        model = onnx.load(self.models / "extractor.onnx")
        kernel = next(i for i in model.graph.initializer if i.name == "conv0_w")
        weights = numpy_helper.to_array(kernel).copy()
        weights[0] *= 2000  # takes all of the range, and nothing reads it
        kernel.CopyFrom(numpy_helper.from_array(weights, kernel.name))
        second = next(i for i in model.graph.initializer if i.name == "conv2_w")
        weights = numpy_helper.to_array(second).copy()
        weights[:, 0] = 0
        second.CopyFrom(numpy_helper.from_array(weights, second.name))
        models = self.work / "outlier"
        models.mkdir()
        properties.write(models, PROPERTIES)
        onnx.save(model, models / "extractor.onnx"), detector(models / "detector.onnx")
        said = io.StringIO()
        with redirect_stderr(said):
            quantize.make(models, self.photos, self.work / "outlier-int8")
        self.assertRegex(said.getvalue(), r"[1-3] of \d+ activations stay in float")
        rgbs = [quantize.pictures.read(p) for p in self.photos]
        self.assertGreater((Extractor(models)(rgbs) * Extractor(self.work / "outlier-int8")(rgbs)).sum(axis=1).min(), 0.98)

    def test_one_of_the_two_may_be_kept(self):
        out = self.make("kept", keep="extractor")
        self.assertEqual((self.models / "extractor.onnx").read_bytes(), (out / "extractor.onnx").read_bytes())

    def test_names_what_a_directory_lacks(self):
        with self.assertRaisesRegex(Problem, "not a model directory"):
            model_directory(self.work / "nothing")


class WeightsInHalfPrecision(unittest.TestCase):
    def test_become_float_weights_again(self):
        values = np.random.default_rng(4).standard_normal((8, 3, 3, 3)).astype(np.float16)
        nodes = [helper.make_node("Cast", ["w_half"], ["w"], to=TensorProto.FLOAT), helper.make_node("Conv", ["x", "w"], ["y"])]
        graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 6, 6])], [numpy_helper.from_array(values, "w_half")])

        model = quantize.unpacked(helper.make_model(graph))

        self.assertEqual(["Conv"], [n.op_type for n in model.graph.node])
        self.assertEqual(["w"], [w.name for w in model.graph.initializer])
        np.testing.assert_array_equal(values.astype(np.float32), numpy_helper.to_array(model.graph.initializer[0]))


if __name__ == "__main__":
    unittest.main()
