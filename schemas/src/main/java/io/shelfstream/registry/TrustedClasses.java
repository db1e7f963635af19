package io.shelfstream.registry;

import org.apache.avro.util.ClassSecurityValidator;

/**
 * Tells Avro that our generated classes may be named in schemas: since 1.12.2 it instantiates no
 * others. The setting is one per JVM, so ours is added to what is trusted already.
 */
final class TrustedClasses {

  private static final String PACKAGE = "io.shelfstream.events.";

  static {
    ClassSecurityValidator.setGlobal(
        ClassSecurityValidator.composite(
            ClassSecurityValidator.getGlobal(), type -> type.getName().startsWith(PACKAGE)));
  }

  private TrustedClasses() {}

  /** Takes effect once, before the first record is read. */
  static void install() {
    // The work is in the static initialiser, which runs once however many threads come.
  }
}
