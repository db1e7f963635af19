"""Writes a model directory: detector.onnx, extractor.onnx and model.properties."""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import dataset
import detector
import extractor
import train_extractor

PROPERTIES = """\
# What it started from and was trained on: see MODEL_CARD.md.
name=shelfstream-bundled
detector.file=detector.onnx
detector.input.size={detector_side}
detector.interpolation=area
detector.score.threshold={detector_threshold}
detector.tiles=auto
extractor.file=extractor.onnx
extractor.input.size={extractor_side}
extractor.dimension={dimension}
extractor.interpolation=linear
colour=RGB
mean=0.485,0.456,0.406
std=0.229,0.224,0.225
match.metric=IP
match.threshold={match_threshold}
licence=Apache-2.0
source=deploy/models/train
"""


def averaged(model, checkpoint):
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(state["average"])
    print(f"export: {checkpoint.name} of step {state['step']}, {state['seconds'] / 60:.0f} min of training", file=sys.stderr)
    return model.eval()


def write(model, inputs, names, outputs, file):
    """Exports with a free batch size, and checks that ONNX Runtime answers as PyTorch does."""
    axes = {name: {0: "n"} for name in (*names, *outputs)}
    torch.onnx.export(model, inputs, file, input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=17, dynamo=False)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for name, ours, theirs in zip(outputs, session.run(None, {n: v.numpy() for n, v in zip(names, inputs)}), expected):
        gap = float(np.abs(ours - theirs.numpy()).max())
        if gap > 1e-3:
            raise SystemExit(f"export: {file.name}: {name} differs from PyTorch's by {gap}")
    print(f"export: {file}: {file.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


def in_half(file):
    """Stores the large weights in half precision, each behind a Cast that ONNX Runtime carries out once, when it loads
    the file: half the size, and as fast as before."""
    model = onnx.load(file)
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 1000:
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    for i, cast in enumerate(casts):
        model.graph.node.insert(i, cast)
    onnx.checker.check_model(model)
    onnx.save(model, file)
    print(f"export: {file}: {file.stat().st_size / 1e6:.2f} MB with weights in half precision", file=sys.stderr)


def detector_file(checkpoint, file):
    side = detector.SIDE
    heads = detector.RawHeads(averaged(detector.Detector(), checkpoint)).eval()
    outputs = [f"{kind}{stride}" for kind in ("score", "distance") for stride in detector.STRIDES]
    write(heads, (torch.randn(2, 3, side, side), torch.rand(2, 2) + 0.1), ["image", "scale_factor"], outputs, file)
    in_half(file)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help="folder with the checkpoints")
    arguments.add_argument("models", type=Path, help="model directory to write")
    arguments.add_argument("--extractor", default="extractor", metavar="NAME", help="name of the extractor's checkpoint (default extractor)")
    arguments.add_argument("--detector-threshold", type=float, default=0.5, help="until evaluate --choose sets it")
    arguments.add_argument("--match-threshold", type=float, default=0.5, help="until evaluate --choose sets it")
    a = arguments.parse_args()
    # That sizes become constants is what we want here.
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    a.models.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    detector_file(a.work / "detector.pt", a.models / "detector.onnx")
    unseen = (a.work / f"{a.extractor}.left-out.txt").read_text(encoding="utf-8").splitlines()
    features = train_extractor.finished(averaged(extractor.Head(), a.work / f"{a.extractor}.pt"), a.work, unseen)
    write(features, (torch.randn(2, 3, extractor.SIDE, extractor.SIDE),), ["x"], ["features"], a.models / "extractor.onnx")
    in_half(a.models / "extractor.onnx")
    text = PROPERTIES.format(
        detector_side=detector.SIDE, detector_threshold=a.detector_threshold, extractor_side=extractor.SIDE,
        dimension=extractor.DIMENSION, match_threshold=a.match_threshold,
    )
    (a.models / "model.properties").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
