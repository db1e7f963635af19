#pragma once

#include <cstdint>
#include <string>

namespace faiss {
struct Index;
}

namespace shelfstream {

/// Checks a Faiss factory string before Faiss sees it and gives it back without "IDMap," or
/// "IDMap2,": ids are handled here for every type.
///
/// Known: Flat, SQ4, SQ6, SQ8, SQfp16, PQ<m>, HNSW<M>[,<storage>], IVF<n>[_HNSW<M>],<codes>.
/// The rest of Faiss's language is refused, as some types abort the process on removal or search.
std::string checked_factory(const std::string& factory, int64_t dimension);

/// The factory string that would make an index of this type; throws kUnsupported for other types.
std::string factory_of(const faiss::Index& index);

/// Whether a type holds the vectors as they are, or so that storing them again changes nothing.
bool keeps_vectors(const std::string& type);

}  // namespace shelfstream
