package io.shelfstream.client;

import io.shelfstream.events.GalleryVector;
import io.shelfstream.registry.TrustedClasses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;

/**
 * A gallery in one portable file: an Avro object container (the standard format of Avro files,
 * which carries its schema and is compressed) of {@link GalleryVector}s. Any language with an Avro
 * library reads and writes it.
 */
public final class VectorFile {

  /**
   * Metadata of the file: number of photos, in decimal. Files from other programs may not have it.
   */
  private static final String PHOTOS = "shelfstream.photos";

  /** Deflate is the one codec that every Avro library has; higher levels gain almost nothing. */
  private static final int DEFLATE_LEVEL = 1;

  /** How an Avro object container begins. */
  private static final byte[] MAGIC = {'O', 'b', 'j', 1};

  private VectorFile() {}

  /** Whether a file is of this format. */
  public static boolean is(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return java.util.Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
    }
  }

  /**
   * Writes a file that is complete or not there: written beside its place and renamed by {@link
   * #finish}.
   */
  public static final class Writer implements AutoCloseable {
    private final Path file;
    private final Path draft;
    private final DataFileWriter<GalleryVector> out;

    /** Begins a file that will hold this many photos. */
    public Writer(Path file, int photos) throws IOException {
      TrustedClasses.install();
      this.file = file.toAbsolutePath();
      this.draft = DraftFile.beside(this.file);
      this.out = new DataFileWriter<>(new SpecificDatumWriter<>(GalleryVector.class));
      out.setCodec(CodecFactory.deflateCodec(DEFLATE_LEVEL));
      out.setMeta(PHOTOS, photos);
      out.create(GalleryVector.getClassSchema(), draft.toFile());
    }

    public void add(GalleryVector vector) throws IOException {
      out.append(vector);
    }

    public void finish() throws IOException {
      out.close();
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Deletes the file unless it was finished. */
    @Override
    public void close() throws IOException {
      out.close();
      Files.deleteIfExists(draft);
    }
  }

  /** Reads photo by photo. Its exceptions name the file and the photo. */
  public static final class Reader implements Iterator<GalleryVector>, AutoCloseable {
    private final Path file;
    private final DataFileReader<GalleryVector> in;
    private int read;

    public Reader(Path file) throws IOException {
      TrustedClasses.install();
      this.file = file;
      try {
        this.in =
            new DataFileReader<>(file.toFile(), new SpecificDatumReader<>(GalleryVector.class));
      } catch (AvroRuntimeException e) {
        throw new IOException("Cannot read " + file + ": " + e.getMessage(), e);
      }
    }

    /** Photos in the file as its writer says, or -1 when it does not. */
    public int photos() {
      try {
        return in.getMeta(PHOTOS) == null ? -1 : (int) in.getMetaLong(PHOTOS);
      } catch (NumberFormatException e) {
        return -1;
      }
    }

    @Override
    public boolean hasNext() {
      try {
        boolean more = in.hasNext();
        if (!more && photos() > read) {
          throw broken("it was cut short: it should hold %d photos".formatted(photos()), null);
        }
        return more;
      } catch (AvroRuntimeException e) {
        throw broken(String.valueOf(e.getMessage()), e);
      }
    }

    @Override
    public GalleryVector next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      try {
        GalleryVector vector = in.next();
        read++;
        return vector;
      } catch (AvroRuntimeException e) {
        throw broken(String.valueOf(e.getMessage()), e);
      }
    }

    private IllegalStateException broken(
        String why, @org.jspecify.annotations.Nullable Throwable e) {
      return new IllegalStateException(
          "Cannot read %s after photo %d: %s".formatted(file, read, why), e);
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
