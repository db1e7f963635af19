package io.shelfstream.index;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What kind of index a segment is, and what can be done with it. As IndexType in
 * src/main/cpp/index_type.h, which also judges whether a name is one at all.
 *
 * @param name in Faiss's factory language: Flat, SQfp16, HNSW32, IVF1024,Flat
 */
public record IndexType(String name) {

  /** Every row is compared: exact. */
  public static final IndexType FLAT = new IndexType("Flat");

  private static final Pattern IVF = Pattern.compile("IVF(\\d+).*");
  private static final Pattern PLAIN_IVF = Pattern.compile("IVF\\d+(_HNSW\\d+)?,Flat");
  private static final Pattern PLAIN_HNSW = Pattern.compile("HNSW\\d+(,Flat)?");

  /**
   * The type that a factory string names. Ids are kept for every type, so that {@code IDMap,} and
   * {@code IDMap2,} before it change nothing.
   */
  public static IndexType of(String factory) {
    String name = factory.replaceFirst("^IDMap2?,", "");
    return name.equals(FLAT.name) ? FLAT : new IndexType(name);
  }

  /** An inverted file of plain vectors. */
  public static IndexType ivf(int lists) {
    return new IndexType("IVF" + lists + ",Flat");
  }

  public boolean isFlat() {
    return equals(FLAT);
  }

  /** Whether it is an inverted file, of plain vectors or of codes. */
  public boolean isIvf() {
    return IVF.matcher(name).matches();
  }

  /** Lists of an inverted file; 0 for any other type. */
  public int lists() {
    Matcher ivf = IVF.matcher(name);
    return ivf.matches() ? Integer.parseInt(ivf.group(1)) : 0;
  }

  /**
   * Whether it is an inverted file that gives and takes its centres: see {@link Segment#centres}.
   */
  public boolean hasPlainLists() {
    return PLAIN_IVF.matcher(name).matches();
  }

  /** Whether it is a graph (HNSW) of plain vectors. */
  public boolean isPlainGraph() {
    return PLAIN_HNSW.matcher(name).matches();
  }

  /** Whether it may be appended to while it is searched. */
  public boolean grows() {
    return hasPlainLists() || isPlainGraph();
  }

  /** Bytes in which a segment of this type keeps a vector. */
  public long bytesOf(int dimension) {
    return (isHalf() ? Short.BYTES : Float.BYTES) * (long) dimension;
  }

  /** Whether it keeps values in 16 bits. */
  boolean isHalf() {
    return name.contains("SQfp16");
  }
}
