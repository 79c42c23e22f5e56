// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/source_test.cpp: floats that become integers as a product reads them are those that quantize() stores:
// the bits of the product of these, for any layout, between guard pages, in exactly the memory that it asks for.
#include <doctest/doctest.h>

#include <ashlar/conv.hpp>
#include <ashlar/quant.hpp>
#include <limits>
#include <string>

#include "conv/case.hpp"
#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class T>
std::vector<T> integers(random& r, index count) {
  std::vector<T> all(std::size_t(count), 0);
  const bool seven_bits = r.chance(50);
  for (T& x : all) x = static_cast<T>(seven_bits ? r.between(-64, 63) : index(r.bits()));
  return all;
}

template <class X>
void fill_floats(const X& x, random& r) {
  const bool wild = r.chance(20);
  x.each([&](float& v) {
    v = r.value<float>() * float(r.between(1, 300));
    if (wild && r.chance(5)) v = r.pick({std::numeric_limits<float>::quiet_NaN(), 1e30f, -1e30f});
  });
}

// A product of X, quantized to U with numbers for each row or for all, and B, as it is or packed.
template <class U, class W>
struct quantized_product {
  quantized_product(random& r, placement where)
      : m(r.between(1, 20)),
        n(r.between(1, 40)),
        k(r.chance(30) ? r.pick<index>({1023, 1024, 1025, 1500}) : r.between(0, 90)),
        xs(strides_of(layout(r.between(0, int(last_read))), m, k, r)),
        x(m, k, xs.row, xs.col, where),
        q(std::size_t(m * k), 0),
        b(integers<W>(r, k * n)),
        each_row(r.chance(60)),
        scales(m, 1, 1, 1, where),
        zeros(m, 1, 1, 1, where) {
    fill_floats(x, r);
    if (each_row) {
      REQUIRE(dynamic_affines<U, isa_t>(x.read(), scales.view().data(), zeros.view().data()).ok());
    } else {
      all = dynamic_affine<U, isa_t>(x.read());
      std::fill_n(scales.view().data(), m, all.scale), std::fill_n(zeros.view().data(), m, all.zero_point);
    }
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < k; ++j) {
        const affine a{scales.view()(i, 0), zeros.view()(i, 0)};
        q[std::size_t(i * k + j)] = quantized<U>(x.view()(i, j), a);
      }
  }

  // f(A), of one type or of the other.
  template <class F>
  void with_a(const F& f) {
    if (each_row) return f(quantized<U>(x.read(), scales.view().data(), zeros.view().data()));
    f(quantized<U>(x.read(), all));
  }

  template <class... Options>
  void equals_that_of_integers(const Options&... options) {
    const auto e = acc * per_row(static_cast<const float*>(scales.view().data()));
    std::vector<float> want(std::size_t(m * n), -1);
    REQUIRE(gemm<isa_t>(view<const U>(q.data(), m, k), view<const W>(b.data(), k, n), view(want.data(), m, n), e,
                        a_zero_point(static_cast<const std::int32_t*>(zeros.view().data())))
                .ok());
    const auto plain = view<const W>(b.data(), k, n);
    const auto storage = packed_memory();
    const auto packed = open_weights<W>(storage.span());
    REQUIRE(packed.ok());
    with_a([&](const auto& a) {
      same_bits_of(a, plain, want, e, options...);
      same_bits_of(a, packed.value(), want, e, options...);
    });
  }

  aligned_buffer packed_memory() const {
    const auto pack = [&](const auto&... options) {
      auto storage = aligned_buffer::make(packed_weights_bytes<W, isa_t>(k, n, options...));
      REQUIRE(pack_weights<isa_t>(view<const W>(b.data(), k, n), storage.span(), options...).ok());
      return storage;
    };
    if constexpr (sizeof(U) == 2) {
      return pack(for_a<U>{});
    } else {
      return pack();
    }
  }

  template <class A, class B, class... Options>
  void same_bits_of(const A& a, const B& given, const std::vector<float>& want, const Options&... options) {
    std::vector<float> got(std::size_t(m * n), -2);
    const auto c = view(got.data(), m, n);
    const std::size_t bytes = gemm_workspace_bytes<isa_t>(a, given, c, options...);
    const guarded_bytes memory(bytes, placement::at_end);
    const status s = gemm<isa_t>(a, given, c, options..., scratch(std::span<std::byte>(memory.data(), bytes)));
    INFO(m, " x ", n, " x ", k, ", x ", xs.row, " ", xs.col, ", each ", each_row, ": ", s.message());
    REQUIRE(s.ok());
    REQUIRE(first_difference(matrix_view<float>(c), want) == "");
  }

  index m, n, k;
  stride_pair xs;
  guarded_matrix<float> x;
  std::vector<U> q;
  std::vector<W> b;
  bool each_row;
  affine all;
  guarded_matrix<float> scales;
  guarded_matrix<std::int32_t> zeros;
};

template <class U, class W>
void products() {
  for_each_case(scaled(120, 12), [](random& r) {
    quantized_product<U, W> p(r, r.pick({placement::at_end, placement::at_start}));
    const one_thread three{3};
    p.equals_that_of_integers();
    p.equals_that_of_integers(on(three), cache_sizes{r.pick<index>({1, 4096}), r.pick<index>({1, 8192})});
  });
}
TEST_CASE("u8 x s8, by rows or by one affine, plain and packed") { products<std::uint8_t, std::int8_t>(); }
TEST_CASE("s16 x s8") { products<std::int16_t, std::int8_t>(); }

TEST_CASE("numbers of rows that are not there, or lie in C") {
  float x[6] = {1, 2, 3, 4, 5, 6}, scales[4] = {1, 1, 7, 7}, c[4] = {};
  std::int32_t zeros[2] = {};
  const std::int8_t b[6] = {};
  const auto call = [&](const float* s, const std::int32_t* z, float* to) {
    return gemm<isa_t>(quantized<std::uint8_t>(view<const float>(x, 2, 3), s, z), view(b, 3, 2), view(to, 2, 2));
  };
  CHECK(call(scales, zeros, c).ok());
  CHECK(std::string(call(nullptr, zeros, c).message()) == "gemm: A has 2 rows but the pointer to their scales is null");
  CHECK(call(scales, nullptr, c).code() == errc::null_pointer);
  const status s = call(scales + 2, zeros, scales);
  CHECK(s.code() == errc::aliasing);
  CHECK(std::string(s.message()).find("the scales of A's rows") != std::string::npos);
  CHECK(scales[0] == 1);
}

TEST_CASE("images of any layout, dense, grouped and depthwise") {
  using D = float;
  using types = conv_types<std::uint8_t, std::int8_t, D>;
  const auto e = acc * 0.25f;
  for_each_case(scaled(60, 8), [&](random& r) {
    conv3d p = some_problem(r, 60000);
    if (r.chance(30)) {
      const index channels = r.between(2, 40);
      p.groups = channels, p.src[4] = channels, p.weights[0] = channels, p.weights[4] = 1;
    }
    const auto plan = plan_conv3d<types, isa_t>(p).value();
    const image_axes in = plan.src_extents(), out = plan.dst_extents();
    const auto l = layout_of(in, some_order(r), r);
    const guarded_elements<float> memory(l.elements, r.pick({placement::at_end, placement::at_start}));
    const image_view<const float> x(memory.data(), in, l.strides);
    const auto w = integers<std::int8_t>(r, p.weights[0] * p.weights[1] * p.weights[2] * p.weights[3] * p.weights[4]);
    std::vector<std::uint8_t> q(std::size_t(in.n * in.d * in.h * in.w * in.c));
    const auto integers_of_x = ndhwc(q.data(), in.n, in.d, in.h, in.w, in.c);
    const auto each = [&](const auto& f) {
      for (index n = 0; n < in.n; ++n)
        for (index d = 0; d < in.d; ++d)
          for (index h = 0; h < in.h; ++h)
            for (index wide = 0; wide < in.w; ++wide)
              for (index c = 0; c < in.c; ++c) f(n, d, h, wide, c);
    };
    float least = 0, most = 0;
    each([&](auto... at) {
      const float v = memory.data()[x.pointer(at...) - x.data()] = r.value<float>() * 30 - 7;
      least = std::min(least, v), most = std::max(most, v);
    });
    const affine a = dynamic_affine<std::uint8_t, isa_t>(x);
    REQUIRE(a == affine_of(least, most, 0, 255));
    each([&](auto... at) { integers_of_x(at...) = quantized<std::uint8_t>(x(at...), a); });

    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(odhwi(w.data(), p.weights[0], p.weights[1], p.weights[2], p.weights[3], p.weights[4]),
                                  storage.span());
    REQUIRE(packed.ok());
    std::vector<D> want(std::size_t(out.n * out.d * out.h * out.w * out.c), D(1)), got(want.size(), D(2));
    const auto dst = [&](std::vector<D>& y) { return ndhwc(y.data(), out.n, out.d, out.h, out.w, out.c); };
    const auto as_read = ndhwc(static_cast<const std::uint8_t*>(q.data()), in.n, in.d, in.h, in.w, in.c);
    REQUIRE(plan.run(as_read, packed.value(), dst(want), e, src_zero_point(a.zero_point)).ok());
    const one_thread three{3};
    const auto src = quantized<std::uint8_t>(x, a);
    const std::size_t bytes = plan.workspace_bytes(src, dst(got), e, on(three));
    const guarded_bytes scratch_memory(bytes, placement::at_end);
    const status s = plan.run(src, packed.value(), dst(got), e, on(three),
                              scratch(std::span<std::byte>(scratch_memory.data(), bytes)));
    INFO(s.message());
    REQUIRE(s.ok());
    REQUIRE(got == want);
    got.assign(got.size(), D(3));
    REQUIRE(plan.run(src, packed.value(), dst(got), e).ok());
    REQUIRE(got == want);
  });
}
TEST_CASE("an image that does not fit the plan, and too little memory") {
  using types = conv_types<std::uint8_t, std::int8_t, float>;
  const auto plan = plan_conv2d<types, isa_t>({.src = {1, 4, 4, 8}, .weights = {8, 1, 1, 8}}).value();
  const std::vector<std::int8_t> w(64, 1);
  const std::vector<float> x(128, 1);
  std::vector<float> y(128, 5);
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(ohwi(w.data(), 8, 1, 1, 8), storage.span()).value();
  const auto call = [&](const float* from, index height, std::size_t bytes) {
    std::vector<std::byte> memory(bytes);
    return plan.run(quantized<std::uint8_t>(nhwc(from, 1, height, 4, 8), {1, 3}), packed, nhwc(y.data(), 1, 4, 4, 8),
                    scratch(memory));
  };
  CHECK(std::string(call(x.data(), 3, 4000).message()) == "conv: height of src is 3 but the plan has 4");
  CHECK(call(nullptr, 4, 4000).code() == errc::null_pointer);
  CHECK(call(x.data(), 4, 100).code() == errc::workspace_too_small);
  CHECK(call(y.data(), 4, 4000).code() == errc::aliasing);
  CHECK(y[0] == 5);
  CHECK(call(x.data(), 4, 4000).ok());
  CHECK(y[0] == 8);
}

}  // namespace
}  // namespace ashlar::test
