import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .. import boxes
from ..heads import cut_to_raw_heads
from ..problem import Problem
from ..runtime import ort

SIZE = 64


def network(widths=(33,), sides=(8, 4, 2, 1)):
    """A detector of four convolutions, one a level, and something behind them that allows one image only."""
    nodes, weights, joined = [], [], []
    rng = np.random.default_rng(0)
    for stride, side in zip(boxes.STRIDES, sides):
        for width in widths:
            name = f"head{stride}_{width}"
            kernel = rng.standard_normal((width, 3, SIZE // side, SIZE // side)).astype("f") / stride
            weights.append(numpy_helper.from_array(kernel, f"{name}_w"))
            nodes.append(helper.make_node("Conv", ["image", f"{name}_w"], [name], strides=2 * [SIZE // side]))
            nodes.append(helper.make_node("Reshape", [name, "shape"], [f"{name}_flat"]))
            joined.append(f"{name}_flat")
    weights.append(numpy_helper.from_array(np.array([1, -1]), "shape"))
    nodes.append(helper.make_node("Concat", joined, ["boxes"], axis=1))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    result = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph(nodes, "g", [image], [result], weights),
                             opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def run(model, feed):
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feed)


class CutTest(unittest.TestCase):
    images = np.random.default_rng(1).standard_normal((3, 3, SIZE, SIZE)).astype("f")

    def test_heads_hold_what_the_convolutions_gave(self):
        model = network()
        outputs = run(cut_to_raw_heads(model, SIZE), {"image": self.images})
        for i in range(3):
            flat = run(model, {"image": self.images[i:i + 1]})[0].ravel()
            for score, distance, cells in zip(outputs[:4], outputs[4:], (64, 16, 4, 1)):
                level, flat = flat[:33 * cells].reshape(33, cells).T, flat[33 * cells:]
                np.testing.assert_allclose(score[i], 1 / (1 + np.exp(-level[:, :1])), atol=1e-5)
                np.testing.assert_allclose(distance[i], level[:, 1:], atol=1e-4)

    def test_scores_and_distances_may_come_from_convolutions_of_their_own(self):
        outputs = run(cut_to_raw_heads(network(widths=(32, 3)), SIZE), {"image": self.images})
        self.assertEqual(4 * [3] + 4 * [32], [o.shape[2] for o in outputs])
        self.assertEqual(2 * [64, 16, 4, 1], [o.shape[1] for o in outputs])

    def test_says_what_it_found_in_place_of_heads(self):
        for model, words in ((network(widths=(85,)), None), (network(widths=(20,)), "20"), (network(sides=(8, 4, 2, 2)), "2 x 2")):
            if words is None:
                self.assertEqual(53, cut_to_raw_heads(model, SIZE).graph.output[0].type.tensor_type.shape.dim[2].dim_value)
                continue
            with self.assertRaisesRegex(Problem, words):
                cut_to_raw_heads(model, SIZE)

    def test_refuses_another_input_size(self):
        with self.assertRaisesRegex(Problem, r"image \[1, 3, 64, 64\].*expected image \[N, 3, 640, 640\]"):
            cut_to_raw_heads(network(), 640)


class DecodeTest(unittest.TestCase):
    def heads(self, *cells):
        """Raw heads of one image where the named cells (level, cell, score) hold boxes of three strides to each side."""
        outputs = [np.zeros((1, n, 1), "f") for n in (64, 16, 4, 1)] + [np.zeros((1, n, 32), "f") for n in (64, 16, 4, 1)]
        for level, cell, score in cells:
            outputs[level][0, cell] = score
            outputs[4 + level][0, cell, 3::boxes.BINS] = 100
        return outputs

    def test_a_cell_becomes_its_box_in_image_pixels(self):
        found = boxes.decode(self.heads((0, 8 * 2 + 3, 0.9)), (0.5, 0.25), SIZE)
        np.testing.assert_allclose(found, [[0.9, (28 - 24) / 0.25, (20 - 24) / 0.5, (28 + 24) / 0.25, (20 + 24) / 0.5]], rtol=1e-6)

    def test_one_box_or_none_is_an_answer(self):
        self.assertEqual((1, 5), boxes.decode(self.heads((1, 5, 0.3)), (1, 1), SIZE).shape)
        self.assertEqual((0, 5), boxes.decode(self.heads((1, 5, 0.02)), (1, 1), SIZE).shape)

    def test_overlapping_boxes_keep_the_best(self):
        found = boxes.decode(self.heads((0, 18, 0.5), (0, 19, 0.8), (0, 47, 0.6)), (1, 1), SIZE)
        np.testing.assert_allclose(found[:, 0], [0.8, 0.6], rtol=1e-6)


if __name__ == "__main__":
    unittest.main()
