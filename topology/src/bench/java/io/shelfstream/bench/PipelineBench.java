package io.shelfstream.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.sun.management.OperatingSystemMXBean;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.detect.Profile;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.events.GalleryVector;
import io.shelfstream.fetch.ImageFetcher;
import io.shelfstream.fetch.PatientFetcher;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.image.ImageDecoder;
import io.shelfstream.image.ImageLimits;
import io.shelfstream.index.FaissLibrary;
import io.shelfstream.messages.RecognitionEvents;
import io.shelfstream.model.ModelDirectory;
import io.shelfstream.recognition.FrameRecognizer;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.Recognition;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.recognition.RecognizerLimits;
import io.shelfstream.recognition.Stage;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Real photos through Kafka in and events out, beside the models alone, the recogniser without
 * Kafka, the command recognize and the Python pipeline: in turn, with the same models and threads.
 */
public final class PipelineBench {
  private static final int OUTSTANDING = 64;
  private static final int SPELLS = 5;
  private static final String OF_THE_FLOOR = "of the floor, through Kafka";
  private static final String TIMES_REFERENCE = "times reference.py";
  private static final String OUTSIDE = "% of CPU outside models and decoding";
  private static final Pattern TOTAL = Pattern.compile("total ([\\d.]+) ms/img");

  private final Path shared = Path.of(System.getProperty("bench.shared"));
  private final Path root = Path.of(System.getProperty("bench.root"));
  private final @Nullable String python = System.getProperty("bench.python");
  private final List<String> java = List.of(System.getProperty("bench.java").split("\u001f", -1));
  private final Path folder;
  private final boolean quick;
  private final int threads;
  private final List<String> pairs;
  private final List<String> sets;
  private final List<String> parts;
  private final List<Map<String, Object>> results = new ArrayList<>();
  private final List<String> missed = new ArrayList<>();

  private PipelineBench(List<String> arguments) throws Exception {
    quick = arguments.contains("--quick");
    threads = Integer.parseInt(option(arguments, "--threads", "2"));
    pairs = choice(arguments, "--pairs", "exact,real,bundled");
    sets = choice(arguments, "--sets", "scenes,photos");
    parts = choice(arguments, "--parts", "throughput,latency");
    folder = Files.createTempDirectory("shelfstream-pipeline-");
  }

  /** Some of what there is, separated by commas; all by default. */
  private static List<String> choice(List<String> arguments, String name, String all) {
    List<String> chosen = List.of(option(arguments, name, all).split(","));
    if (!List.of(all.split(",")).containsAll(chosen)) {
      throw new IllegalArgumentException(name + " takes some of " + all + ", got " + chosen);
    }
    return chosen;
  }

  private static String option(List<String> arguments, String name, String fallback) {
    int at = arguments.indexOf(name);
    return at < 0 ? fallback : arguments.get(at + 1);
  }

  public static void main(String[] arguments) throws Exception {
    PipelineBench bench;
    try {
      bench = new PipelineBench(Arrays.asList(arguments));
    } catch (IllegalArgumentException e) {
      say("%s; --help says what there is", e.getMessage());
      System.exit(2);
      return;
    }
    bench.run();
    System.exit(bench.verdict());
  }

  private static void say(String format, Object... values) {
    System.err.printf(Locale.ROOT, "bench pipeline: " + format + "%n", values);
  }

  private void run() throws Exception {
    try (Program broker = Program.broker(folder.resolve("broker"), folder.resolve("broker.log"))) {
      String address = broker.line(90);
      for (String pair : pairs) {
        for (String set : sets) {
          if (set.equals("scenes") || pair.equals("exact")) {
            measure(pair, set, address);
          }
        }
      }
    }
  }

  private Path models(String pair) {
    return pair.equals("bundled")
        ? root.resolve("deploy/models/bundled-int8")
        : shared.resolve("models").resolve(pair);
  }

  private List<Path> photos(String set) throws Exception {
    if (set.equals("scenes")) {
      try (Stream<Path> files = Files.list(shared.resolve("images/scenes"))) {
        return files.filter(f -> f.toString().endsWith(".jpg")).sorted().toList();
      }
    }
    Path grocery = shared.resolve("images/grocery");
    List<String> lines = Files.readAllLines(grocery.resolve("test_a.tsv"));
    List<Path> photos = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      photos.add(grocery.resolve(lines.get(i * lines.size() / 20).split("\t")[0]));
    }
    return photos;
  }

  private Map<String, String> settings(String pair, String set, String address) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("kafka.bootstrap.servers", address);
    settings.put("application.id", pair + "-" + set);
    settings.put("state.dir", folder.resolve("state-" + pair + "-" + set).toString());
    settings.put("models.dir", models(pair).toString());
    settings.put("models.threads", Integer.toString(threads));
    settings.put("models.provider", "cpu");
    settings.put("recognition.profile", "pp-shitu");
    settings.put("recognition.match.threshold", "-1");
    settings.put("images.allowed.roots", shared.resolve("images").toString());
    for (String topic :
        List.of("frames", "recognitions", "gallery.updates", "gallery.vectors", "gallery.status")) {
      settings.put("topics." + topic, pair + "." + set + "." + topic);
    }
    settings.put("topics.dead.letters", pair + "." + set + ".dead");
    return settings;
  }

  /** One pair of models on one set of photos: all contestants in turn, several rounds. */
  private void measure(String pair, String set, String address) throws Exception {
    List<Path> photos = photos(set);
    Map<String, String> settings = settings(pair, set, address);
    ShelfStreamConfig config = ShelfStreamConfig.loadWithModels(null, settings);
    say("%s pair, %s", pair, set);
    Path place = Files.createDirectories(folder.resolve(pair + "-" + set));
    try (LoadedModels models = LoadedModels.load(models(pair), config.models().options());
        Gallery gallery =
            new Gallery(
                "Flat", models.directory().extractorDimension(), models.directory().extractorId());
        ImageFetcher fetcher = new ImageFetcher(config.images().fetchPolicy());
        Floor floor = new Floor(models, Profile.PP_SHITU, photos, threads)) {
      RecognitionModels recognition = RecognitionModels.of(config, models, gallery);
      FaissLibrary.threads(1);
      List<GalleryVector> vectors = fill(gallery, recognition);
      try (FrameRecognizer recognizer =
              new FrameRecognizer(
                  new PatientFetcher(fetcher, Duration.ZERO),
                  () -> recognition,
                  RecognizerLimits.of(config, models.detector().provider()));
          KafkaPipeline kafka = new KafkaPipeline(java, settings, vectors, place)) {
        report(pair, set, rounds(pair, photos, place, floor, recognizer, kafka), floor.crops());
      }
    }
  }

  /** A small gallery: every 44th training photo, 60 in all. */
  private List<String> galleryLines() throws Exception {
    List<String> lines = Files.readAllLines(shared.resolve("images/grocery/train.tsv"));
    List<String> chosen = new ArrayList<>();
    for (int i = 0; i < lines.size(); i += 44) {
      chosen.add(lines.get(i));
    }
    return chosen;
  }

  private List<GalleryVector> fill(Gallery gallery, RecognitionModels recognition)
      throws Exception {
    List<GalleryVector> vectors = new ArrayList<>();
    PhotoEmbedder photos = new PhotoEmbedder(recognition);
    for (String line : galleryLines()) {
      String[] fields = line.split("\t");
      byte[] encoded = Files.readAllBytes(shared.resolve("images/grocery").resolve(fields[0]));
      float[] embedding = photos.embed(encoded, null, false).embedding();
      GalleryVector vector =
          GalleryVector.newBuilder()
              .setGalleryImageId(fields[0])
              .setProductId(fields[1])
              .setLabel(fields[1])
              .setEmbedding(Embeddings.encode(embedding))
              .setDimension(embedding.length)
              .setExtractor(recognition.ids().extractor())
              .setSourceOffset(vectors.size())
              .build();
      gallery.apply(0, vectors.size(), fields[0], vector);
      vectors.add(vector);
    }
    return vectors;
  }

  /**
   * Everything of one round: frames/s of each, CPU milliseconds a frame where they can be told, the
   * runs through Kafka, and what goals are about, each from runs that took turns.
   */
  private record Round(
      Map<String, Double> perSecond,
      Map<String, Double> cpuMillis,
      Map<String, KafkaPipeline.Run> kafka,
      Map<String, Double> ratios) {}

  /** A run that takes turns with others: its frames/s and its CPU milliseconds a frame. */
  private record Turn(double perSecond, double cpuMillis) {}

  private interface Frames {
    double perSecond() throws Exception;
  }

  /** In this process. */
  private static Turn turn(int frames, Frames work) throws Exception {
    double before = ownCpuMillis();
    double perSecond = work.perSecond();
    return new Turn(perSecond, (ownCpuMillis() - before) / frames);
  }

  private static double ownCpuMillis() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime()
        / 1e6;
  }

  private List<Round> rounds(
      String pair,
      List<Path> photos,
      Path place,
      Floor floor,
      FrameRecognizer recognizer,
      KafkaPipeline kafka)
      throws Exception {
    // Some seconds each; the faster a pair, the more of a second goes to compiling in the
    // beginning.
    int counted = Map.of("exact", 80, "real", 400, "bundled", 1200).get(pair) / (quick ? 2 : 1);
    int frames = Steady.frames(counted, threads);
    floor.sideBySide(frames);
    throughput(recognizer, photos, frames);
    kafka.run(photos, frames, 4, 0);
    List<Round> rounds = new ArrayList<>();
    for (int n = 0; n < (quick ? 1 : 3); n++) {
      say("round %d", n + 1);
      Round round =
          new Round(
              new LinkedHashMap<>(),
              new LinkedHashMap<>(),
              new LinkedHashMap<>(),
              new LinkedHashMap<>());
      if (parts.contains("throughput")) {
        contest(pair, photos, place, frames, floor, recognizer, kafka, round);
      }
      if (parts.contains("latency")) {
        latency(photos, frames, recognizer, kafka, round);
      }
      rounds.add(round);
    }
    return rounds;
  }

  private void contest(
      String pair,
      List<Path> photos,
      Path place,
      int frames,
      Floor floor,
      FrameRecognizer recognizer,
      KafkaPipeline kafka,
      Round round)
      throws Exception {
    Turn alone = turn(frames, () -> throughput(recognizer, photos, frames));
    round.perSecond().put("recogniser without Kafka", alone.perSecond());
    round.cpuMillis().put("recogniser without Kafka", alone.cpuMillis());
    for (int cameras : new int[] {1, 4}) {
      KafkaPipeline.Run run = kafka.run(photos, frames, cameras, 0);
      round.kafka().put(cameras + " cameras", run);
      round
          .perSecond()
          .put("Kafka, " + cameras + " cameras", Steady.perSecond(run.done(), threads));
    }
    takeTurns(pair, photos, place, frames, floor, kafka, round);
    round.perSecond().put("recognize", recognize(pair, place));
  }

  /**
   * What is compared takes turns of some seconds: a shared machine is a third faster or slower from
   * one minute to the next.
   */
  private void takeTurns(
      String pair,
      List<Path> photos,
      Path place,
      int frames,
      Floor floor,
      KafkaPipeline kafka,
      Round round)
      throws Exception {
    int spell = spell(photos, frames);
    double decoding = decoding(photos, spell);
    round.cpuMillis().put("decoding", decoding);
    Map<String, List<Double>> speeds = new LinkedHashMap<>();
    Map<String, List<Double>> cpu = new LinkedHashMap<>();
    Map<String, List<Double>> ratios = new LinkedHashMap<>();
    List<KafkaPipeline.Run> runs = new ArrayList<>();
    for (int i = 0; i < SPELLS; i++) {
      Turn session = turn(spell, () -> floor.oneAfterTheOther(spell));
      Turn workers = turn(spell, () -> floor.sideBySide(spell));
      KafkaPipeline.Run run = kafka.run(photos, spell, 32, 0);
      runs.add(run);
      Turn service =
          new Turn(Steady.perSecond(run.done(), threads), 1000 * run.cpuSeconds() / spell);
      Map<String, Turn> turns = new LinkedHashMap<>();
      turns.put("one session, all threads", session);
      turns.put("one-thread workers", workers);
      turns.put("Kafka, 32 cameras", service);
      turns.forEach((who, turn) -> add(speeds, who, turn.perSecond()));
      turns.forEach((who, turn) -> add(cpu, who, turn.cpuMillis()));
      double best = Math.max(session.perSecond(), workers.perSecond());
      add(ratios, OF_THE_FLOOR, service.perSecond() / best);
      add(
          ratios,
          OUTSIDE,
          100 * (service.cpuMillis() - workers.cpuMillis() - decoding) / service.cpuMillis());
      Double peer = reference(pair, place, photos);
      if (peer != null) {
        add(speeds, "reference.py", peer);
        add(ratios, TIMES_REFERENCE, service.perSecond() / peer);
        add(ratios, "the floor, times reference.py", best / peer);
      }
    }
    round.kafka().put("32 cameras", KafkaPipeline.Run.joined(runs));
    speeds.forEach((who, values) -> round.perSecond().put(who, percentile(values, 50)));
    cpu.forEach((who, values) -> round.cpuMillis().put(who, percentile(values, 50)));
    ratios.forEach((what, values) -> round.ratios().put(what, percentile(values, 50)));
    ratios.forEach((what, values) -> say("%s: %s", what, values));
  }

  private static void add(Map<String, List<Double>> lists, String key, double value) {
    lists.computeIfAbsent(key, k -> new ArrayList<>()).add(value);
  }

  /** Enough frames for each photo to be among them. */
  private int spell(List<Path> photos, int frames) {
    return Steady.frames(Math.max(photos.size(), frames / 4), threads);
  }

  private void latency(
      List<Path> photos, int frames, FrameRecognizer recognizer, KafkaPipeline kafka, Round round)
      throws Exception {
    double lone = 1000 / Math.max(1e-3, alone(recognizer, photos));
    round.perSecond().put("recogniser, one frame at a time", lone);
    kafka.run(photos, photos.size(), 1, 3000 / lone);
    round.kafka().put("one slow camera", kafka.run(photos, frames / 2, 1, 3000 / lone));
    // What was 70 % of the most is 90 % a minute later on a shared machine: measured anew each
    // time.
    int spell = spell(photos, frames);
    List<KafkaPipeline.Run> spells = new ArrayList<>();
    for (int i = 0; i < SPELLS; i++) {
      double most = Steady.perSecond(kafka.run(photos, spell, 32, 0).done(), threads);
      spells.add(kafka.run(photos, spell, 4, 1000 / (0.7 * most)));
    }
    round.kafka().put("70 % load", KafkaPipeline.Run.joined(spells));
  }

  /** CPU milliseconds of decoding a frame. */
  private static double decoding(List<Path> photos, int frames) throws Exception {
    ImageDecoder decoder = new ImageDecoder(ImageLimits.DEFAULT);
    long cpu = 0;
    for (int i = 0; i < frames; i++) {
      byte[] encoded = Files.readAllBytes(photos.get(i % photos.size()));
      long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      decoder.decode(encoded).close();
      cpu += ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before;
    }
    return cpu / 1e6 / frames;
  }

  private double throughput(FrameRecognizer recognizer, List<Path> photos, int frames)
      throws Exception {
    ArrayDeque<CompletableFuture<Double>> outstanding = new ArrayDeque<>();
    List<Double> done = new ArrayList<>();
    for (int i = 0; i < frames; i++) {
      if (outstanding.size() == OUTSTANDING) {
        done.add(outstanding.remove().get());
      }
      outstanding.add(
          submit(recognizer, photos.get(i % photos.size()))
              .thenApply(answer -> System.nanoTime() / 1e6));
    }
    for (CompletableFuture<Double> answer : outstanding) {
      done.add(answer.get());
    }
    return Steady.perSecond(done, threads);
  }

  private static CompletableFuture<Recognition> submit(FrameRecognizer recognizer, Path photo) {
    String uri = photo.toUri().toString();
    return recognizer.submit(RecognitionEvents.reference("c", "f", uri, Instant.now()));
  }

  /** Median ms of frames that come one at a time. */
  private static double alone(FrameRecognizer recognizer, List<Path> photos) throws Exception {
    List<Double> millis = new ArrayList<>();
    for (Path photo : photos) {
      long start = System.nanoTime();
      submit(recognizer, photo).get();
      millis.add((System.nanoTime() - start) / 1e6);
    }
    return percentile(millis, 50);
  }

  private Path photosFolder(Path place, List<Path> photos) throws Exception {
    Path links = place.resolve("photos");
    if (!Files.isDirectory(links)) {
      Files.createDirectories(links);
      for (int i = 0; i < photos.size(); i++) {
        Files.copy(photos.get(i), links.resolve("%03d.jpg".formatted(i)));
      }
    }
    return links;
  }

  private Path galleryFile(Path place) throws Exception {
    return Files.write(place.resolve("gallery.tsv"), galleryLines());
  }

  private double recognize(String pair, Path place) throws Exception {
    List<String> command = new ArrayList<>(java);
    command.addAll(
        List.of(
            "io.shelfstream.Main",
            "recognize",
            photosFolder(place, photos(place.toString().endsWith("scenes") ? "scenes" : "photos"))
                .toString(),
            "--models",
            models(pair).toString(),
            "--gallery",
            galleryFile(place).toString(),
            "--image-root",
            shared.resolve("images/grocery").toString(),
            "--profile",
            "pp-shitu",
            "--times",
            "--set",
            "recognition.match.threshold=-1",
            "--set",
            "models.threads=" + threads));
    Path log = place.resolve("recognize.log");
    try (Program child = new Program(command, log)) {
      child.output();
    }
    return perSecond(Files.readString(log));
  }

  /**
   * Null where it is not there. The bundled pair, whose raw heads and crops of 112 pixels it does
   * not know, reaches it by way of an adapter.
   */
  private @Nullable Double reference(String pair, Path place, List<Path> photos) throws Exception {
    if (python == null) {
      return null;
    }
    List<String> program = new ArrayList<>(List.of(python));
    if (pair.equals("bundled")) {
      program.add(root.resolve("deploy/bench.d/reference_heads.py").toString());
    }
    program.add(shared.resolve("peer/reference.py").toString());
    if (pair.equals("bundled")) {
      program.add("112");
    }
    Path index = place.resolve("index");
    ModelDirectory models = ModelDirectory.read(models(pair));
    String extractor = models.extractorFile().toString();
    if (!Files.isDirectory(index)) {
      call(
          place,
          with(
              program,
              "build",
              "--rec",
              extractor,
              "--image-root",
              shared.resolve("images/grocery").toString(),
              "--data-file",
              galleryFile(place).toString(),
              "--index-dir",
              index.toString(),
              "--method",
              "Flat"));
    }
    return perSecond(
        call(
            place,
            with(
                program,
                "run",
                "--det",
                models.detectorFile().toString(),
                "--rec",
                extractor,
                "--index-dir",
                index.toString(),
                "--images",
                photosFolder(place, photos).toString(),
                "--threads",
                Integer.toString(threads),
                "--det-size",
                Integer.toString(models.detectorInputSize()),
                "--threshold",
                Double.toString(models.detectorScoreThreshold()),
                "--score-thres",
                "-1",
                "--times")));
  }

  private static List<String> with(List<String> program, String... arguments) {
    List<String> command = new ArrayList<>(program);
    command.addAll(List.of(arguments));
    return command;
  }

  private static String call(Path place, List<String> command) throws Exception {
    try (Program child = new Program(command, place.resolve("peer.log"))) {
      return String.join("\n", child.output());
    }
  }

  private static double perSecond(String text) {
    Matcher total = TOTAL.matcher(text);
    if (!total.find()) {
      throw new IllegalStateException("No time in: " + text);
    }
    return 1000 / Double.parseDouble(total.group(1));
  }

  private static double percentile(List<Double> values, int percent) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / 100));
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> value) {
    return percentile(rounds.stream().map(value::applyAsDouble).toList(), 50);
  }

  private void report(String pair, String set, List<Round> rounds, double crops) {
    System.out.printf(
        Locale.ROOT,
        "%n%s pair, %s, %.1f crops a frame, %d threads, median of %d rounds%n",
        pair,
        set,
        crops,
        threads,
        rounds.size());
    Map<String, Double> speed = new LinkedHashMap<>();
    for (String who : rounds.get(0).perSecond().keySet()) {
      speed.put(who, median(rounds, r -> r.perSecond().get(who)));
    }
    double floor =
        Math.max(
            speed.getOrDefault("one session, all threads", 0.0),
            speed.getOrDefault("one-thread workers", 0.0));
    speed.forEach(
        (who, value) ->
            System.out.printf(
                Locale.ROOT,
                "  %-34s %8.2f frames/s %8.1f ms a frame  %s%n",
                who,
                value,
                1000 / value,
                floor == 0 ? "" : "%5.2f of the floor".formatted(value / floor)));
    Map<String, Double> cpu = new LinkedHashMap<>();
    for (String who : rounds.get(0).cpuMillis().keySet()) {
      cpu.put(who, median(rounds, r -> r.cpuMillis().get(who)));
    }
    cpu.forEach(
        (who, value) ->
            System.out.printf(Locale.ROOT, "  %-34s %8.1f CPU ms a frame%n", who, value));
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("cpuMillisAFrame", cpu);
    result.put("pair", pair);
    result.put("set", set);
    result.put("crops", crops);
    result.put("framesPerSecond", speed);
    for (String run : rounds.get(0).kafka().keySet()) {
      result.put(run, reportRun(run, rounds));
    }
    results.add(result);
    if (parts.contains("throughput")) {
      result.put("threads", reportThreads(pair + "-" + set, rounds.get(rounds.size() - 1)));
      judgeThroughput(pair, set, rounds);
    }
    if (parts.contains("latency")) {
      judgeLatency(pair + ", " + set, rounds);
    }
  }

  private Map<String, Double> reportRun(String name, List<Round> rounds) {
    Map<String, Double> figures = new LinkedHashMap<>();
    for (int p : new int[] {50, 95, 99}) {
      figures.put(
          "answered p" + p, median(rounds, r -> percentile(r.kafka().get(name).answered(), p)));
      figures.put(
          "readable p" + p, median(rounds, r -> percentile(r.kafka().get(name).readable(), p)));
    }
    figures.put(
        "cores",
        median(rounds, r -> r.kafka().get(name).cpuSeconds() / r.kafka().get(name).seconds()));
    figures.put("compiler % of a core", median(rounds, r -> compiler(r.kafka().get(name))));
    figures.put("peak MiB", median(rounds, r -> r.kafka().get(name).peakMib()));
    for (Stage stage : Stage.values()) {
      if (stage != Stage.READ) {
        figures.put(stage.label(), median(rounds, r -> stage(r.kafka().get(name), stage)));
      }
    }
    StringBuilder line = new StringBuilder();
    figures.forEach(
        (what, value) -> line.append(String.format(Locale.ROOT, "  %s %.1f", what, value)));
    System.out.printf("  %-16s%s%n", name, line);
    return figures;
  }

  private static boolean isCompiler(String thread) {
    return thread.matches("C[12] Compiler.*|Sweeper.*");
  }

  private static double compiler(KafkaPipeline.Run run) {
    return run.threads().entrySet().stream()
            .filter(e -> isCompiler(e.getKey()))
            .mapToDouble(Map.Entry::getValue)
            .sum()
        * 100
        / run.seconds();
  }

  private static double stage(KafkaPipeline.Run run, Stage stage) {
    return run.timings().stream()
        .mapToDouble(
            t ->
                switch (stage) {
                  case FETCH -> t.getFetch();
                  case DECODE -> t.getDecode();
                  case DETECT -> t.getDetect();
                  case EXTRACT -> t.getExtract();
                  case SEARCH -> t.getSearch();
                  case READ -> 0;
                })
        .average()
        .orElse(0);
  }

  /** CPU of the service by kinds of threads, in percent, with 32 cameras. */
  private static Map<String, Double> reportThreads(String application, Round round) {
    Map<String, Double> shares = new LinkedHashMap<>();
    Map<String, Double> threads = round.kafka().get("32 cameras").threads();
    double all = threads.values().stream().mapToDouble(d -> d).sum();
    threads.forEach(
        (name, cpu) -> shares.merge(kind(application, name), 100 * cpu / all, Double::sum));
    StringBuilder line = new StringBuilder();
    shares.entrySet().stream()
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .forEach(e -> line.append("  %s %.1f %%".formatted(e.getKey(), e.getValue())));
    System.out.printf("  %-16s%s%n", "CPU by threads", line);
    return shares;
  }

  /** Linux keeps 15 letters of a thread's name. */
  private static String kind(String application, String thread) {
    if (thread.startsWith("frame-worker")) {
      return "frame workers";
    }
    if (thread.startsWith("frame-fetch")) {
      return "fetching";
    }
    if (thread.startsWith(application.substring(0, Math.min(15, application.length())))) {
      return "stream threads";
    }
    if (thread.startsWith("kafka-")) {
      return "Kafka clients";
    }
    if (isCompiler(thread)) {
      return "compiler";
    }
    if (thread.matches("G1 .*|GC .*|VM .*")) {
      return "collector";
    }
    return "others";
  }

  private void judgeThroughput(String pair, String set, List<Round> rounds) {
    String what = pair + ", " + set + ": ";
    Map<String, Double> ratios = new LinkedHashMap<>();
    for (String ratio : rounds.get(0).ratios().keySet()) {
      ratios.put(ratio, median(rounds, r -> r.ratios().get(ratio)));
      System.out.printf(Locale.ROOT, "  %-40s %8.2f%n", ratio, ratios.get(ratio));
    }
    double ofFloor = pair.equals("bundled") ? 0.85 : set.equals("scenes") ? 0.93 : 0.95;
    if (!pair.equals("real")) {
      goal(what + OF_THE_FLOOR, ratios.get(OF_THE_FLOOR), ofFloor, true);
    }
    if (ratios.containsKey(TIMES_REFERENCE)) {
      double least = !pair.equals("exact") ? 3 : set.equals("scenes") ? 1.65 : 1.3;
      goal(what + TIMES_REFERENCE, ratios.get(TIMES_REFERENCE), least, true);
    } else {
      System.out.println(
          "  not compared with reference.py: there is none at " + shared.resolve("peer"));
    }
    if (pair.equals("exact")) {
      goal(what + OUTSIDE, ratios.get(OUTSIDE), 5, false);
    }
  }

  private void judgeLatency(String what, List<Round> rounds) {
    double overhead =
        median(rounds, r -> percentile(r.kafka().get("one slow camera").overheads(), 95));
    goal(what + ": one slow camera, ms p95 beside its processing", overhead, 10, false);
    double processing = median(rounds, r -> processing(r.kafka().get("70 % load"), 50));
    double slowest = median(rounds, r -> processing(r.kafka().get("70 % load"), 95));
    double waited = median(rounds, r -> percentile(r.kafka().get("70 % load").overheads(), 95));
    double busy = median(rounds, r -> percentile(r.kafka().get("70 % load").answered(), 95));
    double ratio = median(rounds, r -> percentile(r.kafka().get("70 % load").ratios(), 95));
    double lone = 1000 / median(rounds, r -> r.perSecond().get("recogniser, one frame at a time"));
    System.out.printf(
        Locale.ROOT,
        "  70 %% load: processing p50 %.1f ms, p95 %.1f ms, of a lone frame p50 %.1f ms;"
            + " latency p95 %.1f ms; beside processing p95 %.1f ms%n",
        processing,
        slowest,
        lone,
        busy,
        waited);
    goal(what + ": 70 % load, p95 of latency by its own processing time", ratio, 1.5, false);
    goal(what + ": 70 % load, p95 by median processing time", busy / processing, 1.5, false);
    // Whoever works more slowly under load makes the measure above easier for himself.
    goal(what + ": 70 % load, p95 by processing of a lone frame", busy / lone, 1.5, false);
  }

  private static double processing(KafkaPipeline.Run run, int percent) {
    return percentile(run.timings().stream().map(t -> (double) t.getTotal()).toList(), percent);
  }

  private void goal(String what, double value, double limit, boolean atLeast) {
    boolean met = atLeast ? value >= limit : value <= limit;
    String line =
        String.format(
            Locale.ROOT, "%s: %.2f, goal %s %.2f", what, value, atLeast ? ">=" : "<=", limit);
    System.out.println((met ? "  met    " : "  MISSED ") + line);
    if (!met) {
      missed.add(line);
    }
  }

  private int verdict() throws Exception {
    Path target = Files.createDirectories(root.resolve("target/bench"));
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(
            target.resolve("pipeline.json").toFile(),
            Map.of("threads", threads, "results", results, "missed", missed));
    missed.forEach(m -> System.out.println("MISSED " + m));
    System.out.println(
        missed.isEmpty()
            ? "pipeline: all goals met"
            : "pipeline: " + missed.size() + " goals missed");
    return missed.isEmpty() ? 0 : 1;
  }
}
