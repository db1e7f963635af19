package io.shelfstream.index;

/** Main class of the processes that {@link NativeLibraryTest} starts. */
final class LoadFaiss {

  private LoadFaiss() {}

  public static void main(String[] args) {
    try {
      FaissLibrary library = FaissLibrary.describe();
      System.out.println(library.simdLevel() + " from " + library.source());
    } catch (IndexException e) {
      System.out.println(e.code() + ": " + e.getMessage());
    }
  }
}
