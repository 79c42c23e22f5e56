// SPDX-License-Identifier: Apache-2.0
//
// tests/support/guarded_matrix.hpp: a matrix between two pages that may not be touched.
//
//   | no access | ........ elements | no access |      placement::at_end: the last element ends where the page ends
//   | no access | elements ........ | no access |      placement::at_start: the first one begins where the page begins
//
// A read or a write one element outside stops the test, whichever side the placement is at; each test runs both.
// Elements between rows (a leading dimension, a stride) hold poison, and changed() finds writes to them.
//
// Depends on: core/view.hpp, support/{bits,cases}.hpp, POSIX mmap.   Used by: kernel tests.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <ashlar/core/view.hpp>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/bits.hpp"
#include "support/cases.hpp"

namespace ashlar::test {

enum class placement { at_start, at_end };

/// Bytes between two guard pages.
class guarded_bytes {
 public:
  guarded_bytes(std::size_t bytes, placement where) {
    const auto page = std::size_t(sysconf(_SC_PAGESIZE));
    const std::size_t inside = std::max<std::size_t>(1, (bytes + page - 1) / page) * page;
    mapped_ = inside + 2 * page;
    base_ = static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + page, inside, PROT_READ | PROT_WRITE) != 0) std::abort();
    data_ = base_ + page + (where == placement::at_end ? inside - bytes : 0);
  }
  guarded_bytes(guarded_bytes&& o) noexcept
      : base_(std::exchange(o.base_, nullptr)), data_(o.data_), mapped_(o.mapped_) {}
  guarded_bytes& operator=(guarded_bytes&&) = delete;
  ~guarded_bytes() {
    if (base_) munmap(base_, mapped_);
  }
  std::byte* data() const { return data_; }

 private:
  std::byte* base_;
  std::byte* data_;
  std::size_t mapped_;
};

/// An m x n matrix with any strides (zero and negative ones too), all of it poison at first.
template <class T>
class guarded_matrix {
 public:
  guarded_matrix(index m, index n, index row_stride, index col_stride, placement where)
      : size_(span_of(m, n, row_stride, col_stride)),
        memory_(std::size_t(size_) * sizeof(T), where),
        view_(elements() - lowest(m, n, row_stride, col_stride), m, n, row_stride, col_stride) {
    std::fill(elements(), elements() + size_, poison<T>());
  }

  const matrix_view<T>& view() const { return view_; }
  matrix_view<const T> read() const { return view_; }
  std::span<T> storage() const { return {elements(), std::size_t(size_)}; }

  void fill(random& r) {
    each([&](T& x) { x = r.value<T>(); });
  }
  template <class F>
  void each(const F& f) const {
    for (index i = 0; i < view_.rows(); ++i)
      for (index j = 0; j < view_.cols(); ++j) f(view_(i, j));
  }

  std::vector<T> snapshot() const { return {elements(), elements() + size_}; }
  /// Has anything changed since the snapshot?  With `outside`: anything that is not an element of the view?
  bool changed(std::vector<T> before, bool outside = false) const {
    if (outside) each([&](T& x) { before[std::size_t(&x - elements())] = x; });
    return size_ > 0 && std::memcmp(before.data(), elements(), std::size_t(size_) * sizeof(T)) != 0;
  }

 private:
  static index lowest(index m, index n, index rs, index cs) {
    return m <= 0 || n <= 0 ? 0 : std::min<index>(0, (m - 1) * rs) + std::min<index>(0, (n - 1) * cs);
  }
  static index span_of(index m, index n, index rs, index cs) {
    return m <= 0 || n <= 0 ? 0 : (m - 1) * std::abs(rs) + (n - 1) * std::abs(cs) + 1;
  }
  T* elements() const { return reinterpret_cast<T*>(memory_.data()); }

  index size_;
  guarded_bytes memory_;
  matrix_view<T> view_;
};

}  // namespace ashlar::test
