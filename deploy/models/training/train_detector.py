"""Trains the detector on the views that detector_views.py wrote, from weights that know photos."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

import dataset
import nanodet
import shops
from detector import SIDE, Detector, Loss, decode
from detector_views import FOLDER, VALIDATION
from progress import Training

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255


def normalised(images):
    """uint8 [N, H, W, 3] to what the product feeds: float32 [N, 3, H, W]."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return ((x - MEAN) / STD).contiguous(memory_format=torch.channels_last)


class Views:
    """Batches from all parts that are finished; looks for new ones now and then."""

    def __init__(self, folder):
        self.folder = folder
        self.refresh()

    def refresh(self):
        self.images = dataset.read(self.folder, "views")
        self.boxes = dataset.read(self.folder, "boxes")
        if not self.images:
            raise SystemExit(f"train_detector: no finished part in {self.folder}; run detector_views.py first")

    def batch(self, rng, size):
        images = np.empty((size, SIDE, SIDE, 3), np.uint8)
        boxes = np.zeros((size, shops.MOST, 5), np.float32)
        for i in range(size):
            part = rng.integers(len(self.images))
            at = rng.integers(len(self.images[part]))
            images[i], boxes[i] = window(rng, self.images[part][at], self.boxes[part][at])
        x = normalised(images)
        x *= torch.from_numpy(rng.uniform(0.8, 1.2, (size, 3, 1, 1)).astype(np.float32))
        x += torch.from_numpy(rng.uniform(-0.25, 0.25, (size, 3, 1, 1)).astype(np.float32))
        return x, torch.from_numpy(boxes)


def window(rng, image, boxes):
    """A part of a view, or all of it with its edge repeated around it, at the detector's size; half of them mirrored."""
    side, mine = SIDE, np.zeros_like(boxes)
    scale = side / len(image) * np.exp(rng.uniform(-0.25, 0.45) + rng.uniform(-0.12, 0.12, 2))
    free = side - scale * len(image)
    shift = free * rng.random(2)
    place = np.float32([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    if rng.random() < 0.5:
        place[0] = -scale[0], 0, side - shift[0]
    how = cv2.INTER_AREA if scale.max() < 1 else cv2.INTER_LINEAR
    image = cv2.warpAffine(np.ascontiguousarray(image), place, (side, side), flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=(114,) * 3)
    real = boxes[boxes[:, 2] > boxes[:, 0]]
    x = np.sort(real[:, [0, 2]] * place[0, 0] + place[0, 2], 1)
    y = real[:, [1, 3]] * place[1, 1] + place[1, 2]
    cut = np.stack([x, y], 2).clip(0, side)
    share = (cut[:, 1] - cut[:, 0]).prod(1) / ((x[:, 1] - x[:, 0]) * (y[:, 1] - y[:, 0]))
    counts = real[:, 4] * (share >= shops.COUNTED)
    small = (cut[:, 1] - cut[:, 0]).min(1) < 9
    rows = np.c_[cut[:, 0], cut[:, 1], counts * ~small][(share >= shops.HIDDEN) & ((cut[:, 1] - cut[:, 0]).min(1) > 3)]
    mine[: len(rows)] = rows
    return image, mine


def _overlap(box, boxes):
    wh = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.clip(wh, 0, None).prod(1)
    return both / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - both)


def suppress(boxes, scores, most=100, overlap=0.6):
    """Indices of the boxes that stay, best first."""
    order, kept = np.argsort(-scores), []
    while len(order) and len(kept) < most:
        i, order = order[0], order[1:]
        kept.append(i)
        order = order[_overlap(boxes[i], boxes[order]) <= overlap]
    return np.array(kept, int)


def hits(found, truth):
    """For boxes, best first, whether each is the first to meet a true box at IoU 0.5."""
    free, out = np.ones(len(truth), bool), np.zeros(len(found), bool)
    for k, box in enumerate(found):
        iou = _overlap(box, truth)
        best = np.argmax(np.where(free, iou, -1)) if len(truth) else 0
        if len(truth) and free[best] and iou[best] >= 0.5:
            free[best], out[k] = False, True
    return out


@torch.no_grad()
def evaluate(model, folder, most=200):
    """Score threshold, recall and precision where the two are closest to each other, at IoU 0.5; zeros without boxes. What meets a
    box that may be found or not counts neither way."""
    images, boxes = dataset.read(folder, "views")[0], dataset.read(folder, "boxes")[0]
    images, boxes = images[:: max(1, len(images) // most)], boxes[:: max(1, len(images) // most)]
    side = SIDE
    loss = Loss(side)
    scores, right, total = [], [], 0
    for begin in range(0, len(images), 8):
        batch = np.stack([cv2.resize(i, (side, side), interpolation=cv2.INTER_AREA) for i in images[begin : begin + 8]])
        s, d = model(normalised(batch))
        decoded = decode(torch.cat(d, 1), loss.points, loss.strides).numpy()
        s = torch.cat(s, 1)[..., 0].sigmoid().numpy()
        for i in range(len(s)):
            truth = boxes[begin + i] * ([side / shops.SIDE] * 4 + [1])
            truth, other = truth[truth[:, 4] > 0, :4], truth[(truth[:, 4] == 0) & (truth[:, 2] > 0), :4]
            total += len(truth)
            able = s[i] > 0.05
            b, c = decoded[i][able], s[i][able]
            kept = suppress(b, c, overlap=0.5)
            hit = hits(b[kept], truth)
            counts = hit | ~np.array([len(other) > 0 and _overlap(box, other).max() >= 0.5 for box in b[kept]], bool)
            scores.append(c[kept][counts])
            right.append(hit[counts])
    scores, right = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-scores)
    found = np.cumsum(right[order])
    recall, precision = found / total, found / np.arange(1, len(order) + 1)
    if not len(order):
        return 0.0, 0.0, 0.0
    at = np.argmin(np.abs(recall - precision))
    return float(scores[order[at]]), float(recall[at]), float(precision[at])


def parameters(model):
    """What is made anew at the full rate; what knows photos already at a third of it, its first layers not at all."""
    for layer in (model.stem, model.stage4):
        layer.requires_grad_(False)
    known = [model.stage8, model.stage16, model.lateral[:2], model.tower[:2]]
    old = {p for layer in known for p in layer.parameters()}
    new = [p for p in model.parameters() if p.requires_grad and p not in old]
    return [{"params": [p for layer in known for p in layer.parameters()], "factor": 0.3}, {"params": new}]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help=f"folder with {FOLDER}/ and {VALIDATION}/; the checkpoint goes there")
    arguments.add_argument("--start", type=Path, required=True, help="nanodet.json, the weights to start from")
    arguments.add_argument("--steps", type=int, default=1200)
    arguments.add_argument("--batch", type=int, default=16)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Detector()
    nanodet.load(model, a.start)
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(parameters(model), weight_decay=0.02)
    training = Training("detector", model, optimizer, a.work, a.steps, 1.5e-3)
    data, loss = Views(a.work / FOLDER), Loss(SIDE)
    smooth = None
    for step in training.remaining():
        if step % 50 == 49:
            data.refresh()
        x, boxes = data.batch(np.random.default_rng([20, step]), a.batch)
        with torch.autocast("cpu", torch.bfloat16):
            scores, distances = model(x)
        value, parts = loss(scores, distances, boxes)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
        smooth = np.array(parts) if smooth is None else 0.97 * smooth + 0.03 * np.array(parts)
        training.show("loss: score {:.3f}, box {:.3f}, edge {:.3f}".format(*smooth))
        if step % 300 == 299:
            print("detector: validation: threshold %.2f, recall %.3f, precision %.3f" % evaluate(training.average, a.work / VALIDATION, 60), file=sys.stderr, flush=True)
    print("detector: validation: threshold %.2f, recall %.3f, precision %.3f" % evaluate(training.average, a.work / VALIDATION), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
