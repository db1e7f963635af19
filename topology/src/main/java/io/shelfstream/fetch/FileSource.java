package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Files below the allowed roots, with every symbolic link resolved before it is judged. */
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
    try {
      Path real = file.toRealPath();
      if (!isBelowARoot(real)) {
        throw forbidden(uri);
      }
      if (!Files.isRegularFile(real)) { // a pipe would be waited for, a device never ends
        throw new FetchException(Reason.FORBIDDEN_LOCATION, uri + " is not a regular file");
      }
      try (InputStream in = Files.newInputStream(real)) {
        return BoundedBytes.read(in, policy.maxBytes(), uri.toString());
      }
    } catch (NoSuchFileException e) {
      throw new FetchException(Reason.NOT_FOUND, uri + " does not exist", e);
    } catch (IOException e) {
      throw new FetchException(Reason.FETCH_FAILED, uri + " cannot be read: " + e, e);
    }
  }

  private static Path path(URI uri) throws FetchException {
    try {
      return Path.of(uri);
    } catch (IllegalArgumentException e) { // a host, a query, a NUL, a relative path
      throw new FetchException(
          Reason.INVALID_REFERENCE,
          "'" + uri + "' does not name a local file: " + e.getMessage() + "; write file:///path",
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

  /** Says the same whether the file exists or not. */
  private FetchException forbidden(URI uri) {
    return new FetchException(
        Reason.FORBIDDEN_LOCATION,
        uri
            + " lies outside the allowed folders "
            + policy.allowedRoots()
            + "; add its folder to images.allowed.roots");
  }
}
