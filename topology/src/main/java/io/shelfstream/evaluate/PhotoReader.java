package io.shelfstream.evaluate;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.OneLine;
import io.shelfstream.client.Progress;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.recognition.RejectedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads photos and embeds them whole, each content once. A photo that cannot be used is left out
 * and noted, whatever is wrong with it. Used by one thread.
 */
public final class PhotoReader {
  private final PhotoEmbedder embedder;
  private final long largest;
  private final @Nullable EmbeddingFile kept;
  private final Map<String, float[]> embeddings = new HashMap<>();

  /**
   * Reads nothing yet.
   *
   * @param largest file that is read, in bytes
   * @param kept embeddings that are there already, and where new ones go; null for none
   */
  public PhotoReader(PhotoEmbedder embedder, long largest, @Nullable EmbeddingFile kept) {
    this.embedder = embedder;
    this.largest = largest;
    this.kept = kept;
  }

  /**
   * What was read.
   *
   * @param unreadable photos that were left out
   */
  public record Read(List<EmbeddedPhoto> photos, List<Unreadable> unreadable) {}

  /** Reads and embeds all photos of a list, and shows the progress. */
  public Read read(String what, List<GivenPhoto> listed) throws IOException {
    List<EmbeddedPhoto> photos = new ArrayList<>(listed.size());
    List<Unreadable> unreadable = new ArrayList<>();
    try (Progress progress = new Progress("Embedding " + what, listed.size())) {
      for (GivenPhoto photo : listed) {
        try {
          photos.add(embedded(photo));
        } catch (RejectedException e) {
          unreadable.add(new Unreadable(photo.file(), e.message()));
        } catch (UnreadableException e) {
          unreadable.add(new Unreadable(photo.file(), String.valueOf(e.getMessage())));
        }
        progress.step();
      }
    }
    return new Read(photos, unreadable);
  }

  private EmbeddedPhoto embedded(GivenPhoto photo)
      throws RejectedException, UnreadableException, IOException {
    byte[] encoded = bytes(photo.file(), largest);
    String sha256 = sha256(encoded);
    float[] embedding = embeddings.get(sha256);
    if (embedding == null && kept != null) {
      embedding = kept.get(sha256);
    }
    if (embedding == null) {
      embedding = unit(embedder.embed(encoded, null, false).embedding());
      if (kept != null) {
        kept.put(photo.id(), sha256, embedding);
      }
    }
    embeddings.put(sha256, embedding);
    return new EmbeddedPhoto(
        photo.id(), photo.label(), photo.camera(), photo.file().toRealPath(), sha256, embedding);
  }

  /** The content of a photo's file. */
  static byte[] bytes(Path file, long largest) throws UnreadableException {
    try {
      if (Files.size(file) > largest) {
        throw new UnreadableException(
            "it has %d bytes; raise images.max.bytes, which is %d"
                .formatted(Files.size(file), largest));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new UnreadableException("there is no such file");
    } catch (IOException e) {
      throw new UnreadableException("cannot be read: " + OneLine.of(e.toString()));
    }
  }

  private static float[] unit(float[] embedding) throws UnreadableException {
    try {
      return Embeddings.unit(embedding);
    } catch (IllegalArgumentException e) {
      throw new UnreadableException(String.valueOf(e.getMessage()));
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
