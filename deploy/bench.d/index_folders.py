"""Index folders that the Python reference writes are searched here with its answers, and ours by it.

For Flat, IVF and HNSW32: each side builds a folder of GroceryStore photos with the test models of ../shared, and then
each side appends to it and removes from it. After every step both recognise the same pictures with it: the same boxes
and labels, scores within 1e-5. HNSW32 cannot be removed from by the reference (Faiss cannot), and what Faiss leaves of
an inverted file under an id map after a removal names wrong photos: that folder has to be refused here.
The binary part does the same with the signs of the embeddings and BFlat, BHNSW32 and BIVF, against Faiss itself.
"""
import argparse
import contextlib
import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import parity

TOLERANCE = 1e-5


class Check:
    def __init__(self, a, work):
        self.a, self.work, self.failed = a, work, 0
        self.reference = parity.load_reference(a.shared / "peer/reference.py")
        self.np, self.faiss = self.reference.np, self.reference.faiss
        self.reference.cv2.setNumThreads(2)
        self.faiss.omp_set_num_threads(2)
        self.models = a.shared / "models/real"
        self.root = a.shared / "images/grocery"
        lines = (self.root / "train.tsv").read_text().splitlines()
        count = 100 if a.quick else 240
        some = [lines[i * len(lines) // (count + 60)] for i in range(count + 60)]
        # Labels with spaces must come through whole.
        self.lines = []
        for i, line in enumerate(some):
            path, label = line.split("\t")
            self.lines.append(f"{path}\t{label.replace('-', ' ') if i % 2 else label}")
        self.built, self.more, self.last = self.lines[:count], self.lines[count:count + 40], self.lines[count + 40:]
        photos = [l.split("\t")[0] for l in (self.root / "test_a.tsv").read_text().splitlines() if l]
        queries = 8 if a.quick else 30
        self.queries = [self.root / photos[i * len(photos) // queries] for i in range(queries)]
        self.queries += [self.root / l.split("\t")[0] for l in self.lines[::50]]

    def listed(self, name, lines):
        file = self.work / f"{name}.txt"
        file.write_text("\n".join(lines) + "\n")
        return file

    def theirs(self, op, lines, folder, method):
        p = parity.properties(self.models / "model.properties")
        with contextlib.redirect_stdout(sys.stderr):
            self.reference.build(SimpleNamespace(
                rec=str(self.models / p["extractor.file"]), threads=2, data_file=str(self.listed(op, lines)),
                image_root=str(self.root), index_dir=str(folder), delimiter="\t", op=op, method=method))

    def ours(self, verb, lines, folder, *options, ok=(0,)):
        listed = self.listed(verb, lines)
        arguments = (["--file", str(listed)] if verb == "remove"
                     else ["--models", str(self.models), "--image-root", str(self.root), *options, str(listed)])
        return self.command(["gallery", verb, "--index-dir", str(folder), *arguments], ok)

    def command(self, arguments, ok=(0,)):
        done = subprocess.run([str(self.a.root / "deploy/shelfstream"), *arguments], capture_output=True, text=True)
        if done.returncode not in ok:
            sys.exit(f"{' '.join(arguments)[:300]} …\nexited with {done.returncode}:\n{done.stderr[-3000:]}")
        return done

    def compare(self, step, folder):
        """Both recognise the queries with a folder; whole labels, as the reference of ../shared prints them."""
        arguments = parity.reference_arguments(self.models, folder, 2)
        pipeline = self.reference.Pipeline(arguments)
        command = parity.recognize(self.a.root, self.models, ["--index-dir", str(folder)], self.queries,
                                   ["--set", "models.threads=2"])
        printed = [parity.ast.literal_eval(l) for l in parity.run(command).out.splitlines()]
        different, objects, worst = [], 0, 0.0
        for file, ours in zip(self.queries, printed, strict=True):
            theirs = pipeline(file.read_bytes())
            objects += len(theirs)
            # The profile pp-shitu prints the first word of a label, as PaddleClas does.
            wanted = [(r["bbox"], r["rec_docs"].split()[0]) for r in theirs]
            if wanted != [(r["bbox"], r["rec_docs"]) for r in ours]:
                different.append(f"{file.name}: {wanted} there, {ours} here")
                continue
            for t, o in zip(theirs, ours):
                worst = max(worst, abs(t["rec_scores"] - o["rec_scores"]))
        if worst > TOLERANCE or not objects:
            different.append(f"scores off by up to {worst:.1e}, {objects} objects")
        self.report(step, f"{len(pipeline.ids):4} photos {len(self.queries):3} pictures {objects:4} objects "
                          f"scores off by at most {worst:.1e}", different)

    def report(self, step, figures, different):
        self.failed += bool(different)
        print(f"{step:58} {figures:70} {'DIFFERENT' if different else 'same'}", flush=True)
        for line in different[:3]:
            print(f"  {line}")

    def names(self, folder):
        with open(folder / "id_map.pkl", "rb") as file:
            return pickle.load(file)

    def require_whole_labels(self, folder):
        out = self.command(["gallery", "list", "--index-dir", str(folder)]).stdout
        wanted = {tuple(d.split("\t")[:2]) for d in self.names(folder).values()}
        listed = {(c[0], c[2]) for c in (l.split("\t") for l in out.splitlines())}
        self.report(f"{folder.name}: gallery list", f"{len(listed)} photos", [] if wanted == listed else [str(wanted ^ listed)])

    def folders(self, method):
        gone = self.built[5:25] + self.more[-3:]
        theirs, ours = self.work / f"theirs-{method}", self.work / f"ours-{method}"
        self.theirs("new", self.built, theirs, method)
        self.compare(f"{method}: reference builds", theirs)
        self.theirs("append", self.more, theirs, method)
        (theirs / "id_map.txt").write_text("0 stale\n")  # a conversion of before counts for nothing
        self.compare(f"{method}: reference builds and appends", theirs)
        self.ours("append", self.more + self.last, theirs)
        self.compare(f"{method}: reference builds, we append", theirs)
        self.ours("remove", gone, theirs)
        self.compare(f"{method}: reference builds, we append and remove", theirs)
        self.ours("build", self.built, ours, "--index-type", method)
        self.compare(f"{method}: we build", ours)
        self.require_whole_labels(ours)
        self.ours("append", self.more, ours)
        self.compare(f"{method}: we build and append", ours)
        self.ours("remove", gone, ours)
        self.compare(f"{method}: we build, append and remove", ours)
        assert not set(gone) & set(self.names(ours).values())
        self.theirs("append", self.last, ours, method)
        self.compare(f"{method}: we build, append, remove, reference appends", ours)
        if method != "HNSW32":  # Faiss cannot
            self.theirs("remove", self.built[30:40], ours, method)
            self.compare(f"{method}: … and the reference removes", ours)

    def removed_by_the_reference(self):
        """From folders of its own."""
        flat, ivf = self.work / "removed-Flat", self.work / "removed-IVF"
        self.theirs("new", self.built, flat, "Flat")
        self.theirs("remove", self.built[5:25], flat, "Flat")
        self.compare("Flat: reference builds and removes", flat)
        self.theirs("new", self.built, ivf, "IVF")
        self.theirs("remove", self.built[5:25], ivf, "IVF")
        done = self.command(["gallery", "list", "--index-dir", str(ivf)], ok=(1,))
        said = "do not fit its id map" in done.stderr
        self.report("IVF: reference builds and removes", "refused: Faiss mixed its names up", [] if said else [done.stderr])

    def binary(self):
        """Signs of embeddings, without the reference's pipeline: it has no models of its own for them."""
        np, faiss = self.np, self.faiss
        p = parity.properties(self.models / "model.properties")
        models = self.work / "hamming"
        models.mkdir()
        text = (self.models / "model.properties").read_text().replace("match.metric=IP", "match.metric=hamming")
        text = text.replace(f"match.threshold={p['match.threshold']}", "match.radius=180")
        # Nothing is detected, so that the whole picture is the only object.
        text = text.replace(f"detector.score.threshold={p['detector.score.threshold']}", "detector.score.threshold=1")
        for key in ("detector.file", "extractor.file"):
            (models / p[key]).symlink_to((self.models / p[key]).resolve())
        (models / "model.properties").write_text(text)
        rec = self.reference.Rec(str(self.models / p["extractor.file"]), 2)

        def codes(paths):
            images = [self.reference.cv2.imread(str(self.root / f))[:, :, ::-1] for f in paths]
            return np.packbits(rec(images) > 0, axis=1)  # the highest bit first, as in the reference

        queries = codes([str(q.relative_to(self.root)) for q in self.queries])
        for method in ["BFlat", "BHNSW32", "BIVF"]:
            folder = self.work / method
            folder.mkdir()
            stored = codes([l.split("\t")[0] for l in self.built])
            faiss_name = f"BIVF{len(stored) // 8}" if method == "BIVF" else method
            index = faiss.index_binary_factory(stored.shape[1] * 8, faiss_name)
            if not index.is_trained:
                index.train(stored)
            index.add(stored)
            faiss.write_index_binary(index, str(folder / "vector.index"))
            with open(folder / "id_map.pkl", "wb") as file:
                pickle.dump({np.int64(i): d for i, d in enumerate(self.built)}, file)
            self.compare_binary(f"{method}: Faiss builds", folder, models, queries, method)
            listed = self.listed("binary", self.more)
            self.command(["gallery", "append", "--index-dir", str(folder), "--models", str(models), "--image-root",
                          str(self.root), str(listed)])
            self.compare_binary(f"{method}: Faiss builds, we append", folder, models, queries, method)
            self.command(["gallery", "remove", "--index-dir", str(folder), "--file",
                          str(self.listed("binary", self.built[5:25]))])
            self.compare_binary(f"{method}: Faiss builds, we append and remove", folder, models, queries, method)
            ours = self.work / f"ours-{method}"
            self.command(["gallery", "build", "--index-dir", str(ours), "--models", str(models), "--image-root",
                          str(self.root), "--index-type", method, str(self.listed("binary", self.built))])
            self.compare_binary(f"{method}: we build", ours, models, queries, method)

    def compare_binary(self, step, folder, models, queries, method):
        """Whole pictures, whose nearest codes Faiss finds too. A graph and lists may miss some: there ours is nearer."""
        index = self.faiss.read_index_binary(str(folder / "vector.index"))
        distances, found = index.search(queries, 1)
        names = self.names(folder)
        command = ["recognize", "--models", str(models), "--index-dir", str(folder), "--format", "json",
                   "--profile", "pp-shitu", "--set", "recognition.match.threshold=-1", *map(str, self.queries)]
        events = [json.loads(l) for l in self.command(command).stdout.splitlines()]
        different, equal = [], 0
        for file, event, d, i in zip(self.queries, events, distances[:, 0], found[:, 0], strict=True):
            [whole] = event["objects"]
            best = whole["candidates"][0]
            distance = round((1 - best["score"]) * index.d / 2)
            equal += distance == d
            if distance > d or (method == "BFlat" and distance != d):
                different.append(f"{file.name}: distance {d} ({names[i]}) there, {distance} ({best}) here")
        self.report(step, f"{index.ntotal:4} photos, {equal} of {len(events)} distances equal", different)


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench index-folders", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="fewer photos and pictures")
    parser.add_argument("--only", choices=["Flat", "IVF", "HNSW32", "removed", "binary"], action="append",
                        help="a part; may be repeated")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shelfstream-index-folders-") as tmp:
        check = Check(a, Path(tmp))
        for part in a.only or ["Flat", "IVF", "HNSW32", "removed", "binary"]:
            if part == "removed":
                check.removed_by_the_reference()
            elif part == "binary":
                check.binary()
            else:
                check.folders(part)
    print("index-folders: all steps the same" if not check.failed else f"index-folders: {check.failed} steps differ")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
