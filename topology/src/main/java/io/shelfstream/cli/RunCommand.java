package io.shelfstream.cli;

import io.shelfstream.broker.AccessRights;
import io.shelfstream.topology.RecognitionService;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description =
        "Runs the recognition service until SIGTERM; then it finishes its frames and exits 0.")
final class RunCommand implements Callable<Integer> {
  @Mixin ConfigOptions config = new ConfigOptions();

  @Override
  public Integer call() throws InterruptedException {
    RecognitionService service = RecognitionService.start(config.loadWithModels());
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

  /** Left to itself, a JVM that a signal ended exits with 143, drained or not. */
  private static void stop(RecognitionService service, AtomicInteger exitCode) {
    service.close();
    Runtime.getRuntime().halt(exitCode.get());
  }
}
