package io.shelfstream.serving;

import io.shelfstream.client.VectorFile;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.events.BoundingBox;
import io.shelfstream.events.GalleryOutcome;
import io.shelfstream.events.GalleryStatus;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.GalleryVectors;
import io.shelfstream.http.GalleryAccess;
import io.shelfstream.http.RefusedException;
import io.shelfstream.http.RefusedException.Kind;
import io.shelfstream.recognition.Boxes;
import io.shelfstream.recognition.RejectedException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * A gallery in this process, without topics: each change is searchable when its call returns. It is
 * gone when the process ends. Safe for several threads.
 */
final class LocalPhotos implements GalleryAccess {
  private static final int MOST_SHOWN = 100;

  private final Gallery gallery;
  private final PhotoEmbedder embedder;
  private final ImageFetcher fetcher;

  /** What is kept of each photo besides its row in the index: 2 KB, and its bytes if uploaded. */
  private final ConcurrentMap<String, Held> photos = new ConcurrentHashMap<>();

  /** Where the picture of a photo is. */
  interface Source {
    byte[] read() throws IOException;
  }

  private record Held(
      GalleryVector vector, @Nullable Source source, @Nullable BoundingBox crop, boolean detect) {}

  LocalPhotos(Gallery gallery, PhotoEmbedder embedder, ImageFetcher fetcher) {
    this.gallery = gallery;
    this.embedder = embedder;
    this.fetcher = fetcher;
  }

  @Override
  public long version() {
    return gallery.state().version();
  }

  @Override
  public List<GalleryEntry> entries() {
    return gallery.entries();
  }

  @Override
  public Picture picture(String id) {
    Held held = known(id);
    Source source = held.source();
    if (source == null) {
      throw RefusedException.noPicture("it came as an embedding, without a photo");
    }
    try {
      return new Picture(source.read(), held.crop());
    } catch (IOException e) {
      throw RefusedException.noPicture(String.valueOf(e.getMessage()));
    }
  }

  private Held known(String id) {
    Held held = photos.get(id);
    if (held == null) {
      throw RefusedException.noPhoto(id);
    }
    return held;
  }

  /**
   * Adds a photo that lies where its picture is read from.
   *
   * @throws RefusedException when it cannot be used
   */
  void add(NewPhoto photo, Source source) throws IOException {
    byte[] encoded = source.read();
    put(photo, encoded, source);
  }

  @Override
  public Outcome add(NewPhoto photo, Duration wait) {
    byte[] encoded = photo.encoded();
    byte[] bytes = encoded != null ? encoded : fetched(String.valueOf(photo.uri()));
    String uri = photo.uri();
    put(photo, bytes, uri == null ? () -> bytes : () -> fetched(uri));
    return done(photo.galleryImageId(), photo.productId());
  }

  private byte[] fetched(String uri) {
    try {
      return fetcher.fetch(uri, null);
    } catch (FetchException e) {
      throw RefusedException.of(RejectedException.of(e));
    }
  }

  private void put(NewPhoto photo, byte[] encoded, Source source) {
    float[] embedding;
    try {
      BoundingBox crop = photo.crop();
      embedding =
          embedder
              .embed(encoded, crop == null ? null : Boxes.toPixels(crop), photo.detect())
              .embedding();
    } catch (RejectedException e) {
      throw RefusedException.of(e);
    }
    GalleryVector vector =
        GalleryVectors.builder(
                photo.galleryImageId(),
                photo.productId(),
                photo.label(),
                embedding,
                embedder.extractorId())
            .setGtin(photo.gtin())
            .setAttributes(photo.attributes())
            .build();
    apply(photo.galleryImageId(), new Held(vector, source, photo.crop(), photo.detect()));
  }

  private synchronized void apply(String id, @Nullable Held held) {
    Gallery.Change change = held == null ? gallery.remove(id) : gallery.apply(held.vector());
    if (change.rejected()) {
      throw new RefusedException(Kind.UNUSABLE, "INVALID_RECORD", String.valueOf(change.reason()));
    }
    if (held == null) {
      photos.remove(id);
    } else {
      photos.put(id, held);
    }
  }

  @Override
  public Outcome change(String id, Edit edit, Duration wait) {
    Held held = known(id);
    GalleryVector was = held.vector();
    NewPhoto edited =
        new NewPhoto(
            id,
            Objects.requireNonNullElse(edit.productId(), was.getProductId()),
            Objects.requireNonNullElse(edit.label(), was.getLabel()),
            edit.gtin() == null ? was.getGtin() : edit.gtin(),
            null,
            null,
            edit.crop() == null ? held.crop() : edit.crop(),
            edit.detect() == null ? held.detect() : edit.detect(),
            Objects.requireNonNullElse(edit.attributes(), was.getAttributes()));
    Source source = held.source();
    if (source != null) {
      put(edited, picture(id).encoded(), source);
    } else {
      GalleryVector vector =
          GalleryVector.newBuilder(was)
              .setProductId(edited.productId())
              .setLabel(edited.label())
              .setGtin(edited.gtin())
              .setAttributes(edited.attributes())
              .build();
      apply(id, new Held(vector, null, null, false));
    }
    return done(id, edited.productId());
  }

  @Override
  public Outcome remove(String id, Duration wait) {
    apply(id, null);
    return done(id, null);
  }

  /** As the service answers a change that searches see. */
  private static Outcome done(String id, @Nullable String product) {
    Instant now = Instant.now();
    GalleryStatus status =
        GalleryStatus.newBuilder()
            .setGalleryImageId(id)
            .setProductId(product)
            .setOutcome(GalleryOutcome.SEARCHABLE)
            .setSourceOffset(0)
            .setPublishedAt(now)
            .setEmbeddedAt(now)
            .setSearchableAt(now)
            .build();
    return new Outcome(id, Optional.of(status), true);
  }

  @Override
  public void export(Path file) throws IOException {
    List<Held> all = List.copyOf(photos.values());
    try (VectorFile.Writer writer = new VectorFile.Writer(file, all.size())) {
      for (Held held : all) {
        writer.add(held.vector());
      }
      writer.finish();
    }
  }

  @Override
  public Imported load(Path file, boolean waits) throws IOException {
    if (!VectorFile.is(file)) {
      throw new RefusedException(
          Kind.BAD_REQUEST, "BAD_REQUEST", "Send a file as /api/gallery/export gives it");
    }
    int published = 0;
    int applied = 0;
    List<String> rejected = new ArrayList<>();
    try (VectorFile.Reader reader = new VectorFile.Reader(file)) {
      while (reader.hasNext()) {
        GalleryVector vector = reader.next();
        published++;
        try {
          apply(vector.getGalleryImageId(), new Held(vector, null, null, false));
          applied++;
        } catch (RefusedException e) {
          if (rejected.size() < MOST_SHOWN) {
            rejected.add(vector.getGalleryImageId() + ": " + e.getMessage());
          }
        }
      }
    } catch (IllegalStateException e) {
      throw new RefusedException(Kind.BAD_REQUEST, "BAD_REQUEST", "The file: " + e.getMessage());
    }
    return new Imported(published, OptionalInt.of(applied), rejected);
  }
}
