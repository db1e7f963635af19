#include "lists.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVF.h>

#include <algorithm>

#include "best.h"
#include "compare.h"
#include "failure.h"
#include "probes.h"
#include "rows.h"

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

std::unique_ptr<faiss::IndexIVF> inverted(const IndexType& type, int64_t dimension) {
  auto index = type.make(dimension, Metric::kInnerProduct);
  return std::unique_ptr<faiss::IndexIVF>(dynamic_cast<faiss::IndexIVF*>(index.release()));
}

/// The part of an inverted file that knows the centres.
std::shared_ptr<const faiss::Index> centres_of(faiss::IndexIVF& index) {
  index.own_fields = false;
  return std::shared_ptr<const faiss::Index>(index.quantizer);
}

int64_t chunks_for(int64_t rows, int64_t lists, int64_t rows_of_chunk) {
  return rows / rows_of_chunk + std::min(rows, lists) + 1;
}

}  // namespace

Lists::Lists(IndexType type, int64_t dimension, int64_t capacity)
    : Segment(dimension, capacity),
      type_(std::move(type)),
      lists_(type_.lists),
      chunks_(chunks_for(capacity, lists_, kChunkRows)),
      pages_(static_cast<size_t>(chunks_ * kChunkRows * dimension)),
      slot_of_row_(new int32_t[capacity]),
      row_of_slot_(new int32_t[chunks_ * kChunkRows]),
      list_of_chunk_(new int32_t[chunks_]),
      next_chunk_(new int32_t[chunks_]),
      first_chunk_(new int32_t[lists_]),
      last_chunk_(new int32_t[lists_]),
      length_(new std::atomic<int32_t>[lists_]()) {
  if (chunks_ * kChunkRows > INT32_MAX) {
    refuse("room for " + std::to_string(capacity) + " rows in " + std::to_string(lists_) +
           " lists refused: that is more than 2147483647 places");
  }
}

Lists::~Lists() = default;

std::shared_ptr<Segment> Lists::make_like(int64_t capacity) const {
  if (!trained()) throw Error(Failure::kNotTrained, "the index is not trained");
  auto other = std::make_shared<Lists>(type_, dimension(), capacity);
  other->centres_ = centres_;
  other->nprobe_ = nprobe_;
  return other;
}

void Lists::train(int64_t n, const float* x) {
  require_rows(n, x, dimension(), true, "training vectors");
  if (rows() > 0) refuse("training refused: there are vectors already");
  if (n == 0) refuse("training refused: no vectors given");
  const auto index = inverted(type_, dimension());
  index->train(n, x);
  centres_ = centres_of(*index);
}

void Lists::copy_centres(float* out) const {
  if (!trained()) throw Error(Failure::kNotTrained, "the index is not trained");
  centres_->reconstruct_n(0, lists_, out);
}

void Lists::take_centres(int64_t n, const float* x) {
  require_rows(n, x, dimension(), false, "centres");
  if (n != lists_) {
    refuse(std::to_string(n) + " centres refused: " + std::to_string(lists_) + " expected");
  }
  if (rows() > 0) refuse("centres refused: there are vectors already");
  const auto index = inverted(type_, dimension());
  index->quantizer->add(n, x);
  centres_ = centres_of(*index);
}

void Lists::copy_lists(int64_t from, int64_t n, int32_t* out) const {
  if (from < 0 || n < 0 || from + n > rows()) {
    refuse("lists of rows " + std::to_string(from) + " to " + std::to_string(from + n) +
           " refused: there are " + std::to_string(rows()));
  }
  for (int64_t i = 0; i < n; i++) out[i] = list_of_chunk_[slot_of_row_[from + i] / kChunkRows];
}

void Lists::append_rows(int64_t n, const float* x) {
  std::vector<int64_t> nearest(n);
  std::vector<float> scores(n);
  centres_->search(n, x, 1, scores.data(), nearest.data());
  for (int64_t i = 0; i < n; i++) {
    // Faiss finds none when all scores are beyond float's range.
    const int64_t list = std::max<int64_t>(nearest[i], 0);
    std::copy_n(x + i * dimension(), dimension(), row(next_slot(rows() + i, list)));
    show_one(list);
  }
}

/// Rows of a list that come one after the other, with no other list's between, lie so, too.
void Lists::lay_out(const int32_t* rows_of_lists) {
  int64_t position = 0;
  for (int64_t list = 0; list < lists_; list++) {
    for (int32_t i = 0; i < rows_of_lists[list]; i++) {
      next_slot(position++, list);
      show_one(list);
    }
  }
}

std::pair<float*, int64_t> Lists::run_from(int64_t position) const {
  const int64_t slot = slot_of_row_[position];
  const int32_t list = list_of_chunk_[slot / kChunkRows];
  const int64_t first = first_chunk_[list] * kChunkRows;
  return {row(slot), length_[list].load(std::memory_order_relaxed) - (slot - first)};
}

/// Takes the next place of a list for a row; searches look there once the list is longer.
int64_t Lists::next_slot(int64_t position, int64_t list) {
  const int32_t length = length_[list].load(std::memory_order_relaxed);
  const int32_t within = length % kChunkRows;
  if (within == 0) {
    const int32_t chunk = chunks_used_++;
    list_of_chunk_[chunk] = static_cast<int32_t>(list);
    (length == 0 ? first_chunk_[list] : next_chunk_[last_chunk_[list]]) = chunk;
    last_chunk_[list] = chunk;
  }
  const int64_t slot = last_chunk_[list] * kChunkRows + within;
  row_of_slot_[slot] = static_cast<int32_t>(position);
  slot_of_row_[position] = static_cast<int32_t>(slot);
  return slot;
}

void Lists::copy_row(int64_t position, float* out) const {
  std::copy_n(row(slot_of_row_[position]), dimension(), out);
}

void Lists::offer(const Sight& sight, int64_t label, Best& best) const {
  int64_t probes = sight.exact ? lists_ : std::min(nprobe_, lists_);
  int64_t wanted = best.k;
  if (sight.allowed != nullptr) {
    const int64_t allowed = sight.count();
    if (allowed == 0) return;
    // Where a filter leaves a share s of the rows, 1/s times the lists hold as many candidates:
    // comparing with each row that is left costs less below s = sqrt(probes / lists), and is exact.
    const double share = static_cast<double>(allowed) / static_cast<double>(sight.rows);
    if (share * share * static_cast<double>(lists_) <= static_cast<double>(probes)) {
      return gather(sight, label, best);
    }
    probes = std::min(lists_, static_cast<int64_t>(static_cast<double>(probes) / share) + 1);
    wanted = static_cast<int64_t>(static_cast<double>(wanted) / share);
  }
  const NearestLists nearest =
      nearest_lists(*centres_, probes, wanted, best.n, best.x, [&](int64_t list) {
        return length_[list].load(std::memory_order_relaxed);
      });
  scan_lists(*centres_, nearest, best, [&](int64_t list, const Compared& queries) {
    scan_list(list, queries, sight, label, best);
  });
}

// Whether a row is seen is asked only of one that would be taken.
void Lists::scan_list(int64_t list, const Compared& queries, const Sight& sight, int64_t label,
                      Best& best) const {
  int64_t left = length_[list].load(std::memory_order_acquire);
  for (int64_t chunk = left == 0 ? 0 : first_chunk_[list]; left > 0; chunk = next_chunk_[chunk]) {
    const int64_t rows = std::min(left, kChunkRows);
    const int64_t first = chunk * kChunkRows;
    queries.with(rows, row(first), row(first + rows), best,
                 [&](int64_t q, float score, int64_t i) {
                   const int64_t position = row_of_slot_[first + i];
                   if (position < sight.rows && is_seen(position, sight)) {
                     best.take(q, score, label + position);
                   }
                 });
    left -= rows;
    if (left == 0) return;
  }
}

/// Compares with every row that may be found, and with no other.
void Lists::gather(const Sight& sight, int64_t label, Best& best) const {
  in_slices(best, [&](int64_t from, int64_t to) {
    Compared queries(dimension());
    for (int64_t q = from; q < to; q++) queries.add(q, best);
    for (int64_t position = 0; position < sight.rows; position++) {
      if (!is_seen(position, sight)) continue;
      const float* y = row(slot_of_row_[position]);
      queries.with(1, y, y, best, [&](int64_t q, float score, int64_t) {
        best.take(q, score, label + position);
      });
    }
  });
}

}  // namespace shelfstream
