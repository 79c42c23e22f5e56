// SPDX-License-Identifier: Apache-2.0
//
// support/guard.hpp: memory between two pages that may not be touched: an access past either end is a fault.
//
// Depends on: mmap.   Used by: tests/isa, tests of kernels.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

namespace ashlar::test {

class guarded_pages {
 public:
  explicit guarded_pages(std::size_t bytes)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), size_((bytes + page_ - 1) / page_ * page_) {
    void* p = mmap(nullptr, size_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) std::abort();
    base_ = static_cast<std::byte*>(p);
    if (mprotect(base_ + page_, size_, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  guarded_pages(const guarded_pages&) = delete;
  guarded_pages& operator=(const guarded_pages&) = delete;
  ~guarded_pages() { munmap(base_, size_ + 2 * page_); }

  /// Elements from right after the first guard page.
  template <class T>
  T* first() const {
    return reinterpret_cast<T*>(base_ + page_);
  }
  /// `count` elements up to right before the second.
  template <class T>
  T* last(std::size_t count) const {
    return reinterpret_cast<T*>(base_ + page_ + size_) - count;
  }

 private:
  std::size_t page_, size_;
  std::byte* base_;
};

}  // namespace ashlar::test
