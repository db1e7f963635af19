package io.shelfstream;

import io.shelfstream.cli.ShelfStreamCommand;

/** Starts the command line. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(ShelfStreamCommand.run(args));
  }
}
