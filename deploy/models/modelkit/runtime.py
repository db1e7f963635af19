"""A model directory's two models in ONNX Runtime, with the settings of the product."""
from pathlib import Path

import numpy as np
import onnxruntime as ort

from . import boxes, properties
from .pictures import Preprocessing
from .problem import Problem


def session(path, threads, profile=None):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Detector:
    def __init__(self, directory, threads=1):
        p = properties.read(directory)
        self.preprocessing = Preprocessing.of(p, "detector")
        self.threshold = float(p["detector.score.threshold"])
        self.session = session(Path(directory) / p["detector.file"], threads)
        self.inputs = [i.name for i in self.session.get_inputs()]

    def feed(self, rgb):
        image, scale = self.preprocessing.detector(rgb)
        tensors = {"image": image, "scale_factor": scale}
        return {name: tensors[name] for name in self.inputs}, scale[0]

    def __call__(self, rgb):
        """float32 [M, 5]: score, x1, y1, x2, y2; best first, before the score threshold."""
        feed, scale = self.feed(rgb)
        return self.read(self.session.run(None, feed), scale)

    def read(self, outputs, scale):
        if len(outputs) == 8:
            return boxes.decode(outputs, scale, self.preprocessing.size)
        rows = outputs[0].reshape(-1, 6)[:, 1:]
        return rows[np.argsort(-rows[:, 0], kind="stable")]


class Extractor:
    def __init__(self, directory, threads=1):
        p = properties.read(directory)
        self.preprocessing = Preprocessing.of(p, "extractor")
        self.session = session(Path(directory) / p["extractor.file"], threads)
        self.input = self.session.get_inputs()[0].name

    def feed(self, rgbs):
        return {self.input: np.stack([self.preprocessing.extractor(rgb) for rgb in rgbs])}

    def __call__(self, rgbs):
        """Unit vectors, float32 [N, D]."""
        return unit(self.session.run(None, self.feed(rgbs))[0])


def unit(vectors):
    return vectors / np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))


def model_directory(path):
    """The path of a model directory that holds what model.properties names."""
    path = Path(path)
    try:
        p = properties.read(path)
        missing = [p[k] for k in ("detector.file", "extractor.file") if not (path / p[k]).is_file()]
    except OSError as e:
        raise Problem(f"{path} is not a model directory: {e.strerror} ({e.filename}); docs/models.md says what is in one") from e
    except KeyError as e:
        raise Problem(f"{path}/{properties.FILE} lacks {e.args[0]}") from e
    if missing:
        raise Problem(f"{path} lacks {' and '.join(missing)}, which its {properties.FILE} names")
    return path
