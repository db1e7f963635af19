#include "segment.h"

#include <algorithm>
#include <numeric>

#include "best.h"
#include "failure.h"
#include "limits.h"
#include "rows.h"

namespace shelfstream {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

[[noreturn]] void refuse_lists() {
  throw Error(Failure::kUnsupported, "an index of this type has no lists to read or set");
}

}  // namespace

int64_t Sight::count() const {
  if (allowed == nullptr) return rows;
  int64_t sum = 0;
  for (int64_t i = 0; i < rows / 64; i++) sum += __builtin_popcountll(allowed[i]);
  const int64_t rest = rows % 64;
  return rest == 0 ? sum : sum + __builtin_popcountll(allowed[rows / 64] & ((uint64_t{1} << rest) - 1));
}

Segment::Segment(int64_t dimension, int64_t capacity)
    : dimension_(dimension), capacity_(capacity), deleted_(new std::atomic<int64_t>[capacity]()) {}

void Segment::begin_appending(int64_t n, const float* x) {
  require_rows(n, x, dimension_, true, "vectors");
  if (n > capacity_ - rows()) {
    refuse(std::to_string(n) + " vectors refused: there is room for " +
           std::to_string(capacity_ - rows()));
  }
  if (!trained()) throw Error(Failure::kNotTrained, "vectors refused: the index is not trained");
  if (damaged_) throw Error(Failure::kFaiss, "vectors refused: an earlier change failed half way");
  damaged_ = true;
}

void Segment::end_appending(int64_t n) {
  damaged_ = false;
  rows_.store(rows() + n, std::memory_order_release);
}

void Segment::append(int64_t n, const float* x) {
  begin_appending(n, x);
  append_rows(n, x);
  end_appending(n);
}

int64_t Segment::lists() const { return 0; }

void Segment::copy_centres(float*) const { refuse_lists(); }

void Segment::take_centres(int64_t, const float*) { refuse_lists(); }

void Segment::copy_lists(int64_t, int64_t, int32_t*) const { refuse_lists(); }

int64_t Segment::groups() const { return 0; }

void Segment::lay_out(const int32_t*) { refuse_lists(); }

std::pair<float*, int64_t> Segment::run_from(int64_t) const { refuse_lists(); }

void Segment::begin_filling(int64_t n, const int32_t* rows_of_groups) {
  if (n != groups()) {
    refuse(std::to_string(n) + " groups of rows refused: " + std::to_string(groups()) +
           " expected");
  }
  int64_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    if (rows_of_groups[i] < 0) refuse("a group of " + std::to_string(rows_of_groups[i]) + " rows refused");
    sum += rows_of_groups[i];
  }
  if (sum > capacity_ || rows() > 0 || filling_ > 0) {
    refuse(std::to_string(sum) + " rows refused: there is room for " + std::to_string(capacity_) +
           ", in an empty segment only");
  }
  if (!trained()) throw Error(Failure::kNotTrained, "rows refused: the index is not trained");
  lay_out(rows_of_groups);
  damaged_ = true;
  filling_ = sum;
}

std::pair<float*, int64_t> Segment::place(int64_t position, int64_t n) const {
  if (position < 0 || n < 1 || position + n > filling_) {
    refuse("rows " + std::to_string(position) + " to " + std::to_string(position + n) +
           " refused: " + std::to_string(filling_) + " are being filled");
  }
  const auto [rows, run] = run_from(position);
  return {rows, std::min(run, n)};
}

void Segment::end_filling() {
  rows_.store(filling_, std::memory_order_release);
  filling_ = 0;
  damaged_ = false;
}

void Segment::train_from(const Segment& source) {
  std::vector<int32_t> all(source.rows());
  std::iota(all.begin(), all.end(), 0);
  std::vector<float> x(all.size() * source.dimension_);
  source.copy(static_cast<int64_t>(all.size()), all.data(), x.data());
  if (source.dimension_ != dimension_) refuse("training refused: vectors of another dimension");
  train(static_cast<int64_t>(all.size()), x.data());
}

void Segment::append_from(const Segment& source, int64_t n, const int32_t* positions) {
  if (source.dimension_ != dimension_) refuse("vectors refused: they have another dimension");
  constexpr int64_t kAtOnce = 1024;
  std::vector<float> x(std::min(n, kAtOnce) * dimension_);
  for (int64_t i = 0; i < n; i += kAtOnce) {
    const int64_t some = std::min(kAtOnce, n - i);
    source.copy(some, positions + i, x.data());
    append(some, x.data());
  }
}

void Segment::mark_deleted(int64_t position, int64_t sequence) {
  if (position < 0 || position >= rows() || sequence < 1) {
    refuse("marking row " + std::to_string(position) + " at " + std::to_string(sequence) +
           " refused: there are " + std::to_string(rows()) + " rows");
  }
  deleted_[position].store(sequence, std::memory_order_relaxed);
  any_deleted_.store(true, std::memory_order_relaxed);
}

bool Segment::is_deleted(int64_t position, int64_t sequence) const {
  if (position < 0 || position >= rows()) {
    refuse("row " + std::to_string(position) + " refused: there are " + std::to_string(rows()));
  }
  return !is_seen(position, {rows(), sequence, true, nullptr});
}

void Segment::copy(int64_t n, const int32_t* positions, float* out) const {
  const int64_t there = rows();
  for (int64_t i = 0; i < n; i++) {
    if (positions[i] < 0 || positions[i] >= there) {
      refuse("row " + std::to_string(positions[i]) + " refused: there are " +
             std::to_string(there));
    }
    copy_row(positions[i], out + i * dimension_);
  }
}

void Segment::search_parameter(int64_t value) {
  if (value < 1 || value > kMaxSearchParameter) {
    refuse("search parameter " + std::to_string(value) + " is outside 1 to " + std::to_string(kMaxSearchParameter));
  }
  set_search_parameter(value);
}

void search_segments(const std::vector<View>& views, int64_t sequence, bool exact, int64_t n,
                     const float* x, int64_t k, int threads, int64_t* labels, float* scores) {
  require_results(n, k, labels, scores);
  if (views.empty()) {
    std::fill(labels, labels + n * k, -1);
    return;
  }
  const int64_t dimension = views.front().segment->dimension();
  require_rows(n, x, dimension, true, "queries");
  for (const View& view : views) {
    if (view.segment->dimension() != dimension || view.rows < 0 ||
        view.rows > view.segment->rows()) {
      refuse("search refused: " + std::to_string(view.rows) + " rows of " +
             std::to_string(view.segment->rows()) + ", dimension " +
             std::to_string(view.segment->dimension()));
    }
  }
  if (n == 0) return;
  Best best{n, x, k, threads, labels, scores};
  best.begin();
  for (size_t i = 0; i < views.size(); i++) {
    if (views[i].rows == 0) continue;
    const Sight sight{views[i].rows, sequence, exact, views[i].allowed};
    views[i].segment->offer(sight, static_cast<int64_t>(i) << 32, best);
  }
  best.end();
}

}  // namespace shelfstream
