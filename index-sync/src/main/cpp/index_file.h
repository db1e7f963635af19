#pragma once

#include <string>

namespace faiss {
struct Index;
}

namespace shelfstream {

// Faiss's format has no checksum, and Faiss trusts it: of randomly damaged files some ask for a
// terabyte of memory, some send a graph search outside its arrays, some never end. Two checks keep
// the damage to wrong numbers. What they cannot see is a changed vector value that is still a
// plausible number, a graph link that points at the wrong but existing row, or an exchanged id:
// keep a checksum beside the file where that matters.

/// Walks over the file without loading it: known types only, every count against the bytes left,
/// every size against the one it must equal. Throws Error(kFile or kUnsupported).
void check_file(const std::string& path);

/// The same for a file of codes that are compared by Hamming distance: BFlat, BHNSW and BIVF, also
/// under an id map. Nothing of it is searched where it lies, so its links are not looked at.
void check_binary_file(const std::string& path);

/// Checks what only shows once loaded: links, levels and offsets of a graph, ids of inverted lists,
/// vector values. Throws Error(kFile).
void check_loaded(const std::string& path, const faiss::Index& index);

}  // namespace shelfstream
