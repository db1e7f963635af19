"""The feature extractor: a small convolutional backbone, two views of its last map, a BNNeck."""

import torch
import torch.nn.functional as F
from torch import nn


DIMENSION = 256
SIDE = 112


class Conv(nn.Sequential):
    def __init__(self, before, after, kernel=3, stride=1, groups=1):
        super().__init__(
            nn.Conv2d(before, after, kernel, stride, (kernel - stride + 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """A residual bottleneck as in Darknet: full convolutions, which a CPU runs near its peak."""

    def __init__(self, width):
        super().__init__()
        self.narrow, self.widen = Conv(width, width // 2, 1), Conv(width // 2, width, 3)

    def forward(self, x):
        return x + self.widen(self.narrow(x))


class Extractor(nn.Module):
    """[N, 3, 112, 112] → [N, 256], not yet of unit length."""

    def __init__(self, widths=(24, 40, 80, 160), last=384):
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(
            Conv(3, a, 3, 2),
            Conv(a, b, 3, 2), Block(b),
            Conv(b, c, 3, 2), Block(c), Block(c),
            Conv(c, d, 3, 2), Block(d), Block(d),
            Conv(d, last, 1),
        )
        # Packages stand upright and fill the crop, so where something is says as much as what it is: beside the mean
        # of the map, a weighted one with a weight for every cell and channel (MobileFaceNet's global depthwise layer).
        self.where = nn.Sequential(nn.Conv2d(last, last, SIDE // 16, groups=last, bias=False), nn.BatchNorm2d(last))
        self.project = nn.Linear(2 * last, DIMENSION, bias=False)
        self.neck = nn.BatchNorm1d(DIMENSION)
        self.neck.bias.requires_grad_(False)

    def forward(self, x):
        x = self.body(x)
        both = torch.cat([x.mean((2, 3)), self.where(x).flatten(1)], 1)
        return self.neck(self.project(both))


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
