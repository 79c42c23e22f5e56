// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/errors_test.cpp: each wrong call has its code and its sentence, and C stays what it was.
#include <doctest/doctest.h>

#include <cstdio>
#include <limits>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;
constexpr index huge = index(1) << 62;

// Operands of a right call, 4 x 3 and k = 5, with room around them; C is poison.
struct operands {
  std::vector<float> a = std::vector<float>(100, 1), b = std::vector<float>(100, 1),
                     c = std::vector<float>(100, poison<float>());

  auto A(index m = 4, index k = 5) { return view(static_cast<const float*>(a.data()), m, k); }
  auto B(index k = 5, index n = 3) { return view(static_cast<const float*>(b.data()), k, n); }
  auto C(index m = 4, index n = 3) { return view(c.data(), m, n); }
  auto columns(index m = 4, index n = 3) { return column_major(c.data(), m, n); }

  void refused(const status& s, errc code, const std::string& message) const {
    CHECK(std::string(name(s.code())) == name(code));
    CHECK(std::string(s.message()) == message);
    for (float x : c)
      REQUIRE(same_bits(std::bit_cast<std::uint32_t>(x), std::bit_cast<std::uint32_t>(poison<float>())));
  }
};

// The smallest tile, but for packed weights: nearly every call has types of its own, and none gets as far as a kernel.
template <class A, class B, class C, class... Options>
status run(const A& a, const B& b, const C& c, const Options&... options) {
  if constexpr (detail::is_packed<B>) {
    return gemm<isa_t>(a, b, c, options...);
  } else {
    return gemm<isa_t>(a, b, c, with_tile<tile_shape{1, 1, 1}>{}, options...);
  }
}

TEST_CASE("shapes that do not fit") {
  operands o;
  const auto wrong = errc::shape_mismatch;
  o.refused(run(o.A(), o.B(6, 3), o.C()), wrong,
            "gemm: A is 4 x 5 but B is 6 x 3: A's columns (5) must equal B's rows (6)");
  o.refused(run(o.A(), o.B(), o.C(7, 3)), wrong, "gemm: C is 7 x 3 but A is 4 x 5: C's rows (7) must equal A's (4)");
  o.refused(run(o.A(), o.B(), o.C(4, 2)), wrong, "gemm: C is 4 x 2 but B is 5 x 3: C's columns (2) must equal B's (3)");
  o.refused(run(o.A(), o.B(5, 0), o.C()), wrong, "gemm: C is 4 x 3 but B is 5 x 0: C's columns (3) must equal B's (0)");
}

TEST_CASE("a column-major C is solved transposed, but its errors speak of the A and B that were given") {
  operands o;
  const auto wrong = errc::shape_mismatch;
  o.refused(run(o.A(), o.B(6, 3), o.columns()), wrong,
            "gemm: A is 4 x 5 but B is 6 x 3: A's columns (5) must equal B's rows (6)");
  o.refused(run(o.A(), o.B(), o.columns(7, 3)), wrong,
            "gemm: C is 7 x 3 but A is 4 x 5: C's rows (7) must equal A's (4)");
  o.refused(run(view<const float>(nullptr, 4, 5), o.B(), o.columns()), errc::null_pointer,
            "gemm: A is 4 x 5 but its data is null");
  o.refused(run(o.A(), o.B(), o.columns(), acc + elements(view(o.a.data(), 3, 4))), wrong,
            "gemm: C is 4 x 3 but an elements() operand of the epilogue is 3 x 4");
}

TEST_CASE("extents that are negative") {
  operands o;
  const auto negative = errc::negative_extent;
  o.refused(run(o.A(-4, 5), o.B(), o.C(-4, 3)), negative, "gemm: C is -4 x 3: extents must not be negative");
  o.refused(run(o.A(4, -5), o.B(-5, 3), o.C()), negative, "gemm: A is 4 x -5: extents must not be negative");
  o.refused(run(o.A(), o.B(5, -3), o.C(4, -3)), negative, "gemm: C is 4 x -3: extents must not be negative");
}

TEST_CASE("data that is null") {
  operands o;
  const auto null = errc::null_pointer;
  o.refused(run(view<const float>(nullptr, 4, 5), o.B(), o.C()), null, "gemm: A is 4 x 5 but its data is null");
  o.refused(run(o.A(), view<const float>(nullptr, 5, 3), o.C()), null, "gemm: B is 5 x 3 but its data is null");
  o.refused(run(o.A(), o.B(), view<float>(nullptr, 4, 3)), null, "gemm: C is 4 x 3 but its data is null");
  o.refused(
      run(o.A(), packed_weights<float>{nullptr, 5, 3, default_tile<float, isa_t>.nv * ops_under_test<float>::lanes()},
          o.C()),
      null, "gemm: B is packed weights of 5 x 3 without panels");
}

TEST_CASE("operands of the epilogue and the prologue that are null or reach too far") {
  operands o;
  const float* const nothing = nullptr;
  const auto null = errc::null_pointer;
  o.refused(run(o.A(), o.B(), o.C(), acc + per_column(nothing)), null,
            "gemm: an operand of the epilogue is 1 x 3 but its data is null");
  o.refused(run(o.A(), o.B(), o.columns(), relu(acc + per_row(nothing))), null,
            "gemm: an operand of the epilogue is 4 x 1 but its data is null");
  o.refused(run(o.A(), o.B(), o.C(), acc * elements(view(nothing, 4, 3))), null,
            "gemm: an operand of the epilogue is 4 x 3 but its data is null");
  o.refused(run(o.A(), o.B(), o.C(), acc + cast(per_column((const int*)nullptr))), null,
            "gemm: an operand of the epilogue is 1 x 3 but its data is null");
  o.refused(run(transform(o.A(), acc * per_row(nothing)), o.B(), o.C()), null,
            "gemm: an operand of A's prologue is 4 x 1 but its data is null");
  o.refused(run(o.A(), o.B(), o.C(), acc + elements(view((const float*)o.a.data(), 4, 3, huge))), errc::overflow,
            "gemm: an operand of the epilogue is 4 x 3 with strides 4611686018427387904 and 1: offsets exceed 64 bits");
  CHECK(run(o.A(4, 5), o.B(5, 0), o.C(4, 0), acc + per_column(nothing)).ok());
}

TEST_CASE("strides whose offsets overflow") {
  operands o;
  const auto over = errc::overflow;
  o.refused(run(view<const float>(o.a.data(), 4, 5, huge), o.B(), o.C()), over,
            "gemm: A is 4 x 5 with strides 4611686018427387904 and 1: offsets exceed 64 bits");
  o.refused(run(o.A(), view<const float>(o.b.data(), 5, 3, 3, -huge), o.C()), over,
            "gemm: B is 5 x 3 with strides 3 and -4611686018427387904: offsets exceed 64 bits");
  o.refused(run(o.A(), o.B(), view(o.c.data(), 4, 3, huge)), over,
            "gemm: C is 4 x 3 with strides 4611686018427387904 and 1: offsets exceed 64 bits");
  o.refused(run(o.A(), o.B(), view(o.c.data(), 4, 3, huge / 4, huge / 4)), over,
            "gemm: C is 4 x 3 with strides 1152921504606846976 and 1152921504606846976: offsets exceed 64 bits");
}

TEST_CASE("a C whose elements overlap") {
  operands o;
  const auto bad = errc::bad_stride;
  o.refused(run(o.A(), o.B(), view(o.c.data(), 4, 3, 2)), bad,
            "gemm: C is 4 x 3 with strides 2 and 1: its elements must not overlap");
  o.refused(run(o.A(), o.B(), view(o.c.data(), 4, 3, 0)), bad,
            "gemm: C is 4 x 3 with strides 0 and 1: its elements must not overlap");
  o.refused(run(o.A(), o.B(), view(o.c.data(), 4, 3, 3, 0)), bad,
            "gemm: C is 4 x 3 with strides 3 and 0: its elements must not overlap");
  o.refused(run(o.A(), o.B(), view(o.c.data() + 50, 4, 3, -2, 1)), bad,
            "gemm: C is 4 x 3 with strides -2 and 1: its elements must not overlap");
  o.refused(run(o.A(), o.B(), column_major(o.c.data(), 4, 3, 3)), bad,
            "gemm: C is 4 x 3 with strides 1 and 3: its elements must not overlap");
}

TEST_CASE("a C whose elements lie between each other") {
  operands o;
  for (index rs = -7; rs <= 7; ++rs)
    for (index cs = -7; cs <= 7; ++cs)
      for (index m = 1; m <= 4; ++m)
        for (index n = 1; n <= 4; ++n) {
          const auto v = view(o.c.data() + 50, m, n, rs, cs);
          std::vector<const float*> all;
          for (index i = 0; i < m; ++i)
            for (index j = 0; j < n; ++j) all.push_back(v.pointer(i, j));
          std::sort(all.begin(), all.end());
          const bool distinct = std::adjacent_find(all.begin(), all.end()) == all.end();
          INFO(m, " x ", n, " with strides ", rs, " and ", cs);
          REQUIRE(detail::check_written(v).ok() == distinct);
        }
}

std::string sharing(const char* what, const void* p, const void* c) {
  char text[200];
  std::snprintf(text, sizeof text, "gemm: %s (at %p) shares memory with C (at %p): C must be disjoint from A and B",
                what, p, c);
  return text;
}

TEST_CASE("a C that shares memory with A or B") {
  operands o;
  const auto shares = errc::aliasing;
  float* const c = o.c.data();
  o.refused(run(view(c, 4, 5), o.B(), o.C()), shares, sharing("A", c, c));
  o.refused(run(o.A(), view(c, 5, 3), o.C()), shares, sharing("B", c, c));
  o.refused(run(view(c + 1, 4, 3), o.B(3, 3), o.C()), shares, sharing("A", c + 1, c));
  o.refused(run(view(c + 11, 4, 3), o.B(3, 3), o.C()), shares, sharing("A", c + 11, c));
  o.refused(run(view(c, 4, 3), o.B(3, 3), view(c + 11, 4, 3)), shares, sharing("A", c, c + 11));
  // Two column ranges of one row-major parent, one column in common.
  o.refused(run(view(c, 4, 4, 10), o.B(4, 4), view(c + 3, 4, 4, 10)), shares, sharing("A", c, c + 3));
  o.refused(run(o.A(), view(c + 30, 5, 3), column_major(c + 30, 4, 3)), shares, sharing("B", c + 30, c + 30));
}

TEST_CASE("a C within the blob of packed weights") {
  operands o;
  auto storage = aligned_buffer::make(packed_weights_bytes<float, isa_t>(5, 3));
  const auto w = pack_weights<isa_t>(o.B(), storage.span()).value();
  const auto before = std::vector<std::byte>(storage.data(), storage.data() + storage.size());
  auto* const panels = const_cast<float*>(w.panels);
  float* const last = panels + 5 * w.nr - 1;
  for (float* c : {panels - 11, panels, last}) {
    const status s = run(o.A(), w, view(c, 4, 3));
    CHECK(s.code() == errc::aliasing);
    CHECK(std::string(s.message()) == sharing("B", panels, c));
  }
  CHECK(std::equal(before.begin(), before.end(), storage.data()));
}

// Scratch that ends with the first element of A, of B or of C; and an arena that the call takes only the beginning of.
TEST_CASE("scratch that lies over A, B or C") {
  constexpr index n = 40, room = 100000;
  std::vector<float> a(room + n * n, 1), b(a), c(room + n * n, poison<float>());
  const auto A = column_major((const float*)a.data() + room, n, n);  // copied to scratch
  const auto B = view((const float*)b.data() + room, n, n);
  const auto C = view(c.data() + room, n, n);
  const std::size_t bytes = gemm_workspace_bytes<isa_t>(A, B, C);
  REQUIRE(bytes > 4);
  REQUIRE(bytes < room * sizeof(float));
  const auto refused = [&](const char* what, std::vector<float>& v) {
    float* const first = v.data() + room;
    const std::span<std::byte> memory(reinterpret_cast<std::byte*>(first + 1) - bytes, bytes);
    char text[200];
    std::snprintf(text, sizeof text, "gemm: scratch (%zu bytes at %p) shares memory with %s (at %p)", bytes,
                  (void*)memory.data(), what, (const void*)first);
    const status s = gemm<isa_t>(A, B, C, scratch(memory));
    CHECK(s.code() == errc::aliasing);
    CHECK(std::string(s.message()) == text);
    const std::size_t more = (bytes + 63) / 64 * 64 - bytes;  // a problem of several has it aligned
    const status each = gemm_each<isa_t>(
        1, [&](index) { return gemm_problem{A, B, C}; }, scratch({memory.data() - more, bytes + more}));
    CHECK(each.code() == errc::aliasing);
  };
  refused("A", a), refused("B", b), refused("C", c);
  for (float x : c) REQUIRE(std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(poison<float>()));
  float* const before = C.data() - (bytes + 3) / 4;
  CHECK(gemm<isa_t>(A, B, C, scratch({reinterpret_cast<std::byte*>(before), bytes + 6400})).ok());
  CHECK(C(0, 0) == n);
}

TEST_CASE("an operand of the epilogue that shares memory with C, of any element type") {
  operands o;
  float* const c = o.c.data();
  auto* const bytes = reinterpret_cast<const std::int8_t*>(c);
  auto* const wide = reinterpret_cast<const double*>(c);
  char text[200];
  std::snprintf(text, sizeof text,
                "gemm: an operand of the epilogue shares memory with C (at %p): write dst to read C's old value",
                (const void*)c);
  const auto refused = [&](const status& s) { o.refused(s, errc::aliasing, text); };
  refused(run(o.A(), o.B(), o.C(), acc + per_column(c + 2)));
  refused(run(o.A(), o.B(), o.C(), acc + elements(o.C())));
  refused(run(o.A(), o.B(), o.C(), acc + cast(per_row(bytes + 47))));
  refused(run(o.A(), o.B(), o.C(), acc + cast(per_column(wide + 5))));
  refused(run(o.A(), o.B(), o.columns(), acc + cast(elements(view(bytes, 4, 3)))));
  // One parent with rows of 10 floats = 40 bytes = 5 doubles: a byte or a double in common, or none.
  const auto C = view(c, 4, 3, 10);
  refused(run(o.A(), o.B(), C, acc + cast(elements(view(bytes + 11, 4, 3, 40)))));
  refused(run(o.A(), o.B(), C, acc * cast(elements(view(bytes + 38, 4, 3, 40)))));
  refused(run(o.A(), o.B(), C, acc + cast(elements(view(wide + 1, 4, 3, 5)))));
  CHECK_FALSE(detail::reads_memory_of(cast(elements(view(bytes + 12, 4, 3, 40))), C, 4, 3));
  CHECK_FALSE(detail::reads_memory_of(cast(elements(view(wide + 2, 4, 3, 5))), C, 4, 3));
}

TEST_CASE("a row or a column of C, by a view of another leading dimension") {
  operands o;
  float* const c = o.c.data();
  const auto C = view(c, 4, 3, 10);
  o.refused(run(view(c + 21, 4, 1, 0, 1), view((const float*)o.b.data(), 1, 3), C), errc::aliasing,
            sharing("A", c + 21, c));
  o.refused(run(o.A(4, 1), view(c + 12, 1, 3), C), errc::aliasing, sharing("B", c + 12, c));
  CHECK(run(o.A(), o.B(), C, acc + per_column(c + 30)).code() == errc::aliasing);
  o.refused(run(transform(o.A(), acc + per_row(c + 19)), o.B(), C), errc::aliasing, [&] {
    char text[200];
    std::snprintf(text, sizeof text, "gemm: an operand of A's prologue shares memory with C (at %p)", (const void*)c);
    return std::string(text);
  }());
  CHECK(detail::reads_memory_of(per_column(c + 33), C, 4, 3) == false);  // behind a row, where C has no elements
}

TEST_CASE("neighbours that do not share an element are no aliasing") {
  operands o;
  std::fill(o.c.begin(), o.c.end(), 1.0f);
  float* const c = o.c.data();
  CHECK(run(view(c + 12, 4, 3), o.B(3, 3), view(c, 4, 3)).ok());
  CHECK(run(view(c + 4, 4, 4, 10), o.B(4, 4), view(c, 4, 4, 10)).ok());
  CHECK(run(view(c + 40, 4, 4, 10), o.B(4, 10), view(c, 4, 10)).ok());
  CHECK(run(o.A(), o.A().transposed(), o.C(4, 4)).ok());
}

TEST_CASE("weights packed for another tile") {
  operands o;
  const index nr = default_tile<float, isa_t>.nv * ops_under_test<float>::lanes();
  const packed_weights<float> other{o.b.data(), 5, 3, nr + 1};
  char message[200];
  std::snprintf(message, sizeof message,
                "gemm: B is packed in panels of %lld columns but this tile reads panels of %lld", (long long)nr + 1,
                (long long)nr);
  o.refused(run(o.A(), other, o.C()), errc::wrong_blob, message);
}

TEST_CASE("operands of the epilogue and the prologue of another shape") {
  operands o;
  const auto wrong = errc::shape_mismatch;
  o.refused(run(o.A(), o.B(), o.C(), acc + elements(view(o.a.data(), 3, 4))), wrong,
            "gemm: C is 4 x 3 but an elements() operand of the epilogue is 3 x 4");
  o.refused(run(transform(o.A(), acc * elements(view(o.a.data(), 5, 4))), o.B(), o.C()), wrong,
            "gemm: A is 4 x 5 but an elements() operand of A's prologue is 5 x 4");
}

TEST_CASE("what is wrong first is said, also when nothing would be written") {
  operands o;
  o.refused(run(o.A(0, 5), o.B(6, 3), o.C(0, 3)), errc::shape_mismatch,
            "gemm: A is 0 x 5 but B is 6 x 3: A's columns (5) must equal B's rows (6)");
  o.refused(run(o.A(0, 5), view<const float>(nullptr, 5, 3), o.C(0, 3)), errc::null_pointer,
            "gemm: B is 5 x 3 but its data is null");
}

}  // namespace
}  // namespace ashlar::test
