#include "index.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "best.h"
#include "compare.h"
#include "failure.h"
#include "index_file.h"
#include "limits.h"
#include "probes.h"
#include "rows.h"
#include "runtime.h"

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

bool keeps_ids(const faiss::Index* index) {
  return dynamic_cast<const faiss::IndexIDMap*>(index) != nullptr ||
         dynamic_cast<const faiss::IndexIVF*>(index) != nullptr;
}

/// IDMap2 around an index that may already hold rows, with the given ids. Its constructor would
/// insist on an empty one.
std::unique_ptr<faiss::Index> mapped(std::unique_ptr<faiss::Index> inner,
                                     std::vector<int64_t> ids) {
  auto map = std::make_unique<faiss::IndexIDMap2>();
  map->d = inner->d;
  map->ntotal = inner->ntotal;
  map->metric_type = inner->metric_type;
  map->is_trained = inner->is_trained;
  map->id_map.assign(ids.begin(), ids.end());
  map->index = inner.release();
  map->own_fields = true;
  map->construct_rev_map();
  return map;
}

/// An inverted file under an IDMap, as PaddleClas writes it, becomes one with the outer ids inside:
/// the map's remove_ids takes for granted that rows move up, and those of an inverted file do not.
std::unique_ptr<faiss::Index> with_outer_ids(faiss::IndexIDMap& map) {
  auto* ivf = dynamic_cast<faiss::IndexIVF*>(map.index);
  for (size_t list = 0; list < ivf->nlist; list++) {
    const size_t length = ivf->invlists->list_size(list);
    for (size_t i = 0; i < length; i++) {
      const int64_t inner = ivf->invlists->get_single_id(list, i);
      const uint8_t* code = ivf->invlists->get_codes(list) + i * ivf->code_size;
      const std::vector<uint8_t> copy(code, code + ivf->code_size);
      ivf->invlists->update_entry(list, i, map.id_map.at(inner), copy.data());
    }
  }
  map.own_fields = false;
  return std::unique_ptr<faiss::Index>(ivf);
}

std::unique_ptr<faiss::Index> with_own_ids(std::unique_ptr<faiss::Index> index) {
  if (auto* map = dynamic_cast<faiss::IndexIDMap*>(index.get())) {
    if (dynamic_cast<faiss::IndexIVF*>(map->index) != nullptr) return with_outer_ids(*map);
    if (dynamic_cast<faiss::IndexIDMap2*>(map) != nullptr) return index;
    std::unique_ptr<faiss::Index> inner(map->index);
    map->own_fields = false;
    return mapped(std::move(inner), {map->id_map.begin(), map->id_map.end()});
  }
  if (keeps_ids(index.get())) return index;
  std::vector<int64_t> positions(index->ntotal);
  std::iota(positions.begin(), positions.end(), 0);
  return mapped(std::move(index), std::move(positions));
}

template <typename Visit>
void each_id(const faiss::Index& index, Visit visit) {
  if (const auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) {
    for (const int64_t id : map->id_map) visit(id);
    return;
  }
  const auto& ivf = dynamic_cast<const faiss::IndexIVF&>(index);
  for (size_t list = 0; list < ivf.nlist; list++) {
    const faiss::InvertedLists::ScopedIds ids(ivf.invlists, list);
    const size_t length = ivf.invlists->list_size(list);
    for (size_t i = 0; i < length; i++) visit(ids[i]);
  }
}

// Vectors as they are, compared by inner product: the loops of compare.h are faster than Faiss's.

const faiss::IndexFlat* plain_rows(const faiss::Index& index) {
  const auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index);
  return map == nullptr ? nullptr : dynamic_cast<const faiss::IndexFlat*>(map->index);
}

const faiss::IndexIVFFlat* plain_lists(const faiss::Index& index) {
  return dynamic_cast<const faiss::IndexIVFFlat*>(&index);
}

void compare_with(const faiss::IndexFlat& index, const int64_t* ids, Best& best) {
  const float* rows = reinterpret_cast<const float*>(index.codes.data());
  in_slices(best, [&](int64_t from, int64_t to) {
    Compared queries(index.d);
    for (int64_t q = from; q < to; q++) queries.add(q, best);
    queries.with(index.ntotal, rows, rows + index.ntotal * index.d, best,
                 [&](int64_t q, float score, int64_t row) { best.take(q, score, ids[row]); });
  });
}

void compare_with(const faiss::IndexIVFFlat& index, Best& best) {
  const auto probes = static_cast<int64_t>(std::min(index.nprobe, index.nlist));
  // An index of a file is searched as Faiss does it: nprobe lists, whatever they hold.
  const NearestLists nearest =
      nearest_lists(*index.quantizer, probes, 0, best.n, best.x, [](int64_t) { return 0; });
  scan_lists(*index.quantizer, nearest, best, [&](int64_t list, const Compared& queries) {
    faiss::InvertedLists::ScopedCodes codes(index.invlists, list);
    const faiss::InvertedLists::ScopedIds ids(index.invlists, list);
    const auto length = static_cast<int64_t>(index.invlists->list_size(list));
    const auto* rows = reinterpret_cast<const float*>(codes.get());
    queries.with(length, rows, rows + length * index.d, best,
                 [&](int64_t q, float score, int64_t row) { best.take(q, score, ids[row]); });
  });
}

}  // namespace

Index::Index(std::unique_ptr<faiss::Index> index, IndexType type)
    : index_(std::move(index)), type_(std::move(type)) {}

Index::~Index() = default;

std::shared_ptr<Index> Index::create(const std::string& type, int64_t dimension, Metric metric) {
  IndexType parsed = IndexType::parse(type, dimension);
  auto index = parsed.make(dimension, metric);
  return std::shared_ptr<Index>(new Index(with_own_ids(std::move(index)), std::move(parsed)));
}

std::shared_ptr<Index> Index::read(const std::string& path) {
  check_file(path);
  std::unique_ptr<faiss::Index> loaded;
  try {
    loaded.reset(faiss::read_index(path.c_str()));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Failure::kFile, "cannot read index " + path + ": " + e.what());
  }
  check_loaded(path, *loaded);
  IndexType type = IndexType::of(*loaded);
  std::shared_ptr<Index> index(new Index(with_own_ids(std::move(loaded)), std::move(type)));
  each_id(*index->index_, [&](int64_t id) {
    if (id < 0 || !index->ids_.insert(id).second) {
      throw Error(Failure::kFile, "cannot read index " + path + ": id " + std::to_string(id) +
                                      (id < 0 ? " is negative" : " is there twice") +
                                      "; build the index again");
    }
  });
  return index;
}

int64_t Index::dimension() const { return index_->d; }

int64_t Index::size() const { return index_->ntotal; }

bool Index::trained() const { return index_->is_trained; }

Metric Index::metric() const {
  return index_->metric_type == faiss::METRIC_L2 ? Metric::kL2 : Metric::kInnerProduct;
}

void Index::require_sound() const {
  if (damaged_) {
    throw Error(Failure::kFaiss,
                "index refused: an earlier change failed half way; close it and build it again");
  }
}

void Index::require_rows(int64_t n, const float* x, const char* what) const {
  shelfstream::require_rows(n, x, dimension(), metric() == Metric::kInnerProduct, what);
}

template <typename Change>
auto Index::changing(Change change) {
  damaged_ = true;
  auto result = change();
  damaged_ = false;
  return result;
}

void Index::train(int64_t n, const float* x) {
  require_sound();
  require_rows(n, x, "training vectors");
  if (size() > 0) {
    refuse("training refused: the index holds " + std::to_string(size()) +
           " vectors coded by its present training; train before adding");
  }
  if (n == 0) refuse("training refused: no vectors given");
  // Faiss would write to standard error that eight vectors for a list, PaddleClas's number, are few.
  if (auto* lists = dynamic_cast<faiss::IndexIVF*>(index_.get())) {
    lists->cp.min_points_per_centroid = 1;
  }
  index_->train(n, x);
}

void Index::add(int64_t n, const int64_t* ids, const float* x) {
  require_sound();
  require_rows(n, x, "vectors");
  if (n == 0) return;
  if (ids == nullptr) refuse("vectors refused: no ids given");
  if (!trained()) {
    throw Error(Failure::kNotTrained,
                "vectors refused: an index of type " + type_.name + " must be trained before adding");
  }
  int64_t taken = 0;
  const auto give_back = [&] {
    for (int64_t i = 0; i < taken; i++) ids_.erase(ids[i]);
  };
  try {
    for (; taken < n; taken++) {
      const int64_t id = ids[taken];
      if (id < 0) refuse("id " + std::to_string(id) + " refused: ids are 0 or larger");
      if (!ids_.insert(id).second) {
        refuse("id " + std::to_string(id) + " refused: it is in the index or twice in the batch");
      }
    }
  } catch (...) {
    give_back();
    throw;
  }
  changing([&] {
    index_->add_with_ids(n, x, ids);
    return true;
  });
}

int64_t Index::remove(int64_t n, const int64_t* ids) {
  require_sound();
  if (n < 0 || n > kMaxVectors) refuse("number of ids " + std::to_string(n) + " refused");
  if (n > 0 && ids == nullptr) refuse("removal refused: no ids given");
  const auto* map = dynamic_cast<const faiss::IndexIDMap*>(index_.get());
  if (map != nullptr && dynamic_cast<const faiss::IndexHNSW*>(map->index) != nullptr) {
    throw Error(Failure::kUnsupported, "removal refused: Faiss cannot remove from an index of type " +
                                           type_.name + "; build it again without these ids");
  }
  std::vector<int64_t> present;
  for (int64_t i = 0; i < n; i++) {
    if (ids_.count(ids[i]) > 0) present.push_back(ids[i]);
  }
  if (present.empty()) return 0;
  return changing([&] {
    const faiss::IDSelectorBatch selector(present.size(), present.data());
    const int64_t removed = index_->remove_ids(selector);
    for (const int64_t id : present) ids_.erase(id);
    return removed;
  });
}

void Index::search(int64_t n, const float* x, int64_t k, int64_t* ids, float* scores) const {
  require_sound();
  require_rows(n, x, "queries");
  require_results(n, k, ids, scores);
  if (n == 0) return;
  std::fill(ids, ids + n * k, -1);
  std::fill(scores, scores + n * k, 0.0F);
  const int64_t found = std::min(k, size());
  if (found == 0) return;
  if (found == k) {
    find(n, x, k, ids, scores);
    return;
  }
  std::vector<int64_t> some_ids(n * found);
  std::vector<float> some_scores(n * found);
  find(n, x, found, some_ids.data(), some_scores.data());
  for (int64_t row = 0; row < n; row++) {
    std::copy_n(some_ids.begin() + row * found, found, ids + row * k);
    std::copy_n(some_scores.begin() + row * found, found, scores + row * k);
  }
}

void Index::find(int64_t n, const float* x, int64_t k, int64_t* ids, float* scores) const {
  Best best{n, x, k, threads_in_use(), ids, scores};
  const bool compares = metric() == Metric::kInnerProduct;
  if (const auto* rows = compares ? plain_rows(*index_) : nullptr) {
    best.begin();
    compare_with(*rows, static_cast<const faiss::IndexIDMap&>(*index_).id_map.data(), best);
    best.end();
  } else if (const auto* lists = compares ? plain_lists(*index_) : nullptr) {
    best.begin();
    compare_with(*lists, best);
    best.end();
  } else {
    index_->search(n, x, k, scores, ids);
  }
}

void Index::ids(int64_t capacity, int64_t* out) const {
  int64_t i = 0;
  for (const int64_t id : ids_) {
    if (i == capacity) return;
    out[i++] = id;
  }
}

void Index::rows(int64_t from, int64_t n, int64_t* ids, float* x) const {
  require_sound();
  if (!type_.keeps_vectors()) {
    throw Error(Failure::kUnsupported, "an index of type " + type_.name +
                                           " keeps too little of its vectors to give them back");
  }
  if (from < 0 || n < 0 || from > size() - n) {
    refuse(std::to_string(n) + " rows from " + std::to_string(from) + " on refused: there are " +
           std::to_string(size()));
  }
  if (const auto* map = dynamic_cast<const faiss::IndexIDMap*>(index_.get())) {
    for (int64_t i = 0; i < n; i++) {
      ids[i] = map->id_map[from + i];
      map->index->reconstruct(from + i, x + i * dimension());
    }
    return;
  }
  const auto& ivf = dynamic_cast<const faiss::IndexIVF&>(*index_);
  int64_t first = 0;
  for (size_t list = 0; list < ivf.nlist && first < from + n; list++) {
    const auto length = static_cast<int64_t>(ivf.invlists->list_size(list));
    const int64_t end = std::min(first + length, from + n);
    for (int64_t row = std::max(first, from); row < end; row++) {
      ids[row - from] = ivf.invlists->get_single_id(list, row - first);
      ivf.reconstruct_from_offset(static_cast<int64_t>(list), row - first,
                                  x + (row - from) * dimension());
    }
    first += length;
  }
}

void Index::reset() {
  require_sound();
  changing([&] {
    index_->reset();
    // Faiss 1.7.3 leaves the reverse map of an emptied IDMap2 as it was.
    if (auto* map = dynamic_cast<faiss::IndexIDMap2*>(index_.get())) map->rev_map.clear();
    ids_.clear();
    return true;
  });
}

void Index::write(const std::string& path) const {
  require_sound();
  try {
    faiss::write_index(index_.get(), path.c_str());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Failure::kFile, "cannot write index " + path + ": " + e.what());
  }
}

}  // namespace shelfstream
