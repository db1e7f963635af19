package io.shelfstream.registry;

/**
 * The registry has no answer. The message names the registry's URL, the subject or id, and the
 * remedy.
 */
public final class SchemaRegistryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public SchemaRegistryException(String message) {
    super(message);
  }
}
