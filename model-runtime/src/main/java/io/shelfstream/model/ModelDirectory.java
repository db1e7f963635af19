package io.shelfstream.model;

import io.shelfstream.image.Tiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/**
 * A detector, an extractor and how they want their input, as {@code model.properties} says; see
 * docs/models.md for the keys.
 *
 * @param detectorId name and the first 12 hex digits of the file's SHA-256, joined by @, as is
 *     extractorId; the latter ends with -sign or -round where its features are bits
 * @param detectorInputSize side of the square input in pixels, as is extractorInputSize
 * @param detectorScoreThreshold least detector score, 0 to 1
 * @param detectorTiles how images are cut for the detector, unless the configuration says otherwise
 * @param rgb true when the input's channels are red, green, blue; false for the opposite
 * @param mean of each channel in that order, after division by 255, as is std
 * @param matchThreshold least inner product of a match, -1 to 1
 * @param matchMargin least lead over the next other product; 0 when not given
 * @param features what becomes of the extractor's values
 */
public record ModelDirectory(
    Path detectorFile,
    String detectorId,
    int detectorInputSize,
    Interpolation detectorInterpolation,
    float detectorScoreThreshold,
    Tiles detectorTiles,
    Path extractorFile,
    String extractorId,
    int extractorInputSize,
    Interpolation extractorInterpolation,
    int extractorDimension,
    boolean rgb,
    List<Double> mean,
    List<Double> std,
    float matchThreshold,
    float matchMargin,
    Features features) {

  /** Side of the largest input we take: four times the reference's, 79 MB of floats. */
  private static final int LARGEST_INPUT = 2560;

  private static final String TILES = "detector.tiles";
  private static final String BINARIZE = "match.binarize";
  private static final int LARGEST_DIMENSION = 65_536;

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  public ModelDirectory {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
  }

  /**
   * Reads a model directory.
   *
   * @throws ModelException naming everything that is wrong with it
   */
  public static ModelDirectory read(Path dir) {
    Path file = dir.resolve("model.properties");
    ModelProperties keys = new ModelProperties(dir, properties(file));
    String name = keys.text("name");
    Path detector = keys.file("detector.file");
    Path extractor = keys.file("extractor.file");
    int detectorSize = keys.whole("detector.input.size", LARGEST_INPUT);
    int extractorSize = keys.whole("extractor.input.size", LARGEST_INPUT);
    int dimension = keys.whole("extractor.dimension", LARGEST_DIMENSION);
    Interpolation detectorResize = keys.oneOf("detector.interpolation", Interpolation.class);
    Interpolation extractorResize = keys.oneOf("extractor.interpolation", Interpolation.class);
    float score = (float) keys.number("detector.score.threshold", 0, 1);
    Tiles tiles =
        !keys.has(TILES)
            ? Tiles.NONE
            : keys.text(TILES).equals("auto")
                ? Tiles.AUTO
                : new Tiles(keys.whole(TILES, Tiles.MOST));
    boolean rgb = keys.oneOf("colour", Colour.class) == Colour.RGB;
    List<Double> mean = keys.perChannel("mean", -1e3, 1e3);
    List<Double> std = keys.perChannel("std", 1e-6, 1e3);
    boolean bits = keys.oneOf("match.metric", Metric.class) == Metric.HAMMING;
    Features features = bits ? binarized(keys) : Features.UNIT;
    float threshold =
        bits ? withinRadius(keys, dimension) : (float) keys.number("match.threshold", -1, 1);
    float margin = keys.has("match.margin") ? (float) keys.number("match.margin", 0, 2) : 0;
    keys.finish();
    return new ModelDirectory(
        detector,
        name + "@" + sha256(detector).substring(0, 12),
        detectorSize,
        detectorResize,
        score,
        tiles,
        extractor,
        name + "@" + sha256(extractor).substring(0, 12) + (bits ? "-" + lowerCase(features) : ""),
        extractorSize,
        extractorResize,
        dimension,
        rgb,
        mean,
        std,
        threshold,
        margin,
        features);
  }

  private static String lowerCase(Features features) {
    return features.name().toLowerCase(Locale.ROOT);
  }

  private static Features binarized(ModelProperties keys) {
    return keys.has(BINARIZE) ? keys.oneOf(BINARIZE, Binarize.class).features : Features.SIGN;
  }

  /** Between the scores of this distance and of the next one: neither depends on rounding. */
  private static float withinRadius(ModelProperties keys, int dimension) {
    double radius = keys.number("match.radius", 0, dimension);
    if (dimension % Byte.SIZE != 0) {
      keys.problem(
          "extractor.dimension="
              + dimension
              + ": match.metric=hamming needs a multiple of 8, as a byte holds eight bits");
    }
    return (float) (1 - (2 * Math.floor(radius) + 1) / dimension);
  }

  private enum Colour {
    RGB,
    BGR
  }

  private enum Metric {
    /** Inner product of vectors of unit length. */
    IP,
    /** Number of bits that differ. */
    HAMMING
  }

  /** As PaddleClas calls the two ways. */
  private enum Binarize {
    SIGN(Features.SIGN),
    ROUND(Features.ROUND);

    private final Features features;

    Binarize(Features features) {
      this.features = features;
    }
  }

  /** Editors may have put a byte-order mark in front, which would be part of the first key. */
  private static Properties properties(Path file) {
    Properties properties = new Properties();
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      reader.mark(1);
      if (reader.read() != BYTE_ORDER_MARK) {
        reader.reset();
      }
      properties.load(reader);
    } catch (CharacterCodingException e) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Model directory: " + file + " is not UTF-8; save it as UTF-8, or convert it with iconv",
          e);
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(
          ModelException.Code.CONFIGURATION,
          "Model directory: "
              + file
              + " cannot be read ("
              + e
              + "); a model directory holds model.properties, a detector and an extractor",
          e);
    }
    return properties;
  }

  private static String sha256(Path file) {
    try (InputStream in =
        new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
      in.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(((DigestInputStream) in).getMessageDigest().digest());
    } catch (IOException e) {
      throw new ModelException(
          ModelException.Code.LOAD, "Model file " + file + " cannot be read: " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }
}
