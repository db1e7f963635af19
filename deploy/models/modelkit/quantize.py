"""int8 for the CPU and half precision for the GPU, out of an existing model directory."""
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx.version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from . import pictures, properties, sensitive
from .compact import compact
from .hardswish import in_integers
from .heads import ancestors, last_convolutions
from .problem import Problem
from .runtime import Detector, Extractor, model_directory, ort

OPERATORS = ["Conv", "Gemm", "MatMul", "Add", "Mul", "Concat", "Resize", "GlobalAveragePool", "MaxPool", "Relu", "Clip",
             "Sigmoid", "LeakyRelu", "Transpose", "Reshape", "Split"]
METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile,
           "entropy": CalibrationMethod.Entropy}
FEWEST = 8  # photos
PROBES = 4  # inputs on which outputs are compared
LEAST_OPSET = 13  # scales per channel
CROPS = 4  # of one photo, its whole among them: as many as shelves and single products need


class Feeds(CalibrationDataReader):
    """One calibration input after another, made only when asked for; the first few stay at hand."""

    def __init__(self, inputs):
        self.inputs, self.first = iter(inputs), []

    def get_next(self):
        feed = next(self.inputs, None)
        if feed is not None and len(self.first) < PROBES:
            self.first.append(feed)
        return feed


def shown(what, photos):
    """The photos decoded, one after another, saying how far it is."""
    for i, photo in enumerate(photos, 1):
        yield pictures.read(photo)
        if i % max(1, len(photos) // 10) == 0:
            print(f"  calibrating the {what}: {i} of {len(photos)} photos", file=sys.stderr)


def float_part(graph, model):
    """Names of the nodes that stay in float: of a detector the last convolutions and what is behind them."""
    if model == "extractor":
        return []
    last = set(last_convolutions(graph))
    inside = {n.name for n in ancestors(graph, last)} - {n.name for n in graph.node if last & set(n.output)}
    return [n.name for n in graph.node if n.name not in inside]


def named(model):
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{i}"
    return model


def unpacked(model):
    """Weights that are stored in half precision, each behind a Cast, back in float: the tool must see them as weights."""
    halves = {w.name: w for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT16}
    for cast in [n for n in model.graph.node if n.op_type == "Cast" and n.input[0] in halves]:
        values = onnx.numpy_helper.to_array(halves[cast.input[0]]).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, cast.output[0]))
        model.graph.node.remove(cast)
    used = {i for n in model.graph.node for i in n.input}
    for name, weight in halves.items():
        if name not in used:
            model.graph.initializer.remove(weight)
    return model


def in_opset(model, least, source):
    """The model itself, or converted when its opset is older."""
    if max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) >= least:
        return model
    try:
        return onnx.version_converter.convert_version(model, least)
    except RuntimeError as e:
        raise Problem(f"{source} cannot be brought from its old opset to {least}, which int8 needs: {e}; export it anew"
                      f" with opset {least} or later") from e


def int8(source, target, model, feeds, method, full_range):
    with tempfile.TemporaryDirectory(prefix="shelfstream-int8-") as work:
        current, prepared, quantised = (f"{work}/{step}.onnx" for step in ("current", "prepared", "quantised"))
        onnx.save(in_opset(unpacked(onnx.load(source)), LEAST_OPSET, source), current)
        quant_pre_process(current, prepared, skip_symbolic_shape=True)
        graph = named(onnx.load(prepared))
        onnx.save(graph, prepared)
        quantize_static(prepared, quantised, feeds, quant_format=QuantFormat.QDQ, op_types_to_quantize=OPERATORS,
                        nodes_to_exclude=float_part(graph.graph, model), per_channel=True, reduce_range=not full_range,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=METHODS[method],
                        # The tool drops what 8 bits clip by themselves; around a float activation it is needed.
                        extra_options={"QDQKeepRemovableActivations": True})
        result = onnx.load(quantised)
    outputs = last_convolutions(graph.graph) if model == "detector" else [o.name for o in graph.graph.output]
    sensitive.spare(result, outputs, feeds.first)
    swishes = in_integers(result)
    compact(result)
    onnx.checker.check_model(result)
    onnx.save(result, target)
    if swishes:
        print(f"  {model}: {swishes} hard-swishes in integers", file=sys.stderr)


def half(source, target, model):
    graph = named(unpacked(onnx.load(source)))
    blocked = float_part(graph.graph, model)
    onnx.save(convert_float_to_float16(graph, keep_io_types=True, node_block_list=blocked), target)


def crops(rgb, found, threshold):
    """The whole photo and its best detections, as the product cuts them."""
    yield rgb
    height, width = rgb.shape[:2]
    for row in found[found[:, 0] >= threshold][:CROPS - 1]:
        x1, y1, x2, y2 = row[1:].clip(0, [width, height] * 2).astype(int)
        if x2 > x1 and y2 > y1:
            yield rgb[y1:y2, x1:x2]


def make(models, photos, out, method="minmax", fp16=False, keep=None, full_range=False):
    """Writes the model directory `out`; photos are paths."""
    p = properties.read(models)
    detector, extractor = Detector(models, 2), Extractor(models, 2)
    inputs = {
        "detector": (detector.feed(rgb)[0] for rgb in shown("detector", photos)),
        # One crop at a time: the calibrator wants equal shapes.
        "extractor": (extractor.feed([crop]) for rgb in shown("extractor", photos)
                      for crop in crops(rgb, detector(rgb), detector.threshold)),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".quantize-") as fresh:
        fresh = Path(fresh) / "models"
        fresh.mkdir()
        for model in ("detector", "extractor"):
            source, target = models / p[f"{model}.file"], fresh / f"{model}.onnx"
            if model == keep:
                shutil.copy(source, target)
            elif fp16:
                half(source, target, model)
            else:
                int8(source, target, model, Feeds(inputs[model]), method, full_range)
            print(f"  {model}: {source.stat().st_size / 1e6:.1f} MB becomes {target.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
        properties.write(fresh, p | {"name": f"{p['name']}-{'fp16' if fp16 else 'int8'}", "detector.file": "detector.onnx",
                                     "extractor.file": "extractor.onnx"})
        compare(detector, extractor, fresh, [pictures.read(f) for f in spread(photos, 8)])
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)


def compare(detector, extractor, out, rgbs):
    """Prints how near the result is to the original on a few photos."""
    cosines = (extractor(rgbs).astype(np.float64) * Extractor(out, 2)(rgbs)).sum(axis=1)
    other = Detector(out, 2)
    count = lambda d: sum(int((d(rgb)[:, 0] >= d.threshold).sum()) for rgb in rgbs)
    print(f"  on {len(rgbs)} photos: cosine of the embeddings {np.median(cosines):.4f} (least {cosines.min():.4f}), detections"
          f" {count(other)}, {count(detector)} before", file=sys.stderr)


def spread(items, count):
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def run(a):
    """Carries out the arguments that __main__ defines."""
    models, out = model_directory(a.models), a.out.resolve()
    if out == models.resolve() or out.exists() and any(out.iterdir()) and not (out / properties.FILE).exists():
        raise Problem(f"--out {a.out} holds something else; name a new folder")
    photos = spread(pictures.listed(a.calibration), a.images)
    if len(photos) < FEWEST:
        raise Problem(f"--calibration {a.calibration} holds {len(photos)} photos (jpg, png, bmp); at least {FEWEST} are needed")
    ort.set_default_logger_severity(3)  # its warnings of unused constants are nothing a person can act on
    logging.getLogger().setLevel(logging.ERROR)
    make(models, photos, out, a.method, a.fp16, a.keep, a.full_range)
    print(f"{out} is ready; measure it against the original:  deploy/bench models {a.models} {a.out}")
