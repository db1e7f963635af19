package io.shelfstream.model;

import org.jspecify.annotations.Nullable;

/** A model that cannot be loaded or run. */
public final class ModelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What failed. */
  public enum Code {
    /** The model directory or a model's inputs and outputs are not as the contract says. */
    CONFIGURATION,
    /** A session could not be opened, or the provider that was asked for is missing. */
    LOAD,
    /** A run failed, or gave no usable numbers. */
    RUN
  }

  private final Code code;

  public ModelException(Code code, String message) {
    this(code, message, null);
  }

  public ModelException(Code code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  /** True when the user's files or settings are to be mended. */
  public boolean isConfiguration() {
    return code != Code.RUN;
  }
}
