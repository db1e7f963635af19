package io.shelfstream.cli;

import io.shelfstream.broker.EmbeddedBroker;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "broker",
    hidden = true,
    mixinStandardHelpOptions = true,
    description = {
      "Runs one Kafka broker on 127.0.0.1 until SIGTERM, for benchmarks and trying out; prints its address.",
      "One copy of everything, no security: not for production."
    })
final class BrokerCommand implements Callable<Integer> {
  @Option(names = "--data", required = true, paramLabel = "DIR", description = "Data directory.")
  Path data = Path.of("");

  @Override
  public Integer call() throws IOException, InterruptedException {
    EmbeddedBroker broker = EmbeddedBroker.start(data);
    Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "shutdown"));
    System.out.println(broker.bootstrapServers());
    new CountDownLatch(1).await();
    return 0;
  }
}
