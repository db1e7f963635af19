package io.shelfstream.client;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The images given to a command, by id, before anything is published: each once, and never two with
 * the same id.
 */
public final class GivenImages {
  /** Makes the id of a file. */
  public interface FileIds {
    String of(Path file) throws IOException;
  }

  private final FileIds ids;
  private final Map<String, String> uris = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  public GivenImages(FileIds ids) {
    this.ids = ids;
  }

  /**
   * Adds a file, all images below a folder, or a URI.
   *
   * @return the ids that were added
   * @throws UsageException when there is no such file, or when another image has its id
   */
  public List<String> add(String given) throws IOException {
    Path path = existing(given);
    if (path == null) {
      Path named = fileOf(given);
      return List.of(named == null ? put(ImageIds.ofUri(given), given) : add(named));
    }
    List<String> added = new ArrayList<>();
    for (Path file : ImageFiles.below(path)) {
      added.add(add(file));
    }
    return added;
  }

  /** Adds one file. */
  public String add(Path file) throws IOException {
    return put(ids.of(file), file.toAbsolutePath().normalize().toUri().toString());
  }

  private String put(String id, String uri) {
    String before = uris.putIfAbsent(id, uri);
    if (before != null && !before.equals(uri)) {
      throw new UsageException(
          "Two of the images would both be '%s': their addresses differ in what is not part of an id (user, signature); publish one of them"
              .formatted(OneLine.of(id)));
    }
    if (before != null) {
      notes.add("'%s' was given twice; it counts once".formatted(OneLine.of(id)));
    }
    return id;
  }

  /** The existing file, or null for a URI. */
  private static @Nullable Path existing(String given) {
    try {
      Path path = Path.of(given);
      if (Files.exists(path) || !ImageIds.isUri(given)) {
        return path;
      }
    } catch (InvalidPathException e) {
      if (!ImageIds.isUri(given)) {
        throw new UsageException(
            "'%s' is no path here: %s".formatted(OneLine.of(given), OneLine.of(e.getReason())));
      }
    }
    return null;
  }

  /** The file of a {@code file:} URI, when it is here. */
  private static @Nullable Path fileOf(String uri) {
    try {
      Path file = uri.regionMatches(true, 0, "file:", 0, 5) ? Path.of(URI.create(uri)) : null;
      return file != null && Files.isRegularFile(file) ? file : null;
    } catch (IllegalArgumentException e) {
      return null; // The service will say what is wrong with it.
    }
  }

  /** URIs by id, in the order they were given. */
  public Map<String, String> uris() {
    return new LinkedHashMap<>(uris);
  }

  /** What was given more than once, one sentence each. */
  public List<String> notes() {
    return List.copyOf(notes);
  }
}
