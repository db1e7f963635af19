"""Views of shops and kitchens with real textures, for the detector: display cartons, baskets, shelves, fridges, loose things.

What is printed on the packages comes from the generator's artwork, from packshots and from crops of shop photos; shop photos,
blurred until nothing in them counts as a product, stand behind. Price cards, rails, cartons, baskets, floors and hands are there
to be left alone. A box encloses what is visible of an object, found in a map of who owns each pixel.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import frames
import products

SIDE = 416  # of a view, pixels; training cuts its input out of it
MOST = 60  # boxes of a view
LOOK = 230  # height of a look, pixels
COUNTED, HIDDEN = 0.55, 0.35  # visible share from which an object has a box; below which it is background


@dataclass(frozen=True)
class Photos:
    """Real photos: packshots on white and photos taken in shops, as paths. Either may be empty."""

    packshots: tuple
    shops: tuple

    @staticmethod
    def of(file):
        """file: train.tsv of a photo set, 'relative/path<TAB>label' a line; packshots in iconic.tsv beside it. None: no photos."""
        if file is None:
            return Photos((), ())
        listed = lambda f: tuple(f.parent / line.split("\t")[0] for line in f.read_text(encoding="utf-8").splitlines() if line)
        packshots = Path(file).parent / "iconic.tsv"
        return Photos(listed(packshots) if packshots.is_file() else (), listed(Path(file)))


def _fitted(image, h, w):
    return cv2.resize(image, (max(2, int(w)), max(2, int(h))), interpolation=cv2.INTER_AREA if image.shape[0] > h else cv2.INTER_LINEAR)


def _recoloured(image, rng, most=90):
    """Another hue, so that few packshots make many products."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + int(rng.integers(-most, most + 1))) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _cut_out(path):
    """A packshot without its white ground: BGR and alpha, cut to the outline."""
    image = cv2.imread(str(path))
    image = _fitted(image, 320, 320 * image.shape[1] / image.shape[0])
    framed = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    ground = np.zeros((framed.shape[0] + 2, framed.shape[1] + 2), np.uint8)
    cv2.floodFill(framed, ground, (0, 0), 0, (7,) * 3, (255,) * 3, 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | 255 << 8)
    alpha = cv2.bitwise_not(ground[2:-2, 2:-2])
    alpha = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    alpha = cv2.erode(alpha, np.ones((3, 3), np.uint8))
    x1, y1, x2, y2 = frames._bounds(alpha)
    return image[y1:y2, x1:x2], alpha[y1:y2, x1:x2]


class Looks:
    """A stock of packages seen from somewhere: BGR and alpha, LOOK pixels high."""

    def __init__(self, rng, photos, first_product, count):
        self.photos, self.first = photos, first_product
        self.cut = [_cut_out(p) for p in photos.packshots]
        self.upright, self.bags, self.shot = [], [], []
        for _ in range(count):
            kind = rng.choice(4, p=[0.42, 0.28, 0.12, 0.18])
            if kind == 0 or (kind == 3 and not self.cut):
                self.upright.append(self._sized(*products.view(first_product + int(rng.integers(20000)), rng, 0.4)))
            elif kind == 1:
                self.bags.append(self._sized(*self._bag(rng)))
            elif kind == 2:
                self.upright.append(self._sized(*self._carton(rng)))
            else:
                image, alpha = self.cut[rng.integers(len(self.cut))]
                image = _recoloured(image, rng) if rng.random() < 0.4 else image
                self.shot.append(self._sized(image, alpha))
        self.upright += self.shot

    @staticmethod
    def _sized(image, alpha):
        scale = LOOK / max(alpha.shape)
        h, w = alpha.shape[0] * scale, alpha.shape[1] * scale
        return _fitted(image, h, w), _fitted(alpha, h, w)

    def print(self, rng, h, w):
        """Something printed, BGR [h, w, 3]: artwork of the generator, of a packshot, or a crop of a shop photo."""
        kind = rng.random()
        if kind < 0.5 or not self.photos.shops:
            art = products.artwork(self.first + int(rng.integers(20000)))
        elif kind < 0.75 and self.cut:
            art = self.cut[rng.integers(len(self.cut))][0]
            a, b = rng.uniform(0, 0.3, 2)
            art = art[int(a * art.shape[0]) : int((0.7 + a) * art.shape[0]), int(b * art.shape[1]) : int((0.7 + b) * art.shape[1])]
        else:
            art = cv2.imread(str(self.photos.shops[rng.integers(len(self.photos.shops))]))
            side = int(min(art.shape[:2]) * rng.uniform(0.2, 0.5))
            # The middle: that is where a thing held into the camera is.
            y, x = (int((n - side) * rng.uniform(0.3, 0.7)) for n in art.shape[:2])
            art = art[y : y + side, x : x + side]
        art = _fitted(art, h, w)
        if rng.random() < 0.5:
            art = _recoloured(art, rng)
        if rng.random() < 0.45:
            ground = products.colour(rng)
            cv2.ellipse(art, (w // 2, int(h * rng.uniform(0.2, 0.5))), (int(w * 0.38), int(h * 0.13)), 0, 0, 360, ground, -1, cv2.LINE_AA)
            products._text(art, products.word(rng), cv2.FONT_HERSHEY_DUPLEX, w / 2, int(h * 0.35), 0.65 * w, 0.16 * h, products.ink_on(ground), 0.12)
        return art

    def _bag(self, rng):
        """A pillow of foil: crimped ends, bulging, crumpled, glossy."""
        h = 256
        w = int(h * rng.uniform(0.58, 0.95))
        art = self.print(rng, h, w)
        y, x = np.mgrid[:h, :w].astype(np.float32)
        bend = lambda k, much: cv2.resize(rng.normal(0, much, (k, k)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
        much = rng.uniform(2, 9)
        art = cv2.remap(art, x + bend(6, much), y + bend(6, much), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        folds = bend(5, 0.13) + bend(12, 0.09)
        round_ = 1 - rng.uniform(0.2, 0.5) * np.abs((x / w - 0.5) * 2) ** 3 - 0.25 * np.abs((y / h - 0.5) * 2) ** 5
        art = art * (round_ + folds)[..., None]
        gloss = np.clip(bend(7, 1) - rng.uniform(0.9, 1.6), 0, 1) * rng.uniform(60, 200)
        art = np.clip(art + gloss[..., None], 0, 255).astype(np.uint8)
        side = 0.025 * w * (1 + np.sin(np.linspace(0, rng.uniform(3, 12), h) + rng.uniform(0, 6))) + 0.05 * w * np.abs(np.linspace(-1, 1, h)) ** 0.5 * rng.random()
        bent = cv2.resize(rng.normal(0, 0.035 * h, (4,)).astype(np.float32)[None], (w, 1), interpolation=cv2.INTER_CUBIC)[0]
        top = 0.04 * h + bent + 2 * (np.arange(w) // 4 % 2)
        alpha = 255 * ((x >= side[:, None]) & (x < w - side[:, None]) & (y >= top) & (y < h - 0.03 * h + bent[::-1] * 0.6))
        return art, cv2.blur(alpha.astype(np.uint8), (2, 2))

    def _carton(self, rng):
        """A box whose front and one side are printed."""
        h = 256
        w, deep = int(h * rng.uniform(0.35, 1.3)), int(h * rng.uniform(0.05, 0.3))
        slope = int(deep * rng.uniform(0.05, 0.4))
        image, alpha = np.zeros((h + slope, w + deep, 3), np.uint8), np.zeros((h + slope, w + deep), np.uint8)
        for art, corners in ((self.print(rng, h, w), [[0, slope], [w, slope], [w, h + slope], [0, h + slope]]),
                             (cv2.convertScaleAbs(self.print(rng, h, deep + 20), alpha=rng.uniform(0.4, 0.9)), [[w, slope], [w + deep, 0], [w + deep, h], [w, h + slope]])):
            a, b = art.shape[:2]
            look = cv2.getPerspectiveTransform(np.float32([[0, 0], [b, 0], [b, a], [0, a]]), np.float32(corners))
            face = cv2.warpPerspective(np.full((a, b), 255, np.uint8), look, image.shape[1::-1])
            image[face > 0] = cv2.warpPerspective(art, look, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)[face > 0]
            alpha = np.maximum(alpha, face)
        if rng.random() < 0.5:
            image, alpha = image[:, ::-1], alpha[:, ::-1]
        return np.ascontiguousarray(image), np.ascontiguousarray(alpha)


class _View:
    """A canvas and whose each of its pixels is: 0 nobody's, otherwise the number of an object."""

    def __init__(self, rng, looks):
        self.rng, self.looks = rng, looks
        self.h, self.w = (int(520 * np.exp(rng.normal(0, 0.14))) for _ in range(2))
        self.canvas = self._ground()
        self.owner = np.zeros((self.h, self.w), np.int16)
        self.pixels = [0]  # of each object when nothing hides it
        self.either = set()  # numbers of objects that may be found or not

    def _ground(self):
        """A blurred shop photo, a drawn surface, or tiles; often a floor below."""
        rng, h, w = self.rng, self.h, self.w
        shops = self.looks.photos.shops
        if shops and rng.random() < 0.7:
            photo = cv2.imread(str(shops[rng.integers(len(shops))]))
            if rng.random() < 0.5:  # a shelf far away, small
                photo = np.hstack([photo, photo[:, ::-1]])
            small = cv2.resize(photo, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(small, (0, 0), np.exp(rng.uniform(np.log(1.0), np.log(6))))
            ground = cv2.convertScaleAbs(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), alpha=rng.uniform(0.4, 1.15))
        else:
            ground = frames._surface(rng, h, w)
        if rng.random() < 0.45:
            self._floor(ground, int(h * rng.uniform(0.4, 0.9)))
        return ground

    def _floor(self, ground, top):
        rng = self.rng
        tone = np.array(products.bgr(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.4, 0.95)))
        ground[top:] = tone
        pitch = rng.uniform(0.1, 0.25) * self.w
        vanish = rng.uniform(0, self.w), top - rng.uniform(50, 400)
        for k in range(-30, 40):
            x = k * pitch
            slope = (x - vanish[0]) / (self.h - vanish[1])
            cv2.line(ground, (int(vanish[0] + slope * (top - vanish[1])), top), (int(x), self.h), (tone * 0.75).tolist(), int(rng.integers(1, 3)), cv2.LINE_AA)
        y, step = float(top), pitch * 0.15
        while y < self.h:
            cv2.line(ground, (0, int(y)), (self.w, int(y)), (tone * 0.75).tolist(), 1)
            y, step = y + step, step * 1.35

    def warped(self, look, height, degrees=0.0, squash=1.0):
        """A look at a height in canvas pixels, turned, in light of its own."""
        image, alpha = look
        scale = height / LOOK
        image, alpha = _fitted(image, image.shape[0] * scale, image.shape[1] * scale * squash), _fitted(alpha, alpha.shape[0] * scale, alpha.shape[1] * scale * squash)
        if degrees:
            image, alpha = frames._tilt(image, alpha, degrees)
        if alpha.max() <= 100:
            return image, alpha
        x1, y1, x2, y2 = frames._bounds(alpha)
        return cv2.convertScaleAbs(image[y1:y2, x1:x2], alpha=self.rng.uniform(0.8, 1.15)), np.ascontiguousarray(alpha[y1:y2, x1:x2])

    def put(self, image, alpha, x, y, counts=True, shade=True, either=False):
        """Paints at (x, y), the top left corner; what does not count hides what is behind it and is nobody's.

        either: it may be found or not."""
        x, y = int(x), int(y)
        h, w = alpha.shape
        if shade:
            frames._blend(self.canvas, np.zeros_like(image), cv2.convertScaleAbs(alpha, alpha=self.rng.uniform(0.15, 0.5)), x + max(1, w // 25), y + max(1, h // 40))
        frames._blend(self.canvas, image, alpha, x, y)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(self.w, x + w), min(self.h, y + h)
        if x0 < x1 and y0 < y1:
            number = 0
            if counts:
                number = len(self.pixels)
                if either:
                    self.either.add(number)
                self.pixels.append(int((alpha > 100).sum()))
            self.owner[y0:y1, x0:x1][alpha[y0 - y : y1 - y, x0 - x : x1 - x] > 100] = number

    def cover(self, x1, y1, x2, y2, image):
        """A rectangle of something that is no product."""
        if x2 - x1 > 2 and y2 - y1 > 2:
            image = _fitted(image, int(y2) - int(y1), int(x2) - int(x1))
            self.put(image, np.full(image.shape[:2], 255, np.uint8), x1, y1, counts=False, shade=False)

    def card(self, h, w, loud=None):
        """A price card or placard."""
        rng = self.rng
        h, w = max(6, int(h)), max(8, int(w))
        paper = [(250, 250, 250), (60, 235, 245), (120, 240, 250), (60, 60, 225), (90, 150, 250), (170, 170, 245)][rng.integers(6)]
        card = np.empty((h, w, 3), np.uint8)
        card[:] = paper
        ink = products.ink_on(paper)
        text = f"{rng.integers(0, 30)}.{rng.integers(0, 10)}{rng.integers(0, 10)}" if rng.random() < 0.8 else str(rng.choice(["SALE", "-20%", "NEW", "2=3"]))
        products._text(card, text, cv2.FONT_HERSHEY_DUPLEX, w * rng.uniform(0.4, 0.6), h * 0.6, 0.7 * w, 0.45 * h, ink, 0.13)
        products._small_print(card, rng, int(0.1 * w), int(0.08 * h), int(0.8 * w), 2, ink)
        return card

    def view(self):
        """The view as the camera gives it and its boxes: float32 [n, 5], x1, y1, x2, y2 and 1 where the box counts, 0 where it may
        be found or not."""
        rng = self.rng
        corners = np.float32([[0, 0], [self.w, 0], [self.w, self.h], [0, self.h]])
        to = np.float32([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]])
        askew = to + rng.uniform(-0.05, 0.05, (4, 2)) * SIDE * rng.choice([0.2, 1.0])
        out = np.float32(to.mean(0) + (askew - to.mean(0)) * 1.06)
        camera = cv2.getPerspectiveTransform(corners, out.astype(np.float32))
        image = cv2.warpPerspective(self.canvas, camera, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        owner = cv2.warpPerspective(self.owner, camera, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
        unit = SIDE * SIDE / (self.w * self.h)
        found = []
        ys, xs = np.nonzero(owner)
        whose = owner[ys, xs]
        order = np.argsort(whose, kind="stable")
        ys, xs, whose = ys[order], xs[order], whose[order]
        numbers, begin = np.unique(whose, return_index=True)
        for number, a, b in zip(numbers, begin, [*begin[1:], len(whose)]):
            share = (b - a) / (self.pixels[number] * unit * 1.06**2 + 1e-9)
            # A few stray pixels must not widen a box.
            x = np.sort(xs[a:b])
            k = (b - a) // 300
            box = (x[k], ys[a:b].min() if k == 0 else np.partition(ys[a:b], k)[k], x[-1 - k] + 1, np.partition(ys[a:b], b - a - 1 - k)[b - a - 1 - k] + 1)
            if share < HIDDEN or min(box[2] - box[0], box[3] - box[1]) < 5:
                continue
            small = min(box[2] - box[0], box[3] - box[1]) < 10
            found.append((*box, float(share >= COUNTED and not small and number not in self.either)))
        return _camera(image, rng), np.float32(sorted(found, key=lambda f: -f[4])[:MOST]).reshape(-1, 5)


def _camera(image, rng):
    """Blur before the sensor, what degrade does, and JPEG; some views stay nearly clean."""
    if rng.random() < 0.25:
        lost = rng.uniform(0.45, 0.9)
        image = cv2.resize(cv2.resize(image, None, fx=lost, fy=lost, interpolation=cv2.INTER_AREA), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.12:
        image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.45, 0.8))
    elif rng.random() < 0.4:
        image = cv2.convertScaleAbs(image, alpha=rng.uniform(1.0, 1.35))
    image = frames.degrade(image, rng, rng.choice([0.3, 0.8, 1.0]))
    return cv2.imdecode(frames.jpeg(image, rng, 40), cv2.IMREAD_COLOR)


# --- scenes -----------------------------------------------------------------------------------------


def _some(rng, stock, most=5):
    return [stock[rng.integers(len(stock))] for _ in range(int(rng.integers(1, most + 1)))]


def _card_stock(v, rng, h, w):
    """What a display is made of: plain, dotted, striped, or printed with a logo that is no product."""
    h, w = max(4, int(h)), max(4, int(w))
    sheet = np.empty((h, w, 3), np.uint8)
    sheet[:] = products.colour(rng) if rng.random() < 0.8 else products.bgr(rng.uniform(0.05, 0.12), rng.uniform(0.2, 0.6), rng.uniform(0.35, 0.9))
    kind = rng.integers(4)
    other = products.colour(rng)
    if kind == 1:
        for _ in range(int(w * h / 900) + 1):
            cv2.ellipse(sheet, (int(rng.integers(w)), int(rng.integers(h))), (int(rng.integers(2, 7)), int(rng.integers(2, 5))), rng.uniform(0, 180), 0, 360, other, -1, cv2.LINE_AA)
    elif kind == 2:
        for x in range(-h, w, int(rng.integers(12, 50))):
            cv2.line(sheet, (x, h), (x + h, 0), other, int(rng.integers(3, 12)), cv2.LINE_AA)
    if rng.random() < 0.6:
        text = products.word(rng)
        products._text(sheet, text.upper() if rng.random() < 0.5 else text, cv2.FONT_HERSHEY_DUPLEX, w * rng.uniform(0.3, 0.7), h / 2, 0.5 * w, 0.6 * h, products.ink_on(sheet[0, 0].tolist()), 0.12)
    return sheet


def _displays(v, rng):
    """Stacks of cartons, each with a row of bags or packages behind its lip."""
    if rng.random() < 0.55:
        _distant(v, rng)
    stacks = int(rng.integers(1, 4))
    width = v.w * rng.uniform(0.75, 1.2) / stacks
    x = v.w * rng.uniform(-0.15, 0.15)
    for _ in range(stacks):
        sheet = _card_stock(v, rng, 60, width)
        rows = int(rng.integers(2, 7))
        pitch = v.h * rng.uniform(0.7, 1.1) / rows
        y = v.h * rng.uniform(-0.05, 0.3)
        stock = v.looks.bags if rng.random() < 0.75 else v.looks.upright
        kinds = _some(rng, stock, rows)
        for row in range(rows):
            wall = width * rng.uniform(0.02, 0.1)
            v.cover(x, y, x + width, y + pitch, cv2.convertScaleAbs(sheet, alpha=rng.uniform(0.15, 0.6)))
            kind = kinds[row % len(kinds)]
            tall = pitch * rng.uniform(0.75, 1.15)
            lip = pitch * rng.uniform(0.12, 0.42)
            for depth in (0, 1):
                at = x + wall - tall * rng.uniform(0, 0.3)
                while at < x + width - wall - 0.3 * tall:
                    if rng.random() < 0.88:
                        image, alpha = v.warped(kind, tall * rng.uniform(0.92, 1.05) * (0.92 + 0.08 * depth), rng.normal(0, 5 if stock is v.looks.bags else 1))
                        image = image if depth else cv2.convertScaleAbs(image, alpha=0.7)
                        v.put(image, alpha, at, y + pitch - alpha.shape[0] - (1 - depth) * 0.12 * tall - lip * rng.uniform(0.0, 0.35), counts=True)
                        at += alpha.shape[1] * rng.uniform(0.72, 1.05)
                    else:
                        at += 0.5 * tall
            v.cover(x, y + pitch - lip, x + width, y + pitch, sheet)
            if rng.random() < 0.8:
                shade = cv2.convertScaleAbs(sheet, alpha=0.85)
                v.cover(x - wall, y, x + wall, y + pitch, shade)
                v.cover(x + width - wall, y, x + width + wall, y + pitch, shade)
            y += pitch
        if rng.random() < 0.5:
            v.cover(x, y, x + width, y + 0.05 * v.h, np.full((4, 4, 3), products.bgr(0.08, 0.5, 0.4), np.uint8))
        x += width * rng.uniform(1.0, 1.12)
    _cards(v, rng, -0.1, 0.3, int(rng.integers(0, 6)))


def _cards(v, rng, top, bottom, count):
    for _ in range(count):
        w = v.w * rng.uniform(0.05, 0.36)
        card = v.card(w * rng.uniform(0.45, 1.0), w)
        card, alpha = frames._tilt(card, np.full(card.shape[:2], 255, np.uint8), rng.normal(0, rng.choice([2, 14])))
        v.put(card, alpha, rng.uniform(-0.05, 0.9) * v.w, rng.uniform(top, bottom) * v.h, counts=False)


def _basket(v, rng):
    """A basket, crate or trolley with a heap in it, or the heap alone."""
    if rng.random() < 0.55:
        _distant(v, rng)
    cx, cy = v.w * rng.uniform(0.25, 0.75), v.h * rng.uniform(0.25, 0.6)
    rx, ry = v.w * rng.uniform(0.25, 0.6), v.h * rng.uniform(0.12, 0.4)
    kind = rng.integers(4)
    tone = np.array(products.bgr(rng.uniform(0.04, 0.1), rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.8)))
    weave = np.empty((120, 160, 3), np.float32)
    y, x = np.mgrid[:120, :160]
    weave[:] = tone * (0.7 + 0.3 * np.sin(x * 0.8) * np.sin(y * 0.9 + (x // 4) * 3.14))[..., None]
    if kind == 1:
        weave[:] = np.array(products.colour(rng)) * (0.6 + 0.4 * ((x % 16 < 11) & (y % 22 < 15)))[..., None]
    elif kind == 2:
        weave[:] = _card_stock(v, rng, 120, 160)
    weave = np.clip(weave, 0, 255).astype(np.uint8)
    if kind < 3:
        body = np.zeros((v.h, v.w), np.uint8)
        slope = rng.uniform(-0.1, 0.35)
        cv2.fillPoly(body, [np.int32([[cx - rx, cy], [cx + rx, cy], [cx + rx * (1 - slope), cy + 2.5 * ry], [cx - rx * (1 - slope), cy + 2.5 * ry]])], 255)
        cv2.ellipse(body, (int(cx), int(cy)), (int(rx), int(ry * 0.8)), 0, 0, 360, 255, -1)
        v.put(_fitted(weave, v.h, v.w), body, 0, 0, counts=False, shade=False)
    stock = v.looks.bags if rng.random() < 0.75 else v.looks.upright
    kinds = _some(rng, stock, 2)
    tall = min(v.w, v.h) * rng.uniform(0.16, 0.5)
    count = int(np.clip(rng.uniform(5, 12) * rx * ry / tall**2, 4, 44))
    turn = rng.choice([15, 45, 180])
    # From behind to the front, as they lie on each other.
    spots = sorted((rng.uniform(-1, 1, 2) for _ in range(count)), key=lambda s: s[1])
    for sx, sy in spots:
        reach = np.sqrt(max(0.05, 1 - 0.6 * sy * sy))
        image, alpha = v.warped(kinds[rng.integers(len(kinds))], tall * rng.uniform(0.85, 1.1), rng.uniform(-turn, turn), rng.uniform(0.75, 1.05))
        v.put(image, alpha, cx + sx * rx * 0.85 * reach - alpha.shape[1] / 2, cy + sy * ry - 0.1 * tall - alpha.shape[0] / 2)
    if kind < 3 and rng.random() < 0.6:
        rim = cy + ry * rng.uniform(0.7, 1.1)
        v.put(_fitted(weave, v.h, 2 * rx), np.where(np.arange(v.h)[:, None] < ry * 1.6, 255, 0).astype(np.uint8).repeat(_fitted(weave, v.h, 2 * rx).shape[1], 1), cx - rx, rim, counts=False, shade=False)
    _cards(v, rng, 0.55, 0.9, int(rng.integers(0, 3)))


def _shelves(v, rng):
    """Boards with facings close together, packages or bags; hooks and rails."""
    rows = int(rng.integers(1, 6))
    pitch = v.h * rng.uniform(0.85, 1.15) / rows
    y = v.h * rng.uniform(-0.1, 0.1)
    tone = products.bgr(rng.random(), rng.uniform(0, 0.25), rng.uniform(0.15, 0.95))
    if rng.random() < 0.6:
        v.canvas[:] = frames._surface(rng, v.h, v.w)
    for _ in range(rows):
        board = pitch * rng.uniform(0.04, 0.16)
        base = y + pitch - board
        v.canvas[max(0, int(y)) : max(0, int(y + 0.3 * pitch))] = v.canvas[max(0, int(y)) : max(0, int(y + 0.3 * pitch))] // 2
        x = -0.1 * v.w
        stock = v.looks.bags if rng.random() < 0.35 else v.looks.upright
        kinds = _some(rng, stock, 5)
        tall = pitch * rng.uniform(0.5, 0.95)
        while x < v.w:
            kind = kinds[rng.integers(len(kinds))]
            gap = rng.choice([0.9, 1.0, 1.05, 1.3], p=[0.2, 0.4, 0.3, 0.1])
            own = tall * rng.uniform(0.75, 1.05)
            for _ in range(int(rng.integers(1, 5))):
                image, alpha = v.warped(kind, own, rng.normal(0, 2))
                own_pitch = max(6, alpha.shape[1] * gap)
                if rng.random() < 0.35:
                    v.put(cv2.convertScaleAbs(image, alpha=0.6), alpha, x + 0.1 * alpha.shape[1], base - alpha.shape[0] * 1.06)
                if rng.random() < 0.93:
                    v.put(image, alpha, x, base - alpha.shape[0] + 1)
                x += own_pitch
            x += v.w * rng.choice([0, 0.02, 0.1])
        v.cover(0, base, v.w, base + board, np.full((4, 4, 3), tone, np.uint8))
        at = v.w * rng.uniform(0, 0.1)
        while at < v.w:
            wide = board * rng.uniform(1.2, 2.6)
            v.cover(at, base + 0.1 * board, at + wide, base + 0.9 * board, v.card(board, wide))
            at += wide + v.w * rng.uniform(0.02, 0.2)
        y += pitch


def _fridge(v, rng):
    """The inside of a fridge: few things, standing and lying, on glass."""
    tone = np.float32(products.bgr(rng.uniform(0.05, 0.16), rng.uniform(0, 0.4), rng.uniform(0.3, 0.92)))
    y, x = np.mgrid[: v.h, : v.w].astype(np.float32)
    lamp = rng.uniform(0.2, 0.8) * v.w, rng.uniform(-0.1, 0.25) * v.h
    light = np.exp(-np.hypot(x - lamp[0], y - lamp[1]) / (rng.uniform(0.5, 1.6) * v.h))
    v.canvas[:] = np.clip(tone * (0.45 + 0.75 * light)[..., None], 0, 255)
    if rng.random() < 0.8:
        _lamp(v, rng, lamp[0], max(0.03 * v.h, lamp[1]), tone)
    for _ in range(int(rng.integers(0, 12))):  # knobs and holders of the boards
        spot = int(rng.uniform(0, 1) * v.w), int(rng.uniform(0.1, 0.8) * v.h)
        cv2.ellipse(v.canvas, spot, (int(rng.integers(3, 11)), int(rng.integers(3, 11))), 0, 0, 360, np.clip(tone * rng.uniform(0.6, 1.2), 0, 255).tolist(), -1, cv2.LINE_AA)
    if rng.random() < 0.4:
        products._small_print(v.canvas, rng, int(rng.uniform(0.05, 0.8) * v.w), int(rng.uniform(0.05, 0.4) * v.h), int(0.12 * v.w), int(rng.integers(3, 8)), (tone * 0.6).tolist())
    boards = np.sort(rng.uniform(0.25, 1.0, int(rng.integers(2, 5)))) * v.h
    for board in boards:
        deep = int(v.h * rng.uniform(0.01, 0.12))
        pane = v.canvas[max(0, int(board) - deep) : int(board)]
        pane[:] = np.clip(pane * rng.uniform(0.8, 1.15), 0, 255)
        cv2.line(v.canvas, (0, int(board)), (v.w, int(board)), np.clip(tone * rng.uniform(0.4, 1.3), 0, 255).tolist(), int(rng.integers(2, 7)))
    for _ in range(int(rng.integers(0, 4))):
        x1, y1 = int(rng.uniform(0, 0.7) * v.w), int(rng.uniform(0.4, 0.9) * v.h)
        x2, y2 = x1 + int(rng.uniform(0.2, 0.5) * v.w), y1 + int(rng.uniform(0.1, 0.3) * v.h)
        drawer = v.canvas[y1:y2, x1:x2]
        drawer[:] = cv2.addWeighted(drawer, 0.8, np.full_like(drawer, 200), 0.12, 0)
        cv2.rectangle(v.canvas, (x1, y1), (x2, y2), np.clip(tone * rng.uniform(0.5, 1.2), 0, 255).tolist(), int(rng.integers(1, 4)))
        for k in range(int(rng.integers(0, 9))):
            xx = x1 + (k + 1) * (x2 - x1) // 10
            cv2.line(v.canvas, (xx, y1 + 5), (xx, y2 - 5), np.clip(tone * 0.8, 0, 255).tolist(), 1)
    unit = v.h * rng.uniform(0.06, 0.22)
    for board in boards:
        at = v.w * rng.uniform(0, 0.3)
        while at < 0.95 * v.w:
            lying = rng.random() < 0.3
            stock = v.looks.shot if v.looks.shot and rng.random() < 0.5 else v.looks.upright
            image, alpha = v.warped(stock[rng.integers(len(stock))], unit * rng.uniform(0.6, 1.5), rng.choice([-90, 90]) + rng.normal(0, 15) if lying else rng.normal(0, 3))
            image = cv2.convertScaleAbs(image, alpha=rng.uniform(0.45, 1.0))
            v.put(image, alpha, at, board - alpha.shape[0] - v.h * rng.uniform(0, 0.03))
            at += alpha.shape[1] * rng.uniform(1.0, 1.4) + v.w * rng.choice([0.01, 0.1, 0.3])
    if rng.random() < 0.6:
        edge = int(v.w * rng.uniform(0.01, 0.12))
        dark = np.full((4, 4, 3), products.bgr(0.1, 0.2, rng.uniform(0.02, 0.3)), np.uint8)
        v.cover(0, 0, edge, v.h, dark)
        v.cover(v.w - edge, 0, v.w, v.h, dark)


def _lamp(v, rng, x, y, tone):
    """A lamp and the housing of its switch: bright, sharp, and nothing to buy."""
    x, y, r = int(x), int(y), int(v.w * rng.uniform(0.025, 0.08))
    high, wide = int(r * rng.uniform(0.6, 1.6)), int(r * rng.uniform(1.2, 3.0))
    top = y - r - high
    cv2.rectangle(v.canvas, (x - wide, top), (x + wide, top + high), (tone * rng.uniform(0.2, 0.7)).tolist(), -1)
    for k in range(int(rng.integers(0, 7))):
        cv2.line(v.canvas, (x - wide + 3, top + 3 + 4 * k), (x + wide // 3, top + 3 + 4 * k), (tone * 0.15).tolist(), 1)
    points = [(x + r * rng.uniform(0.85, 1.1) * np.cos(a), y + r * rng.uniform(0.8, 1.05) * np.sin(a)) for a in np.linspace(0, 6.28, int(rng.integers(6, 14)), endpoint=False)]
    cv2.fillPoly(v.canvas, [np.int32(points)], np.clip(tone * rng.uniform(1.0, 1.5), 0, 255).tolist(), cv2.LINE_AA)
    cv2.circle(v.canvas, (x, y), max(2, int(r * rng.uniform(0.3, 0.8))), (240, 252, 255), -1, cv2.LINE_AA)
    for k in range(3):
        cv2.line(v.canvas, (x - r, y + (k - 1) * r // 2), (x + r, y + (k - 1) * r // 2), (tone * 0.8).tolist(), 1, cv2.LINE_AA)


def _distant(v, rng):
    """Shelves behind what the picture is about: small, dim, now and then out of focus. They do not count."""
    top, bottom = int(v.h * rng.uniform(-0.1, 0.1)), int(v.h * rng.uniform(0.25, 0.8))
    y = top
    while y < bottom:
        tall = v.h * rng.uniform(0.03, 0.09)
        kind, x = v.looks.upright[rng.integers(len(v.looks.upright))], -5
        while x < v.w:
            if rng.random() < 0.2:
                kind = v.looks.upright[rng.integers(len(v.looks.upright))]
            image, alpha = v.warped(kind, tall)
            v.put(cv2.convertScaleAbs(image, alpha=rng.uniform(0.5, 0.9)), alpha, x, y, counts=False, shade=False)
            x += alpha.shape[1] * rng.uniform(0.9, 1.2)
        y += int(tall * 1.1)
        v.cover(0, y, v.w, y + 0.25 * tall, np.full((4, 4, 3), int(rng.integers(60, 230)), np.uint8))
        y += int(0.3 * tall)
    part = v.canvas[max(0, top) : bottom]
    part[:] = cv2.GaussianBlur(part, (0, 0), np.exp(rng.uniform(np.log(0.25), np.log(2.5))))


def _held(v, rng):
    """One thing close to the camera, in a hand or standing, larger than half of the picture. Shelves behind it may be found or not."""
    if rng.random() < 0.7:
        _behind(v, rng)
    stock = v.looks.shot if v.looks.shot and rng.random() < 0.45 else v.looks.bags if rng.random() < 0.2 else v.looks.upright
    image, alpha = v.warped(stock[rng.integers(len(stock))], v.h * rng.uniform(0.5, 1.1), rng.normal(0, 12), rng.uniform(0.85, 1.1))
    x, y = rng.uniform(0.2, 0.8) * v.w - alpha.shape[1] / 2, rng.uniform(0.42, 0.6) * v.h - alpha.shape[0] / 2
    v.put(image, alpha, x, y, shade=rng.random() < 0.3)
    if rng.random() < 0.75:
        _hand(v, rng, x + alpha.shape[1] / 2, y + alpha.shape[0] * rng.uniform(0.3, 0.9), min(alpha.shape[1], 0.45 * v.w))


def _behind(v, rng):
    """Shelves of smaller things, as sharp as what stands before them or less."""
    y = v.h * rng.uniform(-0.1, 0.1)
    while y < v.h:
        tall = v.h * rng.uniform(0.08, 0.28)
        kind, x = v.looks.upright[rng.integers(len(v.looks.upright))], -0.1 * v.w * rng.random()
        light = rng.uniform(0.5, 1.0)
        while x < v.w:
            if rng.random() < 0.25:
                kind = v.looks.upright[rng.integers(len(v.looks.upright))]
            image, alpha = v.warped(kind, tall * rng.uniform(0.85, 1))
            v.put(cv2.convertScaleAbs(image, alpha=light), alpha, x, y + tall - alpha.shape[0], shade=False, either=True)
            x += alpha.shape[1] * rng.uniform(1.0, 1.3)
        y += tall
        board = v.h * rng.uniform(0.02, 0.06)
        v.cover(0, y, v.w, y + board, np.full((4, 4, 3), products.bgr(rng.random(), rng.uniform(0, 0.2), rng.uniform(0.3, 0.95)), np.uint8))
        for _ in range(int(rng.integers(0, 4))):
            at, wide = rng.uniform(0, 0.9) * v.w, board * rng.uniform(1.5, 4)
            v.cover(at, y, at + wide, y + 0.95 * board, v.card(board, wide))
        y += board + v.h * rng.uniform(0.0, 0.06)
    if rng.random() < 0.7:
        v.canvas[:] = cv2.GaussianBlur(v.canvas, (0, 0), np.exp(rng.uniform(np.log(0.4), np.log(5))))


def _loose(v, rng):
    """Cut-outs anywhere before whatever is behind: a counter, a table, a hand."""
    if rng.random() < 0.5:
        v.canvas[:] = cv2.GaussianBlur(v.canvas, (0, 0), rng.uniform(1, 12))
    largest = rng.choice([0.2, 0.4, 0.8])
    turn = rng.choice([4, 25, 180])
    stock = v.looks.upright + v.looks.bags
    apart = rng.random() < 0.7
    for _ in range(int(rng.integers(1, 14 if largest < 0.5 else 4))):
        image, alpha = v.warped(stock[rng.integers(len(stock))], v.h * rng.uniform(0.06, largest), rng.uniform(-turn, turn), rng.uniform(0.8, 1.1))
        x, y = int(rng.uniform(-0.05, 0.9) * v.w), int(rng.uniform(-0.05, 0.9) * v.h)
        if not (apart and v.owner[max(0, y) : y + alpha.shape[0], max(0, x) : x + alpha.shape[1]].any()):
            v.put(image, alpha, x, y, shade=rng.random() < 0.5)
            if largest > 0.3 and rng.random() < 0.35:
                _hand(v, rng, x + alpha.shape[1] / 2, y + alpha.shape[0] * rng.uniform(0.5, 0.9), alpha.shape[1])
    _cards(v, rng, 0, 0.9, int(rng.integers(0, 2)))


def _hand(v, rng, x, y, wide):
    """Fingers before a thing, an arm from the edge."""
    skin = np.full((v.h, v.w, 3), products.bgr(rng.uniform(0.03, 0.08), rng.uniform(0.25, 0.6), rng.uniform(0.35, 0.95)), np.uint8)
    mask = np.zeros((v.h, v.w), np.uint8)
    side = rng.choice([-1, 1])
    thick = max(3, int(wide * rng.uniform(0.12, 0.22)))
    for k in range(4):
        a = x + side * wide * 0.55, y + (k - 1.5) * thick * 1.05
        cv2.line(mask, (int(a[0]), int(a[1])), (int(a[0] - side * wide * rng.uniform(0.3, 0.7)), int(a[1] + rng.normal(0, 3))), 255, thick, cv2.LINE_AA)
    palm = int(x + side * wide * 0.7), int(y)
    cv2.ellipse(mask, palm, (int(wide * 0.3), int(thick * 2.6)), 0, 0, 360, 255, -1)
    cv2.line(mask, palm, (int(x + side * wide * 3), int(y + wide * rng.uniform(0.5, 3))), 255, int(thick * 3.6), cv2.LINE_AA)
    shade = cv2.resize(rng.uniform(0.7, 1.1, (6, 6)).astype(np.float32), (v.w, v.h))[..., None]
    v.put(np.clip(skin * shade, 0, 255).astype(np.uint8), mask, 0, 0, counts=False, shade=False)


def view(rng, looks):
    """A view, uint8 BGR [SIDE, SIDE, 3], and its boxes as _View.view gives them; now and then there are none."""
    v = _View(rng, looks)
    scene = [_displays, _basket, _shelves, _fridge, _loose, _held, _cards][rng.choice(7, p=[0.20, 0.20, 0.15, 0.16, 0.12, 0.14, 0.03])]
    if scene is _cards:
        _cards(v, rng, 0, 0.9, 4)
    else:
        scene(v, rng)
    return v.view()
