"""Compares the converted pair with Paddle Inference on the same pictures."""
import numpy as np

from . import boxes, convert
from .problem import Problem
from .runtime import Detector, Extractor, unit

SCORE = 2e-3
PIXELS = 0.5  # of the detector's input
COSINE = 0.9999
THREADS = 2


class PaddleModel:
    def __init__(self, folder):
        from paddle import inference
        program, weights = convert.paddle_files(folder)
        config = inference.Config(str(program), str(weights))
        config.disable_gpu()
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(THREADS)
        self.predictor = inference.create_predictor(config)

    def run(self, feed):
        """Outputs in the model's order; an input that the model lacks is left out."""
        for name in self.predictor.get_input_names():
            self.predictor.get_input_handle(name).copy_from_cpu(next(iter(feed.values())) if len(feed) == 1 else feed[name])
        self.predictor.run()
        return [self.predictor.get_output_handle(n).copy_to_cpu() for n in self.predictor.get_output_names()]


def pair_up(theirs, ours, scale):
    """Largest differences of scores and corners between the boxes that belong together, and how many have no partner.

    @param scale x1, y1, x2, y2: input pixels per image pixel

    Boxes at the edge of what suppression keeps may fall either way.
    """
    edge = max([boxes.SCORE_THRESHOLD] + [r[-1, 0] for r in (theirs, ours) if len(r) == boxes.KEPT]) + SCORE
    score, corner, alone, left = 0.0, 0.0, 0, list(range(len(ours)))
    for row in theirs:
        near = max(left, key=lambda i: boxes.iou(row[1:], ours[i:i + 1, 1:])[0], default=None)
        off = np.inf if near is None else float((abs(row[1:] - ours[near, 1:]) * scale).max())
        if off > PIXELS:
            alone += row[0] > edge
            continue
        left.remove(near)
        score = max(score, abs(float(row[0] - ours[near, 0])))
        corner = max(corner, off)
    return score, corner, int(alone + sum(ours[i, 0] > edge for i in left))


def detectors(folder, directory, pictures):
    """@raises Problem when the boxes differ, or no picture has any"""
    reference, detector = PaddleModel(folder), Detector(directory, THREADS)
    worst, count, alone, together = np.zeros(2), 0, 0, []
    for rgb in pictures:
        image, scale = detector.preprocessing.detector(rgb)
        feed = {"image": image, "scale_factor": scale, "im_shape": np.array([image.shape[2:]], np.float32)}
        rows = reference.run(feed)[0].reshape(-1, 6)[:, 1:]
        theirs = rows[np.argsort(-rows[:, 0], kind="stable")]
        score, corner, lonely = pair_up(theirs, detector(rgb), scale[0, [1, 0, 1, 0]])
        worst, count, alone = np.maximum(worst, [score, corner]), count + len(theirs), alone + lonely
        together.append(image)
    print(f"  detector: {count} boxes in {len(pictures)} pictures, {alone} without a partner, scores differ by at most"
          f" {worst[0]:.1e} (allowed {SCORE:.0e}), corners by {worst[1]:.1e} pixels of its input (allowed {PIXELS})")
    if not count:
        raise Problem("Paddle Inference finds no box in any picture, so there is nothing to compare; name other pictures"
                      " with --check-images DIR")
    if alone or worst[0] > SCORE:
        raise Problem("the converted detector differs from Paddle Inference; the model directory was not written")
    batches(detector, np.concatenate(together))


def batches(detector, images):
    """A batch must give what its images give alone: upstream's own export cannot."""
    together = detector.session.run(None, {"image": images})
    alone = [detector.session.run(None, {"image": images[i:i + 1]}) for i in range(len(images))]
    worst = max(float(abs(t[i] - a[o][0]).max()) for i, a in enumerate(alone) for o, t in enumerate(together))
    print(f"  detector: a batch of {len(images)} differs from single images by at most {worst:.1e} (allowed 1e-04)")
    if worst > 1e-4:
        raise Problem("the converted detector gives other answers in batches; the model directory was not written")


def extractors(folder, directory, pictures):
    """@raises Problem when an embedding differs"""
    reference, extractor = PaddleModel(folder), Extractor(directory, THREADS)
    feed = extractor.feed(pictures)
    theirs, ours = unit(reference.run(feed)[0]), extractor(pictures)
    cosines = (theirs.astype(np.float64) * ours).sum(axis=1)
    print(f"  extractor: least cosine {cosines.min():.7f} in {len(pictures)} pictures (allowed {COSINE})")
    if not cosines.min() >= COSINE:
        raise Problem("the converted extractor differs from Paddle Inference; the model directory was not written")
