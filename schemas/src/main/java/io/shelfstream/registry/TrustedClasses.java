package io.shelfstream.registry;

import org.apache.avro.util.ClassSecurityValidator;

/**
 * Tells Avro that our generated classes may be named in schemas: since 1.12.2 it instantiates no
 * others. The setting is one per JVM, so ours is added to what is trusted already.
 */
public final class TrustedClasses {

  private static final String PACKAGE = "io.shelfstream.events.";

  static {
    ClassSecurityValidator.setGlobal(
        ClassSecurityValidator.composite(
            ClassSecurityValidator.getGlobal(), type -> type.getName().startsWith(PACKAGE)));
  }

  private TrustedClasses() {}

  /**
   * To be called before the first record is read or built by anything but our serialisers, which
   * call it themselves. Takes effect once.
   */
  public static void install() {
    // The work is in the static initialiser, which runs once however many threads come.
  }
}
