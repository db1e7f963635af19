package io.shelfstream.cli;

import io.shelfstream.config.ProgramVersion;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} shows. */
final class VersionProvider implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {"shelfstream " + ProgramVersion.get()};
  }
}
