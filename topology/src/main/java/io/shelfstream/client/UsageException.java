package io.shelfstream.client;

/** The command was called in a way that cannot work; ends it with exit code 2. */
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UsageException(String message) {
    super(message);
  }
}
