"""Compares `shelfstream recognize --profile pp-shitu` with the Python reference pipeline, then times both.

Agreement, for each model directory and image set: the same number of objects, boxes equal to the pixel,
labels equal, scores within 1e-3, cosine of the embeddings at least 0.9999.
Time: both run over the same images with the same index, models and threads, in turn; medians of the rounds.
"""
import argparse
import ast
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

SCORE_TOLERANCE = 1e-3
LEAST_COSINE = 0.9999
MOST_TIME = 1.0  # ours / reference, per frame


def load_reference(path):
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def properties(path):
    lines = [l.strip() for l in path.read_text().splitlines() if l.strip() and not l.startswith("#")]
    return dict(l.split("=", 1) for l in lines)


def run(command):
    """Runs a command; returns its output and its peak memory in MiB, as the kernel counts it for the last program
    that the process became (a launcher's own and what is inherited from this one do not count)."""
    peak = 0.0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdout=out, stderr=err)
        while child.poll() is None:
            try:
                status = Path(f"/proc/{child.pid}/status").read_text()
                peak = float(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
            except (OSError, TypeError):
                pass  # it has just ended
            time.sleep(0.02)
        out.seek(0), err.seek(0)
        stdout, stderr = out.read().decode(), err.read().decode()
    if child.returncode:
        sys.exit(f"{' '.join(map(str, command))[:300]} …\nexited with {child.returncode}:\n{stderr[-3000:]}")
    return SimpleNamespace(out=stdout, err=stderr, mib=peak)


def match_threshold(model_dir):
    """Random weights match nothing at the threshold of the trained model: compare everything there."""
    p = properties(model_dir / "model.properties")
    return -1.0 if "random" in p["name"] else float(p["match.threshold"])


def reference_arguments(model_dir, index_dir, threads):
    p = properties(model_dir / "model.properties")
    return SimpleNamespace(det=str(model_dir / p["detector.file"]), rec=str(model_dir / p["extractor.file"]),
                           index_dir=str(index_dir), threads=threads, det_size=int(p["detector.input.size"]),
                           threshold=float(p["detector.score.threshold"]), max_det=5, return_k=5,
                           score_thres=match_threshold(model_dir), nms=0.05, batch_crops=False)


def build_index(reference, model_dir, gallery, image_root, index_dir, threads, method):
    p = properties(model_dir / "model.properties")
    reference.build(SimpleNamespace(rec=str(model_dir / p["extractor.file"]), threads=threads, data_file=str(gallery),
                                    image_root=str(image_root), index_dir=str(index_dir), delimiter="\t", op="new",
                                    method=method))


def reference_results(reference, arguments, files):
    pipe = reference.Pipeline(arguments)
    for file in files:
        data = file.read_bytes()
        rgb = reference.cv2.imdecode(reference.np.frombuffer(data, "uint8"), reference.cv2.IMREAD_COLOR)[:, :, ::-1]
        results = pipe(data)
        crops = [rgb[max(y1, 0):y2, max(x1, 0):x2].copy() for x1, y1, x2, y2 in (r["bbox"] for r in results)]
        yield results, pipe.rec(crops) if crops else []


def compare(np, theirs, their_embeddings, ours, our_embeddings):
    """Returns what differs in one image, and the largest score difference and least cosine seen."""
    if len(theirs) != len(ours):
        return [f"{len(ours)} objects, the reference finds {len(theirs)}"], 0.0, 1.0
    problems, worst, least = [], 0.0, 1.0
    for a, b, ea, eb in zip(theirs, ours, their_embeddings, our_embeddings):
        worst = max(worst, abs(a["rec_scores"] - b["rec_scores"]))
        least = min(least, float(np.dot(ea.astype("float64"), np.array(eb["embedding"], "float64"))))
        if a["bbox"] != b["bbox"]:
            problems.append(f"box {b['bbox']}, the reference has {a['bbox']}")
        if a["rec_docs"] != b["rec_docs"]:
            problems.append(f"label {b['rec_docs']}, the reference has {a['rec_docs']}")
    if worst > SCORE_TOLERANCE:
        problems.append(f"score off by {worst:.2e}")
    if least < LEAST_COSINE:
        problems.append(f"cosine {least:.6f}")
    return problems, worst, least


def recognize(root, model_dir, gallery_options, files, extra=()):
    return [str(root / "deploy/shelfstream"), "recognize", "--models", str(model_dir), "--profile", "pp-shitu",
            "--format", "shitu", "--set", f"recognition.match.threshold={match_threshold(model_dir)}",
            *gallery_options, *extra, *map(str, files)]


def check_agreement(reference, a, work, model, name, files, gallery_options, index_dir):
    model_dir = a.shared / "models" / model
    embeddings = work / "embeddings.jsonl"
    ours = run(recognize(a.root, model_dir, gallery_options, files,
                         ["--set", f"models.threads={a.threads}", "--embeddings", str(embeddings)]))
    lines = [ast.literal_eval(l) for l in ours.out.splitlines() if l.startswith("[")]
    vectors = [json.loads(l)["objects"] for l in embeddings.read_text().splitlines()]
    assert len(lines) == len(vectors) == len(files), (len(lines), len(vectors), len(files))
    failed, objects, worst, least = [], 0, 0.0, 1.0
    arguments = reference_arguments(model_dir, index_dir, a.threads)
    for file, (theirs, te), mine, me in zip(files, reference_results(reference, arguments, files), lines, vectors):
        problems, w, c = compare(reference.np, theirs, te, mine, me)
        objects, worst, least = objects + len(theirs), max(worst, w), min(least, c)
        failed += [f"{model} {name} {file.name}: {p}" for p in problems]
    print(f"{model:6} {name:22} {len(files):4} images {objects:5} objects   differences {len(failed):3}   "
          f"score off by at most {worst:.1e}   least cosine {least:.7f}", flush=True)
    return {"models": model, "set": name, "images": len(files), "objects": objects, "differences": failed,
            "worst_score": worst, "least_cosine": least}


STAGES = ["decode", "detect", "extract", "search"]


def reference_times(text):
    """Stage means of the reference, its finer steps added up to our stages."""
    total = float(re.search(r"total ([\d.]+)", text)[1])
    t = {k: float(v) for k, v in re.findall(r"(\w+) ([\d.]+)", text.split("|")[1])}
    return {"total": total, "decode": t["decode"], "detect": t["det_pre"] + t["det"] + t["det_post"],
            "extract": t["rec_pre"] + t["rec"], "search": t["search"] + t["nms"]}


def our_times(text):
    line = [l for l in text.splitlines() if l.startswith("images ")][-1]
    t = {k: float(v) for k, v in re.findall(r"(\w+) ([\d.]+)", line.split("|")[1])}
    return {"total": float(re.search(r"total ([\d.]+)", line)[1]), **{s: t[s] for s in STAGES}}


def demo_times(out):
    """Frames go side by side, so their total is the time from answer to answer, and less than their stages' sum."""
    events = [json.loads(l) for l in out.splitlines()]
    done = sorted(datetime.fromisoformat(e["processedAt"].replace("Z", "+00:00")) for e in events)
    total = (done[-1] - done[0]).total_seconds() * 1000 / (len(done) - 1)  # the first frame warms up, as in the others
    return {"total": total, **{s: statistics.fmean(e["timings"][s] for e in events[1:]) for s in STAGES}}


def check_time(a, work, model, images, gallery, index_dir):
    """Reference, recognize and the demo (through Kafka) in turn, on the same frames."""
    model_dir = a.shared / "models" / model
    r = reference_arguments(model_dir, index_dir, a.threads)
    theirs = [sys.executable, str(a.shared / "peer/reference.py"), "run", "--det", r.det, "--rec", r.rec,
              "--index-dir", str(index_dir), "--images", str(images), "--threads", str(a.threads),
              "--det-size", str(r.det_size), "--score-thres", str(r.score_thres), "--times"]
    ours = recognize(a.root, model_dir, ["--index-dir", str(index_dir)], [images],
                     ["--times", "--set", f"models.threads={a.threads}"])
    demo = [str(a.root / "deploy/shelfstream"), "demo", "--models", str(model_dir), "--images", str(images),
            "--gallery", str(gallery), "--image-root", str(a.shared / "images/grocery"),
            "--out", str(work / "demo"), "--set", "recognition.profile=pp-shitu",
            "--set", f"recognition.match.threshold={r.score_thres}",
            "--set", f"models.threads={a.threads}"]
    seen = {"reference": [], "recognize": [], "demo": []}
    for n in range(a.rounds):
        print(f"timing {model}: round {n + 1} of {a.rounds}", file=sys.stderr)
        x = run(theirs)
        seen["reference"].append({**reference_times(x.out), "mib": x.mib})
        x = run(ours)
        seen["recognize"].append({**our_times(x.err), "mib": x.mib})
        x = run(demo)
        seen["demo"].append({**demo_times(x.out), "mib": x.mib})
    median = {who: {k: statistics.median(r[k] for r in rounds) for k in rounds[0]} for who, rounds in seen.items()}
    print(f"\n{model} models, {a.threads} threads, {a.rounds} rounds in turn, median ms per frame")
    print(f"{'':10}" + "".join(f"{s:>10}" for s in ["total", *STAGES]) + f"{'peak MiB':>10}{'ratio':>8}")
    for who, m in median.items():
        ratio = m["total"] / median["reference"]["total"]
        print(f"{who:10}" + "".join(f"{m[s]:10.2f}" for s in ["total", *STAGES]) + f"{m['mib']:10.0f}{ratio:8.2f}",
              flush=True)
    return {"models": model, "threads": a.threads, "rounds": seen, "median": median}


def write_expected(reference, a, target):
    """The reference's answers to a few images, as the test ReferenceParityTest expects them; numbers and names only."""
    grocery, scenes = a.shared / "images/grocery", a.shared / "images/scenes"
    gallery = (grocery / "train.tsv").read_text().splitlines()[::88]
    photos = [l.split("\t")[0] for l in (grocery / "test_a.tsv").read_text().splitlines()[::311]]
    files = sorted(scenes.glob("*.jpg"))[::5] + [grocery / p for p in photos]
    cases = []
    with tempfile.TemporaryDirectory() as tmp:
        listed = Path(tmp) / "gallery.tsv"
        listed.write_text("\n".join(gallery) + "\n")
        for model in ["real", "exact"]:
            index_dir = Path(tmp) / model
            build_index(reference, a.shared / "models" / model, listed, grocery, index_dir, a.threads, "Flat")
            arguments = reference_arguments(a.shared / "models" / model, index_dir, a.threads)
            images = [{"image": str(f.relative_to(a.shared)), "objects": results}
                      for f, (results, _) in zip(files, reference_results(reference, arguments, files))]
            cases.append({"models": model, "threshold": arguments.score_thres, "images": images})
    target.write_text(json.dumps({"gallery": gallery, "cases": cases}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench parity", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a tenth of the gallery, fewer photos, one round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-times", action="store_true", help="agreement only")
    parser.add_argument("--write-expected", type=Path, metavar="FILE", help="only write the expectations of a test")
    a = parser.parse_args()
    if a.quick:
        a.rounds = 1
    reference = load_reference(a.shared / "peer/reference.py")
    reference.cv2.setNumThreads(a.threads)
    reference.faiss.omp_set_num_threads(a.threads)
    if a.write_expected:
        write_expected(reference, a, a.write_expected)
        return 0
    grocery, scenes = a.shared / "images/grocery", a.shared / "images/scenes"
    photos = [l.split("\t")[0] for l in (grocery / "test_a.tsv").read_text().splitlines() if l]
    count = 20 if a.quick else 100
    sets = {"scenes": sorted(scenes.glob("*.jpg")),
            "grocery test_a": [grocery / photos[i * len(photos) // count] for i in range(count)]}
    agreement, times = [], []
    with tempfile.TemporaryDirectory(prefix="shelfstream-parity-") as tmp:
        work = Path(tmp)
        lines = (grocery / "train.tsv").read_text().splitlines()
        gallery = work / "gallery.tsv"
        gallery.write_text("\n".join(lines[::10] if a.quick else lines) + "\n")
        for model in ["real", "exact"]:
            index_dir = work / f"{model}-flat"
            build_index(reference, a.shared / "models" / model, gallery, grocery, index_dir, a.threads, "Flat")
            options = ["--gallery", str(gallery), "--image-root", str(grocery)]
            for name, files in sets.items():
                agreement.append(check_agreement(reference, a, work, model, name, files, options, index_dir))
        hnsw = work / "real-hnsw"
        build_index(reference, a.shared / "models/real", gallery, grocery, hnsw, a.threads, "HNSW32")
        agreement.append(check_agreement(reference, a, work, "real", "scenes, HNSW32 index", sets["scenes"],
                                         ["--index-dir", str(hnsw)], hnsw))
        if not a.no_times:
            short = work / "short.tsv"
            short.write_text("\n".join(lines[::20]) + "\n")
            for model in ["real", "exact"]:
                index_dir = work / f"{model}-short"
                build_index(reference, a.shared / "models" / model, short, grocery, index_dir, a.threads, "Flat")
                times.append(check_time(a, work, model, scenes, short, index_dir))
    target = a.root / "target/bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "parity.json").write_text(json.dumps({"agreement": agreement, "times": times}, indent=1))
    missed = [d for s in agreement for d in s["differences"]]
    missed += [f"{s['models']} {s['set']}: nothing to compare" for s in agreement if not s["objects"]]
    for t in times:
        for who in ["recognize", "demo"]:
            ratio = t["median"][who]["total"] / t["median"]["reference"]["total"]
            if ratio > MOST_TIME:
                missed.append(f"{t['models']} {who}: {ratio:.2f} times the reference's time per frame, goal {MOST_TIME}")
    for m in missed:
        print("MISSED", m)
    print("parity: all goals met" if not missed else f"parity: {len(missed)} goals missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
