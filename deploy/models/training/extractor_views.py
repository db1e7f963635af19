"""Views of products as the extractor gets them, once through its frozen stem; training then reads the maps only.

WORK/extractor-views/NNN.maps.npy    float16 [views, 32, 20, 20]
WORK/extractor-views/NNN.labels.npy  int64 [views]: number of a drawn product, or of a real kind counted from REAL
WORK/extractor-views/NNN.kinds.npy   uint8 [views]: DRAWN, PHOTO or PACKSHOT
WORK/extractor-views/clean.npy, clean-labels.npy   the same of whole photos and drawn crops as they are, for the last layer
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch

import dataset
from extractor import SIDE, Stem
from train_detector import normalised

PHOTO_SIDE, PACKSHOT_SIDE = 232, 200
FOLDER = "extractor-views"
DRAWN, PHOTO, PACKSHOT = range(3)
REAL = 1_000_000
PACKSHOT_VIEWS = 10  # of each packshot in a part; of a photo and of a drawn crop there is one
BATCH = 32


# --- pictures ---------------------------------------------------------------------------------------


def photos(list_file, side):
    """Photos of a gallery file, RGB uint8 [N, side, side, 3], and their labels."""
    lines = [line.split("\t") for line in list_file.read_text(encoding="utf-8").splitlines() if line]
    images = np.empty((len(lines), side, side, 3), np.uint8)
    for i, (path, _) in enumerate(lines):
        image = cv2.imread(str(list_file.parent / path))
        images[i] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    return images, [label for _, label in lines]


def outline(image):
    """What stands on the white of a packshot, uint8 [h, w]: all that is not white or not joined to the edge."""
    white = (image.min(2) > 236).astype(np.uint8)
    _, parts = cv2.connectedComponents(white, connectivity=4)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    mask = np.where(np.isin(parts, edge) & (white > 0), 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 0.8)


def jittered(image, rng):
    """A crop as an imperfect detector cuts it."""
    side = image.shape[0]
    margin = side * dataset.CROP_MARGIN / (1 + 2 * dataset.CROP_MARGIN)
    off = np.clip(rng.normal(0, 0.035 * side, 4), -0.08 * side, margin)
    x1, y1, x2, y2 = np.round([margin - off[0], margin - off[1], side - margin + off[2], side - margin + off[3]]).astype(int)
    return cv2.resize(image[max(0, y1) : y2, max(0, x1) : x2], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def cut(image, rng):
    """A real photo, nearly whole or a part of it, turned and mirrored at random."""
    side = image.shape[0]
    size = side * np.sqrt(rng.uniform(0.8, 1) if rng.random() < 0.4 else rng.uniform(0.3, 1))
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    w, h = min(side, size * stretch), min(side, size / stretch)
    cx, cy = rng.uniform(w / 2, side - w / 2), rng.uniform(h / 2, side - h / 2)
    turn = np.deg2rad(rng.normal(0, 10))
    flip = -1 if rng.random() < 0.5 else 1
    c, s = np.cos(turn), np.sin(turn)
    a = np.array([[flip * c * w, -s * h], [flip * s * w, c * h]]) / SIDE
    matrix = np.column_stack([a, np.array([cx, cy]) - a @ [SIDE / 2, SIDE / 2]])
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101)


def staged(image, mask, loose, background, rng):
    """A packshot as it may stand in a shop: before something, among others of its kind, seen askew.

    loose: it may lie in any direction (fruit); packages stand.
    """
    if rng.random() < 0.25:
        canvas = np.full((SIDE, SIDE, 3), rng.integers(215, 256), np.uint8)
        copies, scale = 1, rng.uniform(0.75, 1.15)
    else:
        canvas = cv2.resize(background, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.6:
            canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1, 6))
        copies, scale = int(rng.choice([1, 2, 4, 9] if loose else [1, 1, 2, 4])), rng.uniform(0.55, 1.4)
    side = image.shape[0]
    for i in range(copies):
        turn = rng.uniform(0, 2 * np.pi) if loose and rng.random() < 0.6 else np.deg2rad(rng.normal(0, 7))
        grow = scale * np.exp(rng.normal(0, 0.06, 2)) * SIDE / side
        c, s = np.cos(turn), np.sin(turn)
        a = np.array([[c, -s], [s, c]]) @ np.diag(grow) @ np.array([[1, rng.normal(0, 0.06)], [0, 1]])
        if rng.random() < 0.5 and loose:
            a[:, 0] *= -1
        at = SIDE / 2 + (rng.normal(0, 0.05, 2) if i == copies - 1 else rng.uniform(-0.6, 0.6, 2)) * SIDE
        matrix = np.column_stack([a, at - a @ [side / 2, side / 2]])
        light = rng.uniform(0.8, 1.05)
        there = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        alpha = cv2.warpAffine(mask, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)[:, :, None] / np.float32(255)
        canvas = (canvas * (1 - alpha) + there * (alpha * light)).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        size = rng.uniform(0.6, 0.95) * SIDE
        x, y = (int(v) for v in rng.uniform(0, SIDE - size, 2))
        canvas = cv2.resize(canvas[y : y + int(size), x : x + int(size)], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return canvas


def worsened(image, rng):
    """Colour of the light, shadow, low resolution, blur, noise, JPEG, something in front."""
    gain = rng.uniform(0.7, 1.25) * rng.uniform(0.9, 1.1, 3)
    levels = 255 * np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.15)) * gain + rng.uniform(-15, 15)
    image = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.3:
        shadow = cv2.resize(rng.uniform(0.6, 1, (3, 3, 1)).astype(np.float32), (SIDE, SIDE))[:, :, None]
        image = (image * shadow).astype(np.uint8)
    if rng.random() < 0.2:
        small = int(rng.integers(48, 120))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    elif rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    if rng.random() < 0.15:
        image = np.clip(image + rng.normal(0, rng.uniform(3, 12), image.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))])[1], cv2.IMREAD_COLOR)
    if rng.random() < 0.15:
        w, h = (int(SIDE * rng.uniform(0.1, 0.4)) for _ in range(2))
        x, y = int(rng.integers(-w // 2, SIDE - w // 2)), int(rng.integers(-h // 2, SIDE - h // 2))
        image[max(0, y) : y + h, max(0, x) : x + w] = rng.integers(0, 256, 3)
    return image


# --- parts ------------------------------------------------------------------------------------------


class Sources:
    """What the views are taken of; real is a gallery file of photos, or None; an iconic.tsv
    beside it lists packshots."""

    def __init__(self, work, real):
        self.drawn = list(zip(dataset.read(work / "train", "crops"), dataset.read(work / "train", "labels")))
        if not self.drawn:
            raise SystemExit(f"extractor_views: no finished part in {work / 'train'}; run dataset.py first")
        self.photos, self.packshots, self.names = ([], []), ([], []), []
        if real:
            self.photos = photos(real, PHOTO_SIDE)
            iconic = real.with_name("iconic.tsv")
            if iconic.exists():
                images, labels = photos(iconic, PACKSHOT_SIDE)
                self.packshots = [(image, outline(image)) for image in images], labels
                # Fruit lies as it falls; packages stand. Their folders say which is which.
                self.loose = ["Packages" not in line for line in iconic.read_text(encoding="utf-8").splitlines() if line]
            self.names = sorted({*self.photos[1], *self.packshots[1]})

    def views(self, number):
        """(image, label, kind) of one part, each seeded alone."""
        crops, labels = self.drawn[number % len(self.drawn)]
        for i, (crop, label) in enumerate(zip(crops, labels)):
            rng = np.random.default_rng([31, number, i])
            view = jittered(crop, rng)
            # A camera has spoiled it already.
            yield worsened(view, rng) if rng.random() < 0.5 else view, label, DRAWN
        for i, (image, label) in enumerate(zip(*self.photos)):
            rng = np.random.default_rng([32, number, i])
            yield worsened(cut(image, rng), rng), REAL + self.names.index(label), PHOTO
        for i, ((image, mask), label) in enumerate(zip(*self.packshots)):
            for k in range(PACKSHOT_VIEWS):
                rng = np.random.default_rng([33, number, i, k])
                background = cut(self.photos[0][rng.integers(len(self.photos[0]))], rng)
                yield worsened(staged(image, mask, self.loose[i], background, rng), rng), REAL + self.names.index(label), PACKSHOT


    def clean(self):
        """(image, label) of whole photos and of drawn products that a part shows more than once, about as many."""
        for image, label in zip(*self.photos):
            yield cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), REAL + self.names.index(label)
        for crops, labels in self.drawn[:3]:
            often = np.bincount(labels)
            for i in np.flatnonzero(often[labels] > 1)[:900]:
                yield whole(crops[i]), labels[i]


def whole(image):
    """The box itself, without the margin around it."""
    m = round(dataset.CROP_SIDE * dataset.CROP_MARGIN / (1 + 2 * dataset.CROP_MARGIN))
    return cv2.resize(image[m:-m, m:-m], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


class Frozen:
    """The frozen stem in ONNX Runtime, which runs it three times as fast as PyTorch."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as temporary:
            file = f"{temporary}/stem.onnx"
            torch.onnx.export(Stem().eval(), (torch.randn(2, 3, SIDE, SIDE),), file, input_names=["x"], output_names=["maps"],
                              dynamic_axes={"x": {0: "n"}, "maps": {0: "n"}}, opset_version=17, dynamo=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def __call__(self, images):
        """uint8 [N, 160, 160, 3] → float32 [N, 32, 20, 20]"""
        return self.session.run(None, {"x": np.ascontiguousarray(normalised(images).numpy())})[0]

    def all(self, images):
        """float16 [N, 32, 20, 20] of a list of images"""
        return np.concatenate([self(np.stack(images[i : i + BATCH])).astype(np.float16) for i in range(0, len(images), BATCH)])


def write(work, real, parts):
    sources, frozen, folder = Sources(work, real), Frozen(), work / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in sources.names), encoding="utf-8")
    if not (folder / "clean-labels.npy").exists():
        images, labels = zip(*sources.clean())
        np.save(folder / "clean.npy", frozen.all(images))
        np.save(folder / "clean-labels.npy", np.array(labels, np.int64))
    begun, made = time.time(), 0
    for number in range(parts):
        if (folder / f"{number:03d}.done").exists():
            continue
        images, labels, kinds = zip(*sources.views(number))
        for name, values in (("maps", frozen.all(images)), ("labels", np.array(labels, np.int64)), ("kinds", np.array(kinds, np.uint8))):
            np.save(folder / f"{number:03d}.{name}.npy", values)
        (folder / f"{number:03d}.done").touch()
        made += 1
        left = (time.time() - begun) / made * (parts - number - 1)
        print(f"extractor_views: part {number + 1} of {parts}, {left / 60:.1f} min left", file=sys.stderr, flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("work", type=Path, help=f"folder with train/; the views go to {FOLDER}/ in it")
    arguments.add_argument("--parts", type=int, required=True)
    arguments.add_argument("--real", type=Path, help="train.tsv of photos of real products, 'relative/path<TAB>label' a line; packshots in iconic.tsv beside it")
    a = arguments.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    write(a.work, a.real, a.parts)
