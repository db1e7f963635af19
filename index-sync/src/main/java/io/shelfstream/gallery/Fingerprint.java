package io.shelfstream.gallery;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 of an embedding's bytes: tells whether it changed, at 32 bytes instead of 2048. */
record Fingerprint(long a, long b, long c, long d) {

  static Fingerprint of(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes.duplicate());
      ByteBuffer sum = ByteBuffer.wrap(digest.digest());
      return new Fingerprint(sum.getLong(), sum.getLong(), sum.getLong(), sum.getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
