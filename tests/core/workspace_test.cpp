// SPDX-License-Identifier: Apache-2.0
//
// workspace_test.cpp: the arena aligns, never goes past its end, and bytes_for() is enough at every address.
#include <doctest/doctest.h>
#include <ashlar/core/workspace.hpp>
#include <cstdint>
#include <limits>

namespace ashlar {
namespace {

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
static_assert(arena::bytes_for<float>(16) == 64 + 63);
static_assert(arena::bytes_for<double>(0) == 63);
static_assert(arena::bytes_for<float>(-1) == most);
static_assert(arena::bytes_for<double>(std::numeric_limits<index>::max()) == most);

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % workspace_alignment == 0; }

}  // namespace

TEST_CASE("the sum of bytes_for serves all takes, whatever the address") {
  const auto buffer = aligned_buffer::make(4096);
  REQUIRE(buffer);
  const std::size_t bytes = arena::bytes_for<float>(37) + arena::bytes_for<char>(1) + arena::bytes_for<double>(9);
  for (std::size_t offset = 0; offset < 130; ++offset) {
    const auto part = buffer.span().subspan(offset, bytes);
    arena scratch(part);
    float* const f = scratch.take<float>(37);
    char* const c = scratch.take<char>(1);
    double* const d = scratch.take<double>(9);
    REQUIRE(f != nullptr);
    REQUIRE(c != nullptr);
    REQUIRE(d != nullptr);
    CHECK((aligned(f) && aligned(c) && aligned(d)));
    CHECK(static_cast<void*>(f + 37) <= static_cast<void*>(c));
    CHECK(static_cast<void*>(c + 1) <= static_cast<void*>(d));
    CHECK(static_cast<void*>(d + 9) <= static_cast<void*>(part.data() + part.size()));
    f[36] = 1, *c = 1, d[8] = 1;
  }
}

TEST_CASE("an exhausted arena says nullptr and stays as it was") {
  alignas(64) std::byte memory[256];
  arena scratch(memory);
  CHECK(scratch.take<float>(65) == nullptr);
  CHECK(scratch.take<float>(-1) == nullptr);
  CHECK(scratch.take<double>(std::numeric_limits<index>::max()) == nullptr);
  CHECK(scratch.remaining() == 256);
  arena trial = scratch;
  CHECK(trial.take<float>(64) == reinterpret_cast<float*>(memory));
  CHECK(trial.remaining() == 0);
  CHECK(trial.take<char>(1) == nullptr);
  CHECK(scratch.take<float>(64) != nullptr);
  CHECK(arena().take<char>(0) == nullptr);
}

TEST_CASE("aligned_buffer owns, moves, and reports exhaustion") {
  auto a = aligned_buffer::make(100);
  REQUIRE(a);
  CHECK(aligned(a.data()));
  CHECK(a.span().size() == 100);
  aligned_buffer b = std::move(a);
  CHECK(b.size() == 100);
  CHECK(!a);
  a = std::move(b);
  CHECK(a.size() == 100);
  CHECK(aligned_buffer::make(0));
  CHECK(aligned_buffer::make(0).span().empty());
  CHECK(!aligned_buffer());
}

}  // namespace ashlar
