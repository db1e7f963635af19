"""Writes the golden files of this module: small images, and what the Python reference makes of them.

  python golden.py                  images, pixels, tensors, choice of boxes -> resources/golden, resources/models
  python golden.py --shared DIR     also models.json: boxes and embeddings of the reference's own code
                                    (DIR/peer/reference.py, needs faiss-cpu and onnxruntime 1.28.0)

Seeded: the same packages (requirements.txt) give the same files. A tensor is stored as the SHA-256 of its
float32 bytes and as 200 samples at positions k * 2654435761 mod n.
"""
import argparse
import base64
import hashlib
import importlib.util
import json
import struct
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from PIL import Image

RESOURCES = Path(__file__).parents[1] / "resources"
OUT = RESOURCES / "golden"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SAMPLES = 200
SCENES = ["scene00", "scene05", "scene10", "scene15"]


# ---- the reference's preprocessing, as predict_system.py, det_preprocess.py and preprocess.py do it

def det_tensor(rgb, size):
    h, w = rgb.shape[:2]
    sy, sx = size / float(h), size / float(w)
    im = cv2.resize(rgb, None, None, fx=sx, fy=sy, interpolation=2).astype(np.float32)
    im = im / 255.0
    im -= np.array(MEAN)[None, None]
    im /= np.array(STD)[None, None]
    return np.ascontiguousarray(im.transpose(2, 0, 1))


def rec_tensor(rgb):
    mean = np.array(MEAN).reshape(1, 1, 3).astype("float32")
    std = np.array(STD).reshape(1, 1, 3).astype("float32")
    im = cv2.resize(rgb, (224, 224), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(((im.astype("float32") * np.float32(1.0 / 255.0) - mean) / std).transpose(2, 0, 1))


def floats(values):
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def described(tensor):
    flat = tensor.astype("<f4").ravel()
    at = (np.arange(SAMPLES, dtype=np.int64) * 2654435761) % flat.size
    return {"sha256": hashlib.sha256(flat.tobytes()).hexdigest(), "samples": floats(flat[at])}


# ---- images

def picture(w, h, rng):
    """Gradients, a disc, stripes and a little noise: edges for the resizing, small as a file."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    im = np.stack([255 * x / max(1, w - 1), 255 * y / max(1, h - 1), 128 + 100 * np.sin(x / 9 + y / 23)], 2)
    im[(x - w * 0.6) ** 2 + (y - h * 0.4) ** 2 < (min(w, h) * 0.25) ** 2] = [250, 20, 30]
    im[(x.astype(int) // 3 % 7 == 0) & (y > h * 0.7)] = [0, 0, 0]
    return np.clip(im + rng.normal(0, 3, im.shape), 0, 255).astype(np.uint8)


def encoded(image, fmt, **options):
    out = BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def rle8_bmp(indices):
    """Run-length coded, which Pillow does not write."""
    h, w = indices.shape
    data = b""
    for row in indices[::-1]:
        x = 0
        while x < w:
            run = 1
            while x + run < w and run < 255 and row[x + run] == row[x]:
                run += 1
            data += bytes([run, int(row[x])])
            x += run
        data += b"\0\0"
    data += b"\0\1"
    palette = b"".join(bytes([i, 255 - i, i // 2, 0]) for i in range(256))
    offset = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, w, h, 1, 8, 1, len(data), 2835, 2835, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data


def images(rng):
    photo = Image.fromarray(picture(333, 517, rng))
    small = Image.fromarray(picture(61, 37, rng))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"exif{orientation}.jpg", encoded(small, "JPEG", quality=90, exif=exif.tobytes())
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "exif6.png", encoded(small, "PNG", exif=exif.tobytes())
    yield "exif6.webp", encoded(small, "WEBP", quality=80, exif=exif.tobytes())

    yield "photo.jpg", encoded(photo, "JPEG", quality=80)
    yield "photo-444.jpg", encoded(photo, "JPEG", quality=80, subsampling=0)
    yield "photo-422-restarts.jpg", encoded(photo, "JPEG", quality=80, subsampling=1, restart_marker_blocks=5)
    yield "progressive.jpg", encoded(photo, "JPEG", quality=80, progressive=True)
    yield "trailing-bytes.jpg", encoded(small, "JPEG", quality=80) + b"\0\xff\xd8\xff trailing" * 5
    yield "grey.jpg", encoded(photo.convert("L"), "JPEG", quality=80)
    yield "cmyk.jpg", encoded(photo.convert("CMYK"), "JPEG", quality=80)
    cmyk = np.concatenate([np.asarray(small), np.full((37, 61, 1), 90, np.uint8)], 2)
    yield "cmyk-black.jpg", encoded(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=95)

    yield "photo.png", encoded(photo.resize((111, 173)), "PNG")
    yield "grey.png", encoded(small.convert("L"), "PNG")
    yield "bilevel.png", encoded(photo.convert("1"), "PNG")
    yield "palette.png", encoded(photo.quantize(64), "PNG")
    yield "palette-transparent.png", encoded(small.quantize(16), "PNG", transparency=3)
    alpha = small.convert("RGBA")
    alpha.putalpha(Image.fromarray((np.mgrid[0:37, 0:61][1] * 4).astype(np.uint8)))
    yield "alpha.png", encoded(alpha, "PNG")
    yield "grey-alpha.png", encoded(alpha.convert("LA"), "PNG")
    deep = (np.asarray(small).astype(np.uint16) * 257) ^ rng.integers(0, 256, (37, 61, 3)).astype(np.uint16)
    yield "sixteen-bit.png", cv2.imencode(".png", deep)[1].tobytes()
    yield "sixteen-bit-grey.png", cv2.imencode(".png", deep[:, :, 0])[1].tobytes()
    yield "sixteen-bit-alpha.png", cv2.imencode(".png", np.dstack([deep, deep[:, :, :1]]))[1].tobytes()
    frames = [small, small.transpose(Image.Transpose.ROTATE_180)]
    yield "animated.png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])

    yield "lossy.webp", encoded(photo, "WEBP", quality=80)
    yield "lossless.webp", encoded(small, "WEBP", lossless=True)
    yield "alpha.webp", encoded(alpha, "WEBP", quality=80)
    yield "animated.webp", encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])

    yield "photo.bmp", encoded(photo.resize((111, 53)), "BMP")
    yield "palette.bmp", encoded(small.quantize(64), "BMP")
    yield "bilevel.bmp", encoded(small.convert("1"), "BMP")
    yield "alpha.bmp", encoded(alpha, "BMP")
    yield "run-length.bmp", rle8_bmp(np.asarray(small.convert("L")) // 32 * 32)

    for w, h in [(1, 1), (7, 5), (2, 3), (1, 4000), (4000, 1), (641, 639), (224, 224), (640, 640)]:
        sized = Image.fromarray(picture(w, h, rng))
        yield f"{w}x{h}.jpg", encoded(sized, "JPEG", quality=75)
        if w * h < 10_000:
            yield f"{w}x{h}.png", encoded(sized, "PNG")
    yield "1x1.webp", encoded(Image.fromarray(picture(1, 1, rng)), "WEBP", lossless=True)
    yield "1x1.bmp", encoded(Image.fromarray(picture(1, 1, rng)), "BMP")


def crashing_png(animated):
    """An animation without its first frame header and damaged in its second: OpenCV 4.13 crashes on it."""
    damaged = bytearray(animated.replace(b"fcTL", b"fcTy", 1))
    damaged[damaged.index(b"fdAT") + 1979] = 146
    return bytes(damaged)


def write_images():
    rng = np.random.default_rng(20261124)
    folder = OUT / "images"
    folder.mkdir(parents=True, exist_ok=True)
    golden = []
    for name, data in images(rng):
        (folder / name).write_bytes(data)
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None and bgr.dtype == np.uint8 and bgr.shape[2] == 3, name
        rgb = bgr[:, :, ::-1]
        h, w = bgr.shape[:2]
        box = [w // 4, h // 3, w // 4 + max(1, w // 2), h // 3 + max(1, h // 2)]  # a crop inside, off the borders
        crop = rgb[box[1]:box[3], box[0]:box[2]].copy()
        golden.append({
            "file": name, "width": w, "height": h, "pixels": hashlib.sha256(bgr.tobytes()).hexdigest(),
            "detector640": described(det_tensor(rgb, 640)), "detector416": described(det_tensor(rgb, 416)),
            "extractor": described(rec_tensor(rgb)), "crop": box, "extractorOfCrop": described(rec_tensor(crop))})
    (OUT / "animated-without-frames.png").write_bytes(crashing_png((folder / "animated.png").read_bytes()))
    (OUT / "images.json").write_text("[\n" + ",\n".join(json.dumps(g) for g in golden) + "\n]\n")


# ---- choice of boxes: parse_det_results and nms_to_rec_results

def select(out, threshold, width, height, most=5):
    if out.size < 6:
        rows = []
    else:
        keep = out[:, 1].argsort(kind="stable")[::-1][:most]
        rows = [out[i] for i in keep if out[i, 1] >= threshold]
    boxes = [([int(v) for v in r[2:].astype("int")], float(r[1])) for r in rows]
    boxes = [(b, s) for b, s in boxes  # where the reference would take an empty or a wrong crop
             if max(b[0], 0) < min(b[2], width) and max(b[1], 0) < min(b[3], height)]
    return [[*b, s] for b, s in boxes] + [[0, 0, width, height, 1.0]]


def suppress(boxes, scores, threshold=0.05):
    boxes = np.array(boxes, "float32").reshape(-1, 4)
    x1, y1, x2, y2 = boxes.T
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = np.array(scores).argsort(kind="stable")[::-1]
    kept = []
    while order.size:
        i, rest = order[0], order[1:]
        kept.append(int(i))
        w = np.maximum(0., np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]) + 1)
        h = np.maximum(0., np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]) + 1)
        inter = w * h
        order = rest[inter / (area[i] + area[rest] - inter) <= threshold]
    return kept


def write_choices():
    rng = np.random.default_rng(7)
    selections, suppressions = [], []
    for case in range(60):
        n = int(rng.integers(0, 12))
        width, height = (int(v) for v in rng.integers(1, 2000, 2))
        corners = rng.uniform(-0.3, 1.2, (n, 4)) * [width, height, width, height]
        corners[:, 2:] += (case % 3 > 0) * np.abs(corners[:, 2:] - corners[:, :2])  # mostly upright boxes
        scores = rng.choice([0.1, 0.2, 0.2001, 0.5], n) if case % 4 == 0 else rng.uniform(0, 1, n)
        out = np.column_stack([np.zeros(n), scores, corners]).astype("float32")
        selections.append({"width": width, "height": height, "detections": floats(out[:, 1:]),
                           "expected": select(out, 0.2, width, height)})
    for case in range(120):
        n = int(rng.integers(0, 10))
        # Small coordinates make overlaps of exactly 0.05 and equal scores common.
        span = 12 if case % 2 else 1500
        at = rng.integers(-3, span, (n, 2))
        boxes = np.hstack([at, at + rng.integers(0, span, (n, 2))])
        scores = (rng.integers(1, 5, n) / 4 if case % 3 == 0 else rng.uniform(0.2, 1, n)).astype("float32")
        suppressions.append({"boxes": boxes.tolist(), "scores": floats(scores), "expected": suppress(boxes, scores)})
    both = [[0, 0, 9, 0], [9, 0, 19, 0]]  # 10 and 11 pixels, 1 in common: exactly 1 / 20
    suppressions.append({"boxes": both, "scores": floats([0.9, 0.8]), "expected": suppress(both, [0.9, 0.8])})
    text = [f'"{k}": [\n' + ",\n".join(json.dumps(c) for c in v) + "\n]"
            for k, v in [("select", selections), ("suppress", suppressions)]]
    (OUT / "choices.json").write_text("{" + ",\n".join(text) + "}\n")


# ---- tiny models: a person can check them by eye

TINY = 64


def constant(name, values, dtype="float32"):
    return numpy_helper.from_array(np.array(values, dtype), name)


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def write_model(name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="shelfstream")
    checker.check_model(model, full_check=True)
    save(model, RESOURCES / "models" / f"{name}.onnx")


def write_models():
    (RESOURCES / "models").mkdir(parents=True, exist_ok=True)
    # Any batch; every image has three boxes of its own brightest value v (after normalising): score 0.5, 0.9, 0.7
    # from first to last, left edge v / scale x. Counts are int64.
    nodes = [helper.make_node("ReduceMax", ["image"], ["peak"], axes=[1, 2, 3], keepdims=0),
             helper.make_node("Reshape", ["peak", "column"], ["v"]),
             helper.make_node("Gather", ["scale_factor", "x"], ["sx"], axis=1),
             helper.make_node("Div", ["v", "sx"], ["left"]),
             helper.make_node("Mul", ["left", "left_only"], ["offset"]),
             helper.make_node("Add", ["offset", "rows"], ["three"]),
             helper.make_node("Reshape", ["three", "six"], ["detections"]),
             helper.make_node("Mul", ["peak", "zero"], ["nothing"]),
             helper.make_node("Add", ["nothing", "number"], ["counted"]),
             helper.make_node("Cast", ["counted"], ["count"], to=TensorProto.INT64)]
    rows = [[0, s, 0, 1, 50, 60] for s in (0.5, 0.9, 0.7)]
    write_model("peaks", nodes,
                [tensor("image", ["batch", 3, TINY, TINY]), tensor("scale_factor", ["batch", 2])],
                [tensor("detections", ["boxes", 6]), tensor("count", ["batch"], TensorProto.INT64)],
                [constant("column", [-1, 1], "int64"), constant("x", [1], "int64"),
                 constant("left_only", [[0, 0, 1, 0, 0, 0] * 3]), constant("rows", [sum(rows, [])]),
                 constant("six", [-1, 6], "int64"), constant("zero", 0), constant("number", 3)])
    # A crop's mean colour, centred on the middle grey: black and white point apart, the mean has no direction.
    write_model("mean-colour", [helper.make_node("ReduceMean", ["x"], ["features"], axes=[2, 3], keepdims=0)],
                [tensor("x", ["batch", 3, 224, 224])], [tensor("features", ["batch", 3])], [])
    write_model("nothing", [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
                            helper.make_node("Mul", ["mean", "zero"], ["features"])],
                [tensor("x", ["batch", 3, 224, 224])], [tensor("features", ["batch", 3])], [constant("zero", 0)])
    write_model("other-input", [helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
                                helper.make_node("Add", ["mean", "im_shape"], ["features"])],
                [tensor("image", [1, 3, TINY, TINY]), tensor("im_shape", [1, 3])], [tensor("features", [1, 3])], [])


# ---- the shared models through the reference's own code

def write_model_answers(shared):
    spec = importlib.util.spec_from_file_location("reference", shared / "peer/reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    answers = []
    for models, size in [("real", 416), ("exact", 640)]:
        det = reference.Det(str(shared / "models" / models / "detector.onnx"), 2, size)
        rec = reference.Rec(str(shared / "models" / models / "extractor.onnx"), 2)
        for scene in SCENES:
            rgb = cv2.imread(str(shared / "images/scenes" / f"{scene}.jpg"))[:, :, ::-1]
            rows = det.post(det.s.run(None, det.pre(rgb))[0])
            h, w = rgb.shape[:2]
            crops = [[0, 0, w, h], [w // 4, h // 4, w // 2, h // 2]]
            features = rec([rgb[b[1]:b[3], b[0]:b[2]].copy() for b in crops])
            answers.append({
                "models": models, "image": f"{scene}.jpg", "boxes": [[int(v) for v in r[2:].astype("int")] for r in rows],
                "scores": [round(float(r[1]), 7) for r in rows], "crops": crops, "embeddings": [floats(f) for f in features]})
    (OUT / "models.json").write_text("[\n" + ",\n".join(json.dumps(a) for a in answers) + "\n]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path)
    arguments = parser.parse_args()
    write_images()
    write_choices()
    write_models()
    if arguments.shared:
        write_model_answers(arguments.shared)
