package io.shelfstream.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.shelfstream.api.v1.MatchStatus;
import io.shelfstream.api.v1.RecognitionEvent;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.api.v1.RecognitionStatus;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.api.v1.RecognizeResponse;
import io.shelfstream.broker.EmbeddedBroker;
import io.shelfstream.broker.SharedBroker;
import io.shelfstream.recognition.Pictures;
import java.awt.Color;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** gRPC on the port of a service on a real broker. */
@ExtendWith(SharedBroker.class)
class GrpcIT {
  @TempDir Path folder;
  private TestTopics topics;

  @BeforeEach
  void configure(EmbeddedBroker broker, TestInfo test) {
    topics = new TestTopics(broker.bootstrapServers(), folder, test);
  }

  @Test
  void recognizesOneImageAndManyOnAStream() throws Exception {
    try (RecognitionService service =
        RecognitionService.start(topics.config(Map.of("http.port", "0")))) {
      topics.update(Map.of("red", Color.RED));
      TestTopics.awaitSize(service, 1);
      ManagedChannel channel =
          ManagedChannelBuilder.forAddress("127.0.0.1", service.httpPort().orElseThrow())
              .usePlaintext()
              .build();
      try {
        assertThat(
                HealthGrpc.newBlockingStub(channel)
                    .check(HealthCheckRequest.getDefaultInstance())
                    .getStatus())
            .isEqualTo(ServingStatus.SERVING);
        RecognitionEvent event =
            RecognitionGrpc.newBlockingStub(channel).recognize(red("1")).getEvent();
        assertThat(event.getCameraId()).isEqualTo("door");
        assertThat(event.getFrameId()).isEqualTo("1");
        assertThat(event.getStatus()).isEqualTo(RecognitionStatus.RECOGNITION_STATUS_OK);
        assertThat(event.getCapturedAt().getSeconds()).isPositive();
        assertThat(event.getObjects(0).getStatus()).isEqualTo(MatchStatus.MATCH_STATUS_MATCH);
        assertThat(event.getObjects(0).getLabel()).isEqualTo("ff0000");
        RecognizeRequest none =
            RecognizeRequest.newBuilder().setImage(ByteString.copyFromUtf8("no image")).build();
        StatusRuntimeException refused =
            catchThrowableOfType(
                StatusRuntimeException.class,
                () -> RecognitionGrpc.newBlockingStub(channel).recognize(none));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertManyOnAStream(channel, 40);
      } finally {
        channel.shutdownNow();
      }
    }
  }

  private static void assertManyOnAStream(ManagedChannel channel, int images) throws Exception {
    Map<String, RecognizeResponse> responses = new ConcurrentHashMap<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    StreamObserver<RecognizeRequest> stream =
        RecognitionGrpc.newStub(channel)
            .recognizeStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(RecognizeResponse response) {
                    responses.put(response.getId(), response);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    end.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(null);
                  }
                });
    for (int i = 0; i < images; i++) {
      stream.onNext(red("" + i));
    }
    stream.onCompleted();
    end.get(1, TimeUnit.MINUTES);
    assertThat(responses).hasSize(images);
    assertThat(responses)
        .allSatisfy(
            (id, response) -> {
              assertThat(response.getEvent().getFrameId()).isEqualTo(id);
              assertThat(response.getEvent().getObjects(0).getLabel()).isEqualTo("ff0000");
            });
  }

  private static RecognizeRequest red(String id) throws Exception {
    return RecognizeRequest.newBuilder()
        .setId(id)
        .setCamera("door")
        .setFrame(id)
        .setImage(ByteString.copyFrom(Pictures.plain(Color.RED)))
        .build();
  }
}
