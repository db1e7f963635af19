"""Writes the model directories of the integration tests: tiny ONNX graphs that anybody can check by eye.

The detector answers every image with its left half (score 0.9) and its right half (score 0.8); the feature
extractor of "colour" embeds a crop as its mean colour before normalisation, red, green, blue; that of
"colour-and-inverse", which a change of models goes to, as mean colour and 1 - mean colour: six numbers.
Run it again only to change them:  python colour_models.py   (needs onnx 1.23.2)
"""
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

SIZE = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
OUT = Path(__file__).parents[1] / "resources/models"


def model(graph):
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="shelfstream")
    checker.check_model(m, full_check=True)
    return m


def constant(name, values, dtype="float32"):
    return numpy_helper.from_array(np.array(values, dtype), name)


def detector():
    """image [1,3,S,S], scale_factor [1,2] (y, x) -> boxes [2,6] in source pixels, count [1]."""
    boxes = [[0, 0, SIZE / 2, SIZE], [SIZE / 2, 0, SIZE, SIZE]]
    nodes = [
        helper.make_node("Gather", ["scale_factor", "xyxy"], ["scale"], axis=1),
        helper.make_node("Div", ["boxes", "scale"], ["scaled"]),
        helper.make_node("ReduceMax", ["image"], ["peak"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["peak", "zero"], ["nothing"]),  # the graph must use its image
        helper.make_node("Add", ["scaled", "nothing"], ["corners"]),
        helper.make_node("Concat", ["classes_and_scores", "corners"], ["detections"], axis=1),
        helper.make_node("Identity", ["two"], ["count"]),
    ]
    constants = [constant("xyxy", [1, 0, 1, 0], "int64"), constant("boxes", boxes), constant("zero", 0),
                 constant("classes_and_scores", [[0, 0.9], [0, 0.8]]), constant("two", [2], "int32")]
    return model(helper.make_graph(
        nodes, "halves",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE]),
         helper.make_tensor_value_info("scale_factor", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("detections", TensorProto.FLOAT, ["boxes", 6]),
         helper.make_tensor_value_info("count", TensorProto.INT32, [1])], constants))


def extractor(with_inverse):
    """x [N,3,224,224], normalised -> mean colour [N,3], 0 to 1 plus a little, so that black has a direction.

    with_inverse: -> [N,6], 1 minus the same behind it.
    """
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["colour" if with_inverse else "features"]),
    ]
    constants = [constant("std", [STD]), constant("offset", [[m + 0.001 for m in MEAN]])]
    if with_inverse:
        nodes += [helper.make_node("Sub", ["one", "colour"], ["inverse"]),
                  helper.make_node("Concat", ["colour", "inverse"], ["features"], axis=1)]
        constants.append(constant("one", 1))
    return model(helper.make_graph(
        nodes, "mean_colour", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 224, 224])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 6 if with_inverse else 3])], constants))


def write(name, with_inverse):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    save(detector(), folder / "detector.onnx")
    save(extractor(with_inverse), folder / "extractor.onnx")
    (folder / "model.properties").write_text(f"""\
name={name}
detector.file=detector.onnx
detector.input.size={SIZE}
detector.interpolation=cubic
detector.score.threshold=0.2
extractor.file=extractor.onnx
extractor.input.size=224
extractor.dimension={6 if with_inverse else 3}
extractor.interpolation=linear
colour=RGB
mean={",".join(map(str, MEAN))}
std={",".join(map(str, STD))}
match.metric=IP
match.threshold=0.95
""")


write("colour", with_inverse=False)
write("colour-and-inverse", with_inverse=True)
