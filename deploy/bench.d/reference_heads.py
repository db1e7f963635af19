#!/usr/bin/env python3
"""reference.py with models it does not know: a detector with raw heads, crops of any size.

    reference_heads.py REFERENCE.PY CROP ARGUMENTS...

CROP is the extractor's input side; the arguments are those of reference.py, which is run as it is. Its
detector session is given the tail that docs/models.md describes, in numpy, as one output of boxes.
"""
import runpy
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime

STRIDES = (8, 16, 32, 64)
BINS = 8
SCORE_THRESHOLD, CANDIDATES, OVERLAP, KEPT = 0.025, 1000, 0.6, 100
REFERENCE_CROP = (224, 224)


def centres(size):
    """Of all cells, level after level, in pixels, and the stride of each."""
    points, strides = [], []
    for stride in STRIDES:
        side = -(-size // stride)
        y, x = np.divmod(np.arange(side * side), side)
        points.append((np.stack([x, y], 1) + 0.5) * stride)
        strides.append(np.full(side * side, stride))
    return np.concatenate(points).astype("float32"), np.concatenate(strides).astype("float32")


def suppress(boxes, scores):
    """Greedy suppression of boxes that come best first; indices of those kept."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order, kept = np.arange(len(scores)), []
    while order.size and len(kept) < KEPT:
        first, rest = order[0], order[1:]
        kept.append(first)
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:], boxes[rest, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        order = rest[shared <= OVERLAP * (areas[first] + areas[rest] - shared)]
    return kept


class Detector:
    """A session with raw heads that looks like one with its boxes in the graph."""

    def __init__(self, session):
        self.session = session
        self.names = [i.name for i in session.get_inputs()]
        self.points, self.strides = centres(next(i for i in session.get_inputs() if i.name == "image").shape[2])

    def get_inputs(self):
        return [SimpleNamespace(name=name) for name in {*self.names, "scale_factor"}]

    def run(self, names, inputs):
        out = self.session.run(names, {name: inputs[name] for name in self.names})
        scores = np.concatenate([o[0].max(axis=1) for o in out[: len(STRIDES)]])
        cells = np.flatnonzero(scores > SCORE_THRESHOLD)
        cells = cells[np.argsort(-scores[cells], kind="stable")[:CANDIDATES]]
        logits = np.concatenate([o[0] for o in out[len(STRIDES):]])[cells].reshape(-1, 4, BINS)
        bins = np.exp(logits - logits.max(axis=2, keepdims=True))
        distances = bins @ np.arange(BINS, dtype="float32") / bins.sum(axis=2) * self.strides[cells, None]
        scale = inputs["scale_factor"][0][::-1]  # x, y
        low = (self.points[cells] - distances[:, :2]) / scale
        boxes = np.concatenate([low, (self.points[cells] + distances[:, 2:]) / scale], axis=1)
        kept = suppress(boxes, scores[cells])
        rows = np.concatenate([np.zeros((len(kept), 1)), scores[cells][kept, None], boxes[kept]], axis=1)
        return [rows.astype("float32")]


def main():
    script, crop = sys.argv[1], int(sys.argv[2])
    open_session, resize = onnxruntime.InferenceSession, cv2.resize

    def session(*arguments, **options):
        opened = open_session(*arguments, **options)
        return Detector(opened) if len(opened.get_outputs()) == 2 * len(STRIDES) else opened

    def resized(image, size, *arguments, **options):
        return resize(image, (crop, crop) if size == REFERENCE_CROP else size, *arguments, **options)

    onnxruntime.InferenceSession, cv2.resize = session, resized
    sys.argv = [script, *sys.argv[3:]]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
