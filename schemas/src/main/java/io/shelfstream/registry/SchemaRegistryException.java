package io.shelfstream.registry;

import org.jspecify.annotations.Nullable;

/**
 * The registry has no answer. The message names the registry's URL, the subject or id, and the
 * remedy.
 */
public final class SchemaRegistryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Whose fault it is, and so whether asking again can help. */
  public enum Kind {
    /** Nobody answers, or not as a registry does. Ask again later. */
    UNAVAILABLE,
    /** The registry does not let us in. Ask again once somebody mended the credentials. */
    DENIED,
    /** There is no such schema, subject or version. */
    NOT_FOUND,
    /** The schema is invalid, or not compatible with earlier ones of its subject. */
    REFUSED,
    /** Our own settings cannot be used. */
    MISCONFIGURED
  }

  private final Kind kind;

  public SchemaRegistryException(Kind kind, String message) {
    this(kind, message, null);
  }

  public SchemaRegistryException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }

  /** True when the registry said nothing about the schema: the record that needs it may be good. */
  public boolean isTemporary() {
    return kind == Kind.UNAVAILABLE || kind == Kind.DENIED;
  }
}
