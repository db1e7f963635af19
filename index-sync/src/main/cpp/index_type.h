#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace faiss {
struct Index;
}

namespace shelfstream {

/// Numbers mirror io.shelfstream.index.Metric's order.
enum class Metric : int { kInnerProduct = 0, kL2 = 1 };

/// What kind of index it is: the part of Faiss's factory language that is supported here. The rest
/// is refused, as some types abort the process on removal or search.
struct IndexType {
  enum class Codes { kFlat, kSQ4, kSQ6, kSQ8, kSQfp16, kPQ };

  /// Reads Flat, SQ4, SQ6, SQ8, SQfp16, PQ<parts>, HNSW<links>[,<codes but PQ>] or
  /// IVF<lists>[_HNSW<links>],<codes>, each also behind "IDMap," or "IDMap2,", which is dropped: ids
  /// are handled here for every type. Throws Error(kInvalidArgument) for anything else, and for
  /// numbers that Faiss could not work with.
  static IndexType parse(const std::string& text, int64_t dimension);

  /// The type of a Faiss index; throws Error(kUnsupported) for a type that parse does not know.
  static IndexType of(const faiss::Index& index);

  /// An empty index of this type.
  std::unique_ptr<faiss::Index> make(int64_t dimension, Metric metric) const;

  bool has_lists_of_plain_vectors() const { return lists > 0 && codes == Codes::kFlat; }
  bool is_graph_of_plain_vectors() const {
    return lists == 0 && links > 0 && codes == Codes::kFlat;
  }

  /// Whether vectors are kept as they are, or so that storing them again changes nothing.
  bool keeps_vectors() const { return codes == Codes::kFlat || codes == Codes::kSQfp16; }

  /// In Faiss's factory language.
  std::string name;
  Codes codes = Codes::kFlat;
  /// Of a product quantizer, 0 for other codes.
  int64_t parts = 0;
  /// Of an inverted file, 0 for other types.
  int64_t lists = 0;
  /// Of an HNSW graph, 0 without one: over the list centres where there are lists, else over the
  /// vectors.
  int64_t links = 0;
};

}  // namespace shelfstream
