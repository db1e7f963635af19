#include "segment.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_factory.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "best.h"
#include "block.h"
#include "factory.h"
#include "failure.h"
#include "graph.h"
#include "limits.h"
#include "lists.h"
#include "rows.h"

namespace shelfstream {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

class FaissSegment : public Segment {
 public:
  FaissSegment(std::string type, std::unique_ptr<faiss::Index> index, int64_t capacity)
      : Segment(index->d, capacity),
        type_(std::move(type)),
        index_(std::move(index)),
        lists_(dynamic_cast<faiss::IndexIVF*>(index_.get())),
        graph_(dynamic_cast<faiss::IndexHNSW*>(index_.get())) {
    // From position to list, to give vectors back.
    if (lists_ != nullptr) lists_->set_direct_map_type(faiss::DirectMap::Array);
  }

  std::shared_ptr<Segment> make_like(int64_t capacity) const override {
    const auto segment = make_index(type_, dimension(), capacity);
    auto& other = static_cast<FaissSegment&>(*segment);
    if (lists_ != nullptr) other.take_training(*lists_);
    other.effort_ = effort_;
    return segment;
  }

  void train(int64_t n, const float* x) override {
    require_rows(n, x, dimension(), true, "training vectors");
    if (rows() > 0) refuse("training refused: there are vectors already");
    if (n == 0) refuse("training refused: no vectors given");
    index_->train(n, x);
  }

 protected:
  bool trained() const override { return index_->is_trained; }

  void append_rows(int64_t n, const float* x) override { index_->add(n, x); }

  void copy_row(int64_t position, float* out) const override {
    index_->reconstruct(position, out);
  }

  void set_effort(int64_t effort) override { effort_ = effort; }

  void offer(const Sight& sight, int64_t label, Best& best) const override {
    if (sight.rows != index_->ntotal) refuse("search refused: an index is searched whole");
    const int64_t allowed = sight.count();
    if (allowed == 0) return;
    const int64_t k = std::min(best.k, allowed);
    std::vector<int64_t> positions(best.n * k, -1);
    std::vector<float> scores(best.n * k);
    const Seen seen(*this, sight);
    const bool some = any_buried() || sight.allowed != nullptr;
    // What a filter leaves of a graph or of lists is looked for longer; a few are compared exactly.
    const int64_t share = sight.rows / allowed;
    const bool exact = sight.exact || share >= kFewAllowed ||
                       (sight.allowed != nullptr && graph_ != nullptr && !kGraphsTakeFilters);
    find(some ? const_cast<Seen*>(&seen) : nullptr, exact, share, k, best, positions.data(),
         scores.data());
    for (int64_t q = 0; q < best.n; q++) {
      for (int64_t i = q * k; i < (q + 1) * k; i++) {
        if (positions[i] >= 0 && scores[i] > best.worst(q)) {
          best.take(q, scores[i], label + positions[i]);
        }
      }
    }
  }

 private:
  static constexpr int64_t kFewAllowed = 16;
  // Those of 1.7.3 lose more than a tenth of the nearest rows behind a filter.
  static constexpr bool kGraphsTakeFilters = FAISS_VERSION_MAJOR > 1 || FAISS_VERSION_MINOR > 7;

  struct Seen : faiss::IDSelector {
    Seen(const FaissSegment& segment, const Sight& sight) : segment(segment), sight(sight) {}
    bool is_member(int64_t position) const override { return segment.is_seen(position, sight); }

    const FaissSegment& segment;
    const Sight& sight;
  };

  void take_training(const faiss::IndexIVF& from) {
    if (!from.is_trained) throw Error(Failure::kNotTrained, "the index is not trained");
    std::vector<float> centres(from.nlist * from.d);
    from.quantizer->reconstruct_n(0, static_cast<int64_t>(from.nlist), centres.data());
    lists_->quantizer->add(static_cast<int64_t>(from.nlist), centres.data());
    const auto* scalar = dynamic_cast<const faiss::IndexIVFScalarQuantizer*>(&from);
    if (scalar != nullptr) dynamic_cast<faiss::IndexIVFScalarQuantizer&>(*lists_).sq = scalar->sq;
    lists_->is_trained = true;
  }

  const std::string type_;
  const std::unique_ptr<faiss::Index> index_;
  faiss::IndexIVF* const lists_;
  faiss::IndexHNSW* const graph_;
  int64_t effort_ = 0;

  // Parameters go with each call: those inside a Faiss index are shared by all threads.
  void find(faiss::IDSelector* seen, bool exact, int64_t times, int64_t k, const Best& best,
            int64_t* positions, float* scores) const {
    if (lists_ != nullptr) {
      faiss::SearchParametersIVF parameters;
      parameters.sel = seen;
      const auto all = static_cast<int64_t>(lists_->nlist);
      const int64_t lists = effort_ > 0 ? effort_ : static_cast<int64_t>(lists_->nprobe);
      parameters.nprobe = exact ? all : std::min(lists * times, all);
      index_->search(best.n, best.x, k, scores, positions, &parameters);
    } else if (graph_ != nullptr && !exact) {
      faiss::SearchParametersHNSW parameters;
      parameters.sel = seen;
      parameters.efSearch = static_cast<int>(
          std::max((effort_ > 0 ? effort_ : int64_t{graph_->hnsw.efSearch}) * times, k));
      index_->search(best.n, best.x, k, scores, positions, &parameters);
    } else {
      faiss::SearchParameters parameters;
      parameters.sel = seen;
      const faiss::Index* rows = graph_ != nullptr ? graph_->storage : index_.get();
      rows->search(best.n, best.x, k, scores, positions, &parameters);
    }
  }
};

[[noreturn]] void refuse_lists() {
  throw Error(Failure::kUnsupported, "an index of this type has no lists to read or set");
}

void require_capacity(int64_t capacity) {
  if (capacity < 1 || capacity > std::numeric_limits<int32_t>::max()) {
    refuse("room for " + std::to_string(capacity) + " rows refused: 1 to 2147483647 expected");
  }
}

}  // namespace

int64_t Sight::count() const {
  if (allowed == nullptr) return rows;
  int64_t sum = 0;
  for (int64_t i = 0; i < rows / 64; i++) sum += __builtin_popcountll(allowed[i]);
  const int64_t rest = rows % 64;
  return rest == 0 ? sum : sum + __builtin_popcountll(allowed[rows / 64] & ((uint64_t{1} << rest) - 1));
}

std::shared_ptr<Segment> Segment::make_block(int64_t dimension, int64_t capacity) {
  checked_factory("Flat", dimension);
  require_capacity(capacity);
  return std::make_shared<Block>(dimension, capacity);
}

std::shared_ptr<Segment> Segment::make_index(const std::string& factory, int64_t dimension,
                                             int64_t capacity) {
  const std::string type = checked_factory(factory, dimension);
  require_capacity(capacity);
  if (!keeps_vectors(type)) {
    refuse("index type " + type +
           " refused for a live gallery: it keeps too little of a vector to build the index anew; "
           "use Flat, SQfp16, HNSW32, IVF1024,Flat or IVF1024,SQfp16");
  }
  if (is_lists(type)) return std::make_shared<Lists>(type, dimension, capacity);
  if (is_graph(type)) return std::make_shared<Graph>(type, dimension, capacity);
  std::unique_ptr<faiss::Index> index(faiss::index_factory(
      static_cast<int>(dimension), type.c_str(), faiss::METRIC_INNER_PRODUCT));
  return std::make_shared<FaissSegment>(type, std::move(index), capacity);
}

Segment::Segment(int64_t dimension, int64_t capacity)
    : dimension_(dimension), capacity_(capacity), buried_(new std::atomic<int64_t>[capacity]()) {}

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

void Segment::bury(int64_t position, int64_t at) {
  if (position < 0 || position >= rows() || at < 1) {
    refuse("burying row " + std::to_string(position) + " at " + std::to_string(at) +
           " refused: there are " + std::to_string(rows()) + " rows");
  }
  buried_[position].store(at, std::memory_order_relaxed);
  any_buried_.store(true, std::memory_order_relaxed);
}

bool Segment::is_buried(int64_t position, int64_t as_of) const {
  if (position < 0 || position >= rows()) {
    refuse("row " + std::to_string(position) + " refused: there are " + std::to_string(rows()));
  }
  return !is_seen(position, {rows(), as_of, true, nullptr});
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

void Segment::effort(int64_t effort) {
  if (effort < 1 || effort > kMaxEffort) {
    refuse("effort " + std::to_string(effort) + " is outside 1 to " + std::to_string(kMaxEffort));
  }
  set_effort(effort);
}

void search_segments(const std::vector<View>& views, int64_t as_of, bool exact, int64_t n,
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
    const Sight sight{views[i].rows, as_of, exact, views[i].allowed};
    views[i].segment->offer(sight, static_cast<int64_t>(i) << 32, best);
  }
  best.end();
}

}  // namespace shelfstream
