// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/scratch_test.cpp: with scratch(), gemm_workspace_bytes are enough at any address, one less is an error,
// nothing outside is written, and nothing is allocated, neither then nor with packed weights.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace {
std::atomic<long> allocations{0};
bool refuse = false;

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}
void* certain(void* p) {
  if (!p) std::abort();
  return p;
}
}  // namespace

// Not inlined: g++ would see free() of what new returned, and warn.
[[gnu::noinline]] void* operator new(std::size_t n) { return certain(counted(n, 16)); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a) { return certain(counted(n, std::size_t(a))); }
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted(n, 16); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return refuse ? nullptr : counted(n, std::size_t(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

// Shapes that need scratch for one reason or another, and some that need none.
gemm_shape any_shape(random& r) {
  gemm_shape s{r.between(1, 60), r.between(1, 150), r.pick<index>({0, 1, 30, 90, 520, 700})};
  s.a = r.pick({layout::rows, layout::columns}), s.b = r.pick({layout::rows, layout::columns});
  s.c = r.pick({layout::rows, layout::columns, layout::scattered});
  return within(s, 500000);
}

std::string too_small(std::size_t have, std::size_t need) {
  return "gemm: scratch has " + std::to_string(have) + " bytes, this call needs " + std::to_string(need);
}

TEST_CASE_TEMPLATE("exactly gemm_workspace_bytes, at the worst address; one less is refused", T, ASHLAR_TEST_FLOATS) {
  index with_scratch = 0;
  for_each_case(scaled(300, 40), [&](random& r) {
    const auto epilogue = T(2) * acc + T(1) * dst;
    const cache_sizes caches{r.pick<index>({1, 1 << 15}), r.pick<index>({1, 1 << 15, 1 << 20})};
    const on_executor<one_thread> executor{{r.pick<index>({1, 1, 4})}};
    problem<T> p(r, any_shape(r), placement::at_end);
    const auto A = p.A.read(), B = p.B.read();
    const std::size_t bytes =
        p.with_c([&](const auto& C) { return gemm_workspace_bytes<isa_t>(A, B, C, epilogue, caches, executor); });
    // Whole cache lines and 63 bytes, so this address is 1 modulo 64: all 63 are skipped.
    const guarded_bytes memory(bytes, placement::at_end);
    if (bytes > 0) {
      ++with_scratch;
      REQUIRE(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 1);
      const auto before = p.C.snapshot();
      const status refused = p.with_c([&](const auto& C) {
        return gemm<isa_t>(A, B, C, epilogue, caches, executor, scratch({memory.data(), bytes - 1}));
      });
      REQUIRE(refused.code() == errc::workspace_too_small);
      REQUIRE(std::string(refused.message()) == too_small(bytes - 1, bytes));
      REQUIRE(!p.C.changed(before));
    }
    REQUIRE(p.template differs<isa_t>(epilogue, caches, executor, scratch({memory.data(), bytes})) == "");
  });
  CHECK((with_scratch > 0 || only_case() >= 0));
}

TEST_CASE_TEMPLATE("nothing is allocated with scratch, whatever B is", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 20), [&](random& r) {
    problem<T> p(r, any_shape(r), placement::at_end);
    const auto A = p.A.read(), B = p.B.read();
    auto storage = aligned_buffer::make(packed_weights_bytes<T, isa_t>(p.shape.k, p.shape.n));
    p.with_c([&](const auto& C) {
      const long before_packing = allocations;
      const auto w = pack_weights<isa_t>(B, storage.span());
      CHECK(allocations == before_packing);
      REQUIRE(w.ok());
      const auto memory = aligned_buffer::make(
          std::max(gemm_workspace_bytes<isa_t>(A, B, C), gemm_workspace_bytes<isa_t>(A, w.value(), C)));
      const long before = allocations;
      const bool ok = gemm<isa_t>(A, B, C, scratch(memory.span())).ok() &&
                      gemm<isa_t>(A, w.value(), C, scratch(memory.span()), relu(acc)).ok();
      CHECK(allocations == before);
      REQUIRE(ok);
      return 0;
    });
  });
}

TEST_CASE("what does not need scratch allocates nothing without it") {
  random r(seed());
  problem<float> p(r, {8, 32, 64}, placement::at_end);
  const long before = allocations;
  const status s = gemm<isa_t>(p.A.read(), p.B.read(), p.C.view());
  CHECK(allocations == before);
  CHECK(s.ok());
}

TEST_CASE("memory that runs out is an error, and C stays what it was") {
  random r(seed());
  problem<float> p(r, {100, 200, 300, layout::columns, layout::columns, layout::scattered}, placement::at_end);
  const std::size_t bytes = gemm_workspace_bytes<isa_t>(p.A.read(), p.B.read(), p.C.view());
  const auto before = p.C.snapshot();
  refuse = true;
  const status s = gemm<isa_t>(p.A.read(), p.B.read(), p.C.view());
  refuse = false;
  CHECK(s.code() == errc::out_of_memory);
  CHECK(std::string(s.message()) == "gemm: no memory for " + std::to_string(bytes - 63) + " bytes of scratch");
  CHECK(!p.C.changed(before));
}

}  // namespace
}  // namespace ashlar::test
