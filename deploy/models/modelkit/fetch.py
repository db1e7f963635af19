"""Downloads the official PP-ShiTuV2 models, converts them to ONNX and checks them against Paddle Inference.

What comes out is a model directory for `deploy/shelfstream … --models DIR`. Upstream publishes no hashes: those of the
first download are recorded beside the model directory, in DIR.lock, and anything else later is refused.
"""
import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import archives, check, convert, pictures, properties
from .archives import MIB, Archive
from .problem import Problem

HOST = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/rec"
MODEL = (r"(^|/)[^./][^/]*\.(pdmodel|json)$", r"(^|/)[^./][^/]*\.pdiparams$")
DETECTOR = Archive("detector", f"{HOST}/models/inference/picodet_PPLCNet_x2_5_mainbody_lite_v1.0_infer.tar", MODEL,
                   100 * MIB)
EXTRACTOR = Archive("extractor", f"{HOST}/models/inference/PP-ShiTuV2/general_PPLCNetV2_base_pretrained_v1.0_infer.tar",
                    MODEL, 100 * MIB)
DEMO_SET = Archive("demo-set", f"{HOST}/data/drink_dataset_v2.0.tar",
                   (r"(^|/)gallery/drink_label\.txt$", r"(^|/)test_images/[^/]+\.jpe?g$"), 2048 * MIB)
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


def fetch(a):
    replaceable(a.out)
    a.out.parent.mkdir(parents=True, exist_ok=True)
    lock = archives.Lock(a.out.with_name(a.out.name + ".lock"), a.sha256)
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


def pin(text):
    name, _, digest = text.partition("=")
    names = [x.name for x in (DETECTOR, EXTRACTOR, DEMO_SET)]
    if name not in names or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=HEX, a name of {', '.join(names)} and 64 lower-case hex digits")
    return name, digest


def main():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shelfstream"
    parser = argparse.ArgumentParser(prog="deploy/models/fetch-pp-shituv2", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "pp-shituv2", metavar="DIR",
                        help="the model directory to write (default: deploy/models/pp-shituv2)")
    parser.add_argument("--from", dest="source", metavar="URL|DIR",
                        help="a mirror, or a folder with the archives under their own names, instead of upstream")
    parser.add_argument("--sha256", type=pin, action="append", default=[], metavar="NAME=HEX",
                        help="what detector, extractor or demo-set must be; wins over the recorded one")
    parser.add_argument("--no-demo-set", action="store_true",
                        help="leave out drink_dataset_v2.0, the gallery and photos that PaddleClas shows")
    parser.add_argument("--check-images", type=Path, metavar="DIR",
                        help="photos for the check (default: of the demo set, else drawn ones)")
    parser.add_argument("--downloads", type=Path, default=cache / "downloads", metavar="DIR",
                        help="where archives are kept and half ones continued (default: %(default)s)")
    parser.add_argument("--self-test", action="store_true",
                        help="no internet: do all of it with random weights from a server of its own, and run the unit tests")
    a = parser.parse_args()
    a.sha256, a.out = dict(a.sha256), a.out.resolve()
    try:
        fetch(a)
    except Problem as e:
        print(f"fetch-pp-shituv2: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfetch-pp-shituv2: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
