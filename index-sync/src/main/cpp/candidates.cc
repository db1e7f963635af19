#include "candidates.h"

#include <faiss/utils/distances.h>

#include "failure.h"
#include "rows.h"

namespace shelfstream {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

bool shows(const View& view, int64_t sequence, int64_t row) {
  if (row >= view.rows) return false;
  if (view.allowed != nullptr && (view.allowed[row / 64] >> (row % 64) & 1) == 0) return false;
  return !view.segment->is_deleted(row, sequence);
}

}  // namespace

void mask(const View& view, int64_t sequence, int64_t first, int64_t n, int64_t* positions) {
  if (view.rows < 0 || view.rows > view.segment->rows() || first < 0) {
    refuse("rows from " + std::to_string(first) + " of " + std::to_string(view.rows) +
           " refused: there are " + std::to_string(view.segment->rows()));
  }
  for (int64_t i = 0; i < n; i++) {
    if (positions[i] < 0) continue;
    const int64_t row = first + positions[i];
    positions[i] = shows(view, sequence, row) ? row : -1;
  }
}

void score(const std::vector<std::shared_ptr<Segment>>& segments, int64_t n, const float* x,
           int64_t m, const int64_t* labels, float* scores) {
  const int64_t dimension = segments.front()->dimension();
  for (const auto& segment : segments) {
    if (segment->dimension() != dimension) refuse("segments of several dimensions refused");
  }
  require_rows(n, x, dimension, true, "queries");
  std::vector<float> row(dimension);
  for (int64_t i = 0; i < n * m; i++) {
    scores[i] = 0;
    if (labels[i] < 0) continue;
    const auto number = static_cast<size_t>(labels[i] >> 32);
    if (number >= segments.size()) refuse("segment " + std::to_string(number) + " refused");
    const auto position = static_cast<int32_t>(labels[i] & 0xffffffff);
    segments[number]->copy(1, &position, row.data());
    scores[i] = faiss::fvec_inner_product(x + i / m * dimension, row.data(), dimension);
  }
}

}  // namespace shelfstream
