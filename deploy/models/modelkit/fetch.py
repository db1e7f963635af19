"""The official PP-ShiTuV2 models: downloaded, converted to ONNX, and checked against Paddle Inference."""
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import archives, check, convert, pictures, properties
from .problem import Problem
from .upstream import DEMO_SET, DETECTOR, EXTRACTOR

DETECTOR_SIZE, EXTRACTOR_SIZE, DIMENSION = 640, 224, 512

# Numbers of PaddleClas's inference_general.yaml.
PROPERTIES = {
    "name": "pp-shituv2", "detector.file": "detector.onnx", "detector.input.size": DETECTOR_SIZE,
    "detector.interpolation": "cubic", "detector.score.threshold": 0.2, "extractor.file": "extractor.onnx",
    "extractor.input.size": EXTRACTOR_SIZE, "extractor.dimension": DIMENSION, "extractor.interpolation": "linear",
    "colour": "RGB", "mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225", "match.metric": "IP",
    "match.threshold": 0.5, "licence": "Apache-2.0 (PaddleClas, PaddleDetection)",
}


def obtained(archive, source, lock, downloads):
    """The archive's file, checked against the lock: from a folder, another server, or upstream."""
    if source and Path(source).is_dir():
        file = Path(source) / archive.file
        if not file.is_file():
            raise Problem(f"{source} does not hold {archive.file}; fetch it from {archive.url}")
    else:
        file = archives.Download(archive.at(source) if source else archive, downloads).run()
    lock.check(archive, file)
    return file


def test_pictures(folder):
    """Three pictures of a folder, spread over it."""
    found = pictures.listed(folder)
    if len(found) < 3:
        raise Problem(f"{folder} holds {len(found)} pictures, three are needed for the check")
    return [pictures.read(found[i * len(found) // 3]) for i in range(3)]


def drawn_pictures():
    """Three pictures of blocks and noise, for when no photos are at hand; the same at any time."""
    rng = np.random.default_rng(1)
    drawn = []
    for height, width in ((480, 640), (720, 540), (600, 600)):
        rgb = np.full((height, width, 3), rng.integers(40, 200, 3), np.uint8)
        for _ in range(40):
            y, x = rng.integers(0, height - 40), rng.integers(0, width - 40)
            h, w = rng.integers(20, 160, 2)
            rgb[y:y + h, x:x + w] = rng.integers(0, 256, 3)
        noise = rng.integers(-12, 13, rgb.shape)
        drawn.append(np.clip(rgb + noise, 0, 255).astype(np.uint8))
    return drawn


def converted(detector, extractor, test, target):
    """Converts both models into the folder `target` and checks them on the test pictures."""
    print("converting to ONNX", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="shelfstream-convert-") as work:
        convert.detector(detector, target / "detector.onnx", DETECTOR_SIZE, work)
        convert.extractor(extractor, target / "extractor.onnx", EXTRACTOR_SIZE, DIMENSION, work)
    properties.write(target, PROPERTIES | {"source": f"{DETECTOR.url} and {EXTRACTOR.url}"})
    print("checking against Paddle Inference", file=sys.stderr)
    check.detectors(detector, target, test)
    check.extractors(extractor, target, test)


def replaceable(out):
    if out.exists() and any(out.iterdir()) and not (out / properties.FILE).exists():
        raise Problem(f"{out} exists and is no model directory; name another with --out, or remove it")


def gallery_options(demo_set):
    """The demo set's list names its photos relative to one folder or the other."""
    label_file = next(demo_set.rglob("gallery/drink_label.txt"))
    first = label_file.read_text(encoding="utf-8").split(maxsplit=1)[0]
    roots = [r for r in (label_file.parent, label_file.parent.parent) if (r / first).is_file()]
    if not roots:
        raise Problem(f"{label_file} names {first}, which is neither beside it nor one folder up")
    return f"--gallery {label_file} --image-root {roots[0]}", label_file.parent.parent / "test_images"


def run(a):
    """Carries out the arguments that __main__ defines."""
    replaceable(a.out)
    a.out.parent.mkdir(parents=True, exist_ok=True)
    lock = archives.Lock(a.out.with_name(a.out.name + ".lock"), dict(a.sha256))
    wanted = [DETECTOR, EXTRACTOR] + ([] if a.no_demo_set else [DEMO_SET])
    files = {w.name: obtained(w, a.source, lock, a.downloads) for w in wanted}
    demo_set = a.out.with_name("drink_dataset_v2.0")
    with tempfile.TemporaryDirectory(prefix="shelfstream-paddle-") as work, \
            tempfile.TemporaryDirectory(dir=a.out.parent, prefix=".models-") as fresh, \
            archives.disk_full_is_a_problem(a.out.parent):
        paddle = [archives.unpack(w, files[w.name], Path(work) / w.name) for w in (DETECTOR, EXTRACTOR)]
        if not a.no_demo_set:
            archives.unpack(DEMO_SET, files["demo-set"], demo_set)
        target = Path(fresh) / "models"
        target.mkdir()
        if a.check_images:
            test = test_pictures(a.check_images)
        elif a.no_demo_set:
            test = drawn_pictures()
        else:
            test = test_pictures(next(demo_set.rglob("test_images")))
        converted(*paddle, test, target)
        shutil.rmtree(a.out, ignore_errors=True)
        target.rename(a.out)
    print(f"the official pair is ready in {a.out}")
    if not a.no_demo_set:
        gallery, images = gallery_options(demo_set)
        print(f"try it:  deploy/shelfstream recognize {images} --models {a.out} {gallery} --profile pp-shitu")
