package io.shelfstream;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Dependencies point one way; the POMs allow no more, and this says it where packages meet. */
class ModuleRulesTest {
  private static final String[] SCHEMAS = {
    "io.shelfstream.events..", "io.shelfstream.registry..", "io.shelfstream.api.."
  };
  private static final String[] MODEL_RUNTIME = {
    "io.shelfstream.image..",
    "io.shelfstream.detect..",
    "io.shelfstream.embed..",
    "io.shelfstream.model.."
  };
  private static final String[] INDEX_SYNC = {"io.shelfstream.index..", "io.shelfstream.gallery.."};

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.shelfstream");

  @Test
  void modelRuntimeKnowsNeitherKafkaNorTheIndexNorEvents() {
    noClasses()
        .that()
        .resideInAnyPackage(MODEL_RUNTIME)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.kafka..",
            "io.shelfstream.index..",
            "io.shelfstream.gallery..",
            "io.shelfstream.events..")
        .check(classes);
  }

  @Test
  void indexSyncKnowsNeitherOnnxNorImagesNorKafkaStreams() {
    noClasses()
        .that()
        .resideInAnyPackage(INDEX_SYNC)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("ai.onnxruntime..", "org.bytedeco..", "org.apache.kafka.streams..")
        .check(classes);
  }

  @Test
  void schemasKnowNothingOfTheOthers() {
    noClasses()
        .that()
        .resideInAnyPackage(SCHEMAS)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.shelfstream.image..",
            "io.shelfstream.model..",
            "io.shelfstream.index..",
            "io.shelfstream.gallery..",
            "io.shelfstream.topology..")
        .check(classes);
  }

  @Test
  void commandsDemoAndClientsDependOneWay() {
    noClasses()
        .that()
        .resideInAPackage("io.shelfstream.client..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.shelfstream.demo..", "io.shelfstream.cli..")
        .check(classes);
    noClasses()
        .that()
        .resideInAPackage("io.shelfstream.demo..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.shelfstream.cli..")
        .check(classes);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("io.shelfstream.(**)").should().beFreeOfCycles().check(classes);
  }

  @Test
  void recognitionOfAnImageKnowsNothingOfKafka() {
    noClasses()
        .that()
        .resideInAPackage("io.shelfstream.recognition..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.kafka..")
        .check(classes);
  }

  @Test
  void onlyThePortForGrpcKnowsGrpcAndItsMessages() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.shelfstream.grpc..", "io.shelfstream.api..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.grpc..", "com.google.protobuf..", "io.shelfstream.api..")
        .check(classes);
  }

  @Test
  void streamsKnowNothingOfImages() {
    noClasses()
        .that()
        .resideInAPackage("io.shelfstream.streams..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(INDEX_SYNC)
        .orShould()
        .dependOnClassesThat()
        .resideInAnyPackage(MODEL_RUNTIME)
        .check(classes);
  }
}
