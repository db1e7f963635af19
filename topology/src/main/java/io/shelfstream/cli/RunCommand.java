package io.shelfstream.cli;

import io.shelfstream.broker.AccessRights;
import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.topology.RecognitionService;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description =
        "Runs the recognition service until SIGTERM; then it finishes its frames and exits 0.")
final class RunCommand implements Callable<Integer> {
  @Mixin ConfigOptions config = new ConfigOptions();

  @Option(
      names = "--role",
      paramLabel = "ROLE",
      defaultValue = "all",
      converter = RoleName.class,
      description = {
        "recognize: frames only, as many processes as the frames need;",
        "gallery: embeds the photos of products, each once for all processes;",
        "all: both. Default: ${DEFAULT-VALUE}."
      })
  Role role = Role.ALL;

  @Option(
      names = "--wait",
      paramLabel = "DURATION",
      description =
          "Longest time to wait for a broker or a schema registry that is away, such as 60s; short for --set start.wait=DURATION. Default: until they answer, SIGTERM or Ctrl-C.")
  @Nullable String wait;

  static final class RoleName implements ITypeConverter<Role> {
    private static final Map<String, Role> ROLES =
        Map.of(
            "recognize", Role.RECOGNIZE,
            "recognise", Role.RECOGNIZE,
            "gallery", Role.GALLERY,
            "all", Role.ALL);

    @Override
    public Role convert(String name) {
      Role role = ROLES.get(name.toLowerCase(Locale.ROOT));
      if (role == null) {
        throw new TypeConversionException(
            "'" + name + "' is no role; give recognize, gallery or all");
      }
      return role;
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    if (wait != null) {
      config.overrides.put("start.wait", wait);
    }
    ShelfStreamConfig settings = config.loadWithModels();
    JsonLines.useIf(settings.logFormat());
    RecognitionService service = RecognitionService.start(settings, role);
    AtomicInteger exitCode = new AtomicInteger();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(service, exitCode), "shutdown"));
    Throwable failure = service.awaitStop();
    if (failure != null) {
      exitCode.set(1);
      throw new IllegalStateException(
          "The service stopped: " + AccessRights.explain(failure), failure);
    }
    return 0;
  }

  /**
   * Without this a JVM that was ended by a signal exits with 143, whether frames were finished or
   * not.
   */
  private static void stop(RecognitionService service, AtomicInteger exitCode) {
    service.close();
    Runtime.getRuntime().halt(exitCode.get());
  }
}
