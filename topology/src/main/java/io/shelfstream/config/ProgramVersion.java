package io.shelfstream.config;

/** The version from the jar's manifest, so that it is written only in the POM. */
public final class ProgramVersion {
  private ProgramVersion() {}

  /** Such as 0.1.0; "(unpackaged)" where classes lie in a folder. */
  public static String get() {
    String version = ProgramVersion.class.getPackage().getImplementationVersion();
    return version == null ? "(unpackaged)" : version;
  }
}
