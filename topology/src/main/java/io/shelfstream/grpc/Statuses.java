package io.shelfstream.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.linecorp.armeria.common.RequestContext;
import com.linecorp.armeria.common.grpc.GrpcExceptionHandlerFunction;
import com.linecorp.armeria.server.RequestTimeoutException;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.shelfstream.http.RefusedException;
import java.util.Objects;

/** Refusals as statuses, with the reason class as {@code google.rpc.ErrorInfo}. */
final class Statuses {
  static final Status TOO_SLOW =
      Status.DEADLINE_EXCEEDED.withDescription("The image took too long to come; send it again");

  /** The server's own: cancelled calls, messages that are too large. */
  private static final GrpcExceptionHandlerFunction KNOWN = GrpcExceptionHandlerFunction.of();

  private static final String DOMAIN = "shelfstream";
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
                    ErrorInfo.newBuilder().setDomain(DOMAIN).setReason(refused.reason()).build()));
    if (code == Status.Code.RESOURCE_EXHAUSTED || code == Status.Code.UNAVAILABLE) {
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(RETRY).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  /** What a caller is told of a call that failed outside of recognition. */
  static Status failed(
      RequestContext context, Status status, Throwable failure, Metadata trailers) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RequestTimeoutException) {
        return TOO_SLOW;
      }
      if (cause instanceof InvalidProtocolBufferException) {
        return said(
            RefusedException.badRequest("The message is none of ours: " + cause.getMessage()),
            trailers);
      }
    }
    Status known = KNOWN.apply(context, status, failure, trailers);
    return known == null || known.getCode() == Status.Code.UNKNOWN
        ? said(RefusedException.of(failure), trailers)
        : known;
  }

  private static Status said(RefusedException refused, Metadata trailers) {
    StatusRuntimeException status = of(refused);
    trailers.merge(Objects.requireNonNull(status.getTrailers()));
    return status.getStatus();
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
