package io.shelfstream.config;

/** {@code log.format}: how the service writes its log. */
public enum LogFormat {
  /** Lines for people. */
  TEXT,
  /** One JSON object a line. */
  JSON
}
