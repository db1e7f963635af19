"""Trains the detector on the frames that dataset.py wrote."""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

import dataset
from detector import Detector, Loss, decode
from progress import Training

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255


def normalised(images):
    """uint8 [N, H, W, 3] to what the product feeds: float32 [N, 3, H, W]."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return ((x - MEAN) / STD).contiguous(memory_format=torch.channels_last)


class Frames:
    """Batches from all parts that are finished; looks for new ones now and then."""

    def __init__(self, folder):
        self.folder = folder
        self.refresh()

    def refresh(self):
        self.images = dataset.read(self.folder, "frames")
        self.boxes = dataset.read(self.folder, "boxes")
        if not self.images:
            raise SystemExit(f"train_detector: no finished part in {self.folder}; run dataset.py first")

    def batch(self, rng, size):
        images = np.empty((size, dataset.DETECTOR_SIDE, dataset.DETECTOR_SIDE, 3), np.uint8)
        boxes = np.zeros((size, dataset.MOST_BOXES, 4), np.float32)
        for i in range(size):
            part = rng.integers(len(self.images))
            at = rng.integers(len(self.images[part]))
            image, found = self.images[part][at], self.boxes[part][at].copy()
            if rng.random() < 0.5:
                image = image[:, ::-1]
                real = found[:, 2] > 0
                found[real] = np.stack([dataset.DETECTOR_SIDE - found[real, 2], found[real, 1], dataset.DETECTOR_SIDE - found[real, 0], found[real, 3]], 1)
            images[i], boxes[i] = image, found
        x = normalised(images)
        x *= torch.from_numpy(rng.uniform(0.8, 1.2, (size, 3, 1, 1)).astype(np.float32))
        x += torch.from_numpy(rng.uniform(-0.25, 0.25, (size, 3, 1, 1)).astype(np.float32))
        return x, torch.from_numpy(boxes)


def suppress(boxes, scores, most=100, overlap=0.6):
    """Indices of the boxes that stay, best first."""
    order, kept = np.argsort(-scores), []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order) and len(kept) < most:
        i, order = order[0], order[1:]
        kept.append(i)
        wh = np.minimum(boxes[i, 2:], boxes[order, 2:]) - np.maximum(boxes[i, :2], boxes[order, :2])
        both = np.clip(wh, 0, None).prod(1)
        order = order[both / (area[i] + area[order] - both) <= overlap]
    return np.array(kept, int)


def hits(found, truth):
    """For boxes, best first, whether each is the first to meet a true box at IoU 0.5."""
    free, out = np.ones(len(truth), bool), np.zeros(len(found), bool)
    for k, box in enumerate(found):
        wh = np.minimum(box[2:], truth[:, 2:]) - np.maximum(box[:2], truth[:, :2])
        both = np.clip(wh, 0, None).prod(1)
        iou = both / ((box[2:] - box[:2]).prod() + (truth[:, 2:] - truth[:, :2]).prod(1) - both)
        best = np.argmax(np.where(free, iou, -1)) if len(truth) else 0
        if len(truth) and free[best] and iou[best] >= 0.5:
            free[best], out[k] = False, True
    return out


@torch.no_grad()
def evaluate(model, folder, most=200):
    """Score threshold, recall and precision where the two are closest to each other, at IoU 0.5; zeros without boxes."""
    images, boxes = dataset.read(folder, "frames")[0][:most], dataset.read(folder, "boxes")[0][:most]
    loss = Loss(dataset.DETECTOR_SIDE)
    scores, right, total = [], [], 0
    for begin in range(0, len(images), 8):
        s, d = model(normalised(np.array(images[begin : begin + 8])))
        decoded = decode(torch.cat(d, 1), loss.points, loss.strides).numpy()
        s = torch.cat(s, 1)[..., 0].sigmoid().numpy()
        for i in range(len(s)):
            truth = boxes[begin + i]
            truth = truth[truth[:, 2] > 0]
            total += len(truth)
            able = s[i] > 0.05
            b, c = decoded[i][able], s[i][able]
            kept = suppress(b, c)
            scores.append(c[kept])
            right.append(hits(b[kept], truth))
    scores, right = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-scores)
    found = np.cumsum(right[order])
    recall, precision = found / total, found / np.arange(1, len(order) + 1)
    if not len(order):
        return 0.0, 0.0, 0.0
    at = np.argmin(np.abs(recall - precision))
    return float(scores[order[at]]), float(recall[at]), float(precision[at])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help="folder with train/ and val/; the checkpoint goes there")
    arguments.add_argument("--steps", type=int, default=4000)
    arguments.add_argument("--batch", type=int, default=12)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Detector().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    training = Training("detector", model, optimizer, a.work, a.steps, 3e-3)
    data, loss = Frames(a.work / "train"), Loss(dataset.DETECTOR_SIDE)
    smooth = None
    for step in training.remaining():
        if step % 200 == 199:
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
        if step % 500 == 499:
            print("detector: validation: threshold %.2f, recall %.3f, precision %.3f" % evaluate(training.average, a.work / "val", 60), file=sys.stderr, flush=True)
    print("detector: validation: threshold %.2f, recall %.3f, precision %.3f" % evaluate(training.average, a.work / "val"), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
