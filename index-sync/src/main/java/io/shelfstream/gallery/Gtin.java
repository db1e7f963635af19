package io.shelfstream.gallery;

/**
 * Global Trade Item Numbers: GTIN-8, -12, -13 and -14 with the check digit of GS1's specification.
 */
public final class Gtin {
  private Gtin() {}

  /**
   * The number as GTIN-14, padded with zeros on the left.
   *
   * @throws IllegalArgumentException saying what is wrong with it
   */
  public static String normalise(String gtin) {
    if (!gtin.matches("\\d{8}|\\d{12}|\\d{13}|\\d{14}")) {
      throw new IllegalArgumentException(
          "gtin '" + gtin + "' is not 8, 12, 13 or 14 digits; leave it out if there is none");
    }
    String padded = "0".repeat(14 - gtin.length()) + gtin;
    int expected = checkDigit(padded);
    if (padded.charAt(13) - '0' != expected) {
      throw new IllegalArgumentException(
          "gtin '" + gtin + "' ends with a wrong check digit; " + expected + " would be right");
    }
    return padded;
  }

  /** Whether it is a GTIN with the right check digit. */
  public static boolean isValid(String gtin) {
    try {
      return normalise(gtin).length() == 14;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Digits weigh 3 and 1 in turn from the left of a GTIN-14; the check digit fills up to ten. */
  private static int checkDigit(String gtin14) {
    int sum = 0;
    for (int i = 0; i < 13; i++) {
      sum += (gtin14.charAt(i) - '0') * (i % 2 == 0 ? 3 : 1);
    }
    return (10 - sum % 10) % 10;
  }
}
