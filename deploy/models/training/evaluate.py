"""What a model directory is worth, measured through the product (deploy/shelfstream recognize and evaluate), with everything default.

Without --real: frames of the generator, with the products of --set. Three numbers matter: which share of the objects
is found and which share of the boxes is an object (IoU 0.5), what the found ones are called, and whether those
whose product is not in the gallery are called UNKNOWN.
With --boxes: anybody's photos with boxes; recall, precision and AP of the detector, and pictures of what went wrong.
With --real: photos of real products; recall@1 and mAP of whole images against all gallery photos, against a few of
each product (--shots) and against packshots alone, and what the detector does on scenes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import photo_boxes
import sets

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "deploy" / "shelfstream"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shelfstream" / "model-sets"


# --- the product ------------------------------------------------------------------------------------


def recognize(models, gallery, images, settings=(), extra=()):
    """One event an image, in order, as the product prints them."""
    command = [LAUNCHER, "recognize", "--format", "json", "--models", models, "--gallery", gallery, "--times", *extra]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run([*map(str, command), *map(str, images)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"evaluate: the product failed with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    times = [line for line in done.stderr.splitlines() if line.startswith("images ")]
    return [json.loads(line) for line in done.stdout.splitlines()], times[-1] if times else ""


def with_detector_threshold(models, folder, threshold):
    """A copy of a model directory with another detector.score.threshold."""
    copy = Path(folder) / f"threshold-{threshold}"
    copy.mkdir()
    for file in models.iterdir():
        if file.name != "model.properties":
            (copy / file.name).symlink_to(file.resolve())
    lines = (models / "model.properties").read_text(encoding="utf-8").splitlines()
    changed = [f"detector.score.threshold={threshold}" if line.startswith("detector.score.threshold") else line for line in lines]
    (copy / "model.properties").write_text("\n".join(changed) + "\n", encoding="utf-8")
    return copy


# --- boxes ------------------------------------------------------------------------------------------


def truth_of(file):
    """{frame: [(label, box)]}"""
    truth = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        frame, label, *box = line.split("\t")
        truth.setdefault(frame, []).append((label, np.array(box, float)))
    return truth


def box_of(answer):
    b = answer["bbox"]
    return np.array([b["x1"], b["y1"], b["x2"], b["y2"]], float)


def iou(box, boxes):
    wh = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.clip(wh, 0, None).prod(1)
    return both / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - both)


def paired(answers, objects):
    """Answers best first, each with the index of its own object or -1: one to one, IoU 0.5 or more."""
    answers = sorted((a for a in answers if not a["wholeImage"]), key=lambda a: -a["detectionScore"])
    free, pairs = np.ones(len(objects), bool), []
    boxes = np.array([box for _, box in objects]).reshape(-1, 4)
    for answer in answers:
        overlap = np.where(free, iou(box_of(answer), boxes), -1) if len(boxes) else np.array([-1.0])
        at = int(overlap.argmax())
        if overlap[at] >= 0.5:
            free[at] = False
            pairs.append((answer, at))
        else:
            pairs.append((answer, -1))
    return pairs


def curve(events, truth):
    """Scores of all boxes, falling, with recall and precision down to each, at IoU 0.5."""
    scored, total = [], 0
    for event in events:
        objects = truth.get(event["frameId"], [])
        total += len(objects)
        scored += [(a["detectionScore"], at >= 0) for a, at in paired(event["objects"], objects)]
    scored.sort(key=lambda s: -s[0])
    right = np.array([hit for _, hit in scored], float)
    return np.array([s for s, _ in scored]), np.cumsum(right) / total, np.cumsum(right) / np.arange(1, len(right) + 1)


def average_precision(events, truth):
    """Area under the precision-recall curve, precision made monotonous (as in Pascal VOC 2010)."""
    _, recall, precision = curve(events, truth)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


# --- the generator's frames -------------------------------------------------------------------------


def rendered(name, fresh):
    """The folder of a set, rendered when it is not there as this generator would."""
    here = Path(__file__).parent
    stamp = "".join((here / f).read_text(encoding="utf-8") for f in ("products.py", "frames.py", "sets.py"))
    folder = CACHE / name
    if fresh or not (folder / "generator.py").exists() or (folder / "generator.py").read_text(encoding="utf-8") != stamp:
        print(f"evaluate: rendering the {name} set into {folder}", file=sys.stderr)
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        sets.write(name, folder)
        (folder / "generator.py").write_text(stamp, encoding="utf-8")
    return folder


def brand(label):
    return label.split("-")[0]


def tally(events, truth, known, threshold=None):
    """Outcomes of all objects, and the pairs of labels that were confused."""
    outcomes, confused, surplus = Counter(), Counter(), 0
    for event in events:
        objects = truth.get(event["frameId"], [])
        found = {at: answer for answer, at in paired(event["objects"], objects) if at >= 0}
        surplus += sum(not a["wholeImage"] for a in event["objects"]) - len(found)
        for at, (label, _) in enumerate(objects):
            whose = "known" if label in known else "stranger"
            if at not in found:
                outcomes[whose, "missed"] += 1
                continue
            answer = found[at]
            best = answer["candidates"][0] if answer["candidates"] else None
            if threshold is None:
                name = answer.get("label") if answer["status"] == "MATCH" else None
            else:
                name = best["label"] if best and best["score"] >= threshold else None
            if name is None:
                outcomes[whose, "UNKNOWN"] += 1
            elif name == label:
                outcomes[whose, "own label"] += 1
            else:
                outcomes[whose, "same brand's" if brand(name) == brand(label) else "another's label"] += 1
                confused[label, name] += 1
    return outcomes, confused, surplus


def rates(outcomes, surplus):
    """recall, precision, known right, known UNKNOWN, strangers UNKNOWN; of the objects found."""
    total = sum(outcomes.values())
    missed = outcomes["known", "missed"] + outcomes["stranger", "missed"]
    found = {w: sum(n for (whose, what), n in outcomes.items() if whose == w and what != "missed") for w in ("known", "stranger")}
    return {
        "recall": (total - missed) / total,
        "precision": (total - missed) / max(1, total - missed + surplus),
        "knownRight": outcomes["known", "own label"] / max(1, found["known"]),
        "knownUnknown": outcomes["known", "UNKNOWN"] / max(1, found["known"]),
        "strangersUnknown": outcomes["stranger", "UNKNOWN"] / max(1, found["stranger"]),
    }


def choose(a):
    """Sets both thresholds of a model directory by the validation set: the detector's where the harmonic mean of
    recall and precision is best, the match's where 3 % of the known objects are called UNKNOWN."""
    folder = rendered("validation", a.render)
    truth, known = truth_of(folder / "frames" / "ground-truth.tsv"), labels_of(folder / "gallery.tsv")
    with tempfile.TemporaryDirectory() as temporary:
        every_box = with_detector_threshold(a.models, temporary, 0.03)
        events, _ = recognize(every_box, folder / "gallery.tsv", [folder / "frames"])
    scores, recall, precision = curve(events, truth)
    if not recall.any():
        raise SystemExit(f"evaluate: the detector of {a.models} finds none of the objects of the validation set: train it longer")
    detector = round(float(scores[(recall * precision / (recall + precision + 1e-9)).argmax()]), 2)
    bests = []
    for event in events:
        event["objects"] = [o for o in event["objects"] if o["detectionScore"] >= detector]
        objects = truth.get(event["frameId"], [])
        bests += [o["candidates"][0]["score"] for o, at in paired(event["objects"], objects) if at >= 0 and objects[at][0] in known]
    match = round(float(np.quantile(bests, 0.03)), 3)
    file = a.models / "model.properties"
    chosen = {"detector.score.threshold": detector, "match.threshold": match}
    lines = [f"{key}={chosen.get(key, value)}" if equals else key
             for key, equals, value in (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"evaluate: {file}: detector.score.threshold={detector}, match.threshold={match}")


def labels_of(gallery):
    return {line.split("\t")[1] for line in gallery.read_text(encoding="utf-8").splitlines()}


GOALS = {
    "recall": ("detection recall at IoU 0.5", 0.96, 1),
    "precision": ("detection precision at IoU 0.5", 0.96, 1),
    "knownRight": ("label right, of the found ones in the gallery", 0.93, 1),
    "strangersUnknown": ("UNKNOWN, of the found ones not in the gallery", 0.85, 1),
    "knownUnknown": ("UNKNOWN, of the found ones in the gallery", 0.05, -1),
}


def frames_report(a):
    folder = rendered(a.set, a.render)
    truth = truth_of(folder / "frames" / "ground-truth.tsv")
    known = labels_of(folder / "gallery.tsv")
    begun = time.time()
    events, times = recognize(a.models, folder / "gallery.tsv", [folder / "frames"])
    outcomes, confused, surplus = tally(events, truth, known)
    result = rates(outcomes, surplus)
    with tempfile.TemporaryDirectory() as temporary:
        all_boxes = with_detector_threshold(a.models, temporary, 0.03)
        result["mAP50"] = average_precision(recognize(all_boxes, folder / "gallery.tsv", [folder / "frames"])[0], truth)
    labels = {label for objects in truth.values() for label, _ in objects}
    print(f"{a.set} set: {len(truth)} frames, {sum(map(len, truth.values()))} objects of {len(labels)} products, {len(labels - known)} of them not in the gallery")
    missed = []
    for key, (text, goal, sign) in GOALS.items():
        met = sign * result[key] >= sign * goal
        missed += [] if met else [text]
        print(f"  {text:48} {100 * result[key]:6.2f} %   goal {'≥' if sign > 0 else '≤'} {100 * goal:.0f} %   {'met' if met else 'MISSED'}")
    print(f"  {'detection mAP at IoU 0.5':48} {100 * result['mAP50']:6.2f} %")
    print(f"  {times}  (in all {time.time() - begun:.0f} s)")
    columns = ["own label", "same brand's", "another's label", "UNKNOWN", "missed"]
    print(f"  {'':24}" + "".join(f"{c:>17}" for c in columns))
    for whose, text in (("known", "in the gallery"), ("stranger", "not in the gallery")):
        print(f"  {text:24}" + "".join(f"{outcomes[whose, c]:17}" for c in columns))
    print(f"  {'nothing there':24}" + f"{'':68}{surplus:17} boxes")
    for (label, name), n in confused.most_common(a.confused):
        print(f"  {n:4} × {label} taken for {name}")
    if a.sweep:
        print("  match.threshold   own label   known UNKNOWN   strangers UNKNOWN")
        for threshold in np.arange(0.3, 0.9, 0.025):
            r = rates(*tally(events, truth, known, threshold)[::2])
            print(f"  {threshold:15.3f} {100 * r['knownRight']:9.2f} % {100 * r['knownUnknown']:13.2f} % {100 * r['strangersUnknown']:17.2f} %")
    return {"set": a.set, **result, "times": times}, missed


TURNS = 5


def against_report(a):
    """Both model directories on the same frames, in turns, so that a busy machine is unfair to neither."""
    folder = rendered(a.set, a.render)
    images = sorted((folder / "frames").glob("*.jpg"))[:40]
    spent = {a.models: [], a.against: []}
    for _ in range(TURNS):
        for models, turns in spent.items():
            events, times = recognize(models, folder / "gallery.tsv", images, [f"models.threads={a.threads}"])
            stages = times.split("|")[1].split()
            stages = dict(zip(stages[::2], map(float, stages[1::2])))
            objects = sum(len(e["objects"]) for e in events) / len(events)
            turns.append((stages["detect"], stages["extract"] / objects, objects))
    print(f"{len(images)} frames of the {a.set} set, {a.threads} threads, medians of {TURNS} turns")
    (detect, extract, objects), (other_detect, other_extract, _) = medians = [np.median(turns, 0) for turns in spent.values()]
    for models, (d, e, n) in zip(spent, medians):
        print(f"  {models}: detector {d:.1f} ms a frame, extractor {e:.2f} ms a crop, {n:.1f} objects a frame")
    result = {}
    # As many objects for both, since random weights find any number; few of them, and as many as there are.
    for n in (6, objects):
        mine, other = detect + n * extract, other_detect + n * other_extract
        result[f"times as fast, {n:.0f} objects"] = other / mine
        print(f"  a frame of {n:.0f} objects: {mine:.1f} ms against {other:.1f} ms: {other / mine:.1f} times as fast")
    return result


# --- real photos ------------------------------------------------------------------------------------


def evaluated(models, gallery, queries, folder, *extra):
    """What the product's own evaluation says (deploy/shelfstream evaluate): all sums are its sums. Embeddings are kept
    in the folder, so that each photo is embedded once however often it is asked for."""
    figures = Path(folder) / "figures.json"
    command = [LAUNCHER, "evaluate", "--models", models, "--gallery", gallery, "--queries", queries,
               "--embeddings", Path(folder) / "embeddings.jsonl", "--json", figures, *extra]
    done = subprocess.run([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"evaluate: the product failed with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(figures.read_text(encoding="utf-8"))


def listed_apart(file, labels, folder):
    """The list cut in two, of those labels and of the others; paths are absolute in both."""
    lines = [line.split("\t")[:2] for line in file.read_text(encoding="utf-8").splitlines() if line]
    parts = {"listed": [], "others": []}
    for path, label in lines:
        parts["listed" if label in labels else "others"].append(f"{(file.parent / path).resolve()}\t{label}\n")
    for name, part in parts.items():
        if part:
            (Path(folder) / f"{name}.tsv").write_text("".join(part), encoding="utf-8")
    return {name: (Path(folder) / f"{name}.tsv", len(part)) for name, part in parts.items() if part}


def shown(what, r):
    print(f"  {what:46} recall@1 {100 * r['recall@1']:.1f} %, recall@5 {100 * r['recall@5']:.1f} %, mAP {100 * r['mAP']:.1f} %")


def real_report(a):
    gallery, queries = a.real / "train.tsv", a.real / "test_a.tsv"
    packshots = a.real / "iconic.tsv" if (a.real / "iconic.tsv").is_file() else None
    shots = a.shots or [1, 5]
    with tempfile.TemporaryDirectory() as folder:
        report = evaluated(a.models, gallery, queries, folder, "--shots", ",".join(map(str, shots)))
        result = report["figures"]
        print(f"real photos: {report['queries']['photos']} queries, whole images")
        shown(f"gallery of {report['gallery']['photos']}", result)
        if packshots:
            only = evaluated(a.models, packshots, queries, folder)
            result["packshots"] = only["figures"]
            shown(f"gallery of {only['gallery']['photos']} packshots only", result["packshots"])
        h = report["leftOut"]
        for number in shots:
            result[f"{number} shots"] = report["shots"][str(number)]
            shown(f"{number} photos a product, mean of {h['draws']} draws", result[f"{number} shots"])
        if a.kinds:
            texts = {"listed": f"queries of the products in {a.kinds.name}", "others": "queries of the other products"}
            parts = listed_apart(queries, set(a.kinds.read_text(encoding="utf-8").splitlines()), folder)
            for key, (part, number) in parts.items():
                result[key] = evaluated(a.models, gallery, part, folder)["figures"]
                shown(f"{texts[key]} ({number})", result[key])
                if packshots:
                    result[key]["packshots"] = evaluated(a.models, packshots, part, folder)["figures"]
                    shown("  packshots only", result[key]["packshots"])
    result["half the products missing"] = {
        "knownRight": h["knownRight"], "knownUnknown": h["knownUnknown"], "strangersUnknown": h["strangersUnknown"], "strangersMatched": h["strangersNamed"]}
    print(f"  half of the products not in the gallery: of known ones label right {100 * h['knownRight']:.1f} %, UNKNOWN {100 * h['knownUnknown']:.1f} %; "
          f"of strangers UNKNOWN {100 * h['strangersUnknown']:.1f} %, taken for another {100 * h['strangersNamed']:.1f} %")
    scenes = a.real.parent / "scenes"
    if scenes.is_dir():
        truth = truth_of(scenes.parent / "scenes.tsv")
        events, _ = recognize(a.models, a.real / "train.tsv", [scenes])
        outcomes, _, surplus = tally(events, truth, labels_of(a.real / "train.tsv"))
        r = rates(outcomes, surplus)
        result["scenes"] = r
        print(f"scenes: {sum(map(len, truth.values()))} objects, recall {100 * r['recall']:.1f} %, precision {100 * r['precision']:.1f} %, "
              f"label right {100 * r['knownRight']:.1f} %, UNKNOWN {100 * r['knownUnknown']:.1f} % of the found ones")
    return result


def main():
    arguments = argparse.ArgumentParser(prog="deploy/models/evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--models", type=Path, default=ROOT / "deploy" / "models" / "bundled-int8", help="model directory (default: the bundled one for the CPU)")
    arguments.add_argument("--set", choices=("validation", "test"), default="test", help="choose thresholds on validation, report on test")
    arguments.add_argument("--sweep", action="store_true", help="also what other values of match.threshold would give")
    arguments.add_argument("--choose", action="store_true", help="set both thresholds in the model directory's model.properties by the validation set; no report")
    arguments.add_argument("--confused", type=int, default=12, metavar="N", help="list the N most frequent confusions (default 12)")
    arguments.add_argument("--render", action="store_true", help="render the frames anew even if they are there")
    arguments.add_argument("--real", type=Path, metavar="DIR", help="folder with train.tsv (gallery) and test_a.tsv (queries) of real photos; beside it scenes/ and scenes.tsv, if there are any")
    arguments.add_argument("--boxes", type=Path, metavar="FILE", help="photos with boxes, 'file<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2' a line: recall, precision and AP of the detector")
    arguments.add_argument("--pictures", type=Path, metavar="DIR", help="with --boxes: write the photos there with what was found, missed and false")
    arguments.add_argument("--shots", type=int, action="append", metavar="N", help="with --real: also a gallery of N photos a product, drawn ten times; may be given more than once (default 1 and 5)")
    arguments.add_argument("--kinds", type=Path, metavar="FILE", help="with --real: figures of the products that FILE lists, a label a line, and of the others apart")
    arguments.add_argument("--against", type=Path, metavar="DIR", help="compare the time of detector and extractor a frame with another model directory's")
    arguments.add_argument("--threads", type=int, default=2, help="threads of a model, for --against (default 2)")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    a = arguments.parse_args()
    if not (a.models / "model.properties").is_file():
        arguments.error(f"{a.models} holds no model.properties: name a model directory with --models")
    if a.real and not (a.real / "train.tsv").is_file():
        arguments.error(f"{a.real} holds no train.tsv: name a folder of real photos with --real")
    if a.boxes and not a.boxes.is_file():
        arguments.error(f"there is no file {a.boxes} (--boxes)")
    if a.pictures and not a.boxes:
        arguments.error("--pictures goes with --boxes FILE")
    if (a.shots or a.kinds) and not a.real:
        arguments.error("--shots and --kinds are for real photos: name their folder with --real")
    if a.shots and min(a.shots) < 1:
        arguments.error(f"--shots {min(a.shots)}: at least one photo a product is needed")
    if a.kinds and not a.kinds.is_file():
        arguments.error(f"there is no file {a.kinds} (--kinds)")
    if a.choose:
        choose(a)
        return
    if a.boxes:
        result, missed = photo_boxes.report(a, sys.modules[__name__]), []
    elif a.real:
        result, missed = real_report(a), []
    elif a.against:
        result, missed = against_report(a), []
    else:
        result, missed = frames_report(a)
    if a.json:
        a.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if missed:
        raise SystemExit("evaluate: goals missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
