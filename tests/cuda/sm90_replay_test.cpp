// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/sm90_replay_test.cpp: products and convolutions by the Hopper kernel's maps, replayed on a CPU, against
// the sums that define them. The operands are small integers: every sum is exact, results must be equal to the bit.
//
// Depends on: virtual_sm90_cluster.hpp, support/.
#include <doctest/doctest.h>

#include <ashlar/conv/problem.hpp>
#include <vector>

#include "cuda/virtual_sm90_cluster.hpp"
#include "support/cases.hpp"

namespace ashlar::test {
namespace {

using ashlar::index;
using cuda::sm90_tile;

template <class T>
T integer(index x) {
  if constexpr (std::is_integral_v<T>) {
    return T(x);
  } else {
    return T(float(x));
  }
}

// Elements in memory that begins at 16 bytes, with some behind that nobody may write.
template <class T>
class array {
 public:
  explicit array(index count) : words_(std::size_t(count * index(sizeof(T)) / 16 + 9), piece{}), count_(count) {
    std::memset(static_cast<void*>(words_.data()), 0xFF, words_.size() * 16);
  }
  T* data() { return reinterpret_cast<T*>(words_.data()); }
  void fill(random& r) {
    for (index i = 0; i < count_; ++i) data()[i] = integer<T>(r.between(-3, 3));
  }
  friend bool operator==(const array& a, const array& b) {
    return std::memcmp(a.words_.data(), b.words_.data(), a.words_.size() * 16) == 0;
  }

 private:
  struct alignas(16) piece {
    unsigned char bytes[16];
  };
  std::vector<piece> words_;
  index count_;
};

template <class T>
matrix_view<T> placed(T* p, index rows, index cols, bool by_rows, index step) {
  const index ld = ((by_rows ? cols : rows) + step - 1) / step * step;
  return by_rows ? matrix_view<T>(p, rows, cols, ld, 1) : matrix_view<T>(p, rows, cols, 1, ld);
}
template <class V>
index span_of(const V& v) {
  return v.col_stride() == 1 ? v.rows() * v.row_stride() : v.cols() * v.col_stride();
}
template <class V>
auto lines_of(const V& v, bool by_rows) {
  return by_rows ? v : V(v.transposed());
}

struct shape {
  index m, n, k, batch = 1;
  bool shared_b = false;
  bool c_rows = true;
  index c_ld = 8;
};

// C = relu(A B + bias), as launch_sm90 sets it up.
template <class In, class D, sm90_tile S, bool MnA = false, bool MnB = false>
void check(const shape& s, int clusters = 2) {
  constexpr index step = 16 / sizeof(In);
  constexpr int bk = 128 / int(sizeof(In));
  using T = cd::accumulator_of<In>;
  random r(seed());
  const auto A0 = placed<In>(nullptr, s.m, s.k, !MnA, step), B0 = placed<In>(nullptr, s.n, s.k, !MnB, step);
  const auto C0 = placed<D>(nullptr, s.m, s.n, s.c_rows, s.c_ld);
  const index a_step = span_of(A0), b_step = s.shared_b ? 0 : span_of(B0), c_step = span_of(C0);
  array<In> a(a_step * s.batch), b(span_of(B0) * s.batch);
  array<D> c(c_step * s.batch), expected(c_step * s.batch);
  array<T> bias(s.n);
  a.fill(r), b.fill(r), bias.fill(r);
  const auto e = relu(acc + per_column(static_cast<const T*>(bias.data())));
  const auto A = placed<In>(a.data(), s.m, s.k, !MnA, step), B = placed<In>(b.data(), s.n, s.k, !MnB, step);
  const auto C = placed<D>(c.data(), s.m, s.n, s.c_rows, s.c_ld);

  const replayed_matrices<In, MnA, MnB> operands{
      cd::boxed_rows(lines_of(A, !MnA), a_step, s.batch, MnA ? bk : S.bm / S.cluster_n),
      cd::boxed_rows(lines_of(B, !MnB), b_step, s.batch, MnB ? bk : S.bn / S.cluster_m),
      {1, b_step != 0}};
  replay<S>(operands, int((s.k + bk - 1) / bk), s.batch, C, e, c_step, clusters);

  for (index p = 0; p < s.batch; ++p) {
    const matrix_view<D> to(expected.data() + p * c_step, s.m, s.n, C.row_stride(), C.col_stride());
    for (index i = 0; i < s.m; ++i) {
      for (index j = 0; j < s.n; ++j) {
        T sum = 0;
        for (index k = 0; k < s.k; ++k) sum += T(A.pointer(i, k)[p * a_step]) * T(B.pointer(j, k)[p * b_step]);
        const T value = sum + bias.data()[j];
        to(i, j) = static_cast<D>(value > 0 ? value : T(0));
      }
    }
  }
  CHECK(c == expected);
}

// k of the convolution's kernel is (tap, channel); see launch_sm90_conv.
cd::pixel_work pixel_work_of(const cd::conv_walk& w) {
  return {int(w.x.count),    int(w.y.count),    int(w.x.step),   int(w.y.step), int(w.x.before), int(w.y.before),
          int(w.dilation_w), int(w.dilation_h), int(w.kernel_w), int(w.taps),   int(w.channels), w.mirrored};
}

template <sm90_tile S, bool MnB>
void convolve(const conv_geometry& g, bf16* from, bf16* weights, const matrix_view<float>& to) {
  constexpr int bk = 64;
  const cd::conv_walk walk = MnB ? cd::gradient_walk(g) : cd::forward_walk(g);
  const triple& e = MnB ? g.dst : g.src;
  const image_view<const bf16> read = nhwc(from, g.batch, e.h, e.w, walk.channels);
  const filter_view<const bf16> w = ohwi(weights, g.filters, g.kernel.h, g.kernel.w, g.channels);
  const replayed_pixels<bf16, MnB> operands{cd::walked(read, walk.x, walk.y, bk, S.bm),
                                            cd::boxed_filters(w, MnB ? bk : S.bn / S.cluster_m), pixel_work_of(walk)};
  const int blocks_of_tap = int((walk.channels + bk - 1) / bk);
  replay<S>(operands, blocks_of_tap * int(walk.taps), 1, to, acc, 0, 2);
}

// f(pixel of dst, pixel of src, tap) for all that meet.
template <class F>
void for_each_meeting(const conv_geometry& g, const F& f) {
  for (index n = 0, o = 0; n < g.batch; ++n)
    for (index p = 0; p < g.dst.h; ++p)
      for (index q = 0; q < g.dst.w; ++q, ++o)
        for (index t = 0; t < g.taps(); ++t) {
          const index h = p * g.stride.h - g.before.h + t / g.kernel.w * g.dilation.h;
          const index w = q * g.stride.w - g.before.w + t % g.kernel.w * g.dilation.w;
          if (h >= 0 && h < g.src.h && w >= 0 && w < g.src.w) f(o, (n * g.src.h + h) * g.src.w + w, t);
        }
}

template <sm90_tile S>
void check_conv(const conv2d& problem) {
  const conv_geometry g = detail::geometry_of(problem).value();
  const index src_pixels = g.batch * volume(g.src), dst_pixels = g.batch * volume(g.dst);
  random r(seed());
  array<bf16> src(src_pixels * g.channels), dst(dst_pixels * g.filters), weights(g.filters * g.taps() * g.channels);
  src.fill(r), dst.fill(r), weights.fill(r);
  std::vector<float> forward(std::size_t(dst_pixels * g.filters)), gradient(std::size_t(src_pixels * g.channels));
  for_each_meeting(g, [&](index o, index i, index t) {
    for (index k = 0; k < g.filters; ++k) {
      for (index c = 0; c < g.channels; ++c) {
        const float w = float(weights.data()[(k * g.taps() + t) * g.channels + c]);
        forward[std::size_t(o * g.filters + k)] += w * float(src.data()[i * g.channels + c]);
        gradient[std::size_t(i * g.channels + c)] += w * float(dst.data()[o * g.filters + k]);
      }
    }
  });
  const auto equal = [](array<float>& got, const std::vector<float>& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!(got.data()[i] == expected[i])) return false;
    }
    return true;
  };
  array<float> got(dst_pixels * g.filters), got_gradient(src_pixels * g.channels);
  convolve<S, false>(g, src.data(), weights.data(), {got.data(), dst_pixels, g.filters, g.filters, 1});
  CHECK(equal(got, forward));
  if (g.stride != triple{}) return;
  convolve<S, true>(g, dst.data(), weights.data(), {got_gradient.data(), src_pixels, g.channels, g.channels, 1});
  CHECK(equal(got_gradient, gradient));
}

// The tiles are small, so that few elements make many tiles.
constexpr sm90_tile turns{.bm = 64, .bn = 64, .stages = 3, .cluster_m = 2, .ping_pong = true};
constexpr sm90_tile halves{.bm = 128, .bn = 128, .stages = 2, .cluster_m = 1, .cluster_n = 2};

}  // namespace

TEST_CASE("bf16 products in all four layouts equal the definition") {
  for (const shape& s : {shape{1, 1, 1}, {65, 70, 129}, {131, 257, 200}, {150, 40, 72, 3}, {70, 33, 100, 2, true}}) {
    check<bf16, bf16, turns>(s);
    check<bf16, bf16, turns, true>(s);
    check<bf16, bf16, turns, false, true>(s);
    check<bf16, bf16, turns, true, true>(s);
  }
}

TEST_CASE("two warpgroups share a tile, two blocks share A") {
  check<bf16, float, halves>({300, 200, 130});
  check<bf16, bf16, halves, true, true>({129, 300, 70});
}

TEST_CASE("a cluster of four shares A and B") {
  check<bf16, float, sm90_tile{.bm = 128, .bn = 64, .stages = 3, .cluster_m = 2, .cluster_n = 2}>({260, 130, 200}, 1);
}

TEST_CASE("a C that the accelerator cannot store is written element by element") {
  check<bf16, bf16, turns>({65, 67, 70, 2, false, true, 1});
  check<bf16, bf16, turns>({65, 67, 70, 1, false, false, 8});
  check<bf16, float, turns>({65, 67, 70, 1, false, true, 1});
}

TEST_CASE("int8 products equal the definition") {
  check<std::int8_t, std::int32_t, turns>({65, 70, 129});
  check<std::int8_t, std::int32_t, halves>({130, 140, 260, 2});
  check<std::int8_t, std::int8_t, sm90_tile{.bm = 64, .bn = 128, .stages = 3, .ping_pong = true}>({65, 144, 3});
}

TEST_CASE("convolutions and their gradients equal the definition") {
  check_conv<turns>({.src = {2, 9, 7, 16}, .weights = {40, 3, 3, 16}, .padding = same});
  check_conv<turns>({.src = {3, 13, 11, 72}, .weights = {72, 3, 3, 72}, .stride = {2, 2}, .padding = same});
  check_conv<turns>({.src = {1, 12, 14, 8}, .weights = {16, 5, 7, 8}, .dilation = {2, 1}, .padding = {{4, 3}, {2, 1}}});
  check_conv<turns>(
      {.src = {5, 6, 6, 80}, .weights = {136, 2, 3, 80}, .dilation = {1, 2}, .padding = {{0, 1}, {1, 2}}});
  check_conv<turns>({.src = {2, 16, 17, 24}, .weights = {8, 1, 1, 24}, .stride = {3, 2}});
  check_conv<sm90_tile{.bm = 128, .bn = 128, .stages = 2}>(
      {.src = {2, 10, 9, 8}, .weights = {16, 3, 2, 8}, .padding = same});
}

}  // namespace ashlar::test
