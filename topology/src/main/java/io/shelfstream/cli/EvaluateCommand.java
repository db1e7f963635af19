package io.shelfstream.cli;

import io.shelfstream.client.GivenPhoto;
import io.shelfstream.client.GivenPhotos;
import io.shelfstream.client.ImageFiles;
import io.shelfstream.client.OneLine;
import io.shelfstream.client.Progress;
import io.shelfstream.client.UsageException;
import io.shelfstream.config.ShelfStreamConfig;
import io.shelfstream.embedding.PhotoEmbedder;
import io.shelfstream.evaluate.EmbeddedPhoto;
import io.shelfstream.evaluate.EmbeddingFile;
import io.shelfstream.evaluate.Evaluation;
import io.shelfstream.evaluate.Notes;
import io.shelfstream.evaluate.PhotoReader;
import io.shelfstream.evaluate.Pipeline;
import io.shelfstream.evaluate.Report;
import io.shelfstream.evaluate.ReportJson;
import io.shelfstream.evaluate.ReportPage;
import io.shelfstream.evaluate.ReportText;
import io.shelfstream.evaluate.Retrieval;
import io.shelfstream.evaluate.Settings;
import io.shelfstream.evaluate.Unreadable;
import io.shelfstream.gallery.Embeddings;
import io.shelfstream.gallery.Gallery;
import io.shelfstream.gallery.paddleclas.IndexDirectory;
import io.shelfstream.recognition.LoadedModels;
import io.shelfstream.recognition.MatchPolicy;
import io.shelfstream.recognition.RecognitionModels;
import io.shelfstream.serving.IndexFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description = {
      "Tells how good models and a gallery are: looks photos of known products up in it, without Kafka.",
      "Prints recall@k, mAP and mINP as PaddleClas defines them, the worst products and confusions, and which match.threshold and match.margin give a wanted share of right labels. Its guide is docs/evaluate.md.",
      "",
      "Example: shelfstream evaluate --gallery products/ --queries shop-photos/ --html report.html   with a folder for each product in both"
    })
final class EvaluateCommand implements Callable<Integer> {
  private static final int MOST_NAMED = 20;
  private static final int LONGEST_NOTE = 2000;
  private static final String STRANGER = "(not in the gallery)";

  @Mixin ConfigOptions config = new ConfigOptions();

  @ArgGroup(multiplicity = "1")
  GallerySource gallery = new GallerySource();

  static final class GallerySource {
    @Option(
        names = "--gallery",
        paramLabel = "FILE|DIR",
        description =
            "Gallery file, 'relative/path<TAB>label[<TAB>camera]' a line; a table (.csv) with a path, a label and maybe a camera; or a folder with a folder for each product.")
    @Nullable Path photos;

    @Option(
        names = "--index-dir",
        paramLabel = "DIR",
        description = "Index made by PaddleClas: vector.index and id_map.txt.")
    @Nullable Path indexDir;
  }

  @Option(
      names = "--queries",
      paramLabel = "FILE|DIR",
      description =
          "Photos to look up, in the same form. Default: those of --gallery, each compared with all the others.")
  @Nullable Path queries;

  @Option(
      names = "--unknowns",
      paramLabel = "FILE|DIR",
      description =
          "Photos of products that are not in the gallery, in the same form, or a folder of photos: do they stay UNKNOWN?")
  @Nullable Path unknowns;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description =
          "Folder the paths in the files are relative to; with --index-dir, where the page finds its photos. Default: each file's folder.")
  @Nullable Path imageRoot;

  @Option(
      names = "--delimiter",
      paramLabel = "TEXT",
      description = "Between the columns of lists and tables. Default: a tab in lists.")
  @Nullable String delimiter;

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "Model directory (models.dir). Default: the bundled one.")
  @Nullable Path models;

  @Option(
      names = "--profile",
      paramLabel = "NAME",
      description = "With --pipeline: shelf or pp-shitu (recognition.profile).")
  @Nullable String profile;

  @Option(
      names = "--pipeline",
      description =
          "Sends the queries through the detector: recall@i is the share of them whose label is among the i best boxes.")
  boolean pipeline;

  @Option(
      names = "--k",
      split = ",",
      paramLabel = "K",
      description = "Numbers of nearest photos to give the recall of. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1,5")
  List<Integer> ks = List.of();

  @Option(
      names = "--with-itself",
      description =
          "Compares a query that is a photo of the gallery with itself too, as PaddleClas does without cameras.")
  boolean withItself;

  @Option(
      names = "--precision",
      split = ",",
      paramLabel = "SHARE",
      description =
          "Wanted share of right labels among those given, to choose match.threshold and match.margin by. Default: ${DEFAULT-VALUE}.",
      defaultValue = "0.99")
  List<Double> precisions = List.of();

  @Option(
      names = "--left-out",
      paramLabel = "SHARE",
      description =
          "Share of the products that draws leave out of the gallery, to see what becomes of strangers; 0: no draws. Default: ${DEFAULT-VALUE}.",
      defaultValue = "0.5")
  double leftOut;

  @Option(
      names = "--shots",
      split = ",",
      paramLabel = "N",
      description = "Also with galleries of N photos a product, drawn by seeds.")
  List<Integer> shots = List.of();

  @Option(
      names = "--draws",
      paramLabel = "N",
      description = "Number of draws of each kind. Default: ${DEFAULT-VALUE}.",
      defaultValue = "10")
  int draws;

  @Option(
      names = "--embeddings",
      paramLabel = "FILE",
      description =
          "Keeps the embeddings there, a JSON line a photo; those that it holds are not computed again.")
  @Nullable Path embeddings;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes everything there, for programs.")
  @Nullable Path json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Writes a page there, with the worst confusions as pictures; one file.")
  @Nullable Path html;

  @Option(
      names = "--worst",
      paramLabel = "N",
      description = "Confusions that the page shows as pictures. Default: ${DEFAULT-VALUE}.",
      defaultValue = "24")
  int worst;

  /** What a reader should know of the lists, and photos that were left out. */
  private final List<String> notes = new ArrayList<>();

  private final List<Unreadable> unreadable = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    check();
    ShelfStreamConfig loaded = config.loadWithModels(overrides());
    List<GivenPhoto> galleryPhotos = gallery.photos == null ? List.of() : listed(gallery.photos);
    List<GivenPhoto> queryPhotos = queryPhotos(galleryPhotos);
    try (LoadedModels sessions =
            LoadedModels.load(loaded.models().dir(), loaded.models().options());
        Gallery filled =
            LocalGallery.empty(
                loaded.index().type(),
                sessions.directory().extractorDimension(),
                sessions.directory().extractorId());
        EmbeddingFile kept = kept(sessions)) {
      RecognitionModels models = RecognitionModels.of(loaded, sessions, filled);
      PhotoReader reader =
          new PhotoReader(new PhotoEmbedder(models), loaded.images().maxBytes(), kept);
      if (gallery.indexDir != null) {
        try (IndexDirectory index =
            IndexFolder.open(gallery.indexDir, loaded, sessions.directory())) {
          return write(
              report(
                  RecognitionModels.of(loaded, sessions, index),
                  reader,
                  photosOf(index, sessions),
                  queryPhotos,
                  loaded.images().maxBytes()),
              models);
        }
      }
      boolean cameras = haveCameras(galleryPhotos, queryPhotos);
      List<EmbeddedPhoto> photos = read(reader, "gallery photos", galleryPhotos, cameras);
      if (pipeline) {
        LocalGallery.fill(filled, photos, models.ids().extractor());
      }
      return write(report(models, reader, photos, queryPhotos, loaded.images().maxBytes()), models);
    }
  }

  private void check() {
    List<String> problems = new ArrayList<>();
    refuse(problems, ks.stream().anyMatch(k -> k < 1), "--k %s: each must be 1 or more", ks);
    refuse(
        problems,
        precisions.stream().anyMatch(p -> !(p > 0 && p <= 1)),
        "--precision %s: each must be above 0, up to 1, such as 0.99",
        precisions);
    refuse(
        problems,
        !(leftOut >= 0 && leftOut < 1),
        "--left-out %s: give a share from 0 to less than 1",
        leftOut);
    refuse(problems, draws < 1, "--draws %s: give 1 or more", draws);
    refuse(
        problems, shots.stream().anyMatch(n -> n < 1), "--shots %s: each must be 1 or more", shots);
    refuse(problems, worst < 0, "--worst %s: give 0 or more", worst);
    refuse(
        problems,
        pipeline && !shots.isEmpty(),
        "--shots %s is for whole photos; leave it or --pipeline out",
        shots);
    refuse(
        problems,
        gallery.indexDir != null && queries == null,
        "--index-dir %s holds no photos to look up; give some with --queries",
        gallery.indexDir);
    for (Path file : Stream.of(embeddings, json, html).filter(f -> f != null).toList()) {
      Path folder = file.toAbsolutePath().getParent();
      refuse(
          problems,
          folder == null || !Files.isDirectory(folder) || Files.isDirectory(file),
          "%s cannot be written: there is no such folder, or it is a folder itself",
          file);
    }
    if (!problems.isEmpty()) {
      throw new UsageException(String.join(System.lineSeparator() + "  ", problems));
    }
  }

  private static void refuse(
      List<String> problems, boolean isWrong, String problem, @Nullable Object value) {
    if (isWrong) {
      problems.add(problem.formatted(value));
    }
  }

  private Map<String, String> overrides() {
    Map<String, String> settings = new LinkedHashMap<>();
    if (models != null) {
      settings.put("models.dir", models.toString());
    }
    if (profile != null) {
      settings.put("recognition.profile", profile);
    }
    return settings;
  }

  private @Nullable EmbeddingFile kept(LoadedModels sessions) throws IOException {
    return embeddings == null
        ? null
        : new EmbeddingFile(
            embeddings,
            sessions.directory().extractorId(),
            sessions.directory().extractorDimension());
  }

  private List<GivenPhoto> listed(Path given) throws IOException {
    GivenPhotos list = GivenPhotos.read(List.of(given), imageRoot, delimiter);
    notes.addAll(list.notes());
    return list.photos();
  }

  private List<GivenPhoto> queryPhotos(List<GivenPhoto> galleryPhotos) throws IOException {
    List<GivenPhoto> all = new ArrayList<>();
    all.addAll(queries == null ? galleryPhotos : listed(queries));
    if (unknowns != null) {
      all.addAll(unknownPhotos(unknowns, galleryPhotos));
    }
    return all;
  }

  private List<GivenPhoto> unknownPhotos(Path given, List<GivenPhoto> galleryPhotos)
      throws IOException {
    if (Files.isDirectory(given)) {
      return ImageFiles.below(given).stream()
          .map(file -> new GivenPhoto(given.relativize(file).toString(), file, STRANGER))
          .toList();
    }
    List<GivenPhoto> listed = listed(given);
    Set<String> known = galleryPhotos.stream().map(GivenPhoto::label).collect(Collectors.toSet());
    List<String> wrong =
        listed.stream()
            .map(GivenPhoto::label)
            .filter(known::contains)
            .distinct()
            .map(label -> "'" + OneLine.of(label) + "'")
            .toList();
    if (!wrong.isEmpty()) {
      throw new UsageException(
          "--unknowns %s is for products that are not in the gallery, but it holds %s; put their photos into --queries"
              .formatted(given, String.join(", ", wrong.stream().limit(MOST_NAMED).toList())));
    }
    return listed;
  }

  /** Cameras count only where every photo of both sides has one, as in PaddleClas. */
  private boolean haveCameras(List<GivenPhoto> galleryPhotos, List<GivenPhoto> queryPhotos) {
    List<GivenPhoto> asked =
        queryPhotos.stream().filter(photo -> !photo.label().equals(STRANGER)).toList();
    long without =
        Stream.concat(galleryPhotos.stream(), asked.stream())
            .filter(photo -> photo.camera() == null)
            .count();
    long all = (long) galleryPhotos.size() + asked.size();
    if (without > 0 && without < all) {
      notes.add(
          "cameras are not looked at: %d of the %d lines have no third column"
              .formatted(without, all));
    }
    return without == 0;
  }

  private List<EmbeddedPhoto> read(
      PhotoReader reader, String what, List<GivenPhoto> listed, boolean withCameras)
      throws IOException {
    PhotoReader.Read read =
        reader.read(
            what,
            withCameras
                ? listed
                : listed.stream().map(p -> new GivenPhoto(p.id(), p.file(), p.label())).toList());
    unreadable.addAll(read.unreadable());
    requireSome(what, listed, read.photos(), read.unreadable());
    return read.photos();
  }

  private static void requireSome(
      String what, List<GivenPhoto> listed, List<?> usable, List<Unreadable> unreadable) {
    if (usable.isEmpty()) {
      Unreadable first = unreadable.get(0);
      throw new IllegalStateException(
          "None of the %d %s can be used; the first is %s: %s. Are the paths relative to another folder? Name it with --image-root"
              .formatted(listed.size(), what, first.file(), first.why()));
    }
  }

  private List<EmbeddedPhoto> photosOf(IndexDirectory index, LoadedModels sessions) {
    if (index.isBinary()) {
      throw new UsageException(
          "%s holds bits, and evaluate compares vectors; build it again with models of match.metric = IP"
              .formatted(gallery.indexDir));
    }
    List<EmbeddedPhoto> photos = new ArrayList<>(index.size());
    index
        .vectors(sessions.directory().extractorId())
        .forEachRemaining(
            vector ->
                photos.add(
                    new EmbeddedPhoto(
                        vector.getGalleryImageId(),
                        vector.getLabel(),
                        null,
                        existing(vector.getGalleryImageId()),
                        null,
                        Embeddings.decode(vector.getEmbedding()))));
    return photos;
  }

  /** The photo of an index, where it is still there. */
  private @Nullable Path existing(String id) {
    try {
      Path file = imageRoot == null ? null : imageRoot.resolve(id);
      return file != null && Files.isRegularFile(file) ? file.toRealPath() : null;
    } catch (InvalidPathException | IOException e) {
      return null;
    }
  }

  private Report report(
      RecognitionModels recognition,
      PhotoReader reader,
      List<EmbeddedPhoto> photos,
      List<GivenPhoto> queryPhotos,
      long largest)
      throws IOException {
    MatchPolicy policy = recognition.policy();
    Settings settings =
        new Settings(
            ks, policy.threshold(), policy.margin(), withItself, precisions, leftOut, draws, shots);
    Evaluation evaluation;
    List<EmbeddedPhoto> asked = List.of();
    if (pipeline) {
      Pipeline.Result result =
          new Pipeline(recognition, photos, largest).evaluate(queryPhotos, settings);
      unreadable.addAll(result.unreadable());
      evaluation = result.evaluation();
      requireSome("query photos", queryPhotos, evaluation.answers(), result.unreadable());
    } else {
      boolean cameras = photos.stream().allMatch(photo -> photo.camera() != null);
      asked = read(reader, "query photos", queryPhotos, cameras);
      try (Progress progress = new Progress("Comparing", asked.size())) {
        evaluation = new Retrieval(photos, settings).evaluate(asked, progress::at);
      }
    }
    notes.addAll(Notes.of(photos, asked, settings, evaluation));
    return new Report(
        String.valueOf(gallery.photos == null ? gallery.indexDir : gallery.photos),
        photos.size(),
        (int) photos.stream().map(EmbeddedPhoto::label).distinct().count(),
        Stream.of(queries == null ? gallery.photos : queries, unknowns)
            .filter(path -> path != null)
            .map(Path::toString)
            .collect(Collectors.joining(", ")),
        unreadable,
        notes,
        recognition.ids().extractor(),
        pipeline ? recognition.ids().detector() : null,
        settings.withKs(List.copyOf(evaluation.figures().recall().keySet())),
        evaluation);
  }

  /** Prints and writes the report; 1 when a photo was left out. */
  private int write(Report report, RecognitionModels recognition) throws IOException {
    report.notes().forEach(note -> System.err.println("note: " + OneLine.of(note, LONGEST_NOTE)));
    report.unreadable().stream()
        .limit(MOST_NAMED)
        .forEach(
            one ->
                System.err.printf(
                    "left out: %s: %s%n",
                    OneLine.of(one.file().toString()), OneLine.of(one.why())));
    if (report.unreadable().size() > MOST_NAMED) {
      System.err.printf(
          "left out: %d more%s%n",
          report.unreadable().size() - MOST_NAMED,
          json == null && html == null ? "; --json FILE and --html FILE name them" : "");
    }
    System.out.print(ReportText.of(report));
    if (!report.unreadable().isEmpty()) {
      System.out.printf(
          "%nphotos left out as they cannot be used: %d%n", report.unreadable().size());
    }
    if (json != null) {
      ReportJson.write(report, json);
      System.err.println("figures: " + json);
    }
    if (html != null) {
      ReportPage.write(report, recognition.decoder(), worst, html);
      System.err.println("page: " + html);
    }
    return report.unreadable().isEmpty() ? 0 : 1;
  }
}
