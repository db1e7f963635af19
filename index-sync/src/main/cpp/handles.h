#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "failure.h"

namespace shelfstream {

/// Numbers that stand for objects in front of Java. A number is never used again, so a stale one is
/// answered with kClosed and cannot reach freed memory. Whoever got the object keeps it alive:
/// closing during a search only drops the number, and the last user frees. Safe for threads.
template <typename T>
class Handles {
 public:
  int64_t add(std::shared_ptr<T> object) {
    const std::lock_guard<std::mutex> lock(mutex_);
    objects_.emplace(++last_, std::move(object));
    return last_;
  }

  std::shared_ptr<T> get(int64_t handle) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) throw Error(Failure::kClosed, "the index is closed");
    return found->second;
  }

  int64_t open() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int64_t>(objects_.size());
  }

  /// Returns whether the handle was open.
  bool close(int64_t handle) {
    std::shared_ptr<T> last;  // freed after the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return false;
    last = std::move(found->second);
    objects_.erase(found);
    return true;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<int64_t, std::shared_ptr<T>> objects_;
  int64_t last_ = 0;
};

}  // namespace shelfstream
