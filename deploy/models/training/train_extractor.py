"""Trains the extractor on crops of invented products and, when they are given, on photos of real ones."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import dataset
import frames
from extractor import SIDE, Extractor, Margin
from progress import Training
from train_detector import normalised

REAL_SIDE = 144


def real_photos(list_file):
    """Photos of a gallery file, RGB uint8 [N, 144, 144, 3], and the number of each one's label."""
    lines = [line.split("\t") for line in list_file.read_text(encoding="utf-8").splitlines() if line]
    names = sorted({label for _, label in lines})
    images = np.empty((len(lines), REAL_SIDE, REAL_SIDE, 3), np.uint8)
    for i, (path, _) in enumerate(lines):
        image = cv2.imread(str(list_file.parent / path))
        images[i] = cv2.resize(image, (REAL_SIDE, REAL_SIDE), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    return images, np.array([names.index(label) for _, label in lines]), len(names)


def jittered(image, rng):
    """A crop as an imperfect detector cuts it."""
    side = image.shape[0]
    margin = side * dataset.CROP_MARGIN / (1 + 2 * dataset.CROP_MARGIN)
    off = np.clip(rng.normal(0, 0.035 * side, 4), -0.08 * side, margin)
    x1, y1, x2, y2 = np.round([margin - off[0], margin - off[1], side - margin + off[2], side - margin + off[3]]).astype(int)
    return cv2.resize(image[max(0, y1) : y2, max(0, x1) : x2], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def cut(image, rng):
    """Part of a real photo, turned and mirrored at random."""
    side = image.shape[0]
    size = side * np.sqrt(rng.uniform(0.35, 1))
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    w, h = min(side, size * stretch), min(side, size / stretch)
    cx, cy = rng.uniform(w / 2, side - w / 2), rng.uniform(h / 2, side - h / 2)
    turn = np.deg2rad(rng.normal(0, 12))
    flip = -1 if rng.random() < 0.5 else 1
    c, s = np.cos(turn), np.sin(turn)
    a = np.array([[flip * c * w, -s * h], [flip * s * w, c * h]]) / SIDE
    matrix = np.column_stack([a, np.array([cx, cy]) - a @ [SIDE / 2, SIDE / 2]])
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101)


def worsened(image, rng):
    """Colour of the light, low resolution, something in front."""
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.9, 1.1, 3)
    levels = np.linspace(0, 255, 256)[:, None] * gain + rng.uniform(-15, 15)
    image = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.25:
        small = int(rng.integers(36, 90))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        w, h = (int(SIDE * rng.uniform(0.1, 0.45)) for _ in range(2))
        x, y = int(rng.integers(-w // 2, SIDE - w // 2)), int(rng.integers(-h // 2, SIDE - h // 2))
        image[max(0, y) : y + h, max(0, x) : x + w] = rng.integers(0, 256, 3)
    return image


class Crops:
    """Batches of crops, and a share of real photos whose classes come after the invented ones."""

    def __init__(self, folder, products, real):
        self.folder, self.products, self.real = folder, products, real
        self.refresh()

    def refresh(self):
        self.crops, self.labels = dataset.read(self.folder, "crops"), dataset.read(self.folder, "labels")
        if not self.crops:
            raise SystemExit(f"train_extractor: no finished part in {self.folder}; run dataset.py first")
        self.ends = np.cumsum([len(c) for c in self.crops])

    def batch(self, rng, size, real_share):
        images, labels = np.empty((size, SIDE, SIDE, 3), np.uint8), np.empty(size, np.int64)
        for i in range(size):
            if self.real is not None and i < size * real_share:
                at = rng.integers(len(self.real[0]))
                image, labels[i] = cut(self.real[0][at], rng), self.products + self.real[1][at]
            else:
                at = rng.integers(self.ends[-1])
                part = int(np.searchsorted(self.ends, at, side="right"))
                at -= self.ends[part] - len(self.crops[part])
                image, labels[i] = jittered(self.crops[part][at], rng), self.labels[part][at]
            images[i] = worsened(image, rng)
        return normalised(images), torch.from_numpy(labels)


@torch.no_grad()
def embed(model, images):
    return torch.cat([F.normalize(model(normalised(images[i : i + 64]))) for i in range(0, len(images), 64)])


def whole(image):
    """The box itself, without the margin around it."""
    m = round(dataset.CROP_SIDE * dataset.CROP_MARGIN / (1 + 2 * dataset.CROP_MARGIN))
    return cv2.resize(image[m:-m, m:-m], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def evaluate(model, folder):
    """On exact boxes of unseen products, seven of ten of which have two photos in the gallery: the share of known
    ones that get the right label when nothing is refused, and when as many are refused as leaves 5 % of them out,
    with the share of strangers refused then."""
    crops, labels = dataset.read(folder, "crops")[0], np.array(dataset.read(folder, "labels")[0])
    numbers = np.unique(labels)
    known = numbers[np.random.default_rng(1).random(len(numbers)) < 0.7]
    photos, owners = [], []
    for n in known:
        for k in range(2):
            image = cv2.imdecode(frames.photo(np.random.default_rng([12, n, k]), dataset.VALIDATION + int(n)), cv2.IMREAD_COLOR)
            photos.append(cv2.resize(image[:, :, ::-1], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))
            owners.append(n)
    scores = embed(model, np.stack([whole(c) for c in crops])) @ embed(model, np.stack(photos)).T
    best, at = scores.max(1)
    best, right = best.numpy(), np.array(owners)[at.numpy()] == labels
    inside = np.isin(labels, known)
    threshold = np.quantile(best[inside], 0.05)
    return right[inside].mean(), (right & (best >= threshold))[inside].mean(), (best[~inside] < threshold).mean(), threshold


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help="folder with train/ and val/; the checkpoint goes there")
    arguments.add_argument("--products", type=int, default=8000)
    arguments.add_argument("--real", type=Path, help="gallery file of real photos ('relative/path<TAB>label' a line)")
    arguments.add_argument("--steps", type=int, default=8000)
    arguments.add_argument("--batch", type=int, default=64)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(2)
    cv2.setNumThreads(1)
    real = real_photos(a.real) if a.real else None
    model = Extractor().to(memory_format=torch.channels_last).train()
    margin = Margin(a.products + (real[2] if real else 0))
    optimizer = torch.optim.AdamW([
        {"params": [p for p in model.parameters() if p.requires_grad], "weight_decay": 0.05},
        {"params": margin.parameters(), "weight_decay": 0.0, "factor": 2.0},
    ])
    training = Training("extractor", model, optimizer, a.work, a.steps, 2e-3, extra=[margin])
    data = Crops(a.work / "train", a.products, real)
    smooth = None
    report = lambda m: print("extractor: validation: right %.3f; at threshold %.3f right %.3f, strangers refused %.3f" % (
        lambda r: (r[0], r[3], r[1], r[2]))(evaluate(m, a.work / "val")), file=sys.stderr, flush=True)
    for step in training.remaining():
        if step % 200 == 199:
            data.refresh()
        x, labels = data.batch(np.random.default_rng([30, step]), a.batch, 0.3)
        with torch.autocast("cpu", torch.bfloat16):
            features = model(x)
        loss = margin(features.float(), labels, 0.3 * min(1, step / (0.25 * a.steps)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        training.show(f"loss {smooth:.3f}")
        if step % 1000 == 999:
            report(training.average)
    report(training.average)


if __name__ == "__main__":
    main()
