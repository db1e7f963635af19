package io.shelfstream.s3;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/**
 * How the store is reached. Credentials come from the SDK's own chain only: environment, profile,
 * web identity, container, instance.
 *
 * @param endpoint of a store that is not Amazon's; empty: Amazon S3
 * @param region empty: what the SDK finds, and {@code us-east-1} where there is an endpoint
 * @param pathStyle whether the bucket stands in the path of a request, not in the host name
 */
public record S3Settings(Optional<URI> endpoint, Optional<String> region, boolean pathStyle) {
  private static final int CONNECTIONS = 32;
  private static final int TRIES = 2;

  /** The region that stores other than Amazon's take, unless they were told another. */
  private static final String USUAL_REGION = "us-east-1";

  /** Amazon S3, as the SDK is configured. */
  public static final S3Settings AMAZON = new S3Settings(Optional.empty(), Optional.empty(), false);

  /**
   * A client, to be closed by the caller. Safe for several threads. Its calls throw exceptions of
   * the SDK.
   *
   * @param connect longest wait for a connection
   * @param whole longest time of a call, with its second try
   * @throws software.amazon.awssdk.core.exception.SdkClientException when no region is known
   */
  public S3Client open(Duration connect, Duration whole) {
    S3ClientBuilder client =
        S3Client.builder()
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    .maxConnections(CONNECTIONS)
                    .connectionTimeout(connect)
                    .connectionAcquisitionTimeout(whole)
                    .socketTimeout(whole))
            .overrideConfiguration(
                calls ->
                    calls
                        .apiCallTimeout(whole)
                        .retryStrategy(
                            AwsRetryStrategy.standardRetryStrategy().toBuilder()
                                .maxAttempts(TRIES)
                                .build()))
            .forcePathStyle(pathStyle)
            // Newer checksums are refused by many stores that are not Amazon's.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
    endpoint.ifPresentOrElse(
        // A bucket of Amazon's may be in another region than the client.
        client::endpointOverride, () -> client.crossRegionAccessEnabled(true));
    region.or(() -> endpoint.map(own -> USUAL_REGION)).map(Region::of).ifPresent(client::region);
    return client.build();
  }
}
