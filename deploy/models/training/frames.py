"""Shelf frames with the exact box of every product on them, and photos of single products.

A frame is drawn flat (rows of facings, boards, price rails, clutter), seen through a camera that stands a
little askew, and then made worse the way a shop's camera makes it: light, glare, blur, noise, JPEG.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

import products

SIZES = ((1280, 720), (1280, 960), (1600, 900), (1920, 1080))
LEAST_VISIBLE = 0.6  # of an object; one that would show less is left out of the frame


@dataclass(frozen=True)
class Placed:
    """An object of a frame: its product's number and its box (x1, y1, x2, y2), pixels, end-exclusive."""

    product: int
    box: tuple


@lru_cache(maxsize=1)
def _grain():
    return np.random.default_rng(5).normal(0, 1, (1400, 2200)).astype(np.float32)


def _times(a, b):
    """a × b / 255; OpenCV's scaled product of bytes is ten times slower."""
    wide = np.multiply(a, b, dtype=np.uint16)
    wide += 255
    wide >>= 8
    return wide.astype(np.uint8)


def _blend(canvas, patch, alpha, x, y):
    """Paints patch over canvas with its top left corner at (x, y); what falls outside is cut."""
    h, w = alpha.shape
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(canvas.shape[1], x + w), min(canvas.shape[0], y + h)
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    a = cv2.merge([alpha[y0 - y : y1 - y, x0 - x : x1 - x]] * 3)
    source = np.ascontiguousarray(patch[y0 - y : y1 - y, x0 - x : x1 - x])
    part[:] = cv2.add(_times(source, a), _times(part, cv2.bitwise_not(a)))


def _tilt(patch, alpha, degrees):
    h, w = alpha.shape
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1)
    c, s = abs(turn[0, 0]), abs(turn[0, 1])
    size = int(np.ceil(w * c + h * s)), int(np.ceil(w * s + h * c))
    turn[:, 2] += (np.array(size) - (w, h)) / 2
    return cv2.warpAffine(patch, turn, size, borderMode=cv2.BORDER_REPLICATE), cv2.warpAffine(alpha, turn, size)


def _bounds(alpha):
    ys, xs = np.flatnonzero(alpha.max(1) > 100), np.flatnonzero(alpha.max(0) > 100)
    return xs[0], ys[0], xs[-1] + 1, ys[-1] + 1


def _look(number, rng, height, most_yaw=0.35, most_tilt=2.0):
    """A product at a height in pixels, cut to its outline's bounds."""
    patch, alpha = products.view(number, rng, most_yaw)
    scale = height / alpha.shape[0]
    size = max(4, int(alpha.shape[1] * scale)), max(4, int(height))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    patch, alpha = cv2.resize(patch, size, interpolation=how), cv2.resize(alpha, size, interpolation=how)
    if most_tilt:
        patch, alpha = _tilt(patch, alpha, rng.uniform(-most_tilt, most_tilt))
    x1, y1, x2, y2 = _bounds(alpha)
    patch = cv2.convertScaleAbs(patch[y1:y2, x1:x2], alpha=rng.uniform(0.82, 1.12))
    return patch, np.ascontiguousarray(alpha[y1:y2, x1:x2])


# --- surroundings -----------------------------------------------------------------------------------


def _surface(rng, h, w):
    """A back panel, table or wall."""
    kind = rng.integers(5)
    tone = np.float32(products.bgr(rng.random(), rng.uniform(0, 0.35), rng.uniform(0.12, 0.9)))
    small = np.empty((h // 8 + 1, w // 8 + 1, 3), np.float32)
    small[:] = tone
    if kind == 1:
        small *= 1 + 0.25 * np.sin(np.arange(small.shape[0]) * rng.uniform(0.3, 1.5) + rng.uniform(-1, 1, small.shape[:1]))[:, None, None]
    elif kind == 2:
        small *= 1 + 0.3 * cv2.resize(rng.normal(0, 1, (6, 8)).astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    elif kind == 3:
        small = np.ascontiguousarray(cv2.resize(rng.uniform(20, 230, (5, 7, 3)).astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_CUBIC))
    small *= np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.6, 1.1), small.shape[0])[:, None, None]
    surface = cv2.resize(np.clip(small, 0, 255).astype(np.uint8), (w, h), interpolation=cv2.INTER_LINEAR)
    if kind == 4:
        step, ink = int(rng.integers(18, 40)), tuple(float(v) for v in tone * 0.5)
        for y in range(step // 2, h, step):
            for x in range(step // 2, w, step):
                cv2.circle(surface, (x, y), 2, ink, -1)
    return surface


def _price_tag(canvas, rng, x, y, w, h):
    paper = [(250, 250, 250), (120, 240, 250), (210, 235, 250), (80, 80, 235)][rng.choice(4, p=[0.6, 0.2, 0.1, 0.1])]
    ink = products.ink_on(paper)
    cv2.rectangle(canvas, (x, y), (x + w, y + h), paper, -1)
    price = f"{rng.integers(0, 20)}.{rng.integers(0, 10)}9"
    cv2.putText(canvas, price, (x + 3, y + int(0.75 * h)), cv2.FONT_HERSHEY_DUPLEX, h / 38, ink, 1, cv2.LINE_AA)
    for i in range(x + int(0.6 * w), x + w - 3, 3):
        cv2.line(canvas, (i, y + 3), (i, y + h // 2), ink, int(rng.integers(1, 3)))


def _board(canvas, rng, y, thickness, tone):
    """The shelf board with its rail of price tags."""
    w = canvas.shape[1]
    canvas[y : y + thickness] = tone
    canvas[y : y + 2] = np.minimum(np.array(tone) * 1.25, 255)
    canvas[y + thickness : y + thickness + 10] = canvas[y + thickness : y + thickness + 10] // 2
    x = int(rng.integers(0, 90))
    height = max(8, int(thickness * rng.uniform(0.6, 0.95)))
    while x < w:
        width = int(height * rng.uniform(1.4, 2.4))
        if rng.random() < 0.75:
            _price_tag(canvas, rng, x, y + (thickness - height) // 2, width, height)
        x += width + int(rng.integers(10, 160))


class _Scene:
    """Canvas larger than the frame by a margin on each side, the camera's view of it, and the objects so far."""

    def __init__(self, rng, size):
        self.rng = rng
        self.w, self.h = size
        self.margin = int(0.07 * self.w)
        self.canvas = _surface(rng, self.h + 2 * self.margin, self.w + 2 * self.margin)
        self.objects = []  # [product, x, y, alpha]
        m, w, h = self.margin, self.w, self.h
        corners = np.float32([[m, m], [m + w, m], [m + w, m + h], [m, m + h]])
        askew = np.float32(corners + rng.uniform(-0.035, 0.035, (4, 2)) * w * rng.choice([0.3, 1.0]))
        self.camera = cv2.getPerspectiveTransform(askew, np.float32([[0, 0], [w, 0], [w, h], [0, h]]))

    def seen(self, alpha, x, y):
        """Box of an outline in the frame, unclipped, and the share of it that lies within the frame."""
        rows = np.flatnonzero(alpha.max(1) > 100)[:: max(1, alpha.shape[0] // 40)]
        wide = alpha[rows] > 100
        left, right = wide.argmax(1), alpha.shape[1] - wide[:, ::-1].argmax(1)
        points = np.concatenate([np.stack([left, rows], 1), np.stack([right, rows + 1], 1)]) + (x, y)
        points = np.vstack([points, [[x + left.min(), y + alpha.shape[0]]]])
        p = cv2.perspectiveTransform(points[None].astype(np.float32), self.camera)[0]
        (x1, y1), (x2, y2) = p.min(0), p.max(0)
        inside = max(0, min(x2, self.w) - max(x1, 0)) * max(0, min(y2, self.h) - max(y1, 0))
        return (x1, y1, x2, y2), inside / ((x2 - x1) * (y2 - y1))

    def place(self, number, patch, alpha, x, y):
        """Puts an object on the canvas unless too little of it, or of one behind it, would show."""
        if self.seen(alpha, x, y)[1] < LEAST_VISIBLE:
            return False
        h, w = alpha.shape
        for _, ox, oy, other in self.objects:
            wide = min(x + w, ox + other.shape[1]) - max(x, ox)
            high = min(y + h, oy + other.shape[0]) - max(y, oy)
            if wide > 0 and high > 0 and wide * high > (1 - LEAST_VISIBLE) * 0.7 * other.size:
                return False
        shadow = cv2.convertScaleAbs(alpha, alpha=0.4)
        _blend(self.canvas, np.zeros_like(patch), shadow, x + max(2, w // 30), y)
        _blend(self.canvas, patch, alpha, x, y)
        self.objects.append((number, x, y, alpha))
        return True

    def cover(self, patch, alpha, x, y):
        """Puts something in front that is no product, unless it would hide too much of one."""
        h, w = alpha.shape
        for _, ox, oy, other in self.objects:
            wide = min(x + w, ox + other.shape[1]) - max(x, ox)
            high = min(y + h, oy + other.shape[0]) - max(y, oy)
            if wide > 0 and high > 0 and wide * high > 0.3 * other.size:
                return
        _blend(self.canvas, patch, alpha, x, y)

    def frame(self):
        image = cv2.warpPerspective(self.canvas, self.camera, (self.w, self.h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        placed = []
        for number, x, y, alpha in self.objects:
            x1, y1, x2, y2 = self.seen(alpha, x, y)[0]
            box = (max(0, x1), max(0, y1), min(self.w, x2), min(self.h, y2))
            placed.append(Placed(number, tuple(int(round(float(v))) for v in box)))
        return image, placed


def _clutter(scene, rng, top, bottom):
    """Promotion cards, danglers and the like: never a product."""
    for _ in range(rng.integers(0, 3)):
        w, h = int(rng.uniform(0.03, 0.09) * scene.w), int(rng.uniform(0.03, 0.08) * scene.w)
        card = np.empty((h, w, 3), np.uint8)
        card[:] = products.colour(rng)
        text = str(rng.choice(["SALE", "NEW", "-20%", "2=3", "!"]))
        products._text(card, text, cv2.FONT_HERSHEY_DUPLEX, w / 2, h / 2, 0.8 * w, 0.5 * h, (255, 255, 255))
        alpha = np.full((h, w), 255, np.uint8)
        if rng.random() < 0.4:
            alpha[:] = 0
            cv2.ellipse(alpha, (w // 2, h // 2), (w // 2 - 1, h // 2 - 1), 0, 0, 360, 255, -1, cv2.LINE_AA)
        scene.cover(card, alpha, int(rng.uniform(0, scene.w)) + scene.margin, int(rng.uniform(top, bottom - 0.3 * h)))


def _tray(scene, rng, x1, x2, bottom, height):
    """The front lip of a cardboard tray before a group of facings."""
    lip = int(height * rng.uniform(0.06, 0.14))
    card = np.empty((lip, max(2, x2 - x1), 3), np.uint8)
    card[:] = products.bgr(rng.uniform(0.05, 0.12), rng.uniform(0.2, 0.6), rng.uniform(0.35, 0.9))
    _blend(scene.canvas, card, np.full(card.shape[:2], 255, np.uint8), x1, bottom - lip)


def _row(scene, rng, choice, top, bottom, most):
    """Groups of facings from left to right. Returns how many objects were placed."""
    room = bottom - top
    x = int(scene.margin * rng.uniform(0.6, 1.1))
    end = scene.margin + scene.w - int(scene.margin * rng.uniform(-0.4, 0.2))
    count = 0
    spare = max(0.05 * scene.w, end - x - most * 0.52 * room)
    while x < end and count < most:
        if rng.random() < 0.4:
            x += int(rng.uniform(0, 4.6) * spare / (0.4 * most))
        number = int(rng.choice(choice))
        p = products.product(number)
        height = room * min(0.97, p.relative_height * rng.uniform(0.92, 1.0))
        height = float(np.clip(height, 46, 400))
        if height > room:
            return count
        most_yaw = rng.choice([0.06, 0.35])
        looks = [_look(number, rng, height, most_yaw) for _ in range(2)]
        spacing = rng.choice([-0.03, 0.01, 0.06, 0.15], p=[0.15, 0.45, 0.25, 0.15])
        first, any_placed = x, False
        for _ in range(int(rng.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.23, 0.12]))):
            patch, alpha = looks[rng.integers(2)]
            h, w = alpha.shape
            if x + w > end + scene.margin or count >= most:
                break
            if rng.random() > 0.05:
                done = scene.place(number, patch, alpha, x, bottom - h + int(rng.integers(-1, 2)))
                count += done
                any_placed = any_placed or done
            x += max(4, int(w * (1 + spacing + rng.uniform(-0.01, 0.02))))
        if any_placed and rng.random() < 0.12:
            _tray(scene, rng, first, x, bottom, height)
        x += int(rng.choice([2, 6, 20, 40]) * scene.w / 1280)
    return count


def _shelf(scene, rng, choice):
    h, m = scene.h, scene.margin
    rows = int(rng.integers(2, 4 if scene.w <= 1280 and h < 900 else 5))
    if rng.random() < 0.06:
        rows = 1
    thickness = int(scene.h * rng.uniform(0.03, 0.055))
    tone = products.bgr(rng.random(), rng.uniform(0, 0.25), rng.uniform(0.2, 0.95))
    most = int(rng.integers(12, 41))
    pitch = (h + m * 0.5) / rows
    top = m * rng.uniform(0.3, 0.9)
    scene.canvas[: int(top)] = scene.canvas[: int(top)] // 2
    left = most
    for row in range(rows):
        end = int(top + pitch - thickness)
        start = int(top + 0.04 * pitch)
        shade = np.linspace(rng.uniform(0.4, 0.9), 1, 24)[:, None, None]
        scene.canvas[start : start + 24] = (scene.canvas[start : start + 24] * shade).astype(np.uint8)
        _board(scene.canvas, rng, end, thickness, tone)
        left -= _row(scene, rng, choice, start, end, int(np.ceil(left / (rows - row))))
        _clutter(scene, rng, start, end)
        top += pitch
    if rng.random() < 0.3:
        for x in (0, scene.canvas.shape[1] - int(m * 0.9)):
            scene.canvas[:, x : x + int(m * 0.9)] = np.array(tone) * 0.8


def _scattered(scene, rng, choice):
    """A few products anywhere, large ones too: a table, a hand-held photo."""
    if rng.random() < 0.5:
        scene.canvas = cv2.blur(scene.canvas, (25, 25))
        for _ in range(rng.integers(0, 14)):
            centre = int(rng.uniform(0, scene.w)), int(rng.uniform(0, scene.h))
            cv2.ellipse(scene.canvas, centre, (int(rng.uniform(20, 260)), int(rng.uniform(20, 200))), rng.uniform(0, 180), 0, 360, products.colour(rng), -1)
        scene.canvas = cv2.blur(scene.canvas, (41, 41))
    largest = rng.choice([0.35, 0.6, 0.95])
    for _ in range(int(rng.integers(1, 10 if largest < 0.9 else 3))):
        number = int(rng.choice(choice))
        patch, alpha = _look(number, rng, scene.h * rng.uniform(0.2, largest), 0.5, rng.choice([3, 25, 90]))
        x = scene.margin + int(rng.uniform(0, max(1, scene.w - alpha.shape[1])))
        y = scene.margin + int(rng.uniform(0, max(1, scene.h - alpha.shape[0])))
        if not any(x < ox + o.shape[1] and ox < x + alpha.shape[1] and y < oy + o.shape[0] and oy < y + alpha.shape[0]
                   for _, ox, oy, o in scene.objects):
            scene.place(number, patch, alpha, x, y)


# --- the camera -------------------------------------------------------------------------------------


def degrade(image, rng, hard=1.0):
    """What light, lens, sensor and JPEG do to a picture; hard scales all of it."""
    h, w = image.shape[:2]
    warm = rng.normal(0, 0.09) * hard
    gain = rng.uniform(1 - 0.3 * hard, 1 + 0.25 * hard) * np.array([1 - warm, 1 + rng.normal(0, 0.025) * hard, 1 + warm])
    gamma = np.exp(rng.normal(0, 0.16) * hard)
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * gain[None]
    image = cv2.LUT(image, np.clip(levels * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.8:
        shadow = (255 * rng.uniform(0, 0.36 * hard, (3, 4))).astype(np.uint8)
        shadow = cv2.resize(shadow, (w, h), interpolation=cv2.INTER_LINEAR)
        image = _times(image, cv2.merge([cv2.bitwise_not(shadow)] * 3))
    if rng.random() < 0.35 * hard:
        small = np.zeros((h // 8 + 1, w // 8 + 1), np.uint8)
        for _ in range(rng.integers(1, 4)):
            centre = int(rng.uniform(0, w / 8)), int(rng.uniform(0, h / 8))
            axes = int(rng.uniform(2, 14)), int(rng.uniform(1, 6))
            cv2.ellipse(small, centre, axes, rng.uniform(0, 180), 0, 360, int(rng.uniform(30, 110)), -1)
        glare = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.5), (w, h))
        image = cv2.add(image, cv2.merge([glare] * 3))
    blur = rng.random()
    if blur < 0.55 * hard:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5) * max(0.7, w / 1280))
    elif blur < 0.7 * hard:
        length = int(rng.integers(2, 7))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(kernel, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1, 1)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    strength = abs(rng.normal(0, 5)) * hard
    if strength > 1:
        grain = _grain()
        y, x = rng.integers(0, grain.shape[0] - h), rng.integers(0, grain.shape[1] - w)
        noise = cv2.convertScaleAbs(grain[y : y + h, x : x + w], alpha=strength)
        sign = grain[y : y + h, x : x + w] > 0
        plus = cv2.merge([np.where(sign, noise, 0).astype(np.uint8)] * 3)
        minus = cv2.merge([np.where(sign, 0, noise).astype(np.uint8)] * 3)
        image = cv2.subtract(cv2.add(image, plus), minus)
    return image


def jpeg(image, rng, worst=55):
    """Encoded bytes at a random quality."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(worst, 96))])
    assert ok
    return data


def frame(rng, choice, size=None, scattered=None):
    """A frame as a camera would send it.

    choice: numbers of the products that may stand on it.
    Returns JPEG bytes and the objects ([Placed]).
    """
    size = size or SIZES[rng.choice(len(SIZES), p=[0.5, 0.15, 0.15, 0.2])]
    while True:
        scene = _Scene(rng, size)
        if rng.random() < 0.1 if scattered is None else scattered:
            _scattered(scene, rng, choice)
        else:
            _shelf(scene, rng, choice)
        if scene.objects:
            break
    image, placed = scene.frame()
    return jpeg(degrade(image, rng), rng), placed


def assortment(rng, numbers, most=12):
    """The products of one shelf: a few of the numbers, siblings of a family often together."""
    count = int(rng.integers(4, most + 1))
    chosen = []
    numbers = np.asarray(numbers)
    while len(chosen) < count:
        one = int(rng.choice(numbers))
        chosen.append(one)
        if rng.random() < 0.35:
            siblings = numbers[numbers // products.FAMILY == one // products.FAMILY]
            chosen.extend(int(n) for n in siblings[:3])
    return chosen


def photo(rng, number, side=320):
    """A gallery photo of one product, as JPEG bytes: whole product, little around it."""
    patch, alpha = _look(number, rng, side, 0.45, 3)
    h, w = alpha.shape
    around = rng.uniform(0.0, 0.05, 4)
    left, right = int(around[0] * w), int(around[1] * w)
    up, down = int(around[2] * h), int(around[3] * h)
    canvas = _surface(rng, h + up + down, w + left + right)
    if rng.random() < 0.6:
        canvas[:] = int(rng.integers(190, 256))
    _blend(canvas, patch, alpha, left, up)
    return jpeg(degrade(canvas, rng, 0.6), rng, 80)
