package io.shelfstream.index;

/** What searches the vectors of a gallery that do not change any more. */
public enum SearchDevice {
  /** GPUs where this build and this machine have them, otherwise the CPU with one warning. */
  AUTO,
  /** GPUs, or no start at all. */
  CUDA,
  CPU
}
