// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/simt_gemm_test.cpp: the threads of the exact CUDA product, run here one after the other, equal the
// reference bit for bit: every tile, every order of copies, any strides, edges, batches, epilogues, element types.
//
// Depends on: cuda/, reference.hpp, support/.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cuda/host_team.hpp"

#include <ashlar/cuda/simt_block.cuh>
#include <ashlar/cuda/simt_choose.cuh>
#include <ashlar/cuda/simt_orders.cuh>
#include <ashlar/reference.hpp>

#include "support/guarded_matrix.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;

// What launch_simt_tile and simt_kernel do, for all blocks of the grid.
template <class Tile, class T, class OrderA, class OrderB, class P>
void run_blocks(P p, random& r) {
  p.order = cd::simt_order(cd::rounded_up_quotient(p.c.rows(), Tile::bm), cd::rounded_up_quotient(p.c.cols(), Tile::bn),
                           p.batch.count);
  using window = cd::simt_window<decltype(p.a), decltype(p.b), decltype(p.c)>;
  using block = cd::simt_block<Tile, T, OrderA, OrderB, window>;
  const auto memory = std::make_unique<typename block::shared>();
  for (int i = 0; i < p.order.count(); ++i) {
    for (T& x : memory->a) x = poison<T>();
    for (T& x : memory->b) x = poison<T>();
    const window w = cd::window_of_block<Tile>(p, i);
    const host_team<typename block::thread> team(Tile::threads, r);
    block(*memory, w).run(team, p.e, p.strips_of_c);
  }
}

template <int Shape, class T, class A, class B, class C, class E>
void run_shape(const A& a, const B& b, const C& c, const E& e, const cuda::batch_strides& batch, random& r) {
  using tile = cd::simt_tile<cd::simt_shapes<sizeof(T)>[Shape]>;
  const cd::simt_problem<A, B, C, E> p{a, b, c, e, batch, 0, {}, cd::strips_of_c<cd::strip<T>>(c, batch)};
  copies.late = r.chance(50);
  cd::with_order < Shape<2, T>(
                       cd::side_a(p), batch.a, batch.count,
                       [&](auto order_a) {
                         cd::with_order < Shape<2, T>(
                                              cd::side_b(p), batch.b, batch.count,
                                              [&](auto order_b) {
                                                run_blocks<tile, T, decltype(order_a), decltype(order_b)>(p, r);
                                              });
                       });
}

// One of these shapes.
template <int... Shapes>
struct shapes {};
using every_shape = shapes<0, 1, 2, 3, 4>;

template <class T, int... Shapes, class A, class B, class C, class E>
void run(shapes<Shapes...>, const A& a, const B& b, const C& c, const E& e, const cuda::batch_strides& batch,
         random& r) {
  const int chosen = r.pick<int>({Shapes...});
  INFO("shape " << chosen);
  (void)((chosen == Shapes && (run_shape<Shapes, T>(a, b, c, e, batch, r), true)) || ...);
}

struct strides {
  index row, col;
};

// Of an m x n matrix: rows or columns together, perhaps apart by what keeps them aligned; or anything.
strides any_strides(index m, index n, random& r) {
  const index gap = r.pick<index>({0, 0, 1, 3, 8}), n16 = (n + 15) / 16 * 16, m16 = (m + 15) / 16 * 16;
  switch (r.between(0, 6)) {
    case 0:
      return {n + gap, 1};
    case 1:
      return {1, m + gap};
    case 2:
      return {n16, 1};
    case 3:
      return {1, m16};
    case 4:
      return {-(n + gap), 1};
    case 5:
      return {1, -(m + gap)};
    default:
      return {2 * n + gap, -2};
  }
}

template <class T>
guarded_matrix<T> matrix(index m, index n, strides s, random& r) {
  const bool aligned = r.chance(50);  // a page begins at a multiple of 16 bytes, and does not end after any element
  guarded_matrix<T> x(m, n, s.row, s.col, aligned ? placement::at_start : placement::at_end);
  x.fill(r);
  return x;
}

struct extents {
  index m, n, k;
};

// Tiles and their neighbours: less than one, exactly one, a few; k around the ring.
extents any_extents(random& r) {
  const auto side = [&] {
    return r.chance(50) ? r.between(1, 40) : r.pick<index>({16, 32, 63, 64, 65, 96, 127, 128, 129, 150, 256});
  };
  return {side(), side(), r.chance(20) ? r.pick<index>({0, 1, 8, 24, 32, 64, 88}) : r.between(0, 70)};
}

template <class T, class C>
bool equal(const guarded_matrix<T>& got, const C& want) {
  for (index i = 0; i < want.rows(); ++i) {
    for (index j = 0; j < want.cols(); ++j) {
      if (!same_bits(got.view()(i, j), want(i, j))) return false;
    }
  }
  return true;
}

// One problem with views of any strides, or of the strides of `view`.
template <class T, class Shapes, class E>
void check(Shapes shape, extents x, const E& e, random& r, bool rows) {
  INFO(x.m << " x " << x.n << " x " << x.k << (rows ? ", rows" : ""));
  const auto lie = [&](index m, index n) {
    return rows ? strides{n + r.pick<index>({0, 1}), 1} : any_strides(m, n, r);
  };
  const auto a = matrix<T>(x.m, x.k, lie(x.m, x.k), r), b = matrix<T>(x.k, x.n, lie(x.k, x.n), r);
  auto c = matrix<T>(x.m, x.n, lie(x.m, x.n), r);
  std::vector<T> old(std::size_t(x.m * x.n));
  const auto want = view(old.data(), x.m, x.n);
  for (index i = 0; i < x.m; ++i)
    for (index j = 0; j < x.n; ++j) want(i, j) = c.view()(i, j);
  const auto before = c.snapshot();
  if (rows) {
    const auto as_rows = [](const auto& v) { return view(v.data(), v.rows(), v.cols(), v.row_stride()); };
    run<T>(shape, as_rows(a.read()), as_rows(b.read()), as_rows(c.view()), e, {}, r);
  } else {
    run<T>(shape, a.read(), b.read(), c.view(), e, {}, r);
  }
  reference::gemm(a.read(), b.read(), want, e);
  REQUIRE(equal(c, want));
  REQUIRE(!c.changed(before, true));
}

}  // namespace

TEST_CASE_TEMPLATE("any strides, every tile", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(150), [](random& r) { check<T>(every_shape{}, any_extents(r), acc, r, false); });
}

TEST_CASE_TEMPLATE("row-major views, every tile", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(60), [](random& r) { check<T>(every_shape{}, any_extents(r), acc, r, true); });
}

TEST_CASE("epilogues") {
  for_each_case(scaled(60), [](random& r) {
    const extents x = any_extents(r);
    std::vector<float> bias(std::size_t(x.n)), scale(std::size_t(x.m));
    for (float& v : bias) v = r.value<float>();
    for (float& v : scale) v = r.value<float>();
    const shapes<0, 4> shape;
    switch (r.between(0, 3)) {
      case 0:
        return check<float>(shape, x, relu(acc + per_column(bias.data())), r, false);
      case 1:
        return check<float>(shape, x, 0.5f * acc + 2.0f * dst, r, false);
      case 2:
        return check<float>(shape, x, gelu(acc), r, true);
      default:
        return check<float>(shape, x, acc * per_row(scale.data()) + dst, r, true);
    }
  });
}

TEST_CASE("batches, shared and strided") {
  for_each_case(scaled(40), [](random& r) {
    const index m = r.between(1, 70), n = r.between(1, 70), k = r.between(0, 30), count = r.between(1, 5);
    const index gap = r.pick<index>({0, 0, 4, 7});
    const cuda::batch_strides batch{count, r.chance(30) ? 0 : m * k + gap, r.chance(30) ? 0 : k * n + gap, m * n + gap};
    const auto a = matrix<float>(1, count * (m * k + gap), {0, 1}, r),
               b = matrix<float>(1, count * (k * n + gap), {0, 1}, r);
    const auto c = matrix<float>(1, count * (m * n + gap), {0, 1}, r);
    auto want = c.snapshot();
    const auto av = view(a.read().data(), m, k), bv = view(b.read().data(), k, n);
    run<float>(shapes<1, 2>{}, av, bv, view(c.view().data(), m, n), acc + dst, batch, r);
    for (index p = 0; p < count; ++p) {
      reference::gemm(view(av.data() + p * batch.a, m, k), view(bv.data() + p * batch.b, k, n),
                      view(want.data() + p * batch.c, m, n), acc + dst);
    }
    REQUIRE(!c.changed(want));
  });
}

namespace {
// X x X -> T against the reference of what the elements are as T.
template <class T, class X>
void check_converted(random& r) {
  const index m = r.between(1, 80), n = r.between(1, 80), k = r.between(0, 40);
  const auto number = [&] { return std::is_integral_v<T> ? T(r.between(-128, 127)) : T(r.value<float>()); };
  std::vector<X> a(std::size_t(m * k)), b(std::size_t(k * n));
  std::vector<T> at(a.size()), bt(b.size()), c(std::size_t(m * n)), want(c.size());
  for (std::size_t i = 0; i < a.size(); ++i) at[i] = T(a[i] = X(number()));
  for (std::size_t i = 0; i < b.size(); ++i) bt[i] = T(b[i] = X(number()));
  run<T>(shapes<0, 3>{}, view(a.data(), m, k), column_major(b.data(), k, n), view(c.data(), m, n), acc, {}, r);
  reference::gemm(view(at.data(), m, k), column_major(bt.data(), k, n), view(want.data(), m, n));
  REQUIRE(std::memcmp(c.data(), want.data(), c.size() * sizeof(T)) == 0);
}
}  // namespace

TEST_CASE("s8, f16 and bf16 elements, wider sums") {
  for_each_case(scaled(15), [](random& r) {
    check_converted<std::int32_t, std::int8_t>(r);
    check_converted<float, f16>(r);
    check_converted<float, bf16>(r);
  });
}

TEST_CASE("bf16 in C: the sum is rounded once") {
  random r(seed());
  const index m = 37, n = 70, k = 19;
  std::vector<float> a(std::size_t(m * k)), b(std::size_t(k * n)), want(std::size_t(m * n));
  std::vector<bf16> c(want.size());
  for (float& x : a) x = r.value<float>();
  for (float& x : b) x = r.value<float>();
  run<float>(shapes<1>{}, view(a.data(), m, k), view(b.data(), k, n), view(c.data(), m, n), relu(acc), {}, r);
  reference::gemm(view(a.data(), m, k), view(b.data(), k, n), view(want.data(), m, n), relu(acc));
  for (std::size_t i = 0; i < c.size(); ++i) REQUIRE(c[i].bits == bf16(want[i]).bits);
}

}  // namespace ashlar::test
