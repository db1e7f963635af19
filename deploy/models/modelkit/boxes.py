"""PicoDet's raw heads turned into boxes, as model-runtime's RawHeads.java does it."""
import numpy as np

STRIDES = (8, 16, 32, 64)
BINS = 8  # reg_max 7
SCORE_THRESHOLD = 0.025
CANDIDATES = 1000  # nms_top_k
OVERLAP = 0.6  # nms_threshold
KEPT = 100  # keep_top_k


def side(size, stride):
    return -(-size // stride)


def cells(size, stride):
    return side(size, stride) ** 2


def decode(outputs, scale, size, image=0):
    """Boxes of one image.

    @param outputs four scores [N, cells, classes], then four distributions [N, cells, 32]
    @param scale y and x: model pixels per image pixel
    @return float32 [M, 5]: score, x1, y1, x2, y2 in image pixels; best score first, after suppression
    """
    found = []
    for stride, scores, logits in zip(STRIDES, outputs[:4], outputs[4:]):
        row = side(size, stride)
        best = scores[image].max(axis=1)
        at = np.flatnonzero(best > SCORE_THRESHOLD)
        bins = logits[image, at].reshape(-1, 4, BINS).astype(np.float64)
        p = np.exp(bins - bins.max(axis=2, keepdims=True))
        left, top, right, bottom = ((p * np.arange(BINS)).sum(2) / p.sum(2)).T
        x, y = at % row + 0.5, at // row + 0.5  # cell_offset
        sy, sx = stride / scale[0], stride / scale[1]
        found.append(np.stack([best[at], (x - left) * sx, (y - top) * sy, (x + right) * sx, (y + bottom) * sy], 1))
    rows = np.concatenate(found).astype(np.float32)
    return suppress(rows[np.argsort(-rows[:, 0], kind="stable")][:CANDIDATES])[:KEPT]


def suppress(rows):
    kept = []
    while len(rows):
        kept.append(rows[0])
        rows = rows[1:][iou(rows[0, 1:], rows[1:, 1:]) <= OVERLAP]
    return np.array(kept, np.float32).reshape(-1, 5)


def iou(box, others):
    """Intersection over union of one box with many; x1, y1, x2, y2."""
    w = np.clip(np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0]), 0, None)
    h = np.clip(np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1]), 0, None)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union = area(box) + area(others) - w * h
    return np.divide(w * h, union, out=np.zeros_like(union), where=union > 0)
