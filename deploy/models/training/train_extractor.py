"""Trains the extractor's head on the views that extractor_views.py wrote: drawn products and, if they are there, real ones."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import dataset
import frames
from extractor import ALL, DIMENSION, LAST, SIDE, Extractor, Head, Margin, projection
from progress import Training
from train_detector import normalised
from extractor_views import DRAWN, FOLDER, PACKSHOT, PHOTO, REAL, whole

MIDDLE = 7  # blocks of the Head that know more of photos than of products: trained at a lower rate
SHARES = {DRAWN: 0.6, PHOTO: 0.28, PACKSHOT: 0.12}  # of a batch


class Views:
    """Batches of maps. The classes are the drawn products, then the real kinds that are not left out."""

    def __init__(self, folder, products, left_out):
        self.maps = dataset.read(folder, "maps")
        if not self.maps:
            raise SystemExit(f"train_extractor: no finished part in {folder}; run extractor_views.py first")
        labels = np.concatenate(dataset.read(folder, "labels"))
        kinds = np.concatenate(dataset.read(folder, "kinds"))
        names = (folder / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
        self.ends = np.cumsum([len(m) for m in self.maps])
        self.classes = np.where(labels >= REAL, labels - REAL + products, labels)
        self.count = products + len(names)
        kept = ~np.isin(labels, [REAL + i for i, name in enumerate(names) if name in left_out])
        self.of = {}
        for kind in SHARES:
            at = np.flatnonzero(kept & (kinds == kind))
            if len(at):
                # By the root of its class's size, so that frequent kinds do not rule.
                weight = np.bincount(self.classes[at])[self.classes[at]] ** -0.5
                self.of[kind] = at, np.cumsum(weight / weight.sum())
        self.total = sum(SHARES[kind] for kind in self.of)

    def batch(self, rng, size):
        """float32 [size, 32, 20, 20] and int64 [size]"""
        chosen, ends = [], np.cumsum([SHARES[kind] / self.total for kind in self.of])
        for i in range(size):
            at, sums = list(self.of.values())[min(int(np.searchsorted(ends, (i + 0.5) / size)), len(self.of) - 1)]
            chosen.append(at[min(int(np.searchsorted(sums, rng.random())), len(at) - 1)])
        maps = []
        for at in chosen:
            part = int(np.searchsorted(self.ends, at, side="right"))
            maps.append(self.maps[part][at - self.ends[part] + len(self.maps[part])])
        x = torch.from_numpy(np.stack(maps).astype(np.float32)).contiguous(memory_format=torch.channels_last)
        return x, torch.from_numpy(self.classes[chosen])


@torch.no_grad()
def begin(full, data, rng, count=8000):
    """The Head and Margin to train, from a Head with all channels, by what can be computed: the channels of the last layer
    that say most, the projection that separates classes best, by linear discriminant analysis of what the pretrained
    layers give, and each class's centre at the mean of its views."""
    pooled, labels = [], []
    for _ in range(count // 100):
        x, l = data.batch(rng, 100)
        pooled.append(full.pooled(x))
        labels.append(l)
    pooled, labels = torch.cat(pooled), torch.cat(labels)
    channels = telling(pooled, LAST)
    full.keep(channels)
    pooled = pooled[:, channels]
    model, margin = Head(), Margin(data.count)
    model.features.load_state_dict(full.features.state_dict())
    model.level.running_mean.copy_(pooled.mean(0))
    model.level.running_var.copy_(pooled.var(0))
    x = (pooled - pooled.mean(0)) / (pooled.var(0) + model.level.eps).sqrt()
    members = torch.zeros(data.count, len(x)).index_put_((labels, torch.arange(len(x))), torch.tensor(1.0))
    sizes = members.sum(1)
    means = members @ x / sizes.clamp(min=1)[:, None]
    within = x - means[labels]
    several = sizes[labels] > 1
    spread = within[several].T @ within[several] / several.sum()
    spread += 0.05 * spread.trace() / len(spread) * torch.eye(len(spread))
    values, vectors = torch.linalg.eigh(spread)
    whitening = vectors / values.sqrt()
    between = (means * sizes.clamp(max=30).sqrt()[:, None]) @ whitening
    directions = torch.linalg.eigh(between.T @ between)[1].flip(1)
    model.project.weight.copy_((whitening @ directions[:, :DIMENSION]).T)
    y = model.project(x)
    model.neck.running_mean.copy_(y.mean(0))
    model.neck.running_var.copy_(y.var(0))
    model.neck.weight.copy_(y.std(0))
    y = F.normalize(y - y.mean(0))
    seen = sizes > 0
    margin.centres[seen] = F.normalize(members @ y)[seen]
    margin.centres[~seen] = F.normalize(margin.centres[~seen])
    return model, margin


def telling(x, count):
    """The columns of x, in order, that are least explained by each other: a Cholesky decomposition of their correlations
    that takes the largest remainder first."""
    x = (x - x.mean(0)) / (x.std(0) + 1e-3)
    rest, chosen = x.T @ x / len(x), []
    for _ in range(count):
        at = int(rest.diagonal().argmax())
        chosen.append(at)
        column = rest[:, at] / rest[at, at].sqrt()
        rest -= column[:, None] * column
        rest[at], rest[:, at] = 0, 0
    return sorted(chosen)


def finished(head, work, left_out):
    """The Extractor of a trained head, its projection computed from the pictures that extractor_views.py wrote unspoiled."""
    maps, labels = np.load(work / FOLDER / "clean.npy"), np.load(work / FOLDER / "clean-labels.npy")
    names = (work / FOLDER / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
    kept = ~np.isin(labels, [REAL + i for i, name in enumerate(names) if name in left_out])
    maps, labels = torch.from_numpy(maps[kept].astype(np.float32)), torch.from_numpy(labels[kept])
    with torch.no_grad():
        x = torch.cat([head.pooled(m) for m in maps.split(64)])
    return Extractor(head, projection(x, labels)).eval()


@torch.no_grad()
def embed(model, images):
    return torch.cat([F.normalize(model(normalised(images[i : i + 64]))) for i in range(0, len(images), 64)])


def evaluate(model, folder):
    """On exact boxes of unseen products, seven of ten of which have two photos in the gallery: the share of known
    ones that get the right label when nothing is refused, and when as many are refused as leaves 5 % of them out,
    with the share of strangers refused then."""
    crops, labels = dataset.read(folder, "crops")[0], np.array(dataset.read(folder, "labels")[0])
    numbers = np.unique(labels)
    known = numbers[np.random.default_rng(1).random(len(numbers)) < 0.7]
    photos, owners = [], []
    for n in known:
        for k in range(2):
            image = cv2.imdecode(frames.photo(np.random.default_rng([12, n, k]), dataset.VALIDATION + int(n)), cv2.IMREAD_COLOR)
            photos.append(cv2.resize(image[:, :, ::-1], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))
            owners.append(n)
    scores = embed(model, np.stack([whole(c) for c in crops])) @ embed(model, np.stack(photos)).T
    best, at = scores.max(1)
    best, right = best.numpy(), np.array(owners)[at.numpy()] == labels
    inside = np.isin(labels, known)
    threshold = np.quantile(best[inside], 0.05)
    return right[inside].mean(), (right & (best >= threshold))[inside].mean(), (best[~inside] < threshold).mean(), threshold


def left_out(names, count):
    """Kinds that training does not see, so that it can be measured what the extractor is worth on unseen ones."""
    return sorted(np.random.default_rng(15).permutation(sorted(names))[:count].tolist())


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work", type=Path, help=f"folder with {FOLDER}/ and val/; the checkpoint goes there")
    arguments.add_argument("--name", default="extractor", help="name of the checkpoint (default extractor)")
    arguments.add_argument("--products", type=int, default=8000)
    arguments.add_argument("--leave-out", type=int, default=0, metavar="N", help="N of the real kinds that training does not see; NAME.left-out.txt lists them")
    arguments.add_argument("--steps", type=int, default=6000)
    arguments.add_argument("--rate", type=float, default=1e-3)
    arguments.add_argument("--batch", type=int, default=64)
    a = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(2)
    cv2.setNumThreads(1)
    kinds = (a.work / FOLDER / "names.txt").read_text(encoding="utf-8").split("\n")[:-1]
    unseen = left_out(kinds, a.leave_out)
    (a.work / f"{a.name}.left-out.txt").write_text("".join(f"{name}\n" for name in unseen), encoding="utf-8")
    data = Views(a.work / FOLDER, a.products, unseen)
    model, margin = Head(), Margin(data.count)
    if not (a.work / f"{a.name}.pt").exists():
        model, margin = begin(Head(ALL).eval(), data, np.random.default_rng(29))
    model = model.to(memory_format=torch.channels_last).train()
    middle, old = (list(blocks.parameters()) for blocks in (model.features[:MIDDLE], model.features[MIDDLE:]))
    new = [p for layer in (model.level, model.project, model.neck) for p in layer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([
        {"params": middle, "weight_decay": 0.02, "factor": 0.15},
        {"params": old, "weight_decay": 0.02, "factor": 0.3},
        {"params": new, "weight_decay": 0.05},
        {"params": margin.parameters(), "weight_decay": 0.0, "factor": 2.0},
    ])
    training = Training(a.name, model, optimizer, a.work, a.steps, a.rate, extra=[margin])
    smooth = None
    report = lambda m: print(f"{a.name}: validation: right %.3f; at threshold %.3f right %.3f, strangers refused %.3f" % (
        lambda r: (r[0], r[3], r[1], r[2]))(evaluate(finished(m, a.work, unseen), a.work / "val")), file=sys.stderr, flush=True)
    for step in training.remaining():
        if step % 100 == 99:
            data = Views(a.work / FOLDER, a.products, unseen)
        x, labels = data.batch(np.random.default_rng([30, step]), a.batch)
        loss = margin(model(x), labels, 0.3 * min(1, step / (0.25 * a.steps)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        training.show(f"loss {smooth:.3f}")
        if step % 1000 == 999:
            report(training.average)
    report(training.average)


if __name__ == "__main__":
    main()
