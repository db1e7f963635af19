package io.shelfstream.camera;

import io.shelfstream.s3.S3Location;
import io.shelfstream.s3.S3Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A bucket of an S3 store; below a prefix, with the same names as in a folder. */
final class BucketStore implements FrameStore {
  private final S3Client client;
  private final String bucket;
  private final String prefix;
  private final String camera;

  /**
   * @param place {@code s3://bucket} or {@code s3://bucket/prefix}
   * @throws IllegalArgumentException when it is neither
   */
  BucketStore(
      String place, String camera, S3Settings store, Duration connectTimeout, Duration timeout) {
    String whole = place.endsWith("/") ? place : place + "/";
    S3Location somewhere = S3Location.of(whole + "x");
    String above = somewhere.key().substring(0, somewhere.key().length() - 1);
    if (somewhere.versionId() != null) {
      throw new IllegalArgumentException("it has a version; write s3://bucket/prefix");
    }
    this.bucket = somewhere.bucket();
    this.prefix = above;
    this.camera = camera;
    this.client = store.open(connectTimeout, timeout);
  }

  @Override
  public String put(String name, String extension, Path picture) throws IOException {
    String key = prefix + FrameName.path(camera, name, extension);
    byte[] bytes = Files.readAllBytes(picture);
    client.putObject(
        put -> put.bucket(bucket).key(key).contentType(PictureFormat.mediaType(extension)),
        RequestBody.fromBytes(bytes));
    return new S3Location(bucket, key, null).uri();
  }

  @Override
  public int deleteOlder(Instant before, String oldestWaiting) {
    String ours = prefix + FrameName.folder(camera) + "/";
    int deleted = 0;
    for (S3Object object :
        client.listObjectsV2Paginator(list -> list.bucket(bucket).prefix(ours)).contents()) {
      if (FrameStore.isOlder(object.key(), before, oldestWaiting)) {
        client.deleteObject(delete -> delete.bucket(bucket).key(object.key()));
        deleted++;
      }
    }
    return deleted;
  }

  @Override
  public void close() {
    client.close();
  }
}
