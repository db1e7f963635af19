#include "cuda_rows.h"

#include <cuda_runtime_api.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/StandardGpuResources.h>
#include <faiss/impl/FaissException.h>

#include "failure.h"
#include "rows.h"

namespace shelfstream {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

cudaDeviceProp properties_of(int number) {
  cudaDeviceProp properties{};
  const cudaError_t error = cudaGetDeviceProperties(&properties, number);
  if (error != cudaSuccess) {
    throw Error(Failure::kFaiss,
                "GPU " + std::to_string(number) + " cannot be used: " + cudaGetErrorString(error));
  }
  return properties;
}

}  // namespace

int cuda_devices(std::string* why) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count;
  *why = cudaGetErrorString(error);
  return 0;
}

struct CudaDevice::Resources {
  const int number;
  faiss::gpu::StandardGpuResources faiss;
};

CudaDevice::CudaDevice(int number, int64_t temporary_bytes)
    : resources_(new Resources{number, {}}) {
  std::string why;
  const int count = cuda_devices(&why);
  if (number < 0 || number >= count) {
    refuse("GPU " + std::to_string(number) + " refused: CUDA finds " + std::to_string(count) +
           " of them" + (why.empty() ? "" : " (" + why + ")"));
  }
  properties_of(number);
  resources_->faiss.setTempMemory(static_cast<size_t>(temporary_bytes));
  // For copies in pages only, which vectors in ordinary memory do not take.
  resources_->faiss.setPinnedMemory(0);
}

CudaDevice::~CudaDevice() = default;

std::string CudaDevice::name() const {
  const cudaDeviceProp properties = properties_of(resources_->number);
  return std::string(properties.name) + ", " + std::to_string(properties.totalGlobalMem >> 20) +
         " MiB";
}

struct CudaRows::Rows {
  faiss::gpu::GpuIndexFlat faiss;
};

namespace {

faiss::gpu::GpuIndexFlatConfig config_of(int number, bool half) {
  faiss::gpu::GpuIndexFlatConfig config;
  config.device = number;
  config.useFloat16 = half;
  return config;
}

}  // namespace

CudaRows::CudaRows(const CudaDevice& device, int64_t dimension, bool half)
    : resources_(device.resources_),
      rows_(new Rows{faiss::gpu::GpuIndexFlat(&resources_->faiss, static_cast<int>(dimension),
                                              faiss::METRIC_INNER_PRODUCT,
                                              config_of(resources_->number, half))}) {}

CudaRows::~CudaRows() = default;

int64_t CudaRows::dimension() const { return rows_->faiss.d; }

void CudaRows::append(int64_t n, const float* x) {
  require_rows(n, x, dimension(), true, "vectors");
  if (n == 0) return;
  try {
    rows_->faiss.add(n, x);
  } catch (const faiss::FaissException& e) {
    throw Error(Failure::kOutOfMemory, e.what());
  }
}

void CudaRows::search(int64_t n, const float* x, int64_t k, int64_t* positions,
                      float* scores) const {
  require_rows(n, x, dimension(), true, "queries");
  require_results(n, k, positions, scores);
  if (k > kMaxNeighbors || k > rows_->faiss.ntotal) {
    refuse(std::to_string(k) + " neighbours of " + std::to_string(rows_->faiss.ntotal) +
           " vectors refused: at most " + std::to_string(kMaxNeighbors) + " on a GPU");
  }
  if (n > 0) rows_->faiss.search(n, x, k, scores, positions);
}

}  // namespace shelfstream
