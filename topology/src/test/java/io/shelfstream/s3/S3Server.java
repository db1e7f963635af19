package io.shelfstream.s3;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * S3Proxy in a process of its own: a server that checks signatures and keeps its objects as files.
 * It can be killed and started again at the same port.
 */
public final class S3Server implements AutoCloseable {
  /** What it accepts, as the AWS SDK reads it from the environment. */
  public static final Map<String, String> CREDENTIALS =
      Map.of("AWS_ACCESS_KEY_ID", "shelf", "AWS_SECRET_ACCESS_KEY", "shelf-secret-7f3a");

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Path folder;
  private final int port;
  private Process process;

  /**
   * Starts it and waits until it answers.
   *
   * @param folder of its objects, its configuration and its log
   */
  public S3Server(Path folder) throws IOException, InterruptedException {
    this.folder = folder;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Files.createDirectories(folder.resolve("objects"));
    Files.write(
        folder.resolve("s3proxy.properties"),
        List.of(
            "s3proxy.endpoint=http://127.0.0.1:" + port,
            "s3proxy.authorization=aws-v4",
            "s3proxy.identity=" + CREDENTIALS.get("AWS_ACCESS_KEY_ID"),
            "s3proxy.credential=" + CREDENTIALS.get("AWS_SECRET_ACCESS_KEY"),
            "jclouds.provider=filesystem-nio2",
            "jclouds.identity=unused",
            "jclouds.credential=unused",
            "jclouds.filesystem.basedir=" + folder.resolve("objects")));
    start();
  }

  private static Path program() {
    String folder = System.getProperty("bench.s3-server", "target/s3-server");
    return Path.of(folder).resolve("s3proxy-jar-with-dependencies.jar").toAbsolutePath();
  }

  /** Starts it again. */
  public void start() throws IOException, InterruptedException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                program().toString(),
                "--properties",
                folder.resolve("s3proxy.properties").toString())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(folder.resolve("s3proxy.log").toFile()))
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    long end = System.nanoTime() + PATIENCE.toNanos();
    try (S3Client client = client()) {
      while (true) {
        try {
          client.listBuckets();
          return;
        } catch (SdkException e) {
          if (!process.isAlive() || System.nanoTime() > end) {
            throw new IOException("S3Proxy does not start; see " + folder, e);
          }
          TimeUnit.MILLISECONDS.sleep(100);
        }
      }
    }
  }

  /** {@code kill -9}. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  public S3Settings settings() {
    return new S3Settings(Optional.of(endpoint()), Optional.empty(), true);
  }

  /** A client with the right credentials that shares no code with what is tested. */
  public S3Client client() {
    return S3Client.builder()
        .endpointOverride(endpoint())
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(
                    CREDENTIALS.get("AWS_ACCESS_KEY_ID"),
                    CREDENTIALS.get("AWS_SECRET_ACCESS_KEY"))))
        .build();
  }

  /** Makes a bucket with these objects. */
  public void fill(String bucket, Map<String, byte[]> objects) {
    try (S3Client client = client()) {
      client.createBucket(b -> b.bucket(bucket));
      objects.forEach(
          (key, bytes) ->
              client.putObject(o -> o.bucket(bucket).key(key), RequestBody.fromBytes(bytes)));
    }
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
