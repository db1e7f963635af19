"""From a Paddle inference model to ONNX that runs well in ONNX Runtime."""
import contextlib
import os
import sys
from pathlib import Path

import onnx
import onnxslim

from .heads import cut_to_raw_heads, describe
from .problem import Problem

OPSET = 14  # the first with hard-swish as one node, which newer ONNX Runtimes fuse into the convolution before it


def paddle_files(folder):
    """Program and weights of an inference model, in the older format or the newer one.

    @return their paths; the program ends in .pdmodel or .json
    """
    weights = sorted(p for p in Path(folder).rglob("*.pdiparams") if not p.name.startswith("."))
    programs = [p for w in weights for s in (".pdmodel", ".json") if (p := w.with_suffix(s)).exists()]
    if len(weights) != 1 or len(programs) != 1:
        raise Problem(f"{folder} is not one Paddle inference model: expected one *.pdiparams with its *.pdmodel or *.json,"
                      f" found {', '.join(p.name for p in [*weights, *programs]) or 'none'}")
    return programs[0], weights[0]


@contextlib.contextmanager
def quiet(log):
    """Converters print from C++ too: both streams go to a file, which is shown when they fail."""
    saved = [os.dup(1), os.dup(2)]
    sys.stdout.flush(), sys.stderr.flush()
    with open(log, "w") as out:
        try:
            os.dup2(out.fileno(), 1), os.dup2(out.fileno(), 2)
            yield
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
            os.close(saved[0]), os.close(saved[1])


def straight(folder, target, opset=OPSET):
    """paddle2onnx and nothing more; returns the path of the ONNX file."""
    import paddle2onnx
    program, weights = paddle_files(folder)
    log = Path(target).with_suffix(".log")
    try:
        with quiet(log):
            paddle2onnx.export(str(program), str(weights), str(target), opset_version=opset, auto_upgrade_opset=False,
                               verbose=False, enable_onnx_checker=True, optimize_tool="None")
    except Exception as e:  # it raises whatever its parts raise
        raise Problem(f"paddle2onnx cannot convert {program}: {e}\n{log.read_text()[-2000:]}") from e
    log.unlink()
    return Path(target)


def folded(model):
    """Constants computed, batch normalisation inside convolutions, unused parts gone."""
    return onnxslim.slim(model)


def detector(folder, target, size, work):
    model = folded(onnx.load(straight(folder, Path(work) / "detector-straight.onnx")))
    onnx.save(folded(cut_to_raw_heads(model, size)), target)


def extractor(folder, target, size, dimension, work):
    model = folded(onnx.load(straight(folder, Path(work) / "extractor-straight.onnx")))
    inputs, outputs = model.graph.input, model.graph.output
    shape = lambda v: [d.dim_value for d in v.type.tensor_type.shape.dim]
    if len(inputs) != 1 or len(outputs) != 1 or shape(inputs[0])[1:] != [3, size, size] or shape(outputs[0])[1:] != [dimension]:
        raise Problem(f"the extractor has inputs {describe(inputs)} and outputs {describe(outputs)}; expected one"
                      f" [N, 3, {size}, {size}] and one [N, {dimension}]")
    rename(model.graph, inputs[0].name, "x")
    rename(model.graph, outputs[0].name, "features")
    for v in (inputs[0], outputs[0]):
        v.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def rename(graph, old, new):
    for node in graph.node:
        node.input[:] = [new if n == old else n for n in node.input]
        node.output[:] = [new if n == old else n for n in node.output]
    for v in [*graph.input, *graph.output]:
        if v.name == old:
            v.name = new
