"""Compares what `recognize` printed on two kinds of processors: boxes, labels and embeddings, image by image."""

import json
import math
import sys

LEAST_COSINE = 0.9999


def read(prefix):
    """[(frame, boxes, labels, embeddings)]"""
    with open(prefix + ".json", encoding="utf-8") as events, open(prefix + ".embeddings", encoding="utf-8") as vectors:
        return [
            (e["frameId"], [tuple(o["bbox"].values()) for o in e["objects"]], [o.get("label") for o in e["objects"]],
             [o["embedding"] for o in json.loads(v)["objects"]])
            for e, v in zip(map(json.loads, events), vectors, strict=True)
        ]


def cosine(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


def main():
    here, there = map(read, sys.argv[1:])
    if len(here) != len(there) or not here:
        raise SystemExit(f"bench arm: {len(here)} images here and {len(there)} there")
    objects, boxes, labels, least = 0, 0, 0, 1.0
    for (frame, b1, l1, e1), (frame2, b2, l2, e2) in zip(here, there):
        assert frame == frame2, (frame, frame2)
        objects += len(b1)
        if b1 != b2:
            boxes += 1
            print(f"  {frame}: boxes differ: {sorted(set(b1) - set(b2))} here, {sorted(set(b2) - set(b1))} there")
            continue
        labels += sum(x != y for x, y in zip(l1, l2))
        least = min([least, *(cosine(x, y) for x, y in zip(e1, e2, strict=True))])
    print(f"aarch64 beside x86-64: {len(here)} images, {objects} objects; images with other boxes {boxes}, other labels {labels}, "
          f"least cosine of embeddings {least:.7f}")
    if boxes or labels or least < LEAST_COSINE:
        raise SystemExit(f"bench arm: missed: boxes and labels equal, cosine {LEAST_COSINE} or more")


main()
