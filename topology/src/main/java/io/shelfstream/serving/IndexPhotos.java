package io.shelfstream.serving;

import io.shelfstream.client.VectorFile;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.http.GalleryAccess;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.RefusedException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The photos of a PaddleClas index, as far as it has them: names and vectors, nothing to change.
 */
final class IndexPhotos implements GalleryAccess {
  private final IndexDirectory index;
  private final String extractor;
  private final List<GalleryEntry> entries;

  /**
   * @param extractor with which images are compared with it
   */
  IndexPhotos(IndexDirectory index, String extractor) {
    this.index = index;
    this.extractor = extractor;
    this.entries =
        index.entries().stream()
            .sorted(Comparator.comparing(GalleryEntry::galleryImageId))
            .toList();
  }

  @Override
  public long version() {
    return 0;
  }

  @Override
  public List<GalleryEntry> entries() {
    return entries;
  }

  @Override
  public Picture picture(String galleryImageId) {
    throw new RefusedException(Kind.NOT_FOUND, "NO_PICTURE", "An index keeps no photos");
  }

  private static RefusedException refused() {
    return new RefusedException(
        Kind.NOT_HERE,
        "READ_ONLY",
        "The index of --index-dir is only read; start with --gallery to change photos");
  }

  @Override
  public Outcome add(NewPhoto photo, Duration wait) {
    throw refused();
  }

  @Override
  public Outcome change(String galleryImageId, Edit edit, Duration wait) {
    throw refused();
  }

  @Override
  public Outcome remove(String galleryImageId, Duration wait) {
    throw refused();
  }

  @Override
  public void export(Path file) throws IOException {
    Map<String, GalleryVector> last = new TreeMap<>(); // photos of one name: the last one counts
    for (Iterator<GalleryVector> all = index.vectors(extractor); all.hasNext(); ) {
      GalleryVector vector = all.next();
      last.put(vector.getGalleryImageId(), vector);
    }
    try (VectorFile.Writer writer = new VectorFile.Writer(file, last.size())) {
      for (GalleryVector vector : last.values()) {
        writer.add(vector);
      }
      writer.finish();
    }
  }

  @Override
  public Imported load(Path file, boolean waits) {
    throw refused();
  }
}
