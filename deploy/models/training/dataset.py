"""Renders the training pictures once, in numbered parts that training may read while later ones are made."""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import frames

CROP_SIDE = 192
CROP_MARGIN = 0.08  # of a box's side, kept around a crop so that boxes can be jittered later
CROPS_PER_FRAME = 20

# Numbers of products and of frames: what one part of the work sees, no other does.
TRAINING, VALIDATION, TEST, DEMO = 0, 1_000_000, 2_000_000, 3_000_000
PART = 200  # frames
ROUND = 10  # parts, which photograph all products once for the gallery


def expanded(image, box):
    """The box with a margin around it, the picture's edge repeated where it ends, as a square of CROP_SIDE."""
    x1, y1, x2, y2 = box
    mx, my = round((x2 - x1) * CROP_MARGIN), round((y2 - y1) * CROP_MARGIN)
    h, w = image.shape[:2]
    left, top, right, bottom = x1 - mx, y1 - my, x2 + mx, y2 + my
    part = image[max(0, top) : min(h, bottom), max(0, left) : min(w, right)]
    pads = max(0, -top), max(0, bottom - h), max(0, -left), max(0, right - w)
    if any(pads):
        part = cv2.copyMakeBorder(part, *pads, cv2.BORDER_REPLICATE)
    return cv2.resize(part, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA if part.shape[0] > 2 * CROP_SIDE else cv2.INTER_LINEAR)


def _some(placed, rng):
    """At most CROPS_PER_FRAME objects, no more than three of a product."""
    chosen, seen = [], {}
    for i in rng.permutation(len(placed)):
        n = placed[i].product
        if seen.get(n, 0) < 3 and len(chosen) < CROPS_PER_FRAME:
            chosen.append(placed[i])
            seen[n] = seen.get(n, 0) + 1
    return chosen


def part(number, products, first_product):
    """Crops of the objects of PART frames, and of gallery photos. Colours are RGB, as the product's input."""
    crops, labels = [], []
    for i in range(number * PART, (number + 1) * PART):
        rng = np.random.default_rng([10, first_product, i])
        numbers = np.arange(first_product, first_product + products)
        data, placed = frames.frame(rng, frames.assortment(rng, numbers))
        image = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        for p in _some(placed, rng):
            crops.append(expanded(image, p.box))
            labels.append(p.product - first_product)
    for n in range(number % ROUND, products, ROUND):
        rng = np.random.default_rng([11, first_product, number, n])
        image = cv2.cvtColor(cv2.imdecode(frames.photo(rng, first_product + n), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        h, w = image.shape[:2]
        crops.append(expanded(image, (0, 0, w, h)))
        labels.append(n)
    return {
        "crops": np.stack(crops),
        "labels": np.array(labels, np.int64),
    }


def write(folder, parts, products, first_product):
    folder.mkdir(parents=True, exist_ok=True)
    begun, made = time.time(), 0
    for number in range(parts):
        if (folder / f"{number:03d}.done").exists():
            continue
        for name, values in part(number, products, first_product).items():
            np.save(folder / f"{number:03d}.{name}.npy", values)
        (folder / f"{number:03d}.done").touch()
        made += 1
        rest = (time.time() - begun) / made * (parts - number - 1)
        print(f"rendering: part {number + 1} of {parts}, {rest / 60:.1f} min left", file=sys.stderr, flush=True)


def read(folder, name, begin=0):
    """Memory-mapped arrays of the finished parts, from part number begin on."""
    done = sorted(Path(folder).glob("*.done"))[begin:]
    return [np.load(d.with_name(f"{d.stem}.{name}.npy"), mmap_mode="r") for d in done]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--parts", type=int, required=True)
    arguments.add_argument("--products", type=int, required=True)
    arguments.add_argument("--first-product", type=int, default=TRAINING)
    a = arguments.parse_args()
    cv2.setNumThreads(1)
    write(a.folder, a.parts, a.products, a.first_product)
