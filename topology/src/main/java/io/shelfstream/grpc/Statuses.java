package io.shelfstream.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.shelfstream.http.RefusedException;
import java.util.Objects;

/** Refusals as statuses, with the reason class as {@code google.rpc.ErrorInfo}. */
final class Statuses {
  static final String DOMAIN = "shelfstream";
  private static final Duration RETRY = Duration.newBuilder().setSeconds(1).build();

  private Statuses() {}

  static void close(ServerCall<?, ?> call, RefusedException refused) {
    StatusRuntimeException status = of(refused);
    call.close(status.getStatus(), Objects.requireNonNull(status.getTrailers()));
  }

  static StatusRuntimeException of(RefusedException refused) {
    Status.Code code = code(refused.kind());
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage(refused.getMessage())
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setDomain(DOMAIN)
                        .setReason(refused.reason())
                        .build()));
    if (code == Status.Code.RESOURCE_EXHAUSTED || code == Status.Code.UNAVAILABLE) {
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(RETRY).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  private static Status.Code code(RefusedException.Kind kind) {
    return switch (kind) {
      case BAD_REQUEST, UNUSABLE -> Status.Code.INVALID_ARGUMENT;
      case NOT_FOUND -> Status.Code.NOT_FOUND;
      case NOT_HERE -> Status.Code.FAILED_PRECONDITION;
      case FULL -> Status.Code.RESOURCE_EXHAUSTED;
      case NOT_READY -> Status.Code.UNAVAILABLE;
      case FAULT -> Status.Code.INTERNAL;
    };
  }
}
