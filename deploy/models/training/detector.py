"""The detector: NanoDet-g's backbone and neck, cut and made lighter, and PicoDet's raw heads.

Anchor-free and of one class. Its outputs are what the product decodes: at strides 8, 16, 32 and 64 a score
after the sigmoid [N, cells, 1] and, for each edge (left, top, right, bottom), the logits of a distribution over the
distances 0 to 7 strides [N, cells, 32].
"""

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 352
STRIDES = (8, 16, 32, 64)
BINS = 8


class Conv(nn.Sequential):
    """A convolution with a bias, and a leaky rectifier behind it."""

    def __init__(self, before, after, kernel=3, stride=1, groups=1):
        super().__init__(nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups), nn.LeakyReLU(0.1, inplace=True))


class Stage(nn.Module):
    """NanoDet-g's cross-stage block: what is halved in size goes around the small blocks and along with their outcome."""

    def __init__(self, before, width, blocks, stride):
        super().__init__()
        self.down = Conv(before, width, 3, stride)
        self.blocks = nn.ModuleList(nn.ModuleList([Conv(width, width // 2), Conv(width // 2, width // 2)]) for _ in range(blocks))
        self.out = Conv(width, width)

    def forward(self, x):
        x = around = self.down(x)
        for first, second in self.blocks:
            x = first(x)
            x = torch.cat([second(x), x], 1)
        return torch.cat([self.out(x), around], 1)


class Light(nn.Module):
    """A depthwise 5 x 5 and a pointwise convolution, each normalised; around it, where the sizes allow, the input."""

    def __init__(self, before, after, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, before, 5, stride, 2, groups=before, bias=False), nn.BatchNorm2d(before),
            nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.1, inplace=True))
        self.around = before == after and stride == 1

    def forward(self, x):
        return x + self.body(x) if self.around else self.body(x)


class Detector(nn.Module):
    """NanoDet-g down to stride 16, with its heads; what it has at stride 32, two thirds of its weights, is made anew and light."""

    NECK = 128

    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        self.stage4 = Stage(32, 32, 1, 1)
        self.stage8 = Stage(64, 64, 2, 2)
        self.stage16 = Stage(128, 128, 2, 2)
        self.stage32 = nn.Sequential(Conv(256, 128, 1), Light(128, 192, 2), Light(192, 192), Light(192, 192))
        self.stage64 = Light(self.NECK, self.NECK, 2)
        self.lateral = nn.ModuleList(nn.Conv2d(w, self.NECK, 1) for w in (128, 256, 192))
        self.tower = nn.ModuleList([Conv(self.NECK, self.NECK), Conv(self.NECK, self.NECK), Light(self.NECK, self.NECK), Light(self.NECK, self.NECK)])
        self.head = nn.ModuleList(nn.Conv2d(self.NECK, 1 + 4 * BINS, 1) for _ in STRIDES)
        for head in self.head:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            nn.init.constant_(head.bias[:1], -4.0)

    def forward(self, image):
        """Scores (before the sigmoid) [N, cells, 1] and distance logits [N, cells, 32], each for every stride."""
        c8 = self.stage8(self.stage4(F.max_pool2d(self.stem(image), 3, 2, 1)))
        c16 = self.stage16(c8)
        p8, p16, p32 = (lateral(x) for lateral, x in zip(self.lateral, (c8, c16, self.stage32(c16))))
        # Sizes are multiples of 32, so one level is exactly twice the other.
        p16 = p16 + F.interpolate(p32, scale_factor=2.0, mode="bilinear")
        p8 = p8 + F.interpolate(p16, scale_factor=2.0, mode="bilinear")
        p16 = p16 + F.avg_pool2d(p8, 2)
        p32 = p32 + F.avg_pool2d(p16, 2)
        scores, distances = [], []
        for level, tower, head in zip((p8, p16, p32, self.stage64(p32)), self.tower, self.head):
            out = head(tower(level))
            # With the number of cells a constant: the product tells raw heads by their shapes.
            out = out.reshape(-1, 1 + 4 * BINS, int(out.shape[2]) * int(out.shape[3])).transpose(1, 2)
            scores.append(out[..., :1])
            distances.append(out[..., 1:])
        return scores, distances


class RawHeads(nn.Module):
    """The detector in the form that is exported."""

    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, image, scale_factor):
        scores, distances = self.detector(image)
        # The boxes stay in pixels of the input; an input nobody reads would be dropped from the graph.
        unused = scale_factor.sum() * 0
        return *(s.sigmoid() + unused for s in scores), *distances


def anchors(side):
    """Centres of the cells [cells, 2] and their strides [cells], in the order of the outputs."""
    points, strides = [], []
    for stride in STRIDES:
        n = -(-side // stride)
        y, x = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
        points.append((torch.stack([x.flatten(), y.flatten()], 1) + 0.5) * stride)
        strides.append(torch.full((n * n,), float(stride)))
    return torch.cat(points), torch.cat(strides)


def decode(distances, points, strides):
    """Boxes [N, cells, 4] in pixels of the input."""
    n, cells, _ = distances.shape
    bins = torch.arange(BINS, dtype=distances.dtype)
    d = (distances.view(n, cells, 4, BINS).softmax(-1) @ bins) * strides[:, None]
    return torch.cat([points - d[..., :2], points + d[..., 2:]], -1)


def _iou(a, b, general=False):
    """IoU of boxes along the last axis, or GIoU."""
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    both = wh[..., 0] * wh[..., 1]
    area = lambda x: (x[..., 2] - x[..., 0]).clamp(min=0) * (x[..., 3] - x[..., 1]).clamp(min=0)
    either = area(a) + area(b) - both
    iou = both / (either + 1e-6)
    if not general:
        return iou
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = hull[..., 0] * hull[..., 1]
    return iou - (hull - either) / (hull + 1e-6)


class Loss:
    """Task-aligned assignment (TOOD), varifocal-like scores, GIoU and distribution focal loss."""

    TOP = 9

    def __init__(self, side):
        self.points, self.strides = anchors(side)

    def __call__(self, scores, distances, boxes):
        """boxes: [N, most, 5], the last 1 where the box counts and 0 where it may be found or not; rows of zeros where there are
        fewer. Returns the loss and its three parts."""
        scores = torch.cat([s.float() for s in scores], 1)[..., 0]
        distances = torch.cat([d.float() for d in distances], 1)
        predicted = decode(distances, self.points, self.strides)
        counts = boxes[..., 4:] > 0
        with torch.no_grad():
            target_scores, target_boxes, chosen = self._assign(scores.sigmoid(), predicted, boxes[..., :4] * counts)
            either_way = self._meets(predicted, boxes[..., :4] * ~counts)
        p = scores.sigmoid().detach()
        weight = torch.where(chosen, target_scores, torch.where(either_way, 0, 0.75 * p**2))
        total = target_scores.sum().clamp(min=1)
        by_score = (F.binary_cross_entropy_with_logits(scores, target_scores, reduction="none") * weight).sum() / total
        w = target_scores[chosen]
        mine, theirs = predicted[chosen], target_boxes[chosen]
        by_box = ((1 - _iou(mine, theirs, general=True)) * w).sum() / total
        stride = self.strides.expand_as(chosen)[chosen][:, None]
        centre = self.points.expand(*chosen.shape, 2)[chosen]
        edges = (torch.cat([centre - theirs[:, :2], theirs[:, 2:] - centre], 1) / stride).clamp(0, BINS - 1.01)
        low = edges.long()
        logits = distances[chosen].view(-1, BINS)
        near = F.cross_entropy(logits, low.view(-1), reduction="none") * (low + 1 - edges).view(-1)
        far = F.cross_entropy(logits, low.view(-1) + 1, reduction="none") * (edges - low).view(-1)
        by_edge = ((near + far).view(-1, 4).mean(1) * w).sum() / total
        return by_score + 2 * by_box + 0.5 * by_edge, (by_score.item(), by_box.item(), by_edge.item())

    @staticmethod
    def _meets(predicted, boxes):
        """Whether each predicted box lies on one of the boxes, [N, cells]."""
        most = max(1, int((boxes[..., 2] > boxes[..., 0]).sum(1).max()))
        # Those with an area first.
        order = (boxes[..., 2] - boxes[..., 0]).argsort(1, descending=True)[:, :most]
        boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
        return (_iou(predicted[:, :, None], boxes[:, None]) > 0.4).any(-1)

    def _assign(self, scores, predicted, boxes):
        n, cells = scores.shape
        real = boxes[..., 2] > boxes[..., 0]
        order = real.int().sort(dim=1, descending=True, stable=True).indices[:, : max(1, int(real.sum(1).max()))]
        most = order.shape[1]
        boxes, real = boxes.gather(1, order[..., None].expand(-1, -1, 4)), real.gather(1, order)
        x, y = self.points.T
        x1, y1, x2, y2 = boxes[..., None].unbind(2)
        inner = torch.minimum(torch.minimum(x - x1, x2 - x), torch.minimum(y - y1, y2 - y))
        outer = torch.maximum(torch.maximum(x - x1, x2 - x), torch.maximum(y - y1, y2 - y))
        # A cell must lie inside, and its seven strides must reach every edge.
        able = (inner > 0.5) & (outer < (BINS - 1.2) * self.strides) & real[..., None]
        image, box, cell = able.nonzero(as_tuple=True)
        iou = torch.zeros(able.shape)
        iou[image, box, cell] = _iou(predicted[image, cell], boxes[image, box])
        # Before the boxes mean anything, cells near the middle are as good a guess as any.
        middle = (inner / ((boxes[..., 2:] - boxes[..., :2]).amin(-1)[..., None] / 2 + 1e-6)).clamp(0, 1)
        align = able * (scores[:, None].sqrt() * (iou + 0.05 * middle) ** 5 + 1e-9 * middle)
        top = align.topk(min(self.TOP, cells), -1)
        positive = torch.zeros_like(able).scatter_(-1, top.indices, top.values > 0)
        owner = torch.where(positive, iou, torch.full_like(iou, -1)).max(1)
        chosen = owner.values >= 0
        target_boxes = boxes.gather(1, owner.indices[..., None].expand(-1, -1, 4))
        mine = torch.arange(most)[None, :, None] == owner.indices[:, None]
        align = align * positive * mine
        best_align, best_iou = align.amax(-1, keepdim=True), (iou * positive * mine).amax(-1, keepdim=True)
        target_scores = ((align / (best_align + 1e-12)) * best_iou.clamp(min=0.05)).amax(1)
        return target_scores * chosen, target_boxes, chosen
