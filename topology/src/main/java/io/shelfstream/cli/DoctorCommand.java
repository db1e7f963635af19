package io.shelfstream.cli;

import io.shelfstream.broker.BrokerWait;
import io.shelfstream.broker.Topics;
import io.shelfstream.config.ProgramVersion;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.events.RecognitionEvent;
import io.shelfstream.fetch.FetchException;
import io.shelfstream.fetch.FetchPolicy;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.image.OpenCv;
import io.shelfstream.index.Accelerator;
import io.shelfstream.index.FaissLibrary;
import io.shelfstream.model.OnnxRuntime;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.registry.SchemaRegistryClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Checks this machine and the configuration: Java, CPU, ONNX Runtime, OpenCV, Faiss, models, buckets, broker, topics.",
      "Exits with 1 when something needed is missing; each finding comes with its remedy."
    })
final class DoctorCommand implements Callable<Integer> {
  private static final Duration BROKER_PATIENCE = Duration.ofSeconds(5);

  @Mixin ConfigOptions config = new ConfigOptions();

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory to check (models.dir).")
  @Nullable Path models;

  private boolean healthy = true;

  /** One check; an exception is its finding and does not end the command. */
  private interface Check {
    String look() throws Exception;
  }

  @Override
  public Integer call() {
    ShelfStreamConfig loaded =
        config.load(models == null ? Map.of() : Map.of("models.dir", models.toString()));
    System.out.println("ShelfStream " + ProgramVersion.get());
    check("Java", DoctorCommand::java);
    check("CPU", DoctorCommand::cpu);
    check("ONNX Runtime", OnnxRuntime::describe);
    check("OpenCV", OpenCv::describe);
    check("Faiss", DoctorCommand::faiss);
    check("Gallery on", () -> device(loaded));
    check("Threads", DoctorCommand::threads);
    if (loaded.models().directory().isPresent()) {
      check("Models", () -> models(loaded));
    } else {
      note("Models", "models.dir is not set: nothing to check; give --models DIR or --config FILE");
    }
    if (!loaded.images().fetchPolicy().buckets().allowed().isEmpty()) {
      check("S3", () -> buckets(loaded));
    }
    check("Registry", () -> registry(loaded));
    check("Broker", () -> broker(loaded));
    System.out.println(healthy ? "All that was checked is fine." : "Something needed is missing.");
    return healthy ? 0 : 1;
  }

  private void check(String what, Check check) {
    try {
      note(what, check.look());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception | LinkageError e) {
      healthy = false;
      String message = e.getMessage() == null ? e.toString() : e.getMessage();
      System.out.printf(
          "%-13s MISSING  %s%n", what, message.replace("\n", "\n                       "));
    }
  }

  private static void note(String what, String finding) {
    System.out.printf("%-13s ok       %s%n", what, finding);
  }

  private static String java() {
    return System.getProperty("java.vm.name")
        + " "
        + Runtime.version()
        + ", heap up to "
        + (Runtime.getRuntime().maxMemory() >> 20)
        + " MiB";
  }

  private static String cpu() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    String flags =
        Files.isReadable(info)
            ? Files.readAllLines(info).stream()
                .filter(l -> l.startsWith("flags"))
                .findFirst()
                .orElse("")
            : "";
    List<String> seen = new ArrayList<>();
    for (String flag : List.of("avx2", "fma", "avx512f", "avx512_vnni")) {
      if ((flags + " ").contains(" " + flag + " ")) {
        seen.add(flag);
      }
    }
    return Runtime.getRuntime().availableProcessors() + " processors, " + String.join(" ", seen);
  }

  private static String device(ShelfStreamConfig loaded) {
    try (Accelerator gpus = Accelerator.open(loaded.index().device()).orElse(null)) {
      return gpus == null ? "cpu" : "cuda, " + gpus;
    }
  }

  private static String faiss() {
    FaissLibrary library = FaissLibrary.describe();
    return "%s for %s, %s, %d GPUs, from %s"
        .formatted(
            library.faissVersion(),
            library.simdLevel(),
            library.blas(),
            library.gpus(),
            library.source());
  }

  private static String threads() {
    if (!"PASSIVE".equalsIgnoreCase(System.getenv("OMP_WAIT_POLICY"))) {
      throw new IllegalStateException(
          "OMP_WAIT_POLICY is not PASSIVE: Faiss's waiting threads would take the processor from the models; start through deploy/shelfstream, or export OMP_WAIT_POLICY=PASSIVE");
    }
    return "OMP_WAIT_POLICY=PASSIVE";
  }

  private static String models(ShelfStreamConfig loaded) {
    try (LoadedModels sessions =
        LoadedModels.load(loaded.models().dir(), loaded.models().options())) {
      return "detector %s, extractor %s of %d values, on %s"
          .formatted(
              sessions.directory().detectorId(),
              sessions.directory().extractorId(),
              sessions.directory().extractorDimension(),
              sessions.detector().provider());
    }
  }

  private static String buckets(ShelfStreamConfig loaded) throws FetchException {
    FetchPolicy policy = loaded.images().fetchPolicy();
    List<String> found = new ArrayList<>();
    try (ImageFetcher fetcher = new ImageFetcher(policy)) {
      for (String bucket : policy.buckets().allowed()) {
        found.add(fetcher.look(bucket));
      }
    }
    return policy.buckets().store().endpoint().map(URI::toString).orElse("Amazon S3")
        + ": "
        + String.join(", ", found);
  }

  /** Registers nothing: only asks whether our main schema would be compatible. */
  private static String registry(ShelfStreamConfig loaded) {
    if (loaded.schemaRegistryUrl().startsWith("mock:")) {
      return loaded.schemaRegistryUrl() + " (in memory, no server needed)";
    }
    String subject = loaded.topics().recognitions() + "-value";
    Map<String, String> askedOnce = new HashMap<>(loaded.schemaRegistry());
    askedOnce.put("max.retries", "0");
    List<String> conflicts =
        SchemaRegistryClient.create(askedOnce)
            .incompatibilities(subject, RecognitionEvent.getClassSchema());
    if (!conflicts.isEmpty()) {
      throw new IllegalStateException(
          "%s answers, but RecognitionEvent does not fit subject %s: %s; set topics.recognitions to another topic, or mend the subject"
              .formatted(loaded.schemaRegistryUrl(), subject, String.join("; ", conflicts)));
    }
    return loaded.schemaRegistryUrl() + ", RecognitionEvent fits subject " + subject;
  }

  private static String broker(ShelfStreamConfig loaded) {
    BrokerWait.ask(loaded, BROKER_PATIENCE);
    String servers = loaded.kafka().get("bootstrap.servers");
    Set<String> present = Topics.present(loaded, BROKER_PATIENCE);
    List<String> missing =
        loaded.topics().all().stream().filter(t -> !present.contains(t)).toList();
    return missing.isEmpty()
        ? servers + ", all topics are there"
        : servers + "; 'run' will make the missing topics " + missing;
  }
}
