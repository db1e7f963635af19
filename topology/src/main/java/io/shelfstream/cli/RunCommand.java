package io.shelfstream.cli;

import io.shelfstream.topology.RecognitionService;
import java.util.concurrent.Callable;
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
    Runtime.getRuntime().addShutdownHook(new Thread(service::close, "shutdown"));
    Throwable failure = service.awaitStop();
    if (failure != null) {
      throw new IllegalStateException("The service stopped: " + failure, failure);
    }
    return 0;
  }
}
