#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shelfstream {

/// The codes of a binary index, which are compared by Hamming distance: bits / 8 bytes each, the
/// first bit of a vector as the highest of the first byte.
struct BinaryCodes {
  /// BFlat, BHNSW<links> or BIVF<lists>.
  std::string type;
  int64_t bits = 0;
  std::vector<int64_t> ids;
  std::vector<uint8_t> codes;
};

/// Reads a file of Faiss's format, through Faiss. Codes without ids get their positions. Throws
/// Error(kFile or kUnsupported).
BinaryCodes read_binary(const std::string& path);

/// Builds an index of that type and writes it, through Faiss. Ids are kept beside the codes, in an
/// id map or in the lists. Throws Error(kInvalidArgument) for a type, size or id there is not.
void write_binary(const std::string& path, const BinaryCodes& codes);

}  // namespace shelfstream
