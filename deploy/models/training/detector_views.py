"""Renders what the detector is trained on, in numbered parts that training may read while later ones are made: views of shops
and kitchens (shops.py) and squares out of drawn shelf frames (frames.py)."""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import dataset
import frames
import shops

PART, OF_FRAMES = 200, 60  # views of a part; of them out of drawn frames, two of each
LOOKS, PRODUCTS = 350, 8000
FOLDER, VALIDATION = "detector-views", "detector-views-val"


def _square(rng, image, boxes):
    """A square out of a frame, as high as it or a little less, at shops.SIDE; boxes as shops.view gives them."""
    h, w = image.shape[:2]
    side = int(min(h, w) * rng.uniform(0.8, 1.0))
    wide = min(w, int(side * rng.choice([1.0, 1.33])))
    x, y = int(rng.integers(0, w - wide + 1)), int(rng.integers(0, h - side + 1))
    view = cv2.resize(image[y : y + side, x : x + wide], (shops.SIDE, shops.SIDE), interpolation=cv2.INTER_AREA)
    inside = boxes.clip([x, y, x, y], [x + wide, y + side, x + wide, y + side])
    area = lambda b: (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    share = area(inside) / area(boxes)
    scaled = (inside - [x, y, x, y]) * (np.array([shops.SIDE / wide, shops.SIDE / side] * 2))
    rows = np.c_[scaled, share >= shops.COUNTED][share >= shops.HIDDEN]
    return view, np.float32(rows[(rows[:, 2] - rows[:, 0] > 4) & (rows[:, 3] - rows[:, 1] > 4)])


def _drawn(rng, first_product):
    data, placed = frames.frame(rng, frames.assortment(rng, np.arange(first_product, first_product + PRODUCTS)))
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    boxes = np.float32([p.box for p in placed])
    return [_square(rng, image, boxes) for _ in range(2)]


def part(number, first_product, photos):
    """PART views, uint8 RGB, and their boxes, float32 [PART, shops.MOST, 5]: x1, y1, x2, y2, and 1 where it counts; zeros fill up."""
    seed = [70, first_product, number]
    looks = shops.Looks(np.random.default_rng([*seed, 0]), photos, first_product, LOOKS)
    made = [shops.view(np.random.default_rng([*seed, 1, i]), looks) for i in range(PART - OF_FRAMES)]
    for i in range(OF_FRAMES // 2):
        made += _drawn(np.random.default_rng([*seed, 2, i]), first_product)
    boxes = np.zeros((PART, shops.MOST, 5), np.float32)
    for mine, (_, found) in zip(boxes, made):
        mine[: len(found)] = found[: shops.MOST]
    return {"views": np.stack([cv2.cvtColor(image, cv2.COLOR_BGR2RGB) for image, _ in made]), "boxes": boxes}


def _share(photos, validation):
    """Every tenth photo is for validation, the others for training."""
    mine = lambda paths: tuple(p for i, p in enumerate(paths) if (i % 10 == 0) == validation)
    return shops.Photos(mine(photos.packshots), mine(photos.shops))


def write(work, parts, photos, validation):
    folder = work / (VALIDATION if validation else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    photos = _share(photos, validation)
    begun, made = time.time(), 0
    for number in range(parts):
        if (folder / f"{number:03d}.done").exists():
            continue
        for name, values in part(number, dataset.VALIDATION if validation else dataset.TRAINING, photos).items():
            np.save(folder / f"{number:03d}.{name}.npy", values)
        (folder / f"{number:03d}.done").touch()
        made += 1
        rest = (time.time() - begun) / made * (parts - number - 1)
        print(f"detector_views: part {number + 1} of {parts}, {rest / 60:.1f} min left", file=sys.stderr, flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help=f"the views go to {FOLDER}/ in it")
    arguments.add_argument("--parts", type=int, required=True)
    arguments.add_argument("--real", type=Path, help="train.tsv of photos of real products, 'relative/path<TAB>label' a line; packshots in iconic.tsv beside it")
    arguments.add_argument("--validation", action="store_true", help=f"products and photos that training does not see; they go to {VALIDATION}/")
    a = arguments.parse_args()
    cv2.setNumThreads(1)
    write(a.work, a.parts, shops.Photos.of(a.real), a.validation)
