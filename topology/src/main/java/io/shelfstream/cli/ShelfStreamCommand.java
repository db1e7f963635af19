package io.shelfstream.cli;

import io.shelfstream.client.UsageException;
import io.shelfstream.config.ConfigException;
import io.shelfstream.index.IndexException;
import io.shelfstream.model.ModelException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: one launcher with a verb for each command. */
@Command(
    name = "shelfstream",
    mixinStandardHelpOptions = true,
    versionProvider = VersionProvider.class,
    description = "Recognises the products on shelf images, as a Kafka Streams service.",
    synopsisSubcommandLabel = "VERB",
    subcommands = {
      DemoCommand.class,
      RunCommand.class,
      ServeCommand.class,
      TopicsCommand.class,
      PublishCommand.class,
      GalleryCommand.class,
      WatchCommand.class,
      RedriveCommand.class,
      RecognizeCommand.class,
      EvaluateCommand.class,
      DoctorCommand.class,
      BrokerCommand.class,
      CommandLine.HelpCommand.class
    },
    footer = {
      "",
      "Exit codes: 0 done, 1 something failed at run time, 2 bad usage or configuration.",
      "First steps: 'shelfstream doctor' checks this machine; 'shelfstream VERB --help' explains a verb."
    })
public final class ShelfStreamCommand {
  private static final Logger log = LoggerFactory.getLogger(ShelfStreamCommand.class);

  private ShelfStreamCommand() {}

  /** Runs one command line and returns its exit code. */
  public static int run(String... args) {
    CommandLine line = new CommandLine(new ShelfStreamCommand());
    line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(ShelfStreamCommand::explain);
    return args.length == 0 ? usage(line) : line.execute(args);
  }

  private static int usage(CommandLine line) {
    line.usage(line.getErr());
    return CommandLine.ExitCode.USAGE;
  }

  /**
   * Prints the failure in one line, in the log where whoever reads standard error expects JSON; the
   * stack trace only when it is asked for.
   */
  private static int explain(Exception e, CommandLine line, CommandLine.ParseResult parsed) {
    log.atDebug().setCause(e).log("Command failed");
    if (JsonLines.inUse()) {
      log.atError().log(sentence(e));
    } else {
      line.getErr().println("shelfstream: " + sentence(e));
    }
    return isUsersToMend(e) ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
  }

  /** Messages of file exceptions are only a path, or a path and a short text of the system. */
  private static String sentence(Exception e) {
    String message = e.getMessage();
    if (e instanceof NoSuchFileException file) {
      return file.getFile() + " does not exist";
    }
    if (e instanceof AccessDeniedException file) {
      return "No right to read or write " + file.getFile();
    }
    if (e instanceof FileAlreadyExistsException file) {
      return file.getFile() + " is there already";
    }
    if (e instanceof NotDirectoryException file) {
      return file.getFile() + " is no folder";
    }
    if (e instanceof DirectoryNotEmptyException file) {
      return file.getFile() + " is a folder that is not empty";
    }
    if (e instanceof CharacterCodingException) {
      return "A file is not UTF-8: " + e;
    }
    return message == null ? e.toString() : message;
  }

  private static boolean isUsersToMend(Exception e) {
    return e instanceof ConfigException
        || e instanceof UsageException
        || (e instanceof ModelException model && model.isConfiguration())
        || (e instanceof IndexException index && index.code() == IndexException.Code.LIBRARY);
  }
}
