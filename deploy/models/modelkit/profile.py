"""Where a model's time goes in ONNX Runtime, by kind of node, beside what the processor can do at most."""
import json
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import properties
from .runtime import session

ROUNDS = 40  # the fastest counts, so that a busy machine does not show


def feed_of(s):
    """Noise of the shapes that the model takes; a free batch is one."""
    rng = np.random.default_rng(0)
    shape = lambda i: [d if isinstance(d, int) else 1 for d in i.shape]
    return {i.name: rng.standard_normal(shape(i)).astype("f") if len(i.shape) == 4 else np.ones(shape(i), "f")
            for i in s.get_inputs()}


def kind_and_operations(arguments):
    """Name of the kind, and floating-point operations where they are known."""
    operation = arguments["op_name"]
    shapes = [next(iter(t.values())) for t in arguments["input_type_shape"]]
    if operation != "Conv":
        return operation, 0
    output, weights = next(iter(arguments["output_type_shape"][0].values())), shapes[1]
    form = "depthwise" if weights[1] == 1 else "pointwise" if weights[2] == 1 else "full"
    return f"Conv {form} {weights[2]}x{weights[3]}", 2 * np.prod(output) * np.prod(weights[1:])


def nodes(path):
    """For each kind of node: count, ms (sum over nodes of the fastest round) and floating-point operations; one thread."""
    with tempfile.TemporaryDirectory() as work:
        s = session(path, 1, profile=Path(work) / "profile")
        feed = feed_of(s)
        for _ in range(ROUNDS):
            s.run(None, feed)
        events = json.loads(Path(s.end_profiling()).read_text())
    fastest, arguments = defaultdict(lambda: float("inf")), {}
    for e in events:
        if e.get("cat") == "Node" and e["name"].endswith("_kernel_time"):
            fastest[e["name"]] = min(fastest[e["name"]], e["dur"] / 1e3)
            arguments[e["name"]] = e["args"]
    count, ms, operations = Counter(), Counter(), Counter()
    for name, duration in fastest.items():
        kind, flops = kind_and_operations(arguments[name])
        count[kind], ms[kind], operations[kind] = count[kind] + 1, ms[kind] + duration, operations[kind] + flops
    return count, ms, operations


def peak():
    """Billions of operations a second of a matrix product on one thread, the best of many: no convolution is faster."""
    side = 512
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [side, side])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    w = numpy_helper.from_array(np.random.default_rng(0).standard_normal((side, side)).astype("f"), "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "peak", [x], [y], [w])
    with tempfile.TemporaryDirectory() as work:
        path = f"{work}/peak.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
        s = session(path, 1)
    feed, seconds = {"x": np.ones((side, side), "f")}, []
    for _ in range(100):  # short ones, so that on a busy machine some run undisturbed
        start = time.perf_counter()
        s.run(None, feed)
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds) / 1e9


def show(directories):
    most = peak()
    print(f"one thread; a matrix product reaches {most:.0f} GFLOP/s here")
    for directory in directories:
        p = properties.read(directory)
        for model in ("detector", "extractor"):
            count, ms, operations = nodes(Path(directory) / p[f"{model}.file"])
            total, work = sum(ms.values()), sum(operations.values())
            print(f"\n{directory} {model}: {total:.1f} ms")
            for kind, spent in ms.most_common(10):
                rate = f"{operations[kind] / spent / 1e6:8.0f} GFLOP/s" if operations[kind] else ""
                print(f"  {kind:26}{count[kind]:5} nodes{spent:9.2f} ms{100 * spent / total:6.1f} %{rate}")
            least = work / most / 1e6
            if least > total / 4:  # else it is not float convolutions that take the time
                print(f"  {work / 1e9:.1f} GFLOP in float: at that rate they alone take {least:.0f} ms, so no other graph is more"
                      f" than {total / least:.2f} times faster")
