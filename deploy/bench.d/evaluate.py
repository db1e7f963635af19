"""Computes everything that `shelfstream evaluate` prints a second time, from the same embeddings, and compares.

The second computation sorts whole rows with numpy and takes average precision and the area under the curve from
scikit-learn. Random vectors come to the product as the file of embeddings of "photos" that it never has to decode.
"""

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

TOLERANCE = 1e-9
KS = (1, 5, 10)
SHOTS = (1, 5)
PRECISIONS = (0.9, 0.99)
DRAWS = 5
LEFT_OUT = 0.5
BLOCK = 64  # of PaddleClas
MOST_MIB = 1600  # resident, with 10,000 gallery photos and 2,000 queries of 512 values


# --- draws: the generator of java.util.Random and the shuffle of java.util.Collections, from their documentation ------


class JavaRandom:
    def __init__(self, seed):
        self.state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)

    def next(self, bits):
        self.state = (self.state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        value = self.state >> (48 - bits)
        return value - (1 << bits) if value >= 1 << (bits - 1) and bits == 32 else value

    def next_int(self, bound):
        if bound & (bound - 1) == 0:
            return (bound * self.next(31)) >> 31
        while True:
            bits = self.next(31)
            value = bits % bound
            if bits - value + (bound - 1) < 1 << 31:
                return value

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items), 1, -1):
            j = self.next_int(i)
            items[i - 1], items[j] = items[j], items[i - 1]
        return items


def products_that_stay(count, seed):
    left_out = math.floor(count * LEFT_OUT + 0.5)  # as Java rounds
    stays = np.zeros(count, bool)
    stays[JavaRandom(seed).shuffled(range(count))[: count - left_out]] = True
    return stays


def photos_that_stay(labels, names, most, seed):
    random = JavaRandom(seed)
    drawn = [random.shuffled(np.flatnonzero(labels == name))[:most] for name in names]
    return np.sort(np.concatenate(drawn).astype(int))


# --- the second computation -------------------------------------------------------------------------------------------


def ranked(scores, relevant):
    """recall at each of KS, average precision and inverse negative penalty (counted from 1 and from 0) a query; NaN
    where nothing is relevant."""
    order = np.argsort(-scores, 1, kind="stable")
    hits = np.take_along_axis(relevant, order, 1)
    figures = np.full((len(hits), len(KS) + 3), np.nan)
    ranks = -np.arange(hits.shape[1])
    for i, hit in enumerate(hits):
        if hit.any():
            last = np.flatnonzero(hit)[-1]
            figures[i, : len(KS)] = [hit[:k].any() for k in KS]
            figures[i, -3] = average_precision_score(hit, ranks)
            figures[i, -2] = hit.sum() / (last + 1)
            figures[i, -1] = hit.sum() / last if last else np.inf
    return figures


def named(row):
    return {**{f"recall@{k}": row[i] for i, k in enumerate(KS)}, "mAP": row[len(KS)], "mINP": row[len(KS) + 1]}


def mean(figures):
    counted = figures[~np.isnan(figures[:, 0])]
    return named(counted.mean(0)) if len(counted) else named(np.full(len(KS) + 3, np.nan))


def paddle_mean(figures):
    sums = np.zeros(len(KS) + 2)
    for start in range(0, len(figures), BLOCK):
        block = figures[start:start + BLOCK]
        counted = block[~np.isnan(block[:, 0])]
        means = counted.mean(0) if len(counted) else np.full(len(KS) + 3, np.nan)
        sums += np.r_[means[: len(KS) + 1], means[-1]] * len(block) / len(figures)
    return named(sums)


class Second:
    """Everything once more, of gallery and queries: embeddings, labels, names and cameras (None for no cameras)."""

    def __init__(self, gallery, queries, with_itself, threshold, margin):
        self.labels, self.wanted = np.array(gallery["labels"]), np.array(queries["labels"])
        scores = (queries["embeddings"].astype(np.float64) @ gallery["embeddings"].astype(np.float64).T).astype(np.float32)
        same = self.wanted[:, None] == self.labels[None, :]
        ignored = np.zeros_like(same)
        if gallery["cameras"] is not None and queries["cameras"] is not None:
            ignored |= same & (np.array(queries["cameras"])[:, None] == np.array(gallery["cameras"])[None, :])
        if not with_itself:
            ignored |= same & (np.array(queries["files"])[:, None] == np.array(gallery["files"])[None, :])
        self.relevant = same & ~ignored
        self.kept = np.where(ignored, np.float32(0), scores)
        self.ignored = ignored
        self.names = np.unique(self.labels)
        self.open = np.where(ignored, np.float32(-np.inf), scores)
        self.best = np.stack([self.open[:, self.labels == name].max(1) for name in self.names], 1)
        self.known = self.relevant.any(1)
        self.threshold, self.margin = np.float32(threshold), np.float32(margin)

    def figures(self):
        return ranked(self.kept, self.relevant)

    def shots(self, most):
        runs = []
        for seed in range(DRAWS):
            at = photos_that_stay(self.labels, self.names, most, seed)
            runs.append(list(mean(ranked(self.kept[:, at], self.relevant[:, at])).values()))
        return dict(zip(named(np.zeros(len(KS) + 3)), np.mean(runs, 0)))

    def decided(self, stays=None):
        """Score, margin, known and right of each query, in a gallery of the products that stay."""
        there = np.ones(len(self.names), bool) if stays is None else stays
        best = self.best[:, there]
        score = best.max(1)
        photos = np.flatnonzero(np.isin(self.labels, self.names[there]))
        top = photos[self.open[:, photos].argmax(1)]  # of equal ones the first in the gallery
        margin = np.full(len(best), np.inf, np.float32)
        if best.shape[1] > 1:
            second = np.partition(best, -2, 1)[:, -2]
            with np.errstate(invalid="ignore"):
                margin = np.where(np.isinf(second), np.float32(np.inf), score - second).astype(np.float32)
        right = self.labels[top] == self.wanted
        known = self.known & np.isin(self.wanted, self.names[there])
        return score, margin, known, right & known

    def outcome(self, decided, threshold, margin):
        score, lead, known, right = decided
        is_named = (score >= np.float32(threshold)) & (lead >= np.float32(margin))
        return {"known": known.sum(), "knownRight": (is_named & right).sum(), "knownWrong": (is_named & known & ~right).sum(),
                "knownUnknown": (known & (score < np.float32(threshold))).sum(), "strangers": (~known).sum(),
                "strangersNamed": (is_named & ~known).sum(), "strangersUnknown": (~known & (score < np.float32(threshold))).sum()}

    def most_right(self, decided, precision):
        """Over every threshold and margin of the grid, one by one."""
        score, lead, known, right = decided
        best = 0
        for margin in [*(np.arange(101) / np.float32(200)), self.margin]:
            enough = lead >= np.float32(margin)
            for threshold in [*(np.arange(-1000, 1001) / np.float32(1000)), self.threshold]:
                count = ((score >= threshold) & enough).sum()
                if count:
                    hits = ((score >= threshold) & enough & right).sum()
                    if hits > best and hits >= precision * count:
                        best = hits
        return int(best)


# --- the product ------------------------------------------------------------------------------------------------------


class Check:
    def __init__(self, root):
        self.root, self.failed, self.worst, self.compared = root, [], 0.0, 0

    def product(self, models, gallery, queries, embeddings, figures, options):
        command = [self.root / "deploy/shelfstream", "evaluate", "--models", models, "--gallery", gallery, "--queries", queries,
                   "--embeddings", embeddings, "--json", figures, "--k", ",".join(map(str, KS)), "--shots", ",".join(map(str, SHOTS)),
                   "--precision", ",".join(map(str, PRECISIONS)), "--draws", DRAWS, "--left-out", LEFT_OUT, *options]
        begun = time.time()
        with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"bench evaluate: the product failed with exit code {child.returncode}:\n{errors[-3000:]}")
        return json.loads(figures.read_text()), time.time() - begun, usage.ru_maxrss / 1024

    def equal(self, where, ours, theirs):
        self.compared += 1
        theirs = None if theirs is None or not np.isfinite(theirs) else float(theirs)
        if (ours is None) != (theirs is None):
            self.failed.append(f"{where}: {ours}, the second computation has {theirs}")
        elif ours is not None:
            self.worst = max(self.worst, abs(ours - theirs))
            if not abs(ours - theirs) <= TOLERANCE:
                self.failed.append(f"{where}: {ours}, the second computation has {theirs}")

    def compare(self, name, json_, second, thorough):
        figures = second.figures()
        for where, ours, theirs in (("figures", json_["figures"], mean(figures)), ("asPaddleClas", json_["asPaddleClas"], paddle_mean(figures)),
                                    *((f"{n} shots", json_["shots"][str(n)], second.shots(n)) for n in SHOTS)):
            for key, value in theirs.items():
                self.equal(f"{name}, {where}, {key}", ours[key], value)
        self.equal(f"{name}, queries", json_["figures"]["queries"], second.known.sum())
        self.equal(f"{name}, ignored pairs", json_["ignoredPairs"], second.ignored.sum())
        for product in json_["products"]:
            these = mean(figures[second.wanted == product["label"]])
            for key in these:
                self.equal(f"{name}, {product['label']}, {key}", product[key], these[key])
        decided = second.decided()
        self.outcomes(f"{name}, now", json_["now"], second, decided)
        self.outcomes(f"{name}, open set", json_["openSet"]["byThreshold"][150], second, decided)
        known = decided[2]
        area = roc_auc_score(known, decided[0]) if known.any() and not known.all() else None
        self.equal(f"{name}, area", json_["openSet"]["areaUnderCurve"], area)
        for calibration in json_["calibrations"]:
            for key in ("best", "thresholdAlone", "mostPrecise"):
                if calibration[key]:
                    self.outcomes(f"{name}, {calibration['wanted']} {key}", calibration[key], second, decided)
            if calibration["best"] and calibration["best"]["precision"] < calibration["wanted"]:
                self.failed.append(f"{name}: {calibration['best']} has not the precision {calibration['wanted']}")
            if thorough:
                most = second.most_right(decided, calibration["wanted"])
                self.equal(f"{name}, {calibration['wanted']}, most named", (calibration["best"] or {"knownRight": 0})["knownRight"], most)
        shares = []
        for seed in range(DRAWS):
            o = second.outcome(second.decided(products_that_stay(len(second.names), seed)), second.threshold, second.margin)
            with np.errstate(invalid="ignore"):
                shares.append([o["knownRight"] / o["known"], o["knownUnknown"] / o["known"],
                               o["strangersUnknown"] / o["strangers"], o["strangersNamed"] / o["strangers"]])
        for key, value in zip(("knownRight", "knownUnknown", "strangersUnknown", "strangersNamed"), np.nanmean(shares, 0)):
            self.equal(f"{name}, left out, {key}", json_["leftOut"][key], value)

    def outcomes(self, where, ours, second, decided):
        for key, value in second.outcome(decided, ours["threshold"], ours["margin"]).items():
            self.equal(f"{where}, {key}", ours[key], value)


def properties(models):
    lines = (models / "model.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def extractor_of(models):
    p = properties(models)
    return f"{p['name']}@{hashlib.sha256((models / p['extractor.file']).read_bytes()).hexdigest()[:12]}", int(p["extractor.dimension"])


# --- random vectors ---------------------------------------------------------------------------------------------------


def random_set(folder, random, name, count, products, dimension, cameras, first_product=0):
    """Photos of products that lie near each other, every tenth a copy of another one: of a product, or of a rival."""
    centres = np.random.default_rng(7).normal(size=(products + first_product, dimension))
    which = random.integers(first_product, first_product + products, count)
    vectors = centres[which] * 0.5 + random.normal(size=(count, dimension))
    copied = random.random(count) < 0.1
    vectors[copied] = vectors[random.integers(0, count, copied.sum())]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    files = [folder / f"{name}{i}.jpg" for i in range(count)]
    for i, file in enumerate(files):
        file.write_bytes(f"{name} {i}".encode())
    labels = [f"product {p}" for p in which]
    taken_by = [f"c{c}" for c in random.integers(0, cameras, count)] if cameras else None
    (folder / f"{name}.tsv").write_text("".join(
        f"{f.name}\t{label}{chr(9) + taken_by[i] if taken_by else ''}\n" for i, (f, label) in enumerate(zip(files, labels))))
    return {"embeddings": vectors, "labels": labels, "files": [str(f) for f in files], "cameras": taken_by}


def keep(file, extractor, *sets):
    with open(file, "w", encoding="utf-8") as out:
        for one in sets:
            for path, vector in zip(one["files"], one["embeddings"]):
                out.write(json.dumps({"photo": path, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(), "extractor": extractor,
                                      "embedding": [float(str(v)) for v in vector]}, separators=(",", ":")) + "\n")


def random_checks(check, a, work):
    models = a.root / "deploy/models/bundled-int8"
    extractor, dimension = extractor_of(models)
    p = properties(models)
    small = (90, 40) if a.quick else (600, 250)
    cases = [("plain", *small, 0, 0, ()), ("strangers", *small, 0, 2, ()), ("cameras", *small, 5, 1, ("--set", "recognition.match.margin=0.03")),
             ("own queries", *small, 0, 0, ()), ("own queries, with itself", *small, 0, 0, ("--with-itself",))]
    for number, (name, photos, queries, cameras, more, options) in enumerate(cases):
        folder = work / f"random-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng([18, number])
        products = max(4, photos // 15)
        gallery = random_set(folder, random, "g", photos, products, dimension, cameras)
        own = name.startswith("own")
        asked = gallery if own else random_set(folder, random, "q", queries, products, dimension, cameras, more)
        keep(folder / "embeddings.jsonl", extractor, gallery, *([] if own else [asked]))
        margin = 0.03 if options and "--set" in options else float(p.get("match.margin", 0))
        json_, seconds, _ = check.product(models, folder / "g.tsv", folder / ("g.tsv" if own else "q.tsv"), folder / "embeddings.jsonl",
                                          folder / "figures.json", options)
        second = Second(gallery, asked, "--with-itself" in options, float(p["match.threshold"]), margin)
        before = len(check.failed)
        check.compare(f"random, {name}", json_, second, thorough=True)
        print(f"random vectors, {name:26} {len(gallery['labels']):6} × {len(asked['labels']):5}   {len(check.failed) - before} differences   {seconds:.1f} s", flush=True)


def large_check(check, a, work):
    """A gallery of 10,000 and 2,000 queries, of an extractor of 512 values where there is one."""
    models = a.shared / "models" / "exact"
    models = models if models.is_dir() else a.root / "deploy/models/bundled-int8"
    extractor, dimension = extractor_of(models)
    folder = work / "large"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(18)
    gallery = random_set(folder, random, "g", 10_000, 1_000, dimension, 0)
    asked = random_set(folder, random, "q", 2_000, 1_000, dimension, 0, 20)
    keep(folder / "embeddings.jsonl", extractor, gallery, asked)
    json_, seconds, mib = check.product(models, folder / "g.tsv", folder / "q.tsv", folder / "embeddings.jsonl", folder / "figures.json", ())
    p = properties(models)
    check.compare("large", json_, Second(gallery, asked, False, float(p["match.threshold"]), float(p.get("match.margin", 0))), thorough=False)
    print(f"random vectors, {dimension} values{'':17} 10000 ×  2000   {seconds:.1f} s, {mib:.0f} MiB at most", flush=True)
    if mib > MOST_MIB:
        check.failed.append(f"memory: {mib:.0f} MiB, at most {MOST_MIB} wanted")
    return {"seconds": seconds, "mib": mib}


# --- photos -----------------------------------------------------------------------------------------------------------


def listed(file, embeddings):
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if line]
    files = [(file.parent / path).resolve() for path, _ in lines]
    vectors = [embeddings[hashlib.sha256(f.read_bytes()).hexdigest()] for f in files]
    return {"embeddings": np.array(vectors, np.float32), "labels": [label for _, label in lines], "files": [str(f) for f in files], "cameras": None}


def photo_checks(check, a, work):
    grocery = a.shared / "images" / "grocery"
    if not (grocery / "train.tsv").is_file():
        print(f"no photos: there is no {grocery}/train.tsv; name the folder that holds images and models in SHELFSTREAM_SHARED")
        return {}
    models = a.models or [a.root / "deploy/models/bundled-int8", a.root / "deploy/models/bundled",
                          *(a.shared / "models" / name for name in ("real", "exact") if (a.shared / "models" / name).is_dir())]
    results = {}
    for directory in models:
        extractor, _ = extractor_of(directory)
        kept = work / f"{extractor.replace('/', '_')}.jsonl"
        p = properties(directory)
        for gallery in ("train", "iconic"):
            json_, seconds, _ = check.product(directory, grocery / f"{gallery}.tsv", grocery / "test_a.tsv", kept, work / "figures.json", ())
            embeddings = {}
            with open(kept, encoding="utf-8") as lines:
                for line in lines:
                    photo = json.loads(line)
                    if photo["extractor"] == extractor:
                        embeddings[photo["sha256"]] = photo["embedding"]
            second = Second(listed(grocery / f"{gallery}.tsv", embeddings), listed(grocery / "test_a.tsv", embeddings), False,
                            float(p["match.threshold"]), float(p.get("match.margin", 0)))
            before = len(check.failed)
            check.compare(f"{p['name']}, {gallery}", json_, second, thorough=gallery == "train")
            f, l = json_["figures"], json_["leftOut"]
            results[f"{p['name']}, {gallery}"] = {"figures": f, "shots": json_["shots"], "now": json_["now"], "calibrations": json_["calibrations"],
                                                  "leftOut": {k: v for k, v in l.items() if k != "openSet"}}
            print(f"{p['name']:28} {gallery:7} recall@1 {100 * f['recall@1']:5.2f} %, recall@5 {100 * f['recall@5']:5.2f} %, mAP {100 * f['mAP']:5.2f} %, "
                  f"mINP {100 * f['mINP']:5.2f} %   {len(check.failed) - before} differences   {seconds:.0f} s", flush=True)
    return results


def main():
    arguments = argparse.ArgumentParser(prog="deploy/bench evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--root", type=Path, required=True, help=argparse.SUPPRESS)
    arguments.add_argument("--shared", type=Path, required=True, help=argparse.SUPPRESS)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--models", type=Path, action="append")
    a = arguments.parse_args()
    work = a.root / "target" / "bench" / "evaluate"
    work.mkdir(parents=True, exist_ok=True)
    check = Check(a.root)
    random_checks(check, a, work)
    result = {"large": None if a.quick else large_check(check, a, work), "photos": {} if a.quick else photo_checks(check, a, work)}
    print(f"{check.compared} numbers compared, at most {check.worst:.1e} apart; {len(check.failed)} differ by more than {TOLERANCE:g}")
    result |= {"at": datetime.now().isoformat(timespec="seconds"), "compared": check.compared, "worst": check.worst, "differences": check.failed}
    (a.root / "target" / "bench" / "evaluate.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if check.failed:
        sys.exit("bench evaluate: goals missed:\n  " + "\n  ".join(check.failed[:20]))


if __name__ == "__main__":
    main()
