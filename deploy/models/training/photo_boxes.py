"""Detection on anybody's photos with boxes (evaluate --boxes): recall, precision, AP, and pictures of what went wrong."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

FOUND, FALSE, MISSED = (70, 200, 40), (40, 40, 230), (230, 40, 220)  # BGR


def labelled(file):
    """{photo: [(label, box)]} in the order of the file: file<TAB>label<TAB>x1<TAB>y1<TAB>x2<TAB>y2 a line, pixels after EXIF rotation,
    end-exclusive; photos as paths from the file's folder or from the folder of its name beside it."""
    photos = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, label, *edges = line.split("\t")
            box = np.array(edges, float)
            if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] < box[:2]).any():
                raise ValueError
        except ValueError:
            raise SystemExit(f"evaluate: {file}, line {number}: expected file, label, x1, y1, x2, y2 separated by tabs, x1 up to x2 and y1 up to y2; it says {line!r}") from None
        places = [file.parent / name, file.with_suffix("") / name]
        found = next((p for p in places if p.is_file()), None)
        if found is None:
            raise SystemExit(f"evaluate: {file}, line {number}: there is neither {places[0]} nor {places[1]}")
        photos.setdefault(found, [])
        if (box[2:] == box[:2]).any():
            print(f"evaluate: {file}, line {number}: an empty box, left out", file=sys.stderr)
        else:
            photos[found].append((label, box))
    if not any(photos.values()):
        raise SystemExit(f"evaluate: {file} has no boxes")
    return photos


def linked(photos, folder):
    """Links to the photos whose names keep their order and are all different."""
    links = []
    for i, photo in enumerate(photos):
        links.append(Path(folder) / f"{i:06d}{photo.suffix}")
        links[-1].symlink_to(photo.resolve())
    return links


def drawn(photo, objects, pairs, file):
    """The photo with what was found, what was missed and what stands on nothing."""
    image = cv2.imread(str(photo))
    thick = max(2, max(image.shape[:2]) // 500)
    found = {at for _, at in pairs if at >= 0}
    for at, (_, box) in enumerate(objects):
        if at not in found:
            cv2.rectangle(image, *(tuple(map(int, p)) for p in (box[:2], box[2:])), MISSED, thick)
    for answer, at in pairs:
        b = answer["bbox"]
        colour = FOUND if at >= 0 else FALSE
        cv2.rectangle(image, (b["x1"], b["y1"]), (b["x2"], b["y2"]), colour, thick)
        cv2.putText(image, f"{answer['detectionScore']:.2f}", (b["x1"] + thick, b["y1"] + 12 * thick), cv2.FONT_HERSHEY_SIMPLEX, thick / 4, colour, max(1, thick // 2), cv2.LINE_AA)
    if not cv2.imwrite(str(file), image):
        raise SystemExit(f"evaluate: {file} could not be written")


def report(a, product):
    """product: the functions of evaluate.py that run the product and pair its answers."""
    photos = labelled(a.boxes)
    kinds = Counter()  # of a name up to its first - or digit, where a file mixes several kinds of photo
    with tempfile.TemporaryDirectory() as temporary:
        gallery = Path(temporary) / "gallery.tsv"
        gallery.write_text(f"{next(iter(photos)).resolve()}\tnothing\n", encoding="utf-8")
        links = linked(photos, temporary)
        events, times = product.recognize(a.models, gallery, links)
        every, _ = product.recognize(product.with_detector_threshold(a.models, temporary, 0.03), gallery, links)
    truth = {}
    if a.pictures:
        a.pictures.mkdir(parents=True, exist_ok=True)
    print(f"{a.boxes}: {len(photos)} photos, {sum(map(len, photos.values()))} boxes; IoU 0.5, everything default")
    for i, ((photo, objects), event, loose) in enumerate(zip(photos.items(), events, every)):
        pairs = product.paired(event["objects"], objects)
        hits = sum(at >= 0 for _, at in pairs)
        truth[loose["frameId"]] = objects
        kind = photo.stem.rstrip("0123456789-_").split("-")[0] or "photos"
        for group in {kind, "all"}:
            kinds.update({(group, "found"): hits, (group, "boxes"): len(objects), (group, "answers"): len(pairs)})
        print(f"  {photo.name:32} {hits:4} of {len(objects):4} found, {len(pairs) - hits:4} boxes stand on nothing")
        if a.pictures:
            drawn(photo, objects, pairs, a.pictures / f"{i:03d}-{photo.stem}.jpg")
    result = {}
    for group in sorted({g for g, _ in kinds}, key=lambda g: (g == "all", g)):
        found, boxes, answers = (kinds[group, what] for what in ("found", "boxes", "answers"))
        result[group] = {"recall": found / boxes, "precision": found / max(1, answers)}
        print(f"  {group:12} recall {100 * found / boxes:5.1f} %, precision {100 * found / max(1, answers):5.1f} %")
    result["AP50"] = product.average_precision(every, truth)
    print(f"  AP at IoU 0.5 of all: {100 * result['AP50']:.1f} %\n  {times}")
    if a.pictures:
        print(f"  pictures in {a.pictures}: green found, magenta missed, red stands on nothing")
    return result
