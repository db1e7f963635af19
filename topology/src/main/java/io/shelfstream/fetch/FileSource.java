package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Files below the allowed roots; every symbolic link is resolved before the check. */
final class FileSource {
  private final FetchPolicy policy;

  FileSource(FetchPolicy policy) {
    this.policy = policy;
  }

  byte[] fetch(URI uri) throws FetchException {
    Path file = path(uri);
    if (!isBelowARoot(file.normalize())) {
      throw forbidden(uri);
    }
    Path real = resolved(file, uri);
    if (!isBelowARoot(real)) {
      throw forbidden(uri);
    }
    if (!Files.isRegularFile(real)) { // a pipe would be waited for, a device never ends
      throw new FetchException(
          Reason.FORBIDDEN_LOCATION, shown(uri) + " is not a regular file; name a file");
    }
    try (InputStream in = Files.newInputStream(real, LinkOption.NOFOLLOW_LINKS)) {
      return BoundedBytes.read(in, policy.limits().maxBytes(), shown(uri));
    } catch (IOException e) {
      throw unreadable(uri, e);
    }
  }

  /** The file with every symbolic link resolved. */
  private Path resolved(Path file, URI uri) throws FetchException {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      Path nearest = nearest(file);
      if (nearest == null || !isBelowARoot(nearest)) {
        throw forbidden(uri);
      }
      if (e instanceof NoSuchFileException || Files.isRegularFile(nearest)) {
        throw new FetchException(Reason.NOT_FOUND, shown(uri) + " does not exist", e);
      }
      throw unreadable(uri, e);
    }
  }

  /**
   * The deepest existing folder on the path to a missing file; null if a link on the path points to
   * nothing. Distinguishes a file that is missing below a root from one that is missing elsewhere,
   * behind a link.
   */
  private static @Nullable Path nearest(Path file) {
    for (Path part = file; part != null; part = part.getParent()) {
      if (Files.isSymbolicLink(part) && !Files.exists(part)) {
        return null;
      }
      if (Files.exists(part)) {
        try {
          return part.toRealPath();
        } catch (IOException e) {
          return null;
        }
      }
    }
    return null;
  }

  private static FetchException unreadable(URI uri, IOException e) {
    return new FetchException(
        Reason.FETCH_FAILED,
        "%s cannot be read: %s".formatted(shown(uri), References.shown(e.toString())),
        e);
  }

  private static String shown(URI uri) {
    return References.shown(uri.toString());
  }

  private static Path path(URI uri) throws FetchException {
    try {
      return Path.of(uri);
    } catch (IllegalArgumentException e) { // a host, a query, a NUL, a relative path
      throw new FetchException(
          Reason.INVALID_REFERENCE,
          "'"
              + shown(uri)
              + "' does not name a local file: "
              + e.getMessage()
              + "; write file:///path",
          e);
    }
  }

  /** Both as configured and with links resolved: a root may itself be a link. */
  private boolean isBelowARoot(Path file) {
    return policy.allowedRoots().stream()
        .anyMatch(
            root -> file.startsWith(root.toAbsolutePath().normalize()) || isBelow(root, file));
  }

  private static boolean isBelow(Path root, Path file) {
    try {
      return file.startsWith(root.toRealPath());
    } catch (IOException e) {
      return false; // a root that does not exist allows nothing
    }
  }

  /** The message is the same whether the file exists or not. */
  private FetchException forbidden(URI uri) {
    return new FetchException(
        Reason.FORBIDDEN_LOCATION,
        shown(uri)
            + " lies outside the allowed folders "
            + policy.allowedRoots()
            + "; add its folder to images.allowed.roots");
  }
}
