package io.shelfstream.bench;

/** Work beside the bench's own thread, which learns from here that it failed. */
final class Background {

  /** Returns when it is told to stop, in a way of its own. */
  interface Work {
    void run() throws Exception;
  }

  private volatile Throwable failure;

  /** Begins at once, on a thread that does not keep the JVM from ending. */
  Thread start(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Throwable e) {
                failure = e;
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /**
   * @throws IllegalStateException when some work ended with an exception
   */
  void check() {
    if (failure != null) {
      throw new IllegalStateException("Work beside the bench failed", failure);
    }
  }
}
