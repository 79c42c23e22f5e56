// SPDX-License-Identifier: Apache-2.0
//
// tests/winograd/error_bound_test.cpp: measured errors stay under both bounds, and the probable one is at most 30 times
// what is measured.
#include <doctest/doctest.h>

#include <ashlar/winograd/error_bound.hpp>
#include <vector>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

// One tile of one output channel, as the kernel computes it: U in double and rounded, a fused multiply-add a channel.
template <class T, class A>
class tile {
  using O = ops<T, isa::scalar>;
  using D = ops<double, isa::scalar>;
  static constexpr int rows = A::vertical::a, columns = A::horizontal::a, taps_w = A::horizontal::r;

 public:
  void add_channel(random& r) {
    T x[A::points], v[A::points], g[A::taps], u[A::points];
    for (T& value : x) value = r.value<T>();
    for (T& value : g) value = r.value<T>();
    A::template source_transform<O>::run([&](auto k, auto c) { return x[k * columns + c]; },
                                         [&](auto k, auto c, T y) { v[k * columns + c] = y; });
    A::template weights_transform<D>::run([&](auto k, auto c) { return double(g[k * taps_w + c]); },
                                          [&](auto k, auto c, double y) { u[k * columns + c] = T(y); });
    for (int p = 0; p < A::points; ++p) m_[p] = O::fma(v[p], u[p], m_[p]);
    for (int i = 0; i < A::vertical::m; ++i)
      for (int j = 0; j < A::horizontal::m; ++j)
        for (int t = 0; t < A::taps; ++t)
          exact_[i * A::horizontal::m + j] +=
              (long double)x[(i + t / taps_w) * columns + j + t % taps_w] * (long double)g[t];
  }

  // The largest |dst - exact| and |exact|.
  void measure(double& error, double& size) const {
    A::template output_transform<O>::run([&](auto k, auto c) { return m_[k * columns + c]; },
                                         [&](auto k, auto c, T y) {
                                           const long double exact = exact_[k * A::horizontal::m + c];
                                           error = std::max(error, std::abs(double((long double)y - exact)));
                                           size = std::max(size, std::abs(double(exact)));
                                         });
  }

 private:
  T m_[A::points] = {};
  long double exact_[A::outputs] = {};
};

template <class T, class A>
void stays_under(index channels) {
  random r(seed() + std::uint64_t(channels));
  double error = 0, size = 0;
  const index tiles = scaled(400, 100);
  for (index t = 0; t < tiles; ++t) {
    tile<T, A> one;
    for (index c = 0; c < channels; ++c) one.add_channel(r);
    one.measure(error, size);
  }
  const winograd_error bound = winograd_bound<A, T>(channels);
  const double rms =
      std::sqrt(double(channels) * A::taps) / 3;  // of sums of products of two numbers uniform on [-1, 1)
  CAPTURE(channels);
  CHECK(error <= bound.absolute);
  CHECK(error <= bound.worst * rms * (1 + 1e-12));
  CHECK(error <= bound.probable * size);
  CHECK(bound.probable < bound.worst);
  CHECK(bound.probable <= 30 * error / size);
}

template <class A>
void all_channels() {
  for (index channels : {1, 16, 64, 200}) {
    stays_under<float, A>(channels);
    stays_under<double, A>(channels);
  }
}

TEST_CASE("F(2x2, 3x3)") { all_channels<f2x2_3x3>(); }
TEST_CASE("F(3x3, 3x3)") { all_channels<f3x3_3x3>(); }
TEST_CASE("F(4x4, 3x3)") { all_channels<f4x4_3x3>(); }
TEST_CASE("F(5x5, 3x3)") { all_channels<f5x5_3x3>(); }
TEST_CASE("F(6x6, 3x3)") { all_channels<f6x6_3x3>(); }
TEST_CASE("F(2x2, 5x5)") { all_channels<winograd<cook_toom<2, 5>>>(); }
TEST_CASE("F(1x4, 1x5)") { all_channels<winograd<cook_toom<1, 1>, cook_toom<4, 5>>>(); }
TEST_CASE("F(6x2, 3x7)") { all_channels<winograd<cook_toom<6, 3>, cook_toom<2, 7>>>(); }

// The points that the library does not use are worse, and the bound knows it.
struct textbook {
  static constexpr std::array<rational, 5> finite{rational(0), rational(1), rational(-1), rational(2), rational(-2)};
};
TEST_CASE("the points decide") {
  const double other = winograd_bound<winograd<cook_toom<4, 3, textbook>>, float>(64).probable;
  CHECK(winograd_bound<f4x4_3x3, float>(64).probable < other / 2);
  CHECK(winograd_bound<f2x2_3x3, float>(64).probable < winograd_bound<f4x4_3x3, float>(64).probable);
}

}  // namespace
}  // namespace ashlar::test
