"""How well the gallery linter's thresholds tell good photos from bad ones, on labelled photos."""

import argparse
import configparser
import pathlib
import sys

import cv2
import numpy as np
import onnxruntime

SIDE = 224


def properties(path):
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read_string("[m]\n" + path.read_text(encoding="utf-8"))
    return parser["m"]


class Extractor:
    """The feature extractor, with the preparation of the reference pipeline."""

    def __init__(self, directory):
        model = properties(directory / "model.properties")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(
            str(directory / model.get("extractor.file", "extractor.onnx")), options)
        self.size = int(model["extractor.input.size"])
        cubic = model.get("extractor.interpolation", "linear") == "cubic"
        self.interpolation = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
        self.rgb = model.get("colour", "rgb").lower() == "rgb"
        self.mean = np.float32([float(x) for x in model["mean"].split(",")])
        self.std = np.float32([float(x) for x in model["std"].split(",")])
        self.match_threshold = float(model["match.threshold"])

    def embed(self, bgr):
        image = cv2.resize(bgr, (self.size, self.size), interpolation=self.interpolation)
        image = image[:, :, ::-1] if self.rgb else image
        image = (np.float32(image) / 255 - self.mean) / self.std
        out = self.session.run(None, {"x": np.ascontiguousarray(image.transpose(2, 0, 1)[None])})[0][0]
        return out / np.linalg.norm(out)


def sharpness(bgr):
    """As io.shelfstream.image.Sharpness."""
    grey = cv2.cvtColor(cv2.resize(bgr, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return cv2.Laplacian(grey, cv2.CV_32F).var()


def blurred(bgr, sigma):
    """Blur of so many pixels once the photo is as large as the extractor sees it."""
    scale = min(bgr.shape[:2]) / SIDE
    return cv2.GaussianBlur(bgr, (0, 0), sigma * scale)


def shrunk(bgr, side):
    scale = side / min(bgr.shape[:2])
    return cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def copies(bgr):
    """What people publish twice: the same photo encoded again, smaller, cut, brighter."""
    height, width = bgr.shape[:2]
    quality = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    cut = bgr[height // 50: height - height // 50, width // 50: width - width // 50]
    return {
        "jpeg 50": cv2.imdecode(quality, cv2.IMREAD_COLOR),
        "half size": cv2.resize(bgr, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "2 % cut off": cut,
        "10 % brighter": cv2.convertScaleAbs(bgr, alpha=1.1),
    }


def share(values, test):
    return float(np.mean([test(v) for v in values])) if len(values) else float("nan")


def lines(*text):
    print(*text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--gallery", type=pathlib.Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    photos = [line.split("\t")[:2] for line in args.gallery.read_text(encoding="utf-8").splitlines() if line][:: args.every]
    root = args.gallery.parent
    images = [cv2.imread(str(root / path)) for path, _ in photos]
    labels = np.array([label for _, label in photos])
    lines(f"{len(photos)} photos of {len(set(labels))} products; shorter side "
          f"{min(min(i.shape[:2]) for i in images)} to {max(min(i.shape[:2]) for i in images)} px")

    some = images[::5]
    good = np.array([sharpness(i) for i in images])
    for threshold in (20, 30, 40, 60, 80, 100):
        found = {s: share([sharpness(blurred(i, s)) for i in some], lambda v: v < threshold) for s in (1, 1.5, 2, 3)}
        lines(f"blurred below {threshold}: {share(good, lambda v: v < threshold):.2%} of the photos and of blurred ones "
              + ", ".join(f"{f:.1%} (sigma {s})" for s, f in found.items()))

    for directory in args.models:
        extractor = Extractor(directory)
        vectors = np.array([extractor.embed(i) for i in images])
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -2)
        same = labels[:, None] == labels[None, :]
        own = np.where(same, scores, -2).max(axis=1)
        own = own[own > -2]
        other = np.where(same, -2, scores).max(axis=1)
        lines(f"{directory.name}: match.threshold {extractor.match_threshold}")
        lines("  best score with own product's photos, quantiles 0.1/1/2/5/50 %:",
              np.round(np.quantile(own, [0.001, 0.01, 0.02, 0.05, 0.5]), 3))
        lines("  best score with another product's, quantiles 50/95/98/99/99.5 %:",
              np.round(np.quantile(other, [0.5, 0.95, 0.98, 0.99, 0.995]), 3))
        # A wrong label: the best score with the photos of a product drawn at random.
        random = np.random.default_rng(1)
        products = sorted(set(labels))
        wrong = []
        for i, label in enumerate(labels):
            foreign = random.choice([p for p in products if p != label])
            wrong.append(scores[i][labels == foreign].max())
        for threshold in (extractor.match_threshold / 2, extractor.match_threshold, 0.3, 0.4, 0.5, 0.6):
            lines(f"  unlike own below {threshold:.3g}: {share(own, lambda v: v < threshold):.1%} of the photos, "
                  f"{share(wrong, lambda v: v < threshold):.1%} of those with a wrong label")
        twins = {}
        for i in range(0, len(images), 5):
            for kind, copy in copies(images[i]).items():
                twins.setdefault(kind, []).append(float(extractor.embed(copy) @ vectors[i]))
        for threshold in (0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99):
            lines(f"  resembles another product from {threshold}: {share(other, lambda v: v >= threshold):.2%} of the photos; copies found "
                  + ", ".join(f"{share(v, lambda x: x >= threshold):.1%} ({k})" for k, v in twins.items()))
        for side in (24, 32, 48, 64, 96, 128, 160):
            small = [float(extractor.embed(shrunk(i, side)) @ vectors[n * 5]) for n, i in enumerate(some)]
            lines(f"  shrunk to {side} px: score with itself, quantiles 1/5/50 %:", np.round(np.quantile(small, [0.01, 0.05, 0.5]), 3))


if __name__ == "__main__":
    sys.exit(main())
