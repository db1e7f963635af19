"""The peer of `bench gallery speed`: Faiss's Python wheel with its defaults, one thread. Commands on
standard input, one line of answer each:

    build TYPE     an index of the file "vectors", written to the file "index"; milliseconds
    search BATCH   a search for the first BATCH of the file "queries"; milliseconds for one
"""
import sys
import time
from pathlib import Path

import faiss
import numpy as np

DIMENSION, NEAREST = 512, 10


def build(kind, vectors):
    index = faiss.index_factory(DIMENSION, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    for start in range(0, len(vectors), 10_000):
        index.add(np.ascontiguousarray(vectors[start:start + 10_000]))
    # The same effort on both sides: the file carries it.
    if kind.startswith("IVF"):
        index.nprobe = 16
    if kind.startswith("HNSW"):
        index.hnsw.efSearch = 64
    return index


def search(index, queries):
    start, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - start < 0.1:
        index.search(queries, NEAREST)
        count += 1
    return (time.perf_counter() - start) * 1000 / count


def main(folder):
    vectors = np.memmap(folder / "vectors", np.float32, "r").reshape(-1, DIMENSION)
    queries = np.fromfile(folder / "queries", np.float32).reshape(-1, DIMENSION)
    index = None
    for line in sys.stdin:
        command, argument = line.split()
        if command == "build":
            start = time.perf_counter()
            faiss.omp_set_num_threads(2)
            index = build(argument, vectors)
            faiss.write_index(index, str(folder / "index"))
            faiss.omp_set_num_threads(1)
            print(round((time.perf_counter() - start) * 1000), flush=True)
        else:
            print(search(index, queries[:int(argument)]), flush=True)


main(Path(sys.argv[1]))
