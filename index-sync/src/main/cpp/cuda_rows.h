#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace shelfstream {

/// GPUs that CUDA can use. Asked before Faiss touches CUDA, which ends the process at errors that
/// this one returns.
///
/// @param why receives CUDA's words where there is none
int cuda_devices(std::string* why);

/// One GPU with what Faiss keeps on it for its work. One thread at a time may use it and its rows.
class CudaDevice {
 public:
  /// @param number below cuda_devices()
  /// @param temporary_bytes of its memory taken at once for the work of searches, at most 1.5 GiB
  CudaDevice(int number, int64_t temporary_bytes);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  /// Such as "NVIDIA L4, 22563 MiB".
  std::string name() const;

 private:
  friend class CudaRows;
  struct Resources;
  const std::shared_ptr<Resources> resources_;
};

/// Vectors in a GPU's memory, compared one by one by inner product.
class CudaRows {
 public:
  /// Most neighbours of one search: what Faiss's kernels were compiled for.
  static constexpr int64_t kMaxNeighbors = 2048;

  /// @param half keep values in 16 bits, as SQfp16 does
  CudaRows(const CudaDevice& device, int64_t dimension, bool half);
  ~CudaRows();
  CudaRows(const CudaRows&) = delete;
  CudaRows& operator=(const CudaRows&) = delete;

  int64_t dimension() const;

  /// Throws Error(kOutOfMemory) where the GPU has no room for them; nothing was appended then.
  void append(int64_t n, const float* x);

  /// Writes n × k positions and scores, best first; -1 stands for "no more".
  void search(int64_t n, const float* x, int64_t k, int64_t* positions, float* scores) const;

 private:
  struct Rows;
  // Before the rows, to be freed after them.
  const std::shared_ptr<CudaDevice::Resources> resources_;
  const std::unique_ptr<Rows> rows_;
};

}  // namespace shelfstream
