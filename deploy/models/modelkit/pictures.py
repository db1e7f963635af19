"""From a file to the tensors of the models, number for number as the product does it."""
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .problem import Problem

INTERPOLATION = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


def listed(folder):
    """All pictures under a folder, sorted."""
    return sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES)


def read(path):
    """RGB uint8 [H, W, 3], EXIF orientation applied."""
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise Problem(f"{path} cannot be decoded as a picture; remove it or name other pictures")
    return np.ascontiguousarray(bgr[:, :, ::-1])


@dataclass(frozen=True)
class Preprocessing:
    """What model.properties says of one model's input."""

    size: int
    interpolation: int
    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def of(properties, model):
        channel = lambda key: np.array([float(v) for v in properties[key].split(",")])
        return Preprocessing(int(properties[f"{model}.input.size"]),
                             INTERPOLATION[properties[f"{model}.interpolation"]], channel("mean"), channel("std"))

    def detector(self, rgb):
        """float32 image [1, 3, S, S] and scale_factor [1, 2], y first."""
        sy, sx = self.size / float(rgb.shape[0]), self.size / float(rgb.shape[1])
        scaled = cv2.resize(rgb, None, None, fx=sx, fy=sy, interpolation=self.interpolation).astype(np.float32) / 255.0
        scaled -= self.mean  # in float64 and stored as float32, as the reference does
        scaled /= self.std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))[None], np.array([[sy, sx]], np.float32)

    def extractor(self, rgb):
        """float32 [3, S, S]."""
        scaled = cv2.resize(rgb, (self.size, self.size), interpolation=self.interpolation).astype(np.float32)
        scaled = (scaled * np.float32(1 / 255.0) - self.mean.astype(np.float32)) / self.std.astype(np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))
