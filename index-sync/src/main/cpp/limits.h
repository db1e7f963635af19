#pragma once

#include <cstdint>

namespace shelfstream {

// Mirrors io.shelfstream.index.Limits, which explains each number.
constexpr int64_t kMaxDimension = 65536;
constexpr int64_t kMaxVectors = int64_t{1} << 31;
constexpr int64_t kMaxNeighbors = int64_t{1} << 20;
constexpr int64_t kMaxResults = int64_t{1} << 24;
constexpr float kMaxMagnitude = 0x1p50F;

// What a factory string or a file may ask for. Faiss itself accepts HNSW0 and then never returns.
constexpr int64_t kMinLinks = 2;
constexpr int64_t kMaxLinks = 256;
constexpr int64_t kMaxLists = int64_t{1} << 20;
constexpr int64_t kMaxSearchParameter = 65536;

}  // namespace shelfstream
