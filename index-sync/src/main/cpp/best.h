#pragma once

#include <faiss/utils/Heap.h>

#include <cstdint>

namespace shelfstream {

/// The best k of each query so far: a heap whose top is the worst of them.
struct Best {
  using Order = faiss::CMin<float, int64_t>;

  const int64_t n;
  const float* const x;
  const int64_t k;
  const int threads;
  int64_t* const labels;
  float* const scores;

  void begin() {
    for (int64_t q = 0; q < n; q++) faiss::heap_heapify<Order>(k, scores + q * k, labels + q * k);
  }

  float worst(int64_t q) const { return scores[q * k]; }

  void take(int64_t q, float score, int64_t label) {
    faiss::heap_replace_top<Order>(k, scores + q * k, labels + q * k, score, label);
  }

  void end() {
    for (int64_t q = 0; q < n; q++) faiss::heap_reorder<Order>(k, scores + q * k, labels + q * k);
  }
};

}  // namespace shelfstream
