package io.shelfstream.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerIT {
  @TempDir Path folder;

  @Test
  void carriesRecordsFromAProducerToAConsumer() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
      KafkaClients clients = new KafkaClients(broker.bootstrapServers());
      create(clients, "t");

      clients.send("t", "one", "two");

      assertThat(clients.take("g", "t", 2)).containsExactly("one", "two");
    }
  }

  @Test
  void showsReadersOnlyWhatATransactionCommitted() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start(folder)) {
      KafkaClients clients = new KafkaClients(broker.bootstrapServers());
      create(clients, "t");

      try (KafkaProducer<String, String> producer =
          clients.producer(Map.of("transactional.id", "tx"))) {
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("t", "aborted")).get();
        producer.abortTransaction();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("t", "committed")).get();
        producer.commitTransaction();
      }

      assertThat(clients.take("g", "t", 1)).containsExactly("committed");
    }
  }

  @Test
  void continuesWithRecordsAndOffsetsOfAnEarlierBroker() throws Exception {
    try (EmbeddedBroker first = EmbeddedBroker.start(folder.resolve("new/data"))) {
      KafkaClients clients = new KafkaClients(first.bootstrapServers());
      create(clients, "t");
      clients.send("t", "one", "two");
      assertThat(clients.take("g", "t", 2)).containsExactly("one", "two");
      clients.send("t", "three");
    }

    try (EmbeddedBroker second = EmbeddedBroker.start(folder.resolve("new/data"))) {
      KafkaClients clients = new KafkaClients(second.bootstrapServers());

      assertThat(clients.take("g", "t", 1)).containsExactly("three");
      assertThat(clients.take("other", "t", 3)).containsExactly("one", "two", "three");
    }
  }

  @Test
  void sharesAJvmWithAnotherBroker() throws Exception {
    try (EmbeddedBroker one = EmbeddedBroker.start(folder.resolve("one"));
        EmbeddedBroker two = EmbeddedBroker.start(folder.resolve("two"))) {
      KafkaClients first = new KafkaClients(one.bootstrapServers());
      KafkaClients second = new KafkaClients(two.bootstrapServers());
      create(first, "t");
      create(second, "t");

      first.send("t", "first");
      second.send("t", "second");

      assertThat(first.take("g", "t", 1)).containsExactly("first");
      assertThat(second.take("g", "t", 1)).containsExactly("second");
    }
  }

  @Test
  void listensOnLoopbackOnlyAndKeepsItsFilesInTheDirectory() throws Exception {
    EmbeddedBroker broker = EmbeddedBroker.start(folder);

    assertThat(broker.bootstrapServers()).matches("127\\.0\\.0\\.1:\\d+");
    assertThat(Files.exists(folder.resolve("meta.properties"))).isTrue();
    broker.close();
    broker.close();
  }

  private static void create(KafkaClients clients, String topic) throws Exception {
    try (Admin admin = Admin.create(clients.settings())) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
    }
  }
}
