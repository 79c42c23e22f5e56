// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/dynamic_test.cpp: quantizing matrices as they come equals affine_of and quantized element by element, for
// any layout, NaN and infinities among the numbers; and a product of them is what the rows' scales say.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/quant.hpp>
#include <limits>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class U>
affine expected_affine(const matrix_view<const float>& x, index first, index last) {
  float least = 0, most = 0;
  for (index i = first; i < last; ++i)
    for (index j = 0; j < x.cols(); ++j) {
      if (x(i, j) < least) least = x(i, j);
      if (x(i, j) > most) most = x(i, j);
    }
  return affine_of(least, most, std::numeric_limits<U>::min(), std::numeric_limits<U>::max());
}

TEST_CASE_TEMPLATE("rows and whole matrices", U, std::uint8_t, std::int8_t, std::int16_t) {
  for_each_case(scaled(400, 40), [](random& r) {
    const index m = r.between(0, 5), n = r.between(0, 70);
    const stride_pair xs = strides_of(layout(r.between(0, int(last_written))), m, n, r),
                      qs = strides_of(layout(r.between(0, int(last_written))), m, n, r);
    for (placement where : {placement::at_end, placement::at_start}) {
      const guarded_matrix<float> x(m, n, xs.row, xs.col, where);
      const guarded_matrix<U> q(m, n, qs.row, qs.col, where);
      const bool wild = r.chance(20);
      x.each([&](float& v) {
        v = r.value<float>() * float(r.between(1, 300));
        if (wild && r.chance(5)) v = std::numeric_limits<float>::quiet_NaN();
      });
      std::vector<float> scales(std::size_t(m), -1);
      std::vector<std::int32_t> zeros(std::size_t(m), -1);
      const auto before = q.snapshot();
      REQUIRE(quantize_rows<isa_t>(x.read(), q.view(), scales.data(), zeros.data()).ok());
      REQUIRE(!q.changed(before, true));
      for (index i = 0; i < m; ++i) {
        const affine a = expected_affine<U>(x.read(), i, i + 1);
        REQUIRE(affine{scales[std::size_t(i)], zeros[std::size_t(i)]} == a);
        for (index j = 0; j < n; ++j) REQUIRE(q.view()(i, j) == quantized<U>(x.view()(i, j), a));
      }
      const affine all = dynamic_affine<U, isa_t>(x.read());
      REQUIRE(all == expected_affine<U>(x.read(), 0, m));
      REQUIRE(quantize<isa_t>(x.read(), q.view(), all).ok());
      for (index i = 0; i < m; ++i)
        for (index j = 0; j < n; ++j) REQUIRE(q.view()(i, j) == quantized<U>(x.view()(i, j), all));
    }
  });
}

TEST_CASE("a product of rows quantized as they come is near that of floats") {
  random r(seed());
  constexpr index m = 5, n = 19, k = 64;
  std::vector<float> x(m * k), exact(m * n), got(m * n);
  std::vector<std::int8_t> w(k * n);
  for (float& v : x) v = r.value<float>();
  for (std::int8_t& v : w) v = std::int8_t(r.between(-127, 127));
  std::vector<std::uint8_t> q(m * k);
  std::vector<float> scales(m);
  std::vector<std::int32_t> zeros(m);
  REQUIRE(
      quantize_rows<isa_t>(view<const float>(x.data(), m, k), view(q.data(), m, k), scales.data(), zeros.data()).ok());
  REQUIRE(gemm<isa_t>(view<const std::uint8_t>(q.data(), m, k), view<const std::int8_t>(w.data(), k, n),
                      view(got.data(), m, n), acc * per_row(scales.data()), a_zero_point(zeros.data()))
              .ok());
  for (index i = 0; i < m; ++i)
    for (index j = 0; j < n; ++j) {
      double sum = 0, size = 0;
      for (index p = 0; p < k; ++p) {
        sum += double(x[std::size_t(i * k + p)]) * w[std::size_t(p * n + j)];
        size += std::abs(double(w[std::size_t(p * n + j)]));
      }
      // Half a step for each element, and the roundings of scale and sum.
      CHECK(std::abs(double(got[std::size_t(i * n + j)]) - sum) <= 0.501 * double(scales[std::size_t(i)]) * size);
    }
}

TEST_CASE("shapes that do not match, and no data") {
  float x[6] = {};
  std::uint8_t q[6] = {1, 2, 3, 4, 5, 6};
  const status s = quantize<isa_t>(view<const float>(x, 2, 3), view(q, 3, 2), {});
  CHECK(s.code() == errc::shape_mismatch);
  CHECK(std::string(s.message()) == "quantize: x is 2 x 3 but q is 3 x 2");
  CHECK(quantize<isa_t>(view<const float>(nullptr, 2, 3), view(q, 2, 3), {}).code() == errc::null_pointer);
  float scales[2];
  const status unknown = quantize_rows<isa_t>(view<const float>(x, 2, 3), view(q, 2, 3), scales, nullptr);
  CHECK(std::string(unknown.message()) == "quantize_rows: x has 2 rows but zeros is null");
  CHECK(q[0] == 1);
}

}  // namespace
}  // namespace ashlar::test
