package io.shelfstream.fetch;

import io.shelfstream.fetch.FetchException.Reason;
import io.shelfstream.s3.S3Location;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Images in the allowed buckets. The client is made for the first reference, since most processes
 * need none.
 */
final class S3Source implements AutoCloseable {
  /** Codes that say that a client's credentials, or its clock, are not accepted. */
  private static final Set<String> NOT_ACCEPTED =
      Set.of(
          "InvalidAccessKeyId",
          "SignatureDoesNotMatch",
          "ExpiredToken",
          "InvalidToken",
          "TokenRefreshRequired",
          "RequestTimeTooSkewed");

  private static final Set<String> MISSING = Set.of("NoSuchKey", "NoSuchVersion", "NoSuchBucket");

  /** Codes with a status below 500 that may be gone at the next try. */
  private static final Set<String> PASSING = Set.of("RequestTimeout", "OperationAborted");

  private static final Set<String> OTHER_REGION =
      Set.of(
          "PermanentRedirect",
          "AuthorizationHeaderMalformed",
          "IllegalLocationConstraintException");

  private final BucketRules rules;
  private final FetchLimits limits;
  private @Nullable S3Client client;

  S3Source(BucketRules rules, FetchLimits limits) {
    this.rules = rules;
    this.limits = limits;
  }

  byte[] fetch(String uri) throws FetchException {
    S3Location object = location(uri);
    if (!rules.allowed().contains(object.bucket())) {
      throw new FetchException(
          Reason.FORBIDDEN_LOCATION,
          "%s is in none of the allowed buckets %s; add its bucket to images.allowed.buckets"
              .formatted(References.shown(uri), rules.allowed()));
    }
    GetObjectRequest request =
        GetObjectRequest.builder()
            .bucket(object.bucket())
            .key(object.key())
            .versionId(object.versionId())
            .build();
    Body body;
    try {
      body = client().getObject(request, this::read);
    } catch (S3Exception e) {
      throw answered(uri, e);
    } catch (SdkException e) {
      throw failed(uri, e);
    }
    if (body.bytes() == null) {
      throw BoundedBytes.tooMany(References.shown(uri), limits.maxBytes());
    }
    return body.bytes();
  }

  private static S3Location location(String uri) throws FetchException {
    try {
      return S3Location.of(uri);
    } catch (IllegalArgumentException e) {
      throw new FetchException(
          Reason.INVALID_REFERENCE,
          "'%s' names no object: %s".formatted(References.shown(uri), e.getMessage()),
          e);
    }
  }

  private synchronized S3Client client() {
    if (client == null) {
      client = rules.store().open(limits.connectTimeout(), limits.readTimeout());
    }
    return client;
  }

  /** What was read; nothing when it is longer than allowed. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Body(byte @Nullable [] bytes) {}

  private Body read(GetObjectResponse response, AbortableInputStream in) {
    Long length = response.contentLength();
    if (length != null && length > limits.maxBytes()) {
      in.abort();
      return new Body(null);
    }
    try {
      byte[] bytes = in.readNBytes(Math.toIntExact(limits.maxBytes() + 1));
      if (bytes.length > limits.maxBytes()) {
        in.abort(); // what is left may have no end
        return new Body(null);
      }
      return new Body(bytes);
    } catch (IOException e) {
      in.abort();
      throw RetryableException.create("The body of the answer broke off", e);
    }
  }

  /** What an answer of the store means that is not the object. */
  private static FetchException answered(String uri, S3Exception e) {
    String code = code(e);
    int status = e.statusCode();
    String answer = "%s answers %d %s".formatted(References.shown(uri), status, code);
    if (MISSING.contains(code) || status == 404) {
      return new FetchException(Reason.NOT_FOUND, answer, e);
    }
    if (status >= 500 || status == 429 || e.isThrottlingException() || PASSING.contains(code)) {
      return new FetchException(Reason.FETCH_FAILED, answer, e);
    }
    if (NOT_ACCEPTED.contains(code)) {
      return new FetchException(
          Reason.FETCH_FAILED,
          answer + ": mend the credentials of this process, or its clock (docs/security.md)",
          e);
    }
    if (OTHER_REGION.contains(code) || status / 100 == 3) {
      return FetchException.lasting(
          answer + ": the bucket is in another region; set images.s3.region");
    }
    if (code.equals("InvalidObjectState")) {
      return FetchException.lasting(answer + ": it is archived; restore it, and publish it again");
    }
    if (status == 403) {
      return FetchException.lasting(
          answer
              + ": give this process s3:GetObject on it (without s3:ListBucket, this is also the answer when it does not exist)");
    }
    return FetchException.lasting(answer);
  }

  private static String code(S3Exception e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    return code == null || code.isBlank() ? "" : References.shown(code);
  }

  private FetchException failed(String uri, SdkException e) {
    if (Thread.currentThread().isInterrupted()) {
      return new FetchException(Reason.FETCH_FAILED, References.shown(uri) + " was given up", e);
    }
    Throwable root = e;
    boolean late =
        e instanceof ApiCallTimeoutException || e instanceof ApiCallAttemptTimeoutException;
    while (root.getCause() != null) {
      root = root.getCause();
      late |= root instanceof SocketTimeoutException;
    }
    if (late) {
      return FetchException.late(uri, limits, e);
    }
    if (root instanceof UnknownHostException) {
      return new FetchException(
          Reason.FETCH_FAILED,
          "The S3 endpoint of %s cannot be resolved; see images.s3.endpoint"
              .formatted(References.shown(uri)),
          e);
    }
    String why = String.valueOf(root.getMessage());
    if (root instanceof SdkClientException && why.contains("region")) {
      return FetchException.lasting(
          References.shown(uri) + " cannot be fetched: no region is known; set images.s3.region");
    }
    if (root instanceof SdkClientException && why.contains("credentials")) {
      return new FetchException(
          Reason.FETCH_FAILED,
          References.shown(uri)
              + " cannot be fetched: the AWS SDK finds no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a profile or a role (docs/security.md)",
          e);
    }
    return new FetchException(
        Reason.FETCH_FAILED,
        "%s cannot be fetched: %s".formatted(References.shown(uri), References.shown(why)),
        e);
  }

  /**
   * Asks the store for the list of a bucket, as {@code doctor} does.
   *
   * @return a sentence about the bucket
   * @throws FetchException when it cannot be used
   */
  String look(String bucket) throws FetchException {
    String uri = "s3://" + bucket + "/";
    try {
      client().listObjectsV2(list -> list.bucket(bucket).maxKeys(1));
      return bucket + " answers";
    } catch (S3Exception e) {
      if (e.statusCode() == 403 && code(e).equals("AccessDenied")) {
        return bucket
            + " answers, but cannot be listed by us; whether its objects can be read shows only with one";
      }
      throw answered(uri, e);
    } catch (SdkException e) {
      throw failed(uri, e);
    }
  }

  @Override
  public synchronized void close() {
    if (client != null) {
      client.close();
    }
  }
}
