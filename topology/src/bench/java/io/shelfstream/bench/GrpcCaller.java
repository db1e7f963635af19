package io.shelfstream.bench;

import com.google.protobuf.ByteString;
import com.linecorp.armeria.client.grpc.GrpcClients;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import io.shelfstream.api.v1.RecognitionGrpc;
import io.shelfstream.api.v1.RecognizeRequest;
import io.shelfstream.api.v1.RecognizeResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** A caller of the gRPC service that keeps it busy and counts the events it gets. */
final class GrpcCaller {
  private static final int WARM_UP_SECONDS = 5;

  private final RecognitionGrpc.RecognitionStub recognition;
  private final List<ByteString> images;
  private final AtomicInteger sent = new AtomicInteger();

  /**
   * @param target host:port
   * @param images sent in turn
   */
  GrpcCaller(String target, List<byte[]> images) {
    this.recognition =
        GrpcClients.builder("gproto+http://" + target)
            .responseTimeout(Duration.ofMinutes(10))
            .build(RecognitionGrpc.RecognitionStub.class);
    this.images = images.stream().map(ByteString::copyFrom).toList();
  }

  private RecognizeRequest next() {
    int number = sent.getAndIncrement();
    return RecognizeRequest.newBuilder()
        .setId(Integer.toString(number))
        .setImage(images.get(number % images.size()))
        .build();
  }

  /**
   * Events a second of {@code Recognize}.
   *
   * @param inFlight calls at a time
   * @throws io.grpc.StatusRuntimeException when a call is refused
   */
  double unary(int inFlight, Duration time) throws InterruptedException {
    Semaphore free = new Semaphore(inFlight);
    AtomicInteger events = new AtomicInteger();
    CompletableFuture<Void> failed = new CompletableFuture<>();
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < time.toNanos() && !failed.isDone()) {
      free.acquire();
      recognition.recognize(
          next(),
          new StreamObserver<>() {
            @Override
            public void onNext(RecognizeResponse response) {
              events.incrementAndGet();
            }

            @Override
            public void onError(Throwable failure) {
              failed.completeExceptionally(failure);
              free.release();
            }

            @Override
            public void onCompleted() {
              free.release();
            }
          });
    }
    free.acquire(inFlight);
    double seconds = (System.nanoTime() - begin) / 1e9;
    failed.complete(null);
    failed.join();
    return events.get() / seconds;
  }

  /** Events a second of one {@code RecognizeStream} that is sent as much as it takes. */
  double stream(Duration time) {
    AtomicInteger events = new AtomicInteger();
    CompletableFuture<Void> end = new CompletableFuture<>();
    long begin = System.nanoTime();
    recognition.recognizeStream(
        new ClientResponseObserver<RecognizeRequest, RecognizeResponse>() {
          private boolean isSent;

          @Override
          public void beforeStart(ClientCallStreamObserver<RecognizeRequest> stream) {
            stream.setOnReadyHandler(
                () -> {
                  while (stream.isReady() && !isSent) {
                    stream.onNext(next());
                    isSent = System.nanoTime() - begin > time.toNanos();
                    if (isSent) {
                      stream.onCompleted();
                    }
                  }
                });
          }

          @Override
          public void onNext(RecognizeResponse response) {
            if (!response.hasEvent()) {
              throw new IllegalStateException("refused: " + response.getRefusal());
            }
            events.incrementAndGet();
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
    end.join();
    return events.get() / ((System.nanoTime() - begin) / 1e9);
  }

  /** {@code HOST:PORT SECONDS FILE…}: events a second, eight calls at a time, then one stream. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Duration time = Duration.ofSeconds(Long.parseLong(arguments[1]));
    List<byte[]> images = new ArrayList<>();
    for (String file : Arrays.asList(arguments).subList(2, arguments.length)) {
      images.add(Files.readAllBytes(Path.of(file)));
    }
    GrpcCaller caller = new GrpcCaller(arguments[0], images);
    caller.unary(8, Duration.ofSeconds(WARM_UP_SECONDS));
    System.out.printf("unary, 8 in flight: %.1f events/s%n", caller.unary(8, time));
    System.out.printf("stream: %.1f events/s%n", caller.stream(time));
  }
}
