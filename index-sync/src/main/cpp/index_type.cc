#include "index_type.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexScalarQuantizer.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "failure.h"
#include "limits.h"

namespace shelfstream {
namespace {

using Codes = IndexType::Codes;
using Scalar = faiss::ScalarQuantizer;

constexpr const char* kKnownTypes =
    "use Flat, SQ4, SQ6, SQ8, SQfp16, PQ64, HNSW32, HNSW32,SQ8, IVF1024,Flat, IVF1024,SQfp16, "
    "IVF1024,PQ64 or IVF1024_HNSW32,Flat";

constexpr size_t kLongestName = 64;
constexpr int kBitsOfPart = 8;

struct Named {
  const char* name;
  Codes codes;
  Scalar::QuantizerType quantizer;
};

constexpr Named kScalars[] = {
    {"SQ4", Codes::kSQ4, Scalar::QT_4bit},
    {"SQ6", Codes::kSQ6, Scalar::QT_6bit},
    {"SQ8", Codes::kSQ8, Scalar::QT_8bit},
    {"SQfp16", Codes::kSQfp16, Scalar::QT_fp16},
};

[[noreturn]] void refuse(const std::string& type, const std::string& why) {
  throw Error(Failure::kInvalidArgument, "index type " + type + " refused: " + why);
}

void require_range(const std::string& type, const char* what, int64_t value, int64_t least,
                   int64_t most) {
  if (value < least || value > most) {
    refuse(type, std::string(what) + " " + std::to_string(value) + " is outside " +
                     std::to_string(least) + " to " + std::to_string(most));
  }
}

/// Reads a type from its start; what was read is gone from the text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ended() const { return text_.empty(); }

  bool take(std::string_view word) {
    if (text_.substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  /// A word that is all there is left.
  bool take_last(std::string_view word) { return text_ == word && take(word); }

  /// A word with a number of at most so many digits behind it.
  std::optional<int64_t> take_numbered(std::string_view word, size_t most_digits) {
    if (text_.substr(0, word.size()) != word) return std::nullopt;
    int64_t number = 0;
    const char* from = text_.data() + word.size();
    const auto [end, error] = std::from_chars(from, text_.data() + text_.size(), number);
    const auto digits = static_cast<size_t>(end - from);
    if (error != std::errc() || *from == '-' || digits > most_digits) return std::nullopt;
    text_.remove_prefix(word.size() + digits);
    return number;
  }

 private:
  std::string_view text_;
};

bool take_codes(Reader& text, bool also_product, IndexType& type) {
  if (text.take_last("Flat")) return true;
  for (const Named& scalar : kScalars) {
    if (!text.take_last(scalar.name)) continue;
    type.codes = scalar.codes;
    return true;
  }
  const auto parts = also_product ? text.take_numbered("PQ", 5) : std::nullopt;
  if (!parts || !text.ended()) return false;
  type.codes = Codes::kPQ;
  type.parts = *parts;
  return true;
}

bool take_type(Reader& text, IndexType& type) {
  if (const auto lists = text.take_numbered("IVF", 9)) {
    type.lists = *lists;
    // As 0 stands for none, what a number of 0 is refused for is looked at by the caller.
    if (const auto links = text.take_numbered("_HNSW", 5)) type.links = *links == 0 ? -1 : *links;
    if (*lists == 0) type.lists = -1;
    return text.take(",") && take_codes(text, true, type);
  }
  if (const auto links = text.take_numbered("HNSW", 5)) {
    type.links = *links == 0 ? -1 : *links;
    return text.ended() || (text.take(",") && take_codes(text, false, type));
  }
  return take_codes(text, true, type);
}

Codes codes_of(const Scalar& quantizer) {
  for (const Named& scalar : kScalars) {
    if (scalar.quantizer == quantizer.qtype) return scalar.codes;
  }
  throw Error(Failure::kUnsupported, "scalar quantizer type " +
                                         std::to_string(static_cast<int>(quantizer.qtype)) +
                                         " is not supported: use SQ4, SQ6, SQ8 or SQfp16");
}

Scalar::QuantizerType quantizer_of(Codes codes) {
  for (const Named& scalar : kScalars) {
    if (scalar.codes == codes) return scalar.quantizer;
  }
  throw std::logic_error("not a scalar quantizer");
}

std::string name_of(const IndexType& type) {
  std::string codes = "Flat";
  if (type.codes == Codes::kPQ) codes = "PQ" + std::to_string(type.parts);
  for (const Named& scalar : kScalars) {
    if (scalar.codes == type.codes) codes = scalar.name;
  }
  const std::string graph = type.links == 0 ? "" : "HNSW" + std::to_string(type.links);
  if (type.lists > 0) {
    return "IVF" + std::to_string(type.lists) + (graph.empty() ? "" : "_" + graph) + "," + codes;
  }
  if (graph.empty()) return codes;
  return codes == "Flat" ? graph : graph + "," + codes;
}

int64_t links_of(const faiss::IndexHNSW& index) {
  // Level 1 and above hold M links, level 0 twice as many.
  return index.hnsw.cum_nneighbor_per_level.at(1) / 2;
}

void look_at(const faiss::Index& index, IndexType& type) {
  if (const auto* hnsw = dynamic_cast<const faiss::IndexHNSW*>(&index)) {
    look_at(*hnsw->storage, type);
    type.links = links_of(*hnsw);
  } else if (const auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index)) {
    type.lists = static_cast<int64_t>(ivf->nlist);
    const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(ivf->quantizer);
    if (graph != nullptr) type.links = links_of(*graph);
    if (const auto* pq = dynamic_cast<const faiss::IndexIVFPQ*>(ivf)) {
      type.codes = Codes::kPQ;
      type.parts = static_cast<int64_t>(pq->pq.M);
    } else if (const auto* sq = dynamic_cast<const faiss::IndexIVFScalarQuantizer*>(ivf)) {
      type.codes = codes_of(sq->sq);
    } else if (dynamic_cast<const faiss::IndexIVFFlat*>(ivf) == nullptr) {
      throw Error(Failure::kUnsupported,
                  std::string("this inverted-file index is not supported: ") + kKnownTypes);
    }
  } else if (const auto* pq = dynamic_cast<const faiss::IndexPQ*>(&index)) {
    type.codes = Codes::kPQ;
    type.parts = static_cast<int64_t>(pq->pq.M);
  } else if (const auto* sq = dynamic_cast<const faiss::IndexScalarQuantizer*>(&index)) {
    type.codes = codes_of(sq->sq);
  } else if (dynamic_cast<const faiss::IndexFlat*>(&index) == nullptr) {
    throw Error(Failure::kUnsupported,
                std::string("this index type is not supported: ") + kKnownTypes);
  }
}

std::unique_ptr<faiss::IndexIVF> make_lists(const IndexType& type, int dimension,
                                            faiss::MetricType metric) {
  std::unique_ptr<faiss::Index> centres;
  if (type.links > 0) {
    centres = std::make_unique<faiss::IndexHNSWFlat>(dimension, static_cast<int>(type.links), metric);
  } else {
    centres = std::make_unique<faiss::IndexFlat>(dimension, metric);
  }
  const auto count = static_cast<size_t>(type.lists);
  std::unique_ptr<faiss::IndexIVF> index;
  if (type.codes == Codes::kFlat) {
    index = std::make_unique<faiss::IndexIVFFlat>(centres.get(), dimension, count, metric);
  } else if (type.codes == Codes::kPQ) {
    auto product = std::make_unique<faiss::IndexIVFPQ>(
        centres.get(), dimension, count, static_cast<size_t>(type.parts), kBitsOfPart, metric);
    product->do_polysemous_training = false;
    index = std::move(product);
  } else {
    index = std::make_unique<faiss::IndexIVFScalarQuantizer>(centres.get(), dimension, count,
                                                             quantizer_of(type.codes), metric);
  }
  centres.release();
  // As Faiss's own factory sets them.
  index->own_fields = true;
  index->quantizer_trains_alone = type.links > 0 ? 2 : 0;
  index->cp.spherical = metric == faiss::METRIC_INNER_PRODUCT;
  return index;
}

}  // namespace

IndexType IndexType::parse(const std::string& text, int64_t dimension) {
  if (dimension < 1 || dimension > kMaxDimension) {
    throw Error(Failure::kInvalidArgument, "dimension " + std::to_string(dimension) +
                                               " is outside 1 to " +
                                               std::to_string(kMaxDimension));
  }
  IndexType type;
  type.name = text;
  for (const char* map : {"IDMap,", "IDMap2,"}) {
    if (text.rfind(map, 0) == 0) type.name = text.substr(std::string_view(map).size());
  }
  Reader reader(type.name);
  if (text.size() > kLongestName || !take_type(reader, type)) {
    throw Error(Failure::kInvalidArgument, "index type '" + text.substr(0, kLongestName) +
                                               "' is not supported: " + kKnownTypes);
  }
  if (type.lists != 0) require_range(text, "IVF lists", std::max<int64_t>(type.lists, 0), 1, kMaxLists);
  if (type.links != 0) {
    require_range(text, "HNSW links", std::max<int64_t>(type.links, 0), kMinLinks, kMaxLinks);
  }
  if (type.codes == Codes::kPQ) {
    require_range(text, "PQ parts", type.parts, 1, dimension);
    if (dimension % type.parts != 0) {
      refuse(text, std::to_string(type.parts) + " PQ parts do not divide dimension " +
                       std::to_string(dimension));
    }
  }
  return type;
}

IndexType IndexType::of(const faiss::Index& index) {
  IndexType type;
  const auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index);
  look_at(map != nullptr ? *map->index : index, type);
  type.name = name_of(type);
  return type;
}

/// The training of PQ that orders codes for Hamming search is left out: it is never used here and is
/// nearly all of the training time, 8 s against 0.1 s for 400 vectors.
std::unique_ptr<faiss::Index> IndexType::make(int64_t dimension, Metric metric) const {
  const auto d = static_cast<int>(dimension);
  const auto m = metric == Metric::kL2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
  if (lists > 0) return make_lists(*this, d, m);
  if (links > 0) {
    if (codes == Codes::kFlat) {
      return std::make_unique<faiss::IndexHNSWFlat>(d, static_cast<int>(links), m);
    }
    return std::make_unique<faiss::IndexHNSWSQ>(d, quantizer_of(codes), static_cast<int>(links), m);
  }
  if (codes == Codes::kFlat) return std::make_unique<faiss::IndexFlat>(d, m);
  if (codes == Codes::kPQ) {
    auto index = std::make_unique<faiss::IndexPQ>(d, static_cast<size_t>(parts), kBitsOfPart, m);
    index->do_polysemous_training = false;
    return index;
  }
  return std::make_unique<faiss::IndexScalarQuantizer>(d, quantizer_of(codes), m);
}

}  // namespace shelfstream
