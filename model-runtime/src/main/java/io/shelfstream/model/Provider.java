package io.shelfstream.model;

/** What runs the models. */
public enum Provider {
  /** CUDA where this build and this machine have it, otherwise the CPU with one warning. */
  AUTO,
  CPU,
  /** CUDA, or no start at all. */
  CUDA,
  /** TensorRT, with CUDA for what it cannot do, or no start at all. */
  TENSORRT
}
