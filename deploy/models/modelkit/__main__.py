"""The commands. Only the standard library until the arguments are right: --help needs no installed package."""
import argparse
import importlib
import os
import sys
from pathlib import Path

from .problem import Problem
from .upstream import DEMO_SET, DETECTOR, EXTRACTOR

FETCH = """Downloads the official PP-ShiTuV2 models, converts them to ONNX and checks them against Paddle Inference.

What comes out is a model directory for deploy/shelfstream … --models DIR. Upstream publishes no hashes: those of the
first download are recorded beside the model directory, in DIR.lock, and anything else later is refused. The first run
installs Paddle and what it needs, about 1.5 GB, into ~/.cache/shelfstream."""

QUANTIZE = """Makes a smaller model directory of an existing one: int8 for the CPU, or (--fp16) half precision for the GPU.

int8 is static: scales come from photos run through the product's own preprocessing, the extractor's from the crops that
the detector finds on them. Take 50 to 200 photos like those to be recognised. Whether the result may replace the
original is another question: deploy/bench models ORIGINAL RESULT answers it."""


def pin(text):
    name, _, digest = text.partition("=")
    names = [x.name for x in (DETECTOR, EXTRACTOR, DEMO_SET)]
    if name not in names or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=HEX, a name of {', '.join(names)} and 64 lower-case hex digits")
    return name, digest


def place(text):
    if "://" in text or Path(text).is_dir():
        return text
    raise argparse.ArgumentTypeError(f"{text} is neither a folder nor a URL")


def fetch_arguments(parser):
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shelfstream"
    add = parser.add_argument
    add("--out", type=lambda text: Path(text).resolve(), default=Path(__file__).resolve().parents[1] / "pp-shituv2",
        metavar="DIR", help="the model directory to write (default: deploy/models/pp-shituv2)")
    add("--from", dest="source", type=place, metavar="URL|DIR",
        help="a mirror, or a folder with the archives under their own names, instead of upstream")
    add("--sha256", type=pin, action="append", default=[], metavar="NAME=HEX",
        help="what detector, extractor or demo-set must be; wins over the recorded one")
    add("--no-demo-set", action="store_true",
        help="leave out drink_dataset_v2.0, the gallery and photos that PaddleClas shows")
    add("--check-images", type=Path, metavar="DIR", help="photos for the check (default: of the demo set, else drawn ones)")
    add("--downloads", type=Path, default=cache / "downloads", metavar="DIR",
        help="where archives are kept and half ones continued (default: %(default)s)")
    add("--self-test", action="store_true",
        help="no internet: do all of it with random weights from a server of its own, and run the unit tests")


def quantize_arguments(parser):
    add = parser.add_argument
    add("--models", type=Path, required=True, metavar="DIR", help="the model directory to start from")
    add("--out", type=Path, required=True, metavar="DIR", help="the model directory to write")
    add("--calibration", type=Path, required=True, metavar="DIR", help="a folder of photos, searched recursively")
    add("--images", type=int, default=64, metavar="N", help="take N photos, spread over the folder (default: 64)")
    add("--method", choices=["minmax", "percentile", "entropy"], default="minmax",
        help="how scales are chosen (default: minmax; the others need more memory)")
    add("--full-range", action="store_true",
        help="8-bit weights, for CPUs with VNNI only (Ice Lake, Zen 4 and later); the default of 7 bits is right on all:"
             " without VNNI sums of 8-bit products overflow")
    add("--fp16", action="store_true", help="half precision for the GPU instead of int8")
    add("--keep", choices=["detector", "extractor"], help="take this one over as it is")


COMMANDS = {"fetch-pp-shituv2": (FETCH, fetch_arguments, "fetch"), "quantize": (QUANTIZE, quantize_arguments, "quantize")}


def main():
    name = sys.argv[1]
    text, arguments, module = COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"deploy/models/{name}", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser)
    a = parser.parse_args(sys.argv[2:])
    if os.environ.get("MODELKIT_ONLY_PARSE"):
        return 0
    try:
        importlib.import_module(f".{'selftest' if getattr(a, 'self_test', False) else module}", __package__).run(a)
    except Problem as e:
        print(f"{name}: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
