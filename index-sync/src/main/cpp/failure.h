#pragma once

#include <stdexcept>
#include <string>

namespace shelfstream {

/// What went wrong. Numbers mirror io.shelfstream.index.IndexException.Code, 0 being
/// IllegalArgumentException there; change both. A Java test compares the two files.
enum class Failure : int {
  kInvalidArgument = 0,
  kClosed = 1,
  kNotTrained = 2,
  kUnsupported = 3,
  kFile = 4,
  kOutOfMemory = 5,
  kFaiss = 6,
};

/// The only exception the plain part throws on purpose. Whatever else comes up from Faiss is a
/// std::exception and counts as kFaiss.
class Error : public std::runtime_error {
 public:
  Error(Failure failure, const std::string& message)
      : std::runtime_error(message), failure_(failure) {}

  Failure failure() const { return failure_; }

 private:
  Failure failure_;
};

}  // namespace shelfstream
