"""Runs fetch-pp-shituv2 without the internet: both architectures with random weights, exported by Paddle in the layout of
the official archives, served from 127.0.0.1 and taken through the very same download, conversion and check; then the
product recognises with them."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

import cv2
import numpy as np

from . import convert, fetch, pictures, profile, properties, upstream
from .problem import Problem
from .runtime import Detector, session
from .tests.server import serve

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def unit_tests():
    found = unittest.defaultTestLoader.discover(HERE / "tests", top_level_dir=HERE.parent)
    if not found.countTestCases():
        raise Problem("no unit test was found")
    if not unittest.TextTestRunner(buffer=True).run(found).wasSuccessful():
        raise Problem("unit tests failed, see above")


def export(model, tensors, folder, older_format):
    """In a process of its own: Paddle takes the format from its environment."""
    np.save(folder.with_suffix(".npy"), tensors)
    child = subprocess.run([sys.executable, "-m", "modelkit.architectures", model, folder.with_suffix(".npy"), folder],
                           cwd=HERE.parent, env=os.environ | {"FLAGS_enable_pir_api": "0" if older_format else "1"},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if child.returncode:
        raise Problem(f"exporting the {model} failed:\n{child.stdout[-4000:]}")
    return folder


def archive_of(folder, archive, site):
    top = archive.file.removesuffix(".tar")
    with tarfile.open(site / archive.file, "w") as tar:
        tar.add(folder, top)
    print(f"{archive.file}: {', '.join(f'{p.name} {p.stat().st_size}' for p in sorted(folder.iterdir()))}")


def demo_set(drawn, site):
    """A demo set of the official one's shape: photos, a list of labels beside them, pictures to recognise."""
    with tempfile.TemporaryDirectory() as work:
        top = Path(work) / "drink_dataset_v2.0"
        (top / "gallery").mkdir(parents=True), (top / "test_images").mkdir()
        lines = []
        for i, rgb in enumerate(drawn):
            cv2.imwrite(str(top / f"gallery/{i}.png"), rgb[50:300, 50:300, ::-1])
            cv2.imwrite(str(top / f"test_images/{i}.jpeg"), rgb[:, :, ::-1])
            lines.append(f"gallery/{i}.png\tproduct-{i}\n")
        (top / "gallery/drink_label.txt").write_text("".join(lines))
        archive_of(top, upstream.DEMO_SET, site)


def run_fetch(*arguments):
    return subprocess.run([ROOT / "deploy/models/fetch-pp-shituv2", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def expect(result, code, *words):
    print("\n".join("    " + l for l in result.stdout.splitlines()))
    missing = [w for w in words if w not in result.stdout]
    if result.returncode != code or missing:
        raise Problem(f"expected exit code {code}, got {result.returncode}; not said: {', '.join(missing) or 'nothing'}")


def recognise(out, demo):
    """The product's boxes on the demo pictures must be those of this package."""
    gallery, images = fetch.gallery_options(demo)
    command = [ROOT / "deploy/shelfstream", "recognize", images, "--models", out, *gallery.split(), "--format", "json"]
    child = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if child.returncode:
        raise Problem(f"deploy/shelfstream recognize failed:\n{child.stderr[-3000:]}")
    events, detector, seen = [json.loads(l) for l in child.stdout.splitlines()], Detector(out), 0
    for event, file in zip(events, pictures.listed(images), strict=True):
        rgb = pictures.read(file)
        corners = detector(rgb)[:, 1:].clip(0, [rgb.shape[1], rgb.shape[0]] * 2)
        for found in (o for o in event["objects"] if not o["wholeImage"]):
            box = np.array([found["bbox"][k] for k in ("x1", "y1", "x2", "y2")])
            if abs(corners - box).max(axis=1).min() > 1.5:
                raise Problem(f"{file.name}: the product finds {box.tolist()}, which is none of the detector's boxes")
            seen += 1
    if not seen:
        raise Problem("the product found no object in the demo pictures")
    print(f"deploy/shelfstream recognize: {seen} objects in {len(events)} pictures, every box among the detector's")


def speed(paddle, out, work):
    """The converted detector beside what paddle2onnx alone gives, in turn."""
    straight = convert.straight(paddle, work / "straight.onnx", opset=11)
    sessions = {(which, threads): session(path, threads) for threads in (1, 2)
                for which, path in (("straight", straight), ("converted", out / "detector.onnx"))}
    feeds = {key: profile.feed_of(s) for key, s in sessions.items()}
    ms = {key: [] for key in sessions}
    for _ in range(15):
        for key, s in sessions.items():
            start = time.perf_counter()
            s.run(None, feeds[key])
            ms[key].append((time.perf_counter() - start) * 1e3)
    for threads in (1, 2):
        a, b = (statistics.median(ms[which, threads]) for which in ("straight", "converted"))
        print(f"detector, {threads} threads: straight {a:.0f} ms, converted {b:.0f} ms, {a / b:.2f} times faster (medians of 15)")


def whole_way(work):
    site, out = work / "site", work / "models" / "pair"
    site.mkdir()
    drawn = fetch.drawn_pictures()
    print("exporting both architectures with random weights")
    preprocessing = {m: pictures.Preprocessing.of({k: str(v) for k, v in fetch.PROPERTIES.items()}, m)
                     for m in ("detector", "extractor")}
    images = np.concatenate([preprocessing["detector"].detector(p)[0] for p in drawn])
    crops = np.stack([preprocessing["extractor"].extractor(p) for p in drawn])
    archive_of(export("detector", images, work / "detector", True), upstream.DETECTOR, site)
    archive_of(export("extractor", crops, work / "extractor", True), upstream.EXTRACTOR, site)
    demo_set(drawn, site)
    options = ["--out", out, "--downloads", work / "downloads"]
    with serve(site, [{"cut": 5_000_000}]) as server:
        print("fetching, with a connection that breaks once")
        expect(run_fetch(*options, "--from", server.url), 0, "trying again", "first use", "without a partner", "is ready in")
        recognise(out, out.with_name("drink_dataset_v2.0"))
        speed(work / "detector", out, work)
        print("fetching again: nothing is downloaded, the hashes are as recorded")
        requests = len(server.requests)
        expect(run_fetch(*options, "--from", server.url), 0, "as recorded")
        if len(server.requests) != requests:
            raise Problem(f"the server was asked again: {server.requests[requests:]}")
        print("an archive that changed upstream is refused, and the pair that was there stays")
        shutil.rmtree(work / "downloads")
        shutil.copy(site / upstream.EXTRACTOR.file, site / upstream.DETECTOR.file)
        expect(run_fetch(*options, "--from", server.url), 1, "is not what it was", "--sha256 detector=")
    print("the wrong network in the right archive is refused")
    expect(run_fetch("--out", work / "models/wrong", "--from", site, "--no-demo-set"), 1, "the detector has inputs x")
    print("offline")
    shutil.rmtree(work / "downloads")
    expect(run_fetch(*options, "--from", server.url), 1, "refused", "--from FOLDER")
    if not (out / properties.FILE).exists() or (work / "models/wrong").exists():
        raise Problem("a failed run must leave what was there, and nothing else")
    print("the newer format of Paddle, from a folder")
    other = work / "newer"
    other.mkdir()
    archive_of(work / "detector", upstream.DETECTOR, other)
    archive_of(export("extractor", crops, work / "extractor-newer", False), upstream.EXTRACTOR, other)
    expect(run_fetch("--out", work / "models/newer", "--from", other, "--no-demo-set"), 0, "is ready in")


def run(_):
    """All of it, or the first Problem."""
    unit_tests()
    with tempfile.TemporaryDirectory(prefix="shelfstream-selftest-") as work:
        whole_way(Path(work))
    print("self-test passed")
