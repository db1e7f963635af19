package io.shelfstream.gallery.paddleclas;

import io.shelfstream.index.BinaryIndex;
import io.shelfstream.index.FaissIndex;
import java.nio.file.Path;

/**
 * An index file that was read.
 *
 * @param type Faiss's name of how the file keeps the vectors; with a B in front for codes
 * @param isBinary whether it keeps codes that are compared by Hamming distance; they are vectors
 *     here, see {@link BinaryIndex}
 * @param vectors to be closed by whoever read it
 */
record StoredIndex(String type, boolean isBinary, FaissIndex vectors) {

  static StoredIndex read(Path file) {
    if (BinaryIndex.is(file)) {
      BinaryIndex.Read codes = BinaryIndex.read(file);
      return new StoredIndex(codes.type(), true, codes.vectors());
    }
    FaissIndex vectors = FaissIndex.read(file);
    return new StoredIndex(vectors.type(), false, vectors);
  }
}
