#include "factory.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexScalarQuantizer.h>

#include <regex>

#include "failure.h"
#include "limits.h"

namespace shelfstream {
namespace {

const char* const kKnownTypes =
    "use Flat, SQ4, SQ6, SQ8, SQfp16, PQ64, HNSW32, HNSW32,SQ8, IVF1024,Flat, IVF1024,SQfp16, "
    "IVF1024,PQ64 or IVF1024_HNSW32,Flat";

void require_range(const std::string& factory, const std::string& what, const std::string& text,
                   int64_t least, int64_t most) {
  if (text.empty()) return;
  const int64_t value = std::stoll(text);
  if (value < least || value > most) {
    throw Error(Failure::kInvalidArgument,
                "index type " + factory + " refused: " + what + " " + text + " is outside " +
                    std::to_string(least) + " to " + std::to_string(most));
  }
}

void require_divisor(const std::string& factory, const std::string& parts, int64_t dimension) {
  if (parts.empty()) return;
  require_range(factory, "PQ parts", parts, 1, dimension);
  if (dimension % std::stoll(parts) != 0) {
    throw Error(Failure::kInvalidArgument,
                "index type " + factory + " refused: " + parts +
                    " PQ parts do not divide dimension " + std::to_string(dimension));
  }
}

std::string scalar_name(const faiss::ScalarQuantizer& sq) {
  switch (sq.qtype) {
    case faiss::ScalarQuantizer::QT_8bit:
      return "SQ8";
    case faiss::ScalarQuantizer::QT_4bit:
      return "SQ4";
    case faiss::ScalarQuantizer::QT_6bit:
      return "SQ6";
    case faiss::ScalarQuantizer::QT_fp16:
      return "SQfp16";
    default:
      throw Error(Failure::kUnsupported, "scalar quantizer type " +
                                             std::to_string(static_cast<int>(sq.qtype)) +
                                             " is not supported: use SQ4, SQ6, SQ8 or SQfp16");
  }
}

std::string product_name(const faiss::ProductQuantizer& pq) { return "PQ" + std::to_string(pq.M); }

std::string hnsw_name(const faiss::IndexHNSW& index) {
  // Level 1 and above hold M links, level 0 twice as many.
  return "HNSW" + std::to_string(index.hnsw.cum_nneighbor_per_level.at(1) / 2);
}

std::string codes_name(const faiss::IndexIVF& index) {
  if (const auto* pq = dynamic_cast<const faiss::IndexIVFPQ*>(&index)) return product_name(pq->pq);
  if (const auto* sq = dynamic_cast<const faiss::IndexIVFScalarQuantizer*>(&index)) {
    return scalar_name(sq->sq);
  }
  if (dynamic_cast<const faiss::IndexIVFFlat*>(&index) != nullptr) return "Flat";
  throw Error(Failure::kUnsupported,
              std::string("this inverted-file index is not supported: ") + kKnownTypes);
}

}  // namespace

std::string checked_factory(const std::string& factory, int64_t dimension) {
  if (dimension < 1 || dimension > kMaxDimension) {
    throw Error(Failure::kInvalidArgument, "dimension " + std::to_string(dimension) +
                                               " is outside 1 to " +
                                               std::to_string(kMaxDimension));
  }
  static const std::regex grammar(
      "(?:IDMap2?,)?"
      "((?:Flat|SQ4|SQ6|SQ8|SQfp16)"
      "|PQ([0-9]{1,5})"
      "|HNSW([0-9]{1,5})(?:,(?:Flat|SQ4|SQ6|SQ8|SQfp16))?"
      "|IVF([0-9]{1,9})(?:_HNSW([0-9]{1,5}))?,(?:Flat|SQ4|SQ6|SQ8|SQfp16|PQ([0-9]{1,5})))");
  std::smatch part;
  if (factory.size() > 64 || !std::regex_match(factory, part, grammar)) {
    throw Error(Failure::kInvalidArgument, "index type '" + factory.substr(0, 64) +
                                               "' is not supported: " + kKnownTypes);
  }
  require_divisor(factory, part[2], dimension);
  require_range(factory, "HNSW links", part[3], kMinLinks, kMaxLinks);
  require_range(factory, "IVF lists", part[4], 1, kMaxLists);
  require_range(factory, "HNSW links", part[5], kMinLinks, kMaxLinks);
  require_divisor(factory, part[6], dimension);
  return part[1];
}

std::string factory_of(const faiss::Index& index) {
  if (const auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) {
    return factory_of(*map->index);
  }
  if (const auto* hnsw = dynamic_cast<const faiss::IndexHNSW*>(&index)) {
    const std::string storage = factory_of(*hnsw->storage);
    return hnsw_name(*hnsw) + (storage == "Flat" ? "" : "," + storage);
  }
  if (const auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index)) {
    const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(ivf->quantizer);
    return "IVF" + std::to_string(ivf->nlist) + (graph ? "_" + hnsw_name(*graph) : "") + "," +
           codes_name(*ivf);
  }
  if (const auto* pq = dynamic_cast<const faiss::IndexPQ*>(&index)) return product_name(pq->pq);
  if (const auto* sq = dynamic_cast<const faiss::IndexScalarQuantizer*>(&index)) {
    return scalar_name(sq->sq);
  }
  if (dynamic_cast<const faiss::IndexFlat*>(&index) != nullptr) return "Flat";
  throw Error(Failure::kUnsupported, std::string("this index type is not supported: ") +
                                         kKnownTypes);
}

bool keeps_vectors(const std::string& type) {
  return type.find("PQ") == std::string::npos && type.find("SQ4") == std::string::npos &&
         type.find("SQ6") == std::string::npos && type.find("SQ8") == std::string::npos;
}

}  // namespace shelfstream
