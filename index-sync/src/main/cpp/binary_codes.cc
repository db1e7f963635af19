#include "binary_codes.h"

#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHNSW.h>
#include <faiss/IndexBinaryIVF.h>
#include <faiss/IndexIDMap.h>
#include <faiss/index_io.h>

#include <charconv>
#include <memory>
#include <numeric>
#include <unordered_set>

#include "failure.h"
#include "index_file.h"
#include "limits.h"

namespace shelfstream {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(Failure::kInvalidArgument, message);
}

[[noreturn]] void damaged(const std::string& path, const std::string& why) {
  throw Error(Failure::kFile,
              "index file " + path + " is damaged: " + why + "; copy or build it again");
}

void take_lists(const faiss::IndexBinaryIVF& index, BinaryCodes& out) {
  out.type = "BIVF" + std::to_string(index.nlist);
  for (size_t list = 0; list < index.nlist; list++) {
    const size_t length = index.invlists->list_size(list);
    const int64_t* ids = index.invlists->get_ids(list);
    const uint8_t* codes = index.invlists->get_codes(list);
    out.ids.insert(out.ids.end(), ids, ids + length);
    out.codes.insert(out.codes.end(), codes, codes + length * index.code_size);
  }
}

void take_rows(const faiss::IndexBinary& index, BinaryCodes& out) {
  const faiss::IndexBinary* storage = &index;
  out.type = "BFlat";
  if (const auto* graph = dynamic_cast<const faiss::IndexBinaryHNSW*>(&index)) {
    storage = graph->storage;
    // Level 0 holds twice as many links as M.
    out.type = "BHNSW" + std::to_string(graph->hnsw.cum_nneighbor_per_level.at(1) / 2);
  }
  const auto& rows = dynamic_cast<const faiss::IndexBinaryFlat&>(*storage);
  out.codes.assign(rows.xb.data(), rows.xb.data() + rows.ntotal * rows.code_size);
  out.ids.resize(rows.ntotal);
  std::iota(out.ids.begin(), out.ids.end(), 0);
}

/// The number behind a word, within bounds; -1 when the text is something else.
int64_t number_after(const std::string& text, const std::string& word, int64_t least, int64_t most) {
  if (text.compare(0, word.size(), word) != 0) return -1;
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + word.size(), end, number);
  if (error != std::errc() || stop != end) return -1;
  if (number < least || number > most) {
    refuse("index type " + text + " refused: " + std::to_string(number) + " is outside " +
           std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::unique_ptr<faiss::IndexBinary> make(const BinaryCodes& codes) {
  const auto rows = static_cast<int64_t>(codes.ids.size());
  std::unique_ptr<faiss::IndexBinary> plain;
  if (codes.type == "BFlat") {
    plain = std::make_unique<faiss::IndexBinaryFlat>(codes.bits);
  } else if (const int64_t links = number_after(codes.type, "BHNSW", kMinLinks, kMaxLinks);
             links > 0) {
    plain = std::make_unique<faiss::IndexBinaryHNSW>(static_cast<int>(codes.bits),
                                                     static_cast<int>(links));
  } else if (const int64_t lists = number_after(codes.type, "BIVF", 1, kMaxLists); lists > 0) {
    auto centres = std::make_unique<faiss::IndexBinaryFlat>(codes.bits);
    auto index = std::make_unique<faiss::IndexBinaryIVF>(centres.get(), codes.bits,
                                                         static_cast<size_t>(lists));
    index->own_fields = true;
    centres.release();
    if (rows < lists) {
      refuse("index type " + codes.type + " refused: it has more lists than the " +
             std::to_string(rows) + " codes");
    }
    index->cp.min_points_per_centroid = 1;
    index->train(rows, codes.codes.data());
    index->add_with_ids(rows, codes.codes.data(), codes.ids.data());
    return index;
  } else {
    refuse("index type " + codes.type + " refused: use BFlat, BHNSW32 or BIVF64");
  }
  auto map = std::make_unique<faiss::IndexBinaryIDMap2>(plain.get());
  map->own_fields = true;
  plain.release();
  if (rows > 0) map->add_with_ids(rows, codes.codes.data(), codes.ids.data());
  return map;
}

}  // namespace

BinaryCodes read_binary(const std::string& path) {
  check_binary_file(path);
  std::unique_ptr<faiss::IndexBinary> loaded;
  try {
    loaded.reset(faiss::read_index_binary(path.c_str()));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Failure::kFile, "cannot read index " + path + ": " + e.what());
  }
  BinaryCodes out;
  out.bits = loaded->d;
  const auto* map = dynamic_cast<const faiss::IndexBinaryIDMap*>(loaded.get());
  const faiss::IndexBinary& inner = map == nullptr ? *loaded : *map->index;
  const auto* lists = dynamic_cast<const faiss::IndexBinaryIVF*>(&inner);
  if (lists != nullptr) {
    take_lists(*lists, out);
  } else {
    take_rows(inner, out);
  }
  std::unordered_set<int64_t> seen;
  for (int64_t& id : out.ids) {
    if (map != nullptr) {
      if (id < 0 || id >= static_cast<int64_t>(map->id_map.size())) damaged(path, "an id of its lists");
      id = map->id_map[id];
    }
    if (id < 0 || !seen.insert(id).second) {
      damaged(path, "id " + std::to_string(id) + (id < 0 ? " is negative" : " is there twice"));
    }
  }
  return out;
}

void write_binary(const std::string& path, const BinaryCodes& codes) {
  if (codes.bits < 8 || codes.bits > kMaxDimension || codes.bits % 8 != 0) {
    refuse("number of bits " + std::to_string(codes.bits) + " refused: a multiple of 8 up to " +
           std::to_string(kMaxDimension) + " expected");
  }
  const size_t code_size = static_cast<size_t>(codes.bits) / 8;
  if (codes.codes.size() / code_size != codes.ids.size() || codes.codes.size() % code_size != 0) {
    refuse(std::to_string(codes.codes.size()) + " bytes of codes for " +
           std::to_string(codes.ids.size()) + " ids refused");
  }
  std::unordered_set<int64_t> seen;
  for (const int64_t id : codes.ids) {
    if (id < 0 || !seen.insert(id).second) {
      refuse("id " + std::to_string(id) + " refused: ids are 0 or larger, and each there once");
    }
  }
  const auto index = make(codes);
  try {
    faiss::write_index_binary(index.get(), path.c_str());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Failure::kFile, "cannot write index " + path + ": " + e.what());
  }
}

}  // namespace shelfstream
