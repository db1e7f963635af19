"""Compares model directories in one run: file sizes, ms per image, recall@1 of the extractor, recall of the detector.

Times are taken in turn, one picture through every model before the next, so that a busy machine slows all alike; medians.
recall@1 is GroceryStore test_a against train, whole images; detection recall is the share of the boxes of images/scenes
found at IoU 0.5 above the detector's threshold. Both need the folder that SHELFSTREAM_SHARED names (default ../shared).
Every directory after the first is judged against the first: to be recommended it must be faster at one and at two threads,
and lose at most 0.5 points of either recall.

Without directories: the bundled pair and its int8 form.
"""
import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from modelkit import boxes, pictures, profile, properties, quantize
from modelkit.problem import Problem
from modelkit.runtime import Detector, Extractor, model_directory

THREADS = (1, 2)
MOST_LOSS = 0.5  # points
LEAST_SPEED = 1.0
BATCH = 16


def progress(text):
    print(f"bench models: {text}", file=sys.stderr, flush=True)


def megabytes(directory):
    p = properties.read(directory)
    return {m: (directory / p[f"{m}.file"]).stat().st_size / 1e6 for m in ("detector", "extractor")}


def times(directories, photos, rounds):
    """Median ms of one image through each model: {directory: {"detector 1": ms, ...}}."""
    runs = []
    for directory in directories:
        for threads in THREADS:
            detector, extractor = Detector(directory, threads), Extractor(directory, threads)
            runs.append((directory, f"detector {threads}", detector.session, [detector.feed(p)[0] for p in photos]))
            runs.append((directory, f"extractor {threads}", extractor.session, [extractor.feed([p]) for p in photos]))
    seen = defaultdict(lambda: defaultdict(list))
    for n in range(-1, rounds):  # the first warms up
        if n % 10 == 0:
            progress(f"timing, round {n} of {rounds}")
        for directory, what, session, feeds in runs:
            start = time.perf_counter()
            session.run(None, feeds[n % len(feeds)])
            if n >= 0:
                seen[directory][what].append((time.perf_counter() - start) * 1e3)
    return {d: {what: statistics.median(ms) for what, ms in whats.items()} for d, whats in seen.items()}


def labelled(file, quick):
    lines = [l.split("\t") for l in file.read_text(encoding="utf-8").splitlines() if l.strip()]
    return [(file.parent / path, label) for path, label in lines[::10 if quick else 1]]


def embeddings(extractors, entries, what):
    """One matrix an extractor; each picture is decoded once for all."""
    rows = [[] for _ in extractors]
    for at in range(0, len(entries), BATCH):
        rgbs = [pictures.read(path) for path, _ in entries[at:at + BATCH]]
        for extractor, r in zip(extractors, rows):
            r.append(extractor(rgbs))
        if at // BATCH % 20 == 0:
            progress(f"embedding the {what}: {at} of {len(entries)}")
    return [np.concatenate(r) for r in rows]


def recall_at_1(directories, grocery, quick):
    """Percent of the queries whose nearest gallery photo shows the same product."""
    extractors = [Extractor(d, 2) for d in directories]
    gallery, queries = labelled(grocery / "train.tsv", quick), labelled(grocery / "test_a.tsv", quick)
    truth = np.array([label for _, label in gallery])
    wanted = np.array([label for _, label in queries])
    asked = np.isin(wanted, truth)
    found = zip(embeddings(extractors, gallery, "gallery"), embeddings(extractors, queries, "queries"))
    return [100 * float((truth[(q @ g.T).argmax(axis=1)] == wanted)[asked].mean()) for g, q in found]


def detection_recall(directories, scenes, truth_file):
    """Percent of the true boxes that a detection covers at IoU 0.5, each detection used once."""
    truth = defaultdict(list)
    for line in truth_file.read_text(encoding="utf-8").splitlines():
        name, _, *corners = line.split("\t")
        truth[name].append([float(c) for c in corners[:4]])
    detectors, hits = [Detector(d, 2) for d in directories], [0] * len(directories)
    for n, (name, wanted) in enumerate(sorted(truth.items())):
        rgb = pictures.read(scenes / name)
        for i, detector in enumerate(detectors):
            rows = detector(rgb)
            hits[i] += covered(rows[rows[:, 0] >= detector.threshold, 1:], np.array(wanted))
        if n % 5 == 0:
            progress(f"detecting: {n} of {len(truth)} scenes")
    return [100 * h / sum(map(len, truth.values())) for h in hits]


def covered(found, wanted):
    free, hits = list(range(len(wanted))), 0
    for box in found:
        if not free:
            break
        overlaps = boxes.iou(box, wanted[free])
        if overlaps.max() >= 0.5:
            free.pop(int(overlaps.argmax()))
            hits += 1
    return hits


def verdict(first, other):
    """What keeps `other` from being recommended in place of `first`; empty when nothing does."""
    against = []
    for model in ("detector", "extractor"):
        for threads in THREADS:
            speed = first["ms"][f"{model} {threads}"] / other["ms"][f"{model} {threads}"]
            if speed <= LEAST_SPEED:
                against.append(f"the {model} is not faster at {threads} threads ({speed:.2f} x)")
    for what in ("recall_at_1", "detection_recall"):
        if first[what] is None:
            against.append(f"{what.replace('_', ' ')} was not measured")
        elif first[what] - other[what] > MOST_LOSS:
            against.append(f"{what.replace('_', ' ')} falls by {first[what] - other[what]:.1f} points")
    return against


COLUMNS = {f"{model} {threads}": f"{model[:3]} ms {threads}t" for model in ("detector", "extractor") for threads in THREADS}


def table(results):
    short = [Path(r["models"]).name for r in results]
    if len(set(short)) < len(short):
        short = [r["models"] for r in results]
    wide = max(14, *map(len, short)) + 2
    percent = lambda v: "-" if v is None else f"{v:.1f} %"
    print(f"{'models':{wide}}{'det MB':>8}{'ext MB':>8}" + "".join(f"{c:>11}" for c in COLUMNS.values())
          + f"{'recall@1':>10}{'det. recall':>13}")
    for name, r in zip(short, results):
        print(f"{name:{wide}}{r['mb']['detector']:8.1f}{r['mb']['extractor']:8.1f}" + "".join(f"{r['ms'][c]:11.2f}" for c in COLUMNS)
              + f"{percent(r['recall_at_1']):>10}{percent(r['detection_recall']):>13}")
    for name, r in zip(short[1:], results[1:]):
        print(f"{'  times faster':{wide + 16}}" + "".join(f"{results[0]['ms'][c] / r['ms'][c]:11.2f}" for c in COLUMNS)
              + f"   {name}")


def default_directories(a):
    bundled = [a.root / "deploy/models" / name for name in ("bundled", "bundled-int8")]
    missing = [str(d) for d in bundled if not (d / properties.FILE).exists()]
    if missing:
        raise Problem(f"no model directory was named, and {' and '.join(missing)} lack {properties.FILE}; name what to compare")
    return bundled


def some_photos(a, count):
    for folder in (a.shared / "images/scenes", a.root / "deploy/demo-data"):
        if found := pictures.listed(folder):
            return [pictures.read(p) for p in quantize.spread(found, count)]
    progress("no photos here: timing with noise")
    return [np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)]


def measure(a, directories):
    ms = times(directories, some_photos(a, 4), 8 if a.quick else 40)
    recall = detection = [None] * len(directories)
    grocery, scenes = a.shared / "images/grocery", a.shared / "images/scenes"
    if not a.no_recall and grocery.is_dir() and scenes.is_dir():
        recall = recall_at_1(directories, grocery, a.quick)
        detection = detection_recall(directories, scenes, a.shared / "images/scenes.tsv")
    elif not a.no_recall:
        progress(f"recall is not measured: {a.shared} has no images/grocery and images/scenes")
    return [{"models": str(d), "name": properties.read(d)["name"], "mb": megabytes(d), "ms": ms[d], "recall_at_1": r,
             "detection_recall": v} for d, r, v in zip(directories, recall, detection)]


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench models", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shared", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("directories", type=Path, nargs="*", metavar="DIR", help="model directories, the first is the yardstick")
    parser.add_argument("--quick", action="store_true", help="a tenth of the photos, fewer rounds")
    parser.add_argument("--no-recall", action="store_true", help="size and time only")
    parser.add_argument("--profile", action="store_true", help="only show where each model's time goes, by kind of node")
    a = parser.parse_args()
    try:
        directories = list(dict.fromkeys(model_directory(d) for d in a.directories)) or default_directories(a)
        if a.profile:
            profile.show(directories)
            return 0
        results = measure(a, directories)
    except Problem as e:
        print(f"bench models: {e}", file=sys.stderr)
        return 1
    table(results)
    for r in results[1:]:
        r["against"] = verdict(results[0], r)
        print(f"{r['models']}: " + (f"not recommended in place of {results[0]['models']}: {'; '.join(r['against'])}"
                                    if r["against"] else f"recommended in place of {results[0]['models']}"))
    target = a.root / "target/bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "models.json").write_text(json.dumps({"quick": a.quick, "results": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
