package io.shelfstream.s3;

import java.util.Map;

/** Credentials for the AWS SDK in this JVM, as long as it is open. */
public final class SdkCredentials implements AutoCloseable {
  private static final Map<String, String> PROPERTIES =
      Map.of(
          "AWS_ACCESS_KEY_ID", "aws.accessKeyId", "AWS_SECRET_ACCESS_KEY", "aws.secretAccessKey");

  /**
   * @param credentials by the names of environment variables
   */
  public SdkCredentials(Map<String, String> credentials) {
    credentials.forEach((name, value) -> System.setProperty(PROPERTIES.get(name), value));
  }

  @Override
  public void close() {
    PROPERTIES.values().forEach(System::clearProperty);
  }
}
