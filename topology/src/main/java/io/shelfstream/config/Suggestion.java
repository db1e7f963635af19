package io.shelfstream.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds the key that was probably meant. */
final class Suggestion {

  private Suggestion() {}

  /** The most similar key, or null when none is similar. */
  static @Nullable String among(Collection<String> keys, String typed) {
    return keys.stream()
        .filter(key -> isSimilar(key, typed))
        .min(
            Comparator.<String>comparingInt(key -> distance(key, typed))
                .thenComparing(Comparator.naturalOrder()))
        .orElse(null);
  }

  /** A few letters apart (a fifth of the key), or the same but for its group. */
  private static boolean isSimilar(String key, String typed) {
    return distance(key, typed) <= Math.max(1, key.length() / 5)
        || key.endsWith("." + typed)
        || typed.endsWith("." + key);
  }

  /**
   * Levenshtein distance: the smallest number of letters to add, remove or change. All separators
   * count as equal.
   */
  private static int distance(String key, String typed) {
    String a = plain(key);
    String b = plain(typed);
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  private static String plain(String key) {
    return key.toLowerCase(Locale.ROOT).replace('-', '.').replace('_', '.');
  }
}
