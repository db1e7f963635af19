package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.Progress;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.gallery.GalleryEntry;
import io.shelfstream.gallery.paddleclas.EmbeddingJournal;
import io.shelfstream.gallery.paddleclas.IndexDirectoryWriter;
import io.shelfstream.recognition.RejectedException;
import io.shelfstream.recognition.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Embeds photos and adds them to an index in the order given, several photos at a time. Each
 * embedding is written down at once: after a kill the same command goes on where it was.
 */
final class PhotoIndexer {
  private final IndexDirectoryWriter writer;
  private final PhotoEmbedder embedder;
  private final long mostBytes;
  private final int threads;
  private final RejectedPhotos rejected;

  /**
   * @param mostBytes of a photo's file
   * @param threads to embed with; 0 for one a processor
   */
  PhotoIndexer(
      IndexDirectoryWriter writer,
      PhotoEmbedder embedder,
      long mostBytes,
      int threads,
      RejectedPhotos rejected) {
    this.writer = writer;
    this.mostBytes = mostBytes;
    this.threads = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    this.embedder =
        this.threads > 1 ? new PhotoEmbedder(embedder.models().onOneThread()) : embedder;
    this.rejected = rejected;
  }

  /** A photo's bytes by their hash; without an embedding when the journal has it. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Seen(String sha256, float @Nullable [] embedding) {}

  private record UnderWay(GivenPhoto given, GalleryEntry photo, Future<Seen> seen) {}

  /** Adds those that can be used and returns how many; the others are rejected. */
  int add(List<GivenPhoto> photos) throws IOException {
    if (photos.isEmpty()) {
      return 0;
    }
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    int added = 0;
    int begun = 0;
    try (EmbeddingJournal journal = writer.journal(embedder.extractorId())) {
      if (journal.size() > 0) {
        System.err.printf(
            "Going on with the %d photos that were embedded before%n", journal.size());
      }
      Deque<UnderWay> underWay = new ArrayDeque<>();
      Iterator<GivenPhoto> rest = photos.iterator();
      try (Progress progress = new Progress("Embedding photos", photos.size())) {
        while (rest.hasNext() || !underWay.isEmpty()) {
          while (rest.hasNext() && underWay.size() < 2 * threads) {
            begin(rest.next(), journal, workers, underWay);
            begun++;
          }
          if (!underWay.isEmpty() && finish(underWay.remove(), journal)) {
            added++;
          }
          progress.at(begun - underWay.size());
        }
      }
      return added;
    } finally {
      workers.shutdownNow();
    }
  }

  private void begin(
      GivenPhoto given,
      EmbeddingJournal journal,
      ExecutorService workers,
      Deque<UnderWay> underWay) {
    @Nullable String gtin;
    try {
      gtin = given.normalisedGtin();
    } catch (IllegalArgumentException e) {
      rejected.add(
          given,
          "INVALID_GTIN",
          e.getMessage()
              + "; a spreadsheet may have cut zeros at its front or rounded it: make its column text");
      return;
    }
    GalleryEntry photo = new GalleryEntry(given.id(), given.label(), given.label(), gtin, Map.of());
    try {
      IndexDirectoryWriter.requireName(photo);
    } catch (IllegalArgumentException e) {
      rejected.add(given, "INVALID_NAME", String.valueOf(e.getMessage()));
      return;
    }
    underWay.add(new UnderWay(given, photo, workers.submit(() -> look(given, journal))));
  }

  private Seen look(GivenPhoto photo, EmbeddingJournal journal)
      throws IOException, RejectedException {
    long bytes = Files.size(photo.file());
    if (bytes > mostBytes) {
      throw new IOException("it has %d bytes; at most %d are read".formatted(bytes, mostBytes));
    }
    byte[] encoded = Files.readAllBytes(photo.file());
    String sha256 = sha256(encoded);
    return new Seen(
        sha256, journal.holds(sha256) ? null : embedder.embed(encoded, null, false).embedding());
  }

  /** Returns whether the photo was added. */
  private boolean finish(UnderWay one, EmbeddingJournal journal) throws IOException {
    try {
      Seen seen = one.seen().get();
      float[] embedding = seen.embedding();
      if (embedding == null) {
        embedding = journal.get(seen.sha256());
      } else if (!journal.holds(seen.sha256())) {
        journal.put(seen.sha256(), embedding);
      }
      writer.add(one.photo(), embedding);
      return true;
    } catch (ExecutionException e) {
      reject(one.given(), e.getCause());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private void reject(GivenPhoto photo, @Nullable Throwable why) {
    if (why instanceof RejectedException e) {
      rejected.add(photo, e.reason(), e.message());
    } else if (why instanceof NoSuchFileException) {
      String slash = photo.id().contains("\\") ? "; folders are separated by / here, not \\" : "";
      rejected.add(photo, "NOT_FOUND", "there is no file " + photo.file() + slash);
    } else if (why instanceof IOException e) {
      rejected.add(photo, "UNREADABLE", photo.file() + " cannot be read: " + e.getMessage());
    } else if (why instanceof RuntimeException e) {
      RejectedException fault = RejectedException.unexpected(Stage.EXTRACT, e);
      rejected.add(photo, fault.reason(), fault.message());
    } else {
      throw new IllegalStateException("Photo " + photo.file() + " failed: " + why, why);
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
