"""Writes a set to recognise: frames with their ground truth, and a gallery that lacks some of the products.

FOLDER/gallery.tsv                  photo<TAB>label
FOLDER/gallery/LABEL/N.jpg          two or three photos of each known product
FOLDER/frames/NNN.jpg               of the demo: frames/rendered/NNN.jpg
FOLDER/frames/ground-truth.tsv      frame<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

import frames
import products
from dataset import DEMO, TEST, VALIDATION

KNOWN_SHARE = 0.7

# name: number of the first product, products, frames, side of gallery photos, sizes of frames, folder of the frames in frames/
SETS = {
    "demo": (DEMO, 56, 30, 240, ((1280, 720),), "rendered/"),
    "validation": (VALIDATION, 200, 100, 320, frames.SIZES, ""),
    "test": (TEST, 200, 200, 320, frames.SIZES, ""),
}


def _labels(numbers):
    """A label for each product; of two with the same words the later one gets its number too."""
    labels = {}
    for n in numbers:
        label = products.product(n).label
        labels[n] = f"{label}-{n}" if label in labels.values() else label
    return labels


def _gallery(folder, first, labels, side):
    rng = np.random.default_rng([40, first])
    numbers = sorted(rng.permutation(list(labels))[: round(KNOWN_SHARE * len(labels))].tolist())
    lines = []
    for n in numbers:
        for k in range(int(rng.integers(2, 4))):
            path = Path("gallery", labels[n], f"{k + 1}.jpg")
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(frames.photo(np.random.default_rng([41, n, k]), n, side).tobytes())
            lines.append(f"{path.as_posix()}\t{labels[n]}\n")
    (folder / "gallery.tsv").write_text("".join(lines), encoding="utf-8")


def _frames(folder, first, labels, count, sizes, within):
    (folder / "frames" / within).mkdir(parents=True, exist_ok=True)
    lines = []
    for i in range(count):
        rng = np.random.default_rng([42, first, i])
        size = sizes[rng.integers(len(sizes))]
        data, placed = frames.frame(rng, frames.assortment(rng, list(labels)), size)
        name = f"{within}{i:03d}.jpg"
        (folder / "frames" / name).write_bytes(data.tobytes())
        lines += ["\t".join([name, labels[p.product], *map(str, p.box)]) + "\n" for p in placed]
        if i % 50 == 49:
            print(f"rendering: {i + 1} of {count} frames", file=sys.stderr, flush=True)
    (folder / "frames" / "ground-truth.tsv").write_text("".join(lines), encoding="utf-8")


def write(name, folder):
    """Renders one of SETS; the same bytes wherever NumPy and OpenCV are of the pinned versions."""
    first, count, frame_count, side, sizes, within = SETS[name]
    cv2.setNumThreads(1)
    labels = _labels(range(first, first + count))
    _gallery(folder, first, labels, side)
    _frames(folder, first, labels, frame_count, sizes, within)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=SETS)
    arguments.add_argument("folder", type=Path)
    a = arguments.parse_args()
    write(a.name, a.folder)
