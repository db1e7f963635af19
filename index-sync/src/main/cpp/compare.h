#pragma once

#include <algorithm>
#include <vector>

#include "best.h"
#include "products.h"

namespace shelfstream {

/// Queries of a search that are compared with the same rows: their numbers, and where they lie.
class Compared {
 public:
  explicit Compared(int64_t dimension) : dimension_(dimension) {}

  void clear() {
    numbers_.clear();
    queries_.clear();
  }

  void add(int64_t number, const Best& best) {
    numbers_.push_back(number);
    queries_.push_back(best.x + number * dimension_);
  }

  /// Calls offer(query, score, row) for every row that is better than the worst of the best so far;
  /// offer may take it.
  ///
  /// @param y n rows that lie one after the other
  /// @param end of the rows that will be asked for next
  template <typename Offer>
  void with(int64_t n, const float* y, const float* end, const Best& best, Offer offer) const {
    float scores[kQueriesAtOnce * kRowsAtOnce];
    const auto all = static_cast<int64_t>(queries_.size());
    for (int64_t row = 0; row < n; row += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, n - row);
      for (int64_t first = 0; first < all; first += kQueriesAtOnce) {
        const int64_t some = std::min(kQueriesAtOnce, all - first);
        inner_products(some, queries_.data() + first, rows, y + row * dimension_, dimension_, end,
                       scores);
        for (int64_t q = 0; q < some; q++) {
          const int64_t number = numbers_[first + q];
          for (int64_t i = 0; i < rows; i++) {
            const float score = scores[q * rows + i];
            if (score > best.worst(number)) offer(number, score, row + i);
          }
        }
      }
    }
  }

 private:
  // Some rows and all queries of a batch stay in the second-level cache.
  static constexpr int64_t kRowsAtOnce = 64;
  static constexpr int64_t kQueriesAtOnce = 64;

  const int64_t dimension_;
  std::vector<int64_t> numbers_;
  std::vector<const float*> queries_;
};

/// Calls work(from, to) for slices of the queries, one a thread: each has heaps of its own.
template <typename Work>
void in_slices(const Best& best, Work work) {
  const auto slices = static_cast<int>(std::min<int64_t>(best.threads, best.n));
#pragma omp parallel for if (slices > 1) num_threads(slices)
  for (int slice = 0; slice < slices; slice++) {
    work(best.n * slice / slices, best.n * (slice + 1) / slices);
  }
}

}  // namespace shelfstream
