#include "pages.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace shelfstream {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

void* aligned(void* memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  return reinterpret_cast<void*>((address + kHugePage - 1) / kHugePage * kHugePage);
}

}  // namespace

Pages::Pages(size_t floats) : bytes_(floats * sizeof(float) + kHugePage) {
  memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory_ == MAP_FAILED) throw std::bad_alloc();
  floats_ = static_cast<float*>(aligned(memory_));
  // Refused where the kernel has none: then these are plain pages.
  madvise(floats_, bytes_ - kHugePage, MADV_HUGEPAGE);
}

Pages::~Pages() { munmap(memory_, bytes_); }

}  // namespace shelfstream

// The vectors of a plain Faiss index are one std::vector. This library's own operator new (its
// symbols are hidden) puts large ones into huge pages, too. What malloc gives, free takes.
#ifndef SHELFSTREAM_SANITIZED
void* operator new(std::size_t bytes) {
  constexpr std::size_t large = 2 * shelfstream::kHugePage;
  void* memory = nullptr;
  if (bytes < large) {
    memory = std::malloc(bytes == 0 ? 1 : bytes);
  } else if (posix_memalign(&memory, shelfstream::kHugePage, bytes) == 0) {
    madvise(memory, bytes, MADV_HUGEPAGE);
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
