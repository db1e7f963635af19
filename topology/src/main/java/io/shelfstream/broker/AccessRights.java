package io.shelfstream.broker;

import io.shelfstream.config.Role;
import io.shelfstream.config.ShelfStreamConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourceType;
import org.jspecify.annotations.Nullable;

/**
 * The rights that the service needs on a broker with an authoriser; docs/security.md lists the
 * same. They are checked before anything starts, so that all missing rights are reported together
 * instead of one after each restart.
 */
public final class AccessRights {

  /** One right, as {@code kafka-acls} grants it. READ and WRITE contain DESCRIBE. */
  public record Right(
      AclOperation operation, ResourceType resource, String name, PatternType pattern) {
    @Override
    public String toString() {
      return operation
          + " on "
          + resource.name().toLowerCase(Locale.ROOT).replace('_', ' ')
          + " "
          + name
          + (pattern == PatternType.PREFIXED ? "*" : "");
    }
  }

  private AccessRights() {}

  /** All rights that the service needs in a role, once its topics exist. */
  public static List<Right> of(ShelfStreamConfig config, Role role) {
    List<Right> rights = new ArrayList<>();
    role.reads(config).forEach(t -> rights.add(topic(AclOperation.READ, t)));
    role.writes(config).forEach(t -> rights.add(topic(AclOperation.WRITE, t)));
    if (role.recognizes()) {
      String id = config.applicationId();
      rights.add(new Right(AclOperation.READ, ResourceType.GROUP, id, PatternType.LITERAL));
      addTransactions(rights, config, id + "-");
    }
    // Prefixes, because the whole name contains the extractor's name.
    String embedding = config.galleryApplicationPrefix(config.topics());
    Optional<String> next = config.nextTopics().map(config::galleryApplicationPrefix);
    if (role.embeds()) {
      Stream.concat(Stream.of(embedding), next.stream())
          .distinct()
          .forEach(
              prefix -> {
                rights.add(groups(AclOperation.READ, prefix));
                addTransactions(rights, config, prefix);
              });
    } else if (next.isPresent()) {
      // To see how far the embedding is, and whether any committed update is left.
      rights.add(topic(AclOperation.READ, config.topics().galleryUpdates()));
      rights.add(groups(AclOperation.DESCRIBE, next.get()));
    }
    return rights;
  }

  private static Right groups(AclOperation operation, String prefix) {
    return new Right(operation, ResourceType.GROUP, prefix, PatternType.PREFIXED);
  }

  private static void addTransactions(List<Right> rights, ShelfStreamConfig config, String prefix) {
    if (config.delivery().exactlyOnce()) {
      rights.add(
          new Right(
              AclOperation.WRITE, ResourceType.TRANSACTIONAL_ID, prefix, PatternType.PREFIXED));
    }
  }

  private static Right topic(AclOperation operation, String name) {
    return new Right(operation, ResourceType.TOPIC, name, PatternType.LITERAL);
  }

  /**
   * Checks all rights on the broker.
   *
   * @throws KafkaException naming every right that is missing, or why the broker cannot be asked
   */
  public static void require(ShelfStreamConfig config, Role role) {
    List<Right> missing = missing(config, role);
    if (!missing.isEmpty()) {
      throw new KafkaException(
          "The Kafka user of this service lacks %s; grant it with kafka-acls, see docs/security.md"
              .formatted(String.join(", ", missing.stream().map(Right::toString).toList())));
    }
  }

  static List<Right> missing(ShelfStreamConfig config, Role role) {
    try (Admin admin = Admin.create(new LinkedHashMap<>(config.kafka()))) {
      List<Right> missing = new ArrayList<>();
      Map<String, KafkaFuture<TopicDescription>> topics =
          admin
              .describeTopics(
                  of(config, role).stream()
                      .filter(r -> r.resource() == ResourceType.TOPIC)
                      .map(Right::name)
                      .distinct()
                      .toList(),
                  new DescribeTopicsOptions().includeAuthorizedOperations(true))
              .topicNameValues();
      for (Right right : of(config, role)) {
        Set<AclOperation> allowed =
            switch (right.resource()) {
              case TOPIC -> allowed(topics.get(right.name()));
              case GROUP -> ofGroup(admin, example(right));
              default -> ofTransactions(admin, example(right));
            };
        if (allowed != null && !allowed.contains(right.operation())) {
          missing.add(right);
        }
      }
      return missing;
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new KafkaException(
          "Broker %s cannot be asked for this user's rights: %s; check kafka.bootstrap.servers, kafka.security.protocol, kafka.sasl.* and kafka.ssl.*"
              .formatted(config.kafka().get("bootstrap.servers"), cause.getMessage()),
          cause);
    } catch (InterruptedException e) {
      throw new InterruptException("Interrupted while asking for rights", e);
    }
  }

  /** A name that the right covers. */
  private static String example(Right right) {
    return right.pattern() == PatternType.PREFIXED ? right.name() + "rights" : right.name();
  }

  /**
   * What is allowed on a topic; null when this is not known, for example when it does not exist
   * yet.
   */
  private static @Nullable Set<AclOperation> allowed(@Nullable KafkaFuture<TopicDescription> topic)
      throws ExecutionException, InterruptedException {
    return topic == null ? null : answer(topic.thenApply(TopicDescription::authorizedOperations));
  }

  private static @Nullable Set<AclOperation> ofGroup(Admin admin, String group)
      throws ExecutionException, InterruptedException {
    KafkaFuture<ConsumerGroupDescription> description =
        admin
            .describeConsumerGroups(
                List.of(group),
                new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true))
            .describedGroups()
            .get(group);
    return description == null
        ? null
        : answer(description.thenApply(ConsumerGroupDescription::authorizedOperations));
  }

  /** Kafka lists no operations here: either the id may be described, or nothing is allowed. */
  private static @Nullable Set<AclOperation> ofTransactions(Admin admin, String id)
      throws ExecutionException, InterruptedException {
    return answer(
        admin.describeTransactions(List.of(id)).description(id).thenApply(description -> null));
  }

  private static @Nullable Set<AclOperation> answer(KafkaFuture<Set<AclOperation>> question)
      throws ExecutionException, InterruptedException {
    try {
      return question.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof AuthorizationException) {
        return Set.of();
      }
      if (e.getCause() instanceof UnknownTopicOrPartitionException
          || e.getCause() instanceof GroupIdNotFoundException
          || e.getCause() instanceof TransactionalIdNotFoundException
          || e.getCause() instanceof UnsupportedVersionException) {
        return null;
      }
      throw e;
    }
  }

  /** Describes a failure; names a right that was removed while the service ran. */
  public static String explain(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      String on = null;
      if (e instanceof TopicAuthorizationException topic) {
        on = "topics " + topic.unauthorizedTopics();
      } else if (e instanceof GroupAuthorizationException group) {
        on = "group " + group.groupId();
      } else if (e instanceof TransactionalIdAuthorizationException) {
        on = "its transactional ids";
      }
      if (on != null) {
        return "the Kafka user of this service lacks a right on "
            + on
            + "; grant it with kafka-acls, see docs/security.md";
      }
    }
    return failure.toString();
  }
}
