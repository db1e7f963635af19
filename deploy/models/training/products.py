"""Invented products: everything about one follows from its number.

Products come in families of four. In a third of the families all four are one brand (same package,
logo and layout; another flavour: other colours, picture and words), as on a real shelf. In the others
each is on its own. No font, photo or texture file is read: all is drawn.
"""

import colorsys
from functools import lru_cache

import cv2
import numpy as np

REFERENCE = 224  # height of a package's artwork, pixels
FAMILY = 4
KINDS = ("box", "can", "bottle", "pouch", "jar", "fruit")
KIND_WEIGHTS = (0.34, 0.16, 0.17, 0.15, 0.10, 0.08)
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
SYLLABLES = (
    "ba be bo bri ca co cri da de dor el en fa fi flo ga go gra ha hi in ja jo ka ki la le li lo lu ma me mi mo "
    "na ne no nu o pa pe pi po pra ra re ri ro ru sa se si so su ta te ti to tu u va ve vi vo wa we xo ya ze zi zo"
).split()


def bgr(hue, saturation, value):
    r, g, b = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(255 * b), int(255 * g), int(255 * r)


def word(rng, least=2, most=3):
    return "".join(SYLLABLES[i] for i in rng.integers(0, len(SYLLABLES), rng.integers(least, most + 1)))


def colour(rng):
    if rng.random() < 0.22:
        return bgr(rng.random(), rng.random() * 0.12, rng.choice([0.12, 0.5, 0.85, 0.97]))
    return bgr(rng.random(), rng.uniform(0.45, 1), rng.uniform(0.35, 1))


def ink_on(background):
    """White or a dark colour, whichever can be read."""
    blue, green, red = background
    return (250, 250, 250) if 0.114 * blue + 0.587 * green + 0.299 * red < 140 else (25, 20, 20)


class Product:
    """What does not change between two pictures of a product."""

    def __init__(self, number):
        self.number = number
        family = np.random.default_rng([77, number // FAMILY])
        own = np.random.default_rng([78, number])
        is_line = family.random() < 0.33
        style = family if is_line else own
        self.kind = str(style.choice(KINDS, p=KIND_WEIGHTS))
        self.brand = word(style).capitalize()
        if style.random() < 0.4:
            self.brand = self.brand.upper()
        self.flavour = word(own, 2, 4)
        self.base, self.second = colour(style), colour(style)
        self.accent = colour(own)
        if is_line and own.random() < 0.75:
            # Flavours of one brand are told apart by a field of colour, each its own quarter of the wheel.
            self.second = bgr((number % FAMILY + own.uniform(0.1, 0.9)) / FAMILY, own.uniform(0.5, 1), own.uniform(0.5, 1))
        self.font = FONTS[style.integers(len(FONTS))]
        self.pattern = int(style.integers(12))
        self.layout = int(style.integers(6))
        self.logo = int(style.integers(7))
        self.picture = int(own.integers(10))
        self.aspect = {
            "box": style.uniform(0.42, 1.0),
            "can": style.uniform(0.45, 0.66),
            "bottle": style.uniform(0.28, 0.42),
            "pouch": style.uniform(0.6, 0.95),
            "jar": style.uniform(0.6, 0.95),
            "fruit": style.uniform(0.75, 1.25),
        }[self.kind]
        self.relative_height = {
            "box": style.uniform(0.6, 1.0),
            "can": style.uniform(0.45, 0.7),
            "bottle": style.uniform(0.8, 1.0),
            "pouch": style.uniform(0.6, 0.95),
            "jar": style.uniform(0.45, 0.7),
            "fruit": style.uniform(0.36, 0.55),
        }[self.kind]
        self.depth = style.uniform(0.25, 0.6)
        self.neck = style.uniform(0.3, 0.5)
        self.shoulder = style.uniform(0.18, 0.36)
        self.cap = colour(style)
        self.metal = style.random() < 0.6
        self.art_seed = int(style.integers(1 << 30)), int(own.integers(1 << 30))

    @property
    def label(self):
        return f"{self.brand}-{self.flavour}"


@lru_cache(maxsize=6000)
def product(number):
    return Product(number)


# --- artwork ----------------------------------------------------------------------------------------


def _pattern(image, p, rng):
    h, w = image.shape[:2]
    image[:] = p.base
    kind, second = p.pattern, p.second
    step = int(rng.integers(14, 44))
    if kind == 1:
        t = np.linspace(0, 1, h)[:, None, None]
        image[:] = (np.array(p.base) * (1 - t) + np.array(second) * t).astype(np.uint8)
    elif kind == 2:
        for y in range(0, h, 2 * step):
            image[y : y + step] = second
    elif kind == 3:
        for x in range(0, w, 2 * step):
            image[:, x : x + step] = second
    elif kind == 4:
        for x in range(-h, w, 2 * step):
            cv2.line(image, (x, h), (x + h, 0), second, step // 2, cv2.LINE_AA)
    elif kind == 5:
        for i, y in enumerate(range(0, h + step, step)):
            for x in range((i % 2) * step // 2, w + step, step):
                cv2.circle(image, (x, y), max(3, step // 4), second, -1, cv2.LINE_AA)
    elif kind == 6:
        image[int(h * rng.uniform(0.35, 0.65)) :] = second
    elif kind == 7:
        x = np.arange(w)
        amplitude, at, length = rng.uniform(6, 22), h * rng.uniform(0.3, 0.7), rng.uniform(0.02, 0.07)
        y = at + amplitude * np.sin(x * length + rng.uniform(0, 6))
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.fillPoly(image, [np.concatenate([points, [[w, h], [0, h]]]).astype(np.int32)], second, cv2.LINE_AA)
    elif kind == 8:
        centre = np.array([w / 2, h * rng.uniform(0.3, 0.7)])
        for angle in np.arange(0, 2 * np.pi, np.pi / 7):
            a, b = angle, angle + np.pi / 14
            far = centre + 400 * np.array([[np.cos(a), np.sin(a)], [np.cos(b), np.sin(b)]])
            cv2.fillPoly(image, [np.vstack([centre, far]).astype(np.int32)], second, cv2.LINE_AA)
    elif kind == 9:
        cv2.fillPoly(image, [np.array([[0, 0], [w, 0], [0, int(h * rng.uniform(0.5, 1.2))]], np.int32)], second, cv2.LINE_AA)
    elif kind == 10:
        for y in range(0, h, step):
            for x in range((y // step % 2) * step, w, 2 * step):
                image[y : y + step, x : x + step] = second
    elif kind == 11:
        t = step // 2 + 3
        cv2.rectangle(image, (0, 0), (w - 1, h - 1), second, t)
    return image


def _logo(image, p, rng, cx, cy, r):
    c, d = p.accent, ink_on(p.accent)
    if p.logo == 0:
        cv2.circle(image, (cx, cy), r, c, -1, cv2.LINE_AA)
        cv2.circle(image, (cx, cy), int(r * 0.7), d, 2, cv2.LINE_AA)
    elif p.logo == 1:
        cv2.ellipse(image, (cx, cy), (int(r * 1.4), r), 0, 0, 360, c, -1, cv2.LINE_AA)
    elif p.logo in (2, 3):
        n = int(rng.integers(3, 9))
        a = np.arange(2 * n) * np.pi / n - np.pi / 2
        radius = np.where(np.arange(2 * n) % 2 == 0, r, r * (0.5 if p.logo == 2 else 0.85))
        points = np.stack([cx + radius * np.cos(a), cy + radius * np.sin(a)], 1)
        cv2.fillPoly(image, [points.astype(np.int32)], c, cv2.LINE_AA)
    elif p.logo == 4:
        cv2.circle(image, (cx, cy), r, c, max(3, r // 3), cv2.LINE_AA)
    elif p.logo == 5:
        cv2.rectangle(image, (cx - r, cy - int(0.7 * r)), (cx + r, cy + int(0.7 * r)), c, -1)
        cv2.line(image, (cx - r, cy), (cx + r, cy), d, 3)
    else:
        a = rng.random(6) * 2 * np.pi
        a.sort()
        radius = r * rng.uniform(0.6, 1.2, 6)
        points = np.stack([cx + radius * np.cos(a), cy + radius * np.sin(a)], 1)
        cv2.fillPoly(image, [points.astype(np.int32)], c, cv2.LINE_AA)


def _picture(image, p, rng, cx, cy, r):
    """What the package promises: berries, leaves, a cup, ..., in the flavour's colours."""
    main = colour(rng)
    other = colour(rng)
    kind = p.picture
    if kind <= 1:
        for _ in range(int(rng.integers(3, 8))):
            x, y = cx + int(rng.normal(0, r * 0.45)), cy + int(rng.normal(0, r * 0.35))
            s = int(r * rng.uniform(0.25, 0.45))
            cv2.circle(image, (x, y), s, main, -1, cv2.LINE_AA)
            cv2.circle(image, (x - s // 3, y - s // 3), max(1, s // 4), (245, 245, 245), -1, cv2.LINE_AA)
    elif kind == 2:
        for angle in rng.uniform(0, 180, int(rng.integers(2, 6))):
            cv2.ellipse(image, (cx, cy), (r, int(r * 0.32)), angle, 0, 360, main, -1, cv2.LINE_AA)
            cv2.ellipse(image, (cx, cy), (r, 1), angle, 0, 360, other, 2, cv2.LINE_AA)
    elif kind == 3:
        cv2.rectangle(image, (cx - r // 2, cy - r // 2), (cx + r // 2, cy + r // 2), main, -1)
        cv2.ellipse(image, (cx + r // 2, cy), (r // 3, r // 3), 0, -90, 90, main, 4, cv2.LINE_AA)
        cv2.ellipse(image, (cx, cy - r // 2), (r // 2, r // 6), 0, 0, 360, other, -1, cv2.LINE_AA)
    elif kind == 4:
        for i in range(4):
            cv2.circle(image, (cx, cy), int(r * (1 - i / 4)), (main, other)[i % 2], -1, cv2.LINE_AA)
    elif kind == 5:
        points = np.array([[cx - r, cy + r // 2], [cx - r // 3, cy - r // 2], [cx, cy], [cx + r // 2, cy - r], [cx + r, cy + r // 2]])
        cv2.fillPoly(image, [points.astype(np.int32)], main, cv2.LINE_AA)
        cv2.circle(image, (cx + r // 2, cy - r // 2), r // 4, other, -1, cv2.LINE_AA)
    elif kind == 6:
        cv2.ellipse(image, (cx, cy + r // 4), (int(r * 0.55), int(r * 0.6)), 0, 0, 360, main, -1, cv2.LINE_AA)
        cv2.fillPoly(image, [np.array([[cx, cy - r], [cx - r // 2, cy], [cx + r // 2, cy]], np.int32)], main, cv2.LINE_AA)
    elif kind == 7:
        for i in range(5):
            x = cx - r + i * r // 2
            cv2.line(image, (x, cy + r), (x + r // 3, cy - r // 2), main, 4, cv2.LINE_AA)
            cv2.ellipse(image, (x + r // 3, cy - r // 2), (r // 8 + 2, r // 3), 15, 0, 360, other, -1, cv2.LINE_AA)
    elif kind == 8:
        n = int(rng.integers(5, 9))
        for a in np.arange(n) * 2 * np.pi / n:
            cv2.circle(image, (int(cx + 0.6 * r * np.cos(a)), int(cy + 0.6 * r * np.sin(a))), int(r * 0.35), main, -1, cv2.LINE_AA)
        cv2.circle(image, (cx, cy), int(r * 0.35), other, -1, cv2.LINE_AA)
    else:
        a = np.sort(rng.random(7) * 2 * np.pi)
        radius = r * rng.uniform(0.4, 1.1, 7)
        cv2.fillPoly(image, [np.stack([cx + radius * np.cos(a), cy + radius * np.sin(a)], 1).astype(np.int32)], main, cv2.LINE_AA)
        cv2.circle(image, (cx, cy), r // 3, other, -1, cv2.LINE_AA)


def _text(image, text, font, cx, cy, width, height, ink, weight=0.07):
    """Centred on (cx, cy), as large as width and height allow."""
    (w, h), _ = cv2.getTextSize(text, font, 1, 2)
    scale = min(width / max(1, w), height / max(1, h))
    thickness = max(1, int(round(h * scale * weight * 2)))
    cv2.putText(image, text, (int(cx - w * scale / 2), int(cy + h * scale / 2)), font, scale, ink, thickness, cv2.LINE_AA)


def _small_print(image, rng, x, y, w, lines, ink):
    for i in range(lines):
        end = x + int(w * rng.uniform(0.5, 1))
        for start in range(x, end, 9):
            cv2.line(image, (start, y + 6 * i), (min(end, start + int(rng.integers(3, 8))), y + 6 * i), ink, 1)


def _front(p, w, h):
    style, own = (np.random.default_rng(s) for s in p.art_seed)
    image = np.empty((h, w, 3), np.uint8)
    _pattern(image, p, style)
    order = [("brand", "picture", "flavour"), ("picture", "brand", "flavour"), ("brand", "flavour", "picture"),
             ("logo", "brand", "picture"), ("flavour", "picture", "brand"), ("brand", "logo", "flavour")][p.layout]
    shares = style.dirichlet([9, 9, 9])
    shares = np.maximum(shares, 0.2)
    top = 0.04 * h
    for part, share in zip(order, shares / shares.sum() * 0.88):
        size = share * h
        cx, cy = int(w / 2 + style.uniform(-0.08, 0.08) * w), int(top + size / 2)
        if part == "brand":
            ink = ink_on(p.base)
            if style.random() < 0.6:
                ink = ink_on(p.accent)
                cv2.rectangle(image, (int(0.03 * w), int(top + 0.12 * size)), (int(0.97 * w), int(top + 0.88 * size)), p.accent, -1)
            _text(image, p.brand, p.font, w / 2, cy, 0.88 * w, 0.5 * size, ink)
        elif part == "flavour":
            plate = p.second if own.random() < 0.5 else (245, 245, 245)
            cv2.rectangle(image, (int(0.1 * w), int(top + 0.25 * size)), (int(0.9 * w), int(top + 0.75 * size)), plate, -1)
            _text(image, p.flavour, cv2.FONT_HERSHEY_DUPLEX, w / 2, cy, 0.74 * w, 0.3 * size, ink_on(plate))
        else:
            r = int(min(size * 0.5, w * 0.42))
            _logo(image, p, style, cx, cy, r)
            if part == "picture":
                _picture(image, p, own, cx, cy, int(r * 0.85))
        top += size
    if style.random() < 0.5:
        _small_print(image, style, int(0.08 * w), int(0.93 * h), int(0.8 * w), 2, ink_on(p.base))
    if own.random() < 0.3:
        cx, cy, r = int(w * own.uniform(0.2, 0.8)), int(h * own.uniform(0.1, 0.9)), int(0.12 * w)
        badge = colour(own)
        cv2.circle(image, (cx, cy), r, badge, -1, cv2.LINE_AA)
        _text(image, str(own.choice(["BIO", "NEW", "XL", "0%", "2+1", "1kg", "eco"])), FONTS[1], cx, cy, 1.5 * r, 0.7 * r, ink_on(badge))
    return image


def _body_width(p):
    return max(40, int(REFERENCE * p.aspect))


@lru_cache(maxsize=6000)
def artwork(number):
    """The front of a package, uint8 BGR [h, w, 3]; of a round one, a half turn and a sixth more on either side."""
    p = product(number)
    w = _body_width(p)
    if p.kind in ("can", "bottle", "jar"):
        share = {"can": 0.9, "bottle": 0.42, "jar": 0.66}[p.kind]
        front = _front(p, w, int(REFERENCE * share))
        side = np.full((front.shape[0], w // 3, 3), p.base, np.uint8)
        _small_print(side, np.random.default_rng(p.art_seed[0]), 5, 20, w // 3 - 10, front.shape[0] // 9, ink_on(p.base))
        return np.hstack([side, front, side[:, ::-1]])
    if p.kind == "fruit":
        return _fruit(p, w)
    return _front(p, w, REFERENCE)


# --- packages ---------------------------------------------------------------------------------------


def _alpha(shape, polygon):
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(polygon) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
    return mask


def _shade(image, factor):
    return np.clip(image * factor, 0, 255).astype(np.uint8)


def _wrap(art, width, yaw):
    """The visible half of a label around a cylinder, turned by yaw (radians)."""
    total = art.shape[1]
    u = np.linspace(-0.999, 0.999, width)
    columns = total / 2 + (np.arcsin(u) + yaw) / (np.pi / 2) * 0.53 * width
    return art[:, np.clip(columns, 0, total - 1).astype(np.int32)]


def _roundness(width, light):
    u = np.linspace(-1, 1, width)
    shade = 0.45 + 0.55 * np.sqrt(np.maximum(0, 1 - u * u)) + 0.35 * np.exp(-((u - light) ** 2) / 0.02)
    return shade[None, :, None].astype(np.float32)


def _box(p, yaw, light):
    art = artwork(p.number)
    h, w = art.shape[:2]
    front_w = max(8, int(w * np.cos(yaw)))
    side_w = int(w * p.depth * abs(np.sin(yaw)))
    out = np.zeros((h, front_w + side_w, 3), np.uint8)
    fall = int(h * 0.10 * abs(np.sin(yaw)))
    side = np.full((h, 32, 3), p.base, np.uint8)
    _small_print(side, np.random.default_rng(p.art_seed[0] + 1), 4, 30, 24, 24, ink_on(p.base))
    side = _shade(side, 0.72 - 0.1 * light)
    at = 0 if yaw > 0 else side_w
    size = out.shape[1], h
    quad = [[at, 0], [at + front_w, 0], [at + front_w, h], [at, h]]
    edge = front_w if yaw > 0 else 0
    outer = size[0] if yaw > 0 else side_w
    if side_w > 1:
        other = ([[edge, 0], [outer, fall], [outer, h - fall], [edge, h]] if yaw > 0
                 else [[0, fall], [side_w, 0], [side_w, h], [0, h - fall]])
        source = np.float32([[0, 0], [32, 0], [32, h], [0, h]])
        out = cv2.warpPerspective(side, cv2.getPerspectiveTransform(source, np.float32(other)), size)
        polygon = ([[0, 0], [front_w, 0], [size[0], fall], [size[0], h - fall], [front_w, h], [0, h]] if yaw > 0
                   else [[0, fall], [side_w, 0], [size[0], 0], [size[0], h], [side_w, h], [0, h - fall]])
    else:
        polygon = quad
    out[:, at : at + front_w] = cv2.resize(art, (front_w, h), interpolation=cv2.INTER_AREA)
    gradient = np.linspace(1 + 0.12 * light, 1 - 0.12 * light, size[0])[None, :, None].astype(np.float32)
    return _shade(out, gradient), _alpha(out.shape, polygon)


def _can(p, yaw, light):
    w, h = _body_width(p), REFERENCE
    label = _wrap(artwork(p.number), w, yaw)
    out = np.empty((h, w, 3), np.uint8)
    out[:] = (170, 170, 172) if p.metal else p.cap
    top = int(0.05 * h)
    out[top : top + label.shape[0]] = label
    out = _shade(out, _roundness(w, light))
    bend = int(0.05 * w)
    x = np.linspace(0, w, 13)
    curve = bend * np.sqrt(np.maximum(0, 1 - (2 * x / w - 1) ** 2))
    polygon = np.concatenate([np.stack([x, bend - curve], 1), np.stack([x[::-1], h - bend + curve], 1)])
    cv2.ellipse(out, (w // 2, bend), (w // 2 - 1, bend), 0, 0, 360, (190, 190, 192) if p.metal else p.cap, -1, cv2.LINE_AA)
    return out, _alpha(out.shape, polygon)


def _bottle(p, yaw, light):
    w, h = _body_width(p), REFERENCE
    label = _wrap(artwork(p.number), w, yaw)
    out = np.empty((h, w, 3), np.uint8)
    out[:] = p.second
    cap_h = int(0.09 * h)
    shoulder = int(h * p.shoulder) + cap_h
    at = shoulder + int(0.04 * h)
    end = min(h, at + label.shape[0])
    out[at:end] = label[: end - at]
    out[:cap_h] = p.cap
    out = _shade(out, _roundness(w, light))
    neck = p.neck * w / 2
    t = np.linspace(0, 1, 8)
    x = neck + (w / 2 - neck) * (0.5 - 0.5 * np.cos(np.pi * t))
    y = cap_h + 4 + (shoulder - cap_h) * t
    right = np.concatenate([[[neck * 1.08, 0], [neck * 1.08, cap_h]], np.stack([x, y], 1), [[w / 2, h - 6], [w / 2 - 5, h]]])
    left = right[::-1] * [-1, 1]
    return out, _alpha(out.shape, np.concatenate([right, left]) + [w / 2, 0])


def _jar(p, yaw, light):
    w, h = _body_width(p), REFERENCE
    label = _wrap(artwork(p.number), w, yaw)
    out = np.empty((h, w, 3), np.uint8)
    out[:] = p.second
    lid = int(0.18 * h)
    out[lid + 12 : lid + 12 + label.shape[0]] = label[: h - lid - 12]
    out[:lid] = p.cap
    out[lid - 3 : lid] = _shade(np.array(p.cap, np.float32), 0.6)
    out = _shade(out, _roundness(w, light))
    inset = 0.06 * w
    polygon = [[inset, 0], [w - inset, 0], [w - inset, lid], [w, lid + 12], [w, h - 8], [w - 8, h], [8, h], [0, h - 8], [0, lid + 12], [inset, lid]]
    return out, _alpha(out.shape, polygon)


def _pouch(p, yaw, light, rng):
    art = artwork(p.number)
    h, w = art.shape[:2]
    width = max(8, int(w * np.cos(yaw)))
    out = cv2.resize(art, (width, h), interpolation=cv2.INTER_AREA)
    creases = cv2.resize(rng.normal(1, 0.11, (7, 5)).astype(np.float32), (width, h), interpolation=cv2.INTER_CUBIC)
    out = _shade(out, creases[..., None] * (1 + 0.1 * light * np.linspace(-1, 1, width)[None, :, None]).astype(np.float32))
    seal = int(0.06 * h)
    out[:seal] = _shade(out[:seal], 0.8)
    t = np.linspace(0, 1, 9)
    bulge = 0.045 * w * np.cos(np.pi * (t - 0.5)) + rng.normal(0, 0.006 * w, 9)
    left = np.stack([0.045 * w - bulge, t * h], 1)
    right = np.stack([width - 0.045 * w + bulge, t * h], 1)[::-1]
    return out, _alpha(out.shape, np.concatenate([left, right]))


def _fruit(p, w):
    style, own = (np.random.default_rng(s) for s in p.art_seed)
    h = REFERENCE
    t = cv2.resize(own.random((5, 5), np.float32), (w, h), interpolation=cv2.INTER_CUBIC)[..., None]
    hue = own.choice([0.0, 0.03, 0.08, 0.13, 0.2, 0.28, 0.35, 0.8, 0.95])
    one = np.float32(bgr(hue, own.uniform(0.6, 0.95), own.uniform(0.55, 0.98)))
    two = np.float32(bgr(hue + own.uniform(-0.12, 0.12), own.uniform(0.5, 0.9), own.uniform(0.35, 0.95)))
    image = np.clip(one * (1 - t) + two * t, 0, 255).astype(np.uint8)
    if own.random() < 0.4:
        for x in range(0, w, int(own.integers(14, 40))):
            cv2.line(image, (x, 0), (w // 2 + (x - w // 2) // 3, h), tuple(int(v) for v in two * 0.7), 4, cv2.LINE_AA)
    if own.random() < 0.5:
        for _ in range(int(own.integers(20, 120))):
            cv2.circle(image, (int(own.integers(w)), int(own.integers(h))), int(own.integers(1, 4)), tuple(int(v) for v in two * 0.55), -1)
    if own.random() < 0.6:
        cx, cy, r = int(w * own.uniform(0.4, 0.6)), int(h * own.uniform(0.45, 0.65)), int(own.uniform(18, 34))
        sticker = colour(own)
        cv2.ellipse(image, (cx, cy), (r, int(r * own.uniform(0.7, 1))), 0, 0, 360, sticker, -1, cv2.LINE_AA)
        _text(image, p.brand[:5], FONTS[1], cx, cy, 1.6 * r, 0.5 * r, ink_on(sticker))
    return image


def _fruit_view(p, light, rng):
    style = np.random.default_rng(p.art_seed[0] + 2)
    image = artwork(p.number)
    h, w = image.shape[:2]
    a = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    squeeze, dent, pear = style.uniform(-0.08, 0.08), style.uniform(0, 0.13), style.uniform(-0.25, 0.25)
    r = 1 + squeeze * np.cos(2 * a) - dent * np.exp(-((a - 1.5 * np.pi) ** 2) / 0.12)
    x, y = r * np.cos(a), r * np.sin(a)
    x = x * (1 + pear * y)
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    polygon = np.stack([(x + 1) * w / 2, (y + 1) * h / 2], 1)
    gx, gy = np.meshgrid(np.linspace(-1, 1, w), np.linspace(-1, 1, h))
    ball = 0.35 + 0.7 * np.sqrt(np.maximum(0, 1 - (gx - 0.3 * light) ** 2 * 0.8 - (gy + 0.25) ** 2 * 0.7))
    ball += 0.4 * np.exp(-((gx - light * 0.5) ** 2 + (gy + 0.45) ** 2) / 0.02)
    out = _shade(image, ball[..., None].astype(np.float32))
    if style.random() < 0.6:
        cv2.line(out, (w // 2, int(0.12 * h)), (w // 2 + 6, 0), (30, 50, 70), 7, cv2.LINE_AA)
    return out, _alpha(out.shape, polygon)


def view(number, rng, most_yaw):
    """One look at a product.

    Returns uint8 BGR [h, w, 3] and alpha uint8 [h, w], filling the picture to its edges; most_yaw in radians.
    """
    p = product(number)
    yaw, light = rng.uniform(-most_yaw, most_yaw), rng.uniform(-0.8, 0.8)
    if p.kind == "box":
        return _box(p, yaw, light)
    if p.kind == "can":
        return _can(p, yaw, light)
    if p.kind == "bottle":
        return _bottle(p, yaw, light)
    if p.kind == "jar":
        return _jar(p, yaw, light)
    if p.kind == "pouch":
        return _pouch(p, yaw, light, rng)
    return _fruit_view(p, light, rng)
