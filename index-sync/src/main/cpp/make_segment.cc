#include <limits>

#include "block.h"
#include "failure.h"
#include "faiss_segment.h"
#include "graph.h"
#include "index_type.h"
#include "lists.h"
#include "segment.h"

// Which kind of segment serves a type of index.

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

void require_capacity(int64_t capacity) {
  if (capacity < 1 || capacity > std::numeric_limits<int32_t>::max()) {
    refuse("room for " + std::to_string(capacity) + " rows refused: 1 to 2147483647 expected");
  }
}

}  // namespace

std::shared_ptr<Segment> Segment::make_block(int64_t dimension, int64_t capacity) {
  IndexType::parse("Flat", dimension);
  require_capacity(capacity);
  return std::make_shared<Block>(dimension, capacity);
}

std::shared_ptr<Segment> Segment::make_index(const std::string& name, int64_t dimension,
                                             int64_t capacity) {
  IndexType type = IndexType::parse(name, dimension);
  require_capacity(capacity);
  if (!type.keeps_vectors()) {
    refuse("index type " + type.name +
           " refused for a live gallery: it keeps too little of a vector to build the index anew; "
           "use Flat, SQfp16, HNSW32, IVF1024,Flat or IVF1024,SQfp16");
  }
  if (type.has_lists_of_plain_vectors()) {
    return std::make_shared<Lists>(std::move(type), dimension, capacity);
  }
  if (type.is_graph_of_plain_vectors()) {
    return std::make_shared<Graph>(std::move(type), dimension, capacity);
  }
  return make_faiss_segment(std::move(type), dimension, capacity);
}

}  // namespace shelfstream
