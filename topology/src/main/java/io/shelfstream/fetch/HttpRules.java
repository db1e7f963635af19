package io.shelfstream.fetch;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What http: and https: references may name.
 *
 * @param maxRedirects each hop is checked like the first
 * @param credentials a file as {@link HttpCredentials} reads it; empty: none are sent
 */
public record HttpRules(HostRules hosts, int maxRedirects, Optional<Path> credentials) {
  /** No host. */
  public static final HttpRules NONE = new HttpRules(HostRules.NONE, 0, Optional.empty());
}
