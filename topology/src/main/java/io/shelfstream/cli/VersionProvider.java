package io.shelfstream.cli;

import picocli.CommandLine.IVersionProvider;

/** The version from the jar's manifest, so that it is written only in the POM. */
final class VersionProvider implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"shelfstream " + version()};
  }

  static String version() {
    String version = VersionProvider.class.getPackage().getImplementationVersion();
    return version == null ? "(unpackaged)" : version;
  }
}
