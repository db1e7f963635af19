package io.shelfstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.shelfstream.cli.ShelfStreamCommand;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import org.slf4j.LoggerFactory;

/**
 * Starts the command line. Output is UTF-8 with any locale. Arguments and file names were decoded
 * by the JVM before; what it could not decode is refused.
 */
public final class Main {
  private static final String REMEDY =
      "start with LC_ALL=C.UTF-8 in the environment, as deploy/shelfstream does";

  private Main() {}

  public static void main(String[] args) {
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8));
    System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), true, UTF_8));
    String encoding = System.getProperty("sun.jnu.encoding", "");
    for (int i = 0; i < args.length; i++) {
      if (args[i].indexOf('\uFFFD') >= 0) {
        System.err.printf(
            "shelfstream: argument %d, '%s', is not text in this locale (%s); give UTF-8, and %s%n",
            i + 1, args[i], encoding, REMEDY);
        System.exit(2);
      }
    }
    if (!encoding.equalsIgnoreCase(UTF_8.name())) {
      System.err.printf(
          "shelfstream: warning: the locale's encoding is %s, so files with names beyond ASCII cannot be found; %s%n",
          encoding, REMEDY);
    }
    Thread.setDefaultUncaughtExceptionHandler(Main::ended);
    System.exit(ShelfStreamCommand.run(args));
  }

  /** Failures of stream threads were logged by the service already. */
  private static void ended(Thread thread, Throwable e) {
    if (!thread.getName().contains("StreamThread")) {
      LoggerFactory.getLogger(Main.class)
          .atError()
          .addKeyValue("thread", thread.getName())
          .setCause(e)
          .log("A thread ended");
    }
  }
}
