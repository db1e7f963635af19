"""Hard-swish in integers.

ONNX Runtime has none: between two int8 convolutions it would go back to float for it, which costs as much as the
convolutions. But hard-swish(x) = x * clip(x / 6 + 1/2, 0, 1), and an 8-bit number with scale 1/255 and zero point 0
clips to [0, 1] by itself. So an integer addition and an integer multiplication do it; x / 6 is x with another scale.
"""
import numpy as np
from onnx import helper, numpy_helper

UNIT = "hard_swish_unit_scale"
ZERO = "hard_swish_zero"
HALF = "hard_swish_half"  # 1/2 as an 8-bit number, value 128 of scale 1/256


def in_integers(model):
    """Rewrites dequantise, HardSwish, quantise of a QDQ model in place; returns how many were found."""
    graph = model.graph
    makers = {o: n for n in graph.node for o in n.output}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {i.name: i for i in graph.initializer}
    rewritten, added = 0, []
    for node in [n for n in graph.node if n.op_type == "HardSwish"]:
        before, after = makers.get(node.input[0]), readers.get(node.output[0], [])
        if before is None or before.op_type != "DequantizeLinear" or [a.op_type for a in after] != ["QuantizeLinear"]:
            continue
        number, scale, zero = before.input
        sixth = f"{node.name}_sixth_scale"
        added.append(numpy_helper.from_array(numpy_helper.to_array(constants[scale]) / np.float32(6), sixth))
        at = list(graph.node).index(node)
        graph.node.remove(node)
        for offset, piece in enumerate(pieces(node, number, sixth, zero)):
            graph.node.insert(at + offset, piece)
        rewritten += 1
    if rewritten:
        graph.initializer.extend([*added, numpy_helper.from_array(np.float32(1 / 255), UNIT),
                                  numpy_helper.from_array(np.uint8(0), ZERO), numpy_helper.from_array(np.uint8(128), HALF),
                                  numpy_helper.from_array(np.float32(1 / 256), f"{HALF}_scale")])
    return rewritten


def pieces(node, number, sixth, zero):
    name = lambda part: f"{node.name}_{part}"
    make = lambda op, inputs, part: helper.make_node(op, inputs, [name(part)], name=name(f"{part}_node"))
    return [make("DequantizeLinear", [number, sixth, zero], "sixth"),
            make("DequantizeLinear", [HALF, f"{HALF}_scale", ZERO], "half"),
            make("Add", [name("sixth"), name("half")], "sum"),
            make("QuantizeLinear", [name("sum"), UNIT, ZERO], "gate_8"),
            make("DequantizeLinear", [name("gate_8"), UNIT, ZERO], "gate"),
            helper.make_node("Mul", [node.input[0], name("gate")], node.output, name=name("product"))]
