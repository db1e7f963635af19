#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

#include "index_type.h"

namespace faiss {
struct Index;
}

namespace shelfstream {

/// A Faiss index with caller-chosen ids whose every argument is checked before Faiss sees it:
/// Faiss answers many wrong ones by reading undefined memory or by ending the process.
///
/// Searches may run side by side. A change excludes everything else: the caller holds that lock.
class Index {
 public:
  /// An empty index; see IndexType::parse for the types.
  static std::shared_ptr<Index> create(const std::string& type, int64_t dimension, Metric metric);

  /// Reads a file of Faiss's format. The structure is checked before and after Faiss loads it, see
  /// index_file.h.
  static std::shared_ptr<Index> read(const std::string& path);

  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  int64_t dimension() const;
  int64_t size() const;
  bool trained() const;
  Metric metric() const;
  const std::string& type() const { return type_.name; }

  /// @param x n rows of dimension() values
  void train(int64_t n, const float* x);

  /// Adds n rows; ids are 0 or larger, distinct and new. Nothing is added when an argument is wrong.
  void add(int64_t n, const int64_t* ids, const float* x);

  /// Removes what is there of these ids and returns how many rows went.
  int64_t remove(int64_t n, const int64_t* ids);

  /// Writes n × k ids and scores, best first; id -1 stands for "no more".
  void search(int64_t n, const float* x, int64_t k, int64_t* ids, float* scores) const;

  /// Copies up to capacity ids, in no order.
  void ids(int64_t capacity, int64_t* out) const;

  /// Copies n rows from number `from` on, in the order in which they lie, and their ids. Throws
  /// Error(kUnsupported) for a type that does not keep vectors.
  void rows(int64_t from, int64_t n, int64_t* ids, float* x) const;

  void reset();
  void write(const std::string& path) const;

 private:
  Index(std::unique_ptr<faiss::Index> index, IndexType type);

  void require_sound() const;
  void require_rows(int64_t n, const float* x, const char* what) const;
  void find(int64_t n, const float* x, int64_t k, int64_t* ids, float* scores) const;
  template <typename Change>
  auto changing(Change change);

  std::unique_ptr<faiss::Index> index_;
  IndexType type_;
  std::unordered_set<int64_t> ids_;
  // Set when a change failed half way, say for want of memory: rows and ids may disagree then.
  bool damaged_ = false;
};

}  // namespace shelfstream
