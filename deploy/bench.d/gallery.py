"""The peer of `bench gallery`: Faiss's Python wheel with its defaults, one thread. Commands on
standard input, one line of answer each; files lie in the folder of the first argument:

    build TYPE VECTORS FILE   an index of a file of vectors, in another file of the folder; milliseconds
    load FILE                 the index that is searched from now on; its size
    read FILE                 all of it into fresh memory; milliseconds
    search BATCH              a search for the first BATCH of the file "queries"; milliseconds for one:
                              elapsed, and of the processor
"""
import mmap
import os
import sys
import time
from pathlib import Path

import faiss
import numpy as np

DIMENSION, NEAREST = 512, 10
AT_ONCE = 10_000
PROGRESS_SECONDS = 20


def build(kind, vectors):
    index = faiss.index_factory(DIMENSION, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    begun = said = time.perf_counter()
    for start in range(0, len(vectors), AT_ONCE):
        index.add(np.ascontiguousarray(vectors[start:start + AT_ONCE]))
        now = time.perf_counter()
        if now - said > PROGRESS_SECONDS:
            said = now
            print(f"speed: {index.ntotal} of {len(vectors)} vectors in {kind}, "
                  f"{index.ntotal / (now - begun):.0f} a second", file=sys.stderr, flush=True)
    # The same effort on both sides: the file carries it.
    if kind.startswith("IVF"):
        index.nprobe = 16
    if kind.startswith("HNSW"):
        index.hnsw.efSearch = 64
    return index


def build_file(kind, vectors, file):
    start = time.perf_counter()
    faiss.omp_set_num_threads(os.cpu_count())
    index = build(kind, np.memmap(vectors, np.float32, "r").reshape(-1, DIMENSION))
    faiss.omp_set_num_threads(1)
    # A build that is cut off leaves nothing that looks whole.
    draft = file.with_suffix(".part")
    faiss.write_index(index, str(draft))
    draft.rename(file)
    return round((time.perf_counter() - start) * 1000)


def search(index, queries):
    start, worked, count = time.perf_counter(), time.process_time(), 0
    while count == 0 or time.perf_counter() - start < 0.1:
        index.search(queries, NEAREST)
        count += 1
    return [(now - then) * 1000 / count
            for now, then in ((time.perf_counter(), start), (time.process_time(), worked))]


def read(file):
    """The fastest there is: the system call alone, huge pages where the kernel has them."""
    start = time.perf_counter()
    with open(file, "rb", buffering=0) as raw, mmap.mmap(-1, os.path.getsize(file)) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        at = 0
        with memoryview(memory) as view:
            while count := raw.readinto(view[at:]):
                at += count
        took = (time.perf_counter() - start) * 1000
        assert at == len(memory), f"{at} bytes of {len(memory)}"
    return took


def main(folder):
    queries = None
    faiss.omp_set_num_threads(1)
    index = None
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "build":
            kind, vectors, file = arguments
            print(build_file(kind, folder / vectors, folder / file), flush=True)
        elif command == "load":
            index = faiss.read_index(str(folder / arguments[0]))
            print(index.ntotal, flush=True)
        elif command == "read":
            print(read(folder / arguments[0]), flush=True)
        else:
            if queries is None:
                queries = np.fromfile(folder / "queries", np.float32).reshape(-1, DIMENSION)
            print(*search(index, queries[:int(arguments[0])]), flush=True)


main(Path(sys.argv[1]))
