#include "faiss_segment.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/IDSelector.h>

#include <algorithm>
#include <vector>

#include "best.h"
#include "failure.h"
#include "probes.h"
#include "rows.h"

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

class FaissSegment : public Segment {
 public:
  FaissSegment(IndexType type, int64_t dimension, int64_t capacity)
      : Segment(dimension, capacity),
        type_(std::move(type)),
        index_(type_.make(dimension, Metric::kInnerProduct)),
        lists_(dynamic_cast<faiss::IndexIVF*>(index_.get())),
        graph_(dynamic_cast<faiss::IndexHNSW*>(index_.get())) {
    // From position to list, to give vectors back.
    if (lists_ != nullptr) lists_->set_direct_map_type(faiss::DirectMap::Array);
  }

  std::shared_ptr<Segment> make_like(int64_t capacity) const override {
    auto other = std::make_shared<FaissSegment>(type_, dimension(), capacity);
    if (lists_ != nullptr) other->take_training(*lists_);
    other->search_parameter_ = search_parameter_;
    return other;
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

  void set_search_parameter(int64_t value) override { search_parameter_ = value; }

  void offer(const Sight& sight, int64_t label, Best& best) const override {
    if (sight.rows != index_->ntotal) refuse("search refused: an index is searched whole");
    const int64_t allowed = sight.count();
    if (allowed == 0) return;
    const int64_t k = std::min(best.k, allowed);
    std::vector<int64_t> positions(best.n * k, -1);
    std::vector<float> scores(best.n * k);
    const Seen seen(*this, sight);
    const bool some = any_deleted() || sight.allowed != nullptr;
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

  const IndexType type_;
  const std::unique_ptr<faiss::Index> index_;
  faiss::IndexIVF* const lists_;
  faiss::IndexHNSW* const graph_;
  int64_t search_parameter_ = 0;

  // Parameters go with each call: those inside a Faiss index are shared by all threads.
  void find(faiss::IDSelector* seen, bool exact, int64_t times, int64_t k, const Best& best,
            int64_t* positions, float* scores) const {
    if (lists_ != nullptr) {
      faiss::SearchParametersIVF parameters;
      parameters.sel = seen;
      const auto all = static_cast<int64_t>(lists_->nlist);
      const int64_t lists = search_parameter_ > 0 ? search_parameter_ : static_cast<int64_t>(lists_->nprobe);
      const NearestLists nearest =
          nearest_lists(*lists_->quantizer, exact ? all : std::min(lists * times, all), k * times,
                        best.n, best.x, [&](int64_t list) {
                          return static_cast<int64_t>(lists_->invlists->list_size(list));
                        });
      parameters.nprobe = nearest.each;
      lists_->search_preassigned(best.n, best.x, k, nearest.lists.data(), nearest.scores.data(),
                                 scores, positions, false, &parameters);
    } else if (graph_ != nullptr && !exact) {
      faiss::SearchParametersHNSW parameters;
      parameters.sel = seen;
      parameters.efSearch = static_cast<int>(
          std::max((search_parameter_ > 0 ? search_parameter_ : int64_t{graph_->hnsw.efSearch}) * times, k));
      index_->search(best.n, best.x, k, scores, positions, &parameters);
    } else {
      faiss::SearchParameters parameters;
      parameters.sel = seen;
      const faiss::Index* rows = graph_ != nullptr ? graph_->storage : index_.get();
      rows->search(best.n, best.x, k, scores, positions, &parameters);
    }
  }
};

}  // namespace

std::shared_ptr<Segment> make_faiss_segment(IndexType type, int64_t dimension, int64_t capacity) {
  return std::make_shared<FaissSegment>(std::move(type), dimension, capacity);
}

}  // namespace shelfstream
