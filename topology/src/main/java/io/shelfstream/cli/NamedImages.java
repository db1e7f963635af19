package io.shelfstream.cli;

import io.shelfstream.client.GivenText;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.OneLine;
import io.shelfstream.client.UsageException;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.recognition.ImageRecognition;
import io.shelfstream.recognition.RejectedException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The images that a command line names: files, folders, references such as http:, and the bytes of
 * one on standard input. Each has a name of its own.
 */
final class NamedImages {
  /** Stands for the bytes of one image on standard input. */
  static final String STANDARD_INPUT = "-";

  private NamedImages() {}

  /** Where the bytes come from. */
  interface Source {
    /** Throws a RejectedException where a reference gives none. */
    byte[] read() throws IOException, RejectedException;
  }

  /**
   * One image.
   *
   * @param name the path below the folder that was given, or the file's name; unlike any other's
   * @param taken when a file was changed last; now for all else
   */
  record Named(String name, String uri, Instant taken, Source source) {}

  /** A list that was given besides the images: a path or reference a line; - for standard input. */
  static List<String> listed(Path list) throws IOException {
    List<String> lines =
        list.toString().equals(STANDARD_INPUT)
            ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()
            : GivenText.lines("List of images", list);
    return lines.stream().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }

  /** Hosts of http: and https: references, as the configuration lists them. */
  static Set<String> hosts(List<String> given) {
    return authorities(given, "http");
  }

  /** Buckets of s3: references. */
  static Set<String> buckets(List<String> given) {
    return authorities(given, "s3:");
  }

  private static Set<String> authorities(List<String> given, String beginning) {
    return given.stream()
        .filter(NamedImages::isReference)
        .filter(reference -> reference.startsWith(beginning))
        .map(NamedImages::authority)
        .filter(authority -> !authority.isEmpty())
        .collect(Collectors.toSet());
  }

  private static String authority(String reference) {
    try {
      return String.valueOf(Objects.requireNonNullElse(new URI(reference).getRawAuthority(), ""));
    } catch (URISyntaxException e) {
      return ""; // said when it is fetched
    }
  }

  /**
   * Finds the images; those of a folder are sorted by path.
   *
   * @param maxBytes of the one on standard input
   * @throws UsageException when a file or folder does not exist, or holds no image
   */
  static List<Named> of(List<String> given, ImageFetcher fetcher, long maxBytes)
      throws IOException {
    Map<String, Named> byUri = new LinkedHashMap<>();
    for (String one : given) {
      for (Named image : found(one, fetcher, maxBytes)) {
        byUri.putIfAbsent(image.uri(), image);
      }
    }
    return distinct(List.copyOf(byUri.values()));
  }

  private static List<Named> found(String given, ImageFetcher fetcher, long maxBytes)
      throws IOException {
    if (given.equals(STANDARD_INPUT)) {
      byte[] bytes = standardInput(maxBytes);
      return List.of(new Named("stdin", "stdin:", Instant.now(), () -> bytes));
    }
    if (isReference(given)) {
      return List.of(
          new Named(
              lastPart(given),
              given,
              Instant.now(),
              () -> ImageRecognition.fetch(fetcher, given, null)));
    }
    Path start = path(given).toAbsolutePath().normalize();
    List<Named> images = new ArrayList<>();
    for (Path file : ImageFiles.below(start)) {
      Path name = file.equals(start) ? file.getFileName() : start.relativize(file);
      images.add(
          new Named(
              String.valueOf(name),
              file.toUri().toString(),
              Files.getLastModifiedTime(file).toInstant(),
              () -> Files.readAllBytes(file)));
    }
    return images;
  }

  /** A scheme and a colon, and no file of that name. What file: names is taken as a path. */
  private static boolean isReference(String given) {
    return given.matches("(?s)[A-Za-z][A-Za-z0-9+.-]+:.*")
        && !given.startsWith("file:")
        && !Files.exists(path(given));
  }

  private static Path path(String given) {
    try {
      return given.startsWith("file:") ? Path.of(URI.create(given)) : Path.of(given);
    } catch (IllegalArgumentException e) { // of which InvalidPathException is one
      throw new UsageException(
          "'%s' names no file: %s".formatted(OneLine.of(given), e.getMessage()));
    }
  }

  private static byte[] standardInput(long maxBytes) throws IOException {
    InputStream in = System.in;
    byte[] bytes = in.readNBytes((int) Math.min(maxBytes + 1, Integer.MAX_VALUE - 8));
    if (bytes.length == 0) {
      throw new UsageException(
          "Standard input is empty; '-' stands for the bytes of an image, as in: shelfstream recognize - < shelf.jpg");
    }
    return bytes; // one that is too large is refused like any other
  }

  private static String lastPart(String reference) {
    if (reference.startsWith("data:")) {
      return "data";
    }
    String path = reference.replaceFirst("[?#].*", "").replaceFirst("/+$", "");
    String last = path.substring(path.lastIndexOf('/') + 1).replaceAll("[^\\p{L}\\p{N}._-]", "_");
    return last.isEmpty() || last.startsWith(".") ? "image" : last;
  }

  /** Where two have the same name, each gets its whole path, or a number. */
  private static List<Named> distinct(List<Named> images) {
    Set<String> seen = new HashSet<>();
    Set<String> shared =
        images.stream()
            .map(Named::name)
            .filter(name -> !seen.add(name))
            .collect(Collectors.toSet());
    Set<String> taken = new HashSet<>();
    return images.stream()
        .map(
            image -> {
              String name = shared.contains(image.name()) ? pathOf(image) : image.name();
              String own = name;
              for (int n = 2; !taken.add(own); n++) {
                own = n + "-" + name;
              }
              return new Named(own, image.uri(), image.taken(), image.source());
            })
        .toList();
  }

  private static String pathOf(Named image) {
    return image.uri().startsWith("file:")
        ? Path.of(URI.create(image.uri())).toString().substring(1)
        : image.name();
  }
}
