// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/onnx_test.cpp: published calls of ONNX's convolutions and integer products, through plans and gemm: NCHW
// images, one to three dimensions (all taken as three). Integers are equal; floating point within ONNX's own tolerance.
//
//   ASHLAR_VECTORS     the folder with onnx_node/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/conv.hpp>
#include <ashlar/core/workspace.hpp>
#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "support/isa.hpp"
#include "support/onnx_file.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;
using integers = std::vector<std::int32_t>;

// {n, c, spatial...} as n, c and three extents.
struct image_shape {
  index n, c;
  std::array<index, 3> at{1, 1, 1};
  explicit image_shape(const onnx_array& a) : n(a.extents.at(0)), c(a.extents.at(1)) {
    const std::size_t rank = a.extents.size() - 2;
    for (std::size_t i = 0; i < rank; ++i) at[3 - rank + i] = a.extents[2 + i];
  }
  index size() const { return n * c * at[0] * at[1] * at[2]; }
};
template <class T>
auto image(T* p, const image_shape& s) {
  return ncdhw(p, s.n, s.c, s.at[0], s.at[1], s.at[2]);
}

template <class T>
auto filter(T* p, const image_shape& s) {
  return oidhw(p, s.n, s.c, s.at[0], s.at[1], s.at[2]);
}

void copy_to(std::array<index, 3>& to, const std::vector<index>& from) { std::copy_n(from.begin(), 3, to.begin()); }

// Padding along axis i, `total` pixels where auto_pad asks for it, else as `pads` says.
struct axis_padding {
  index before, after;
};
axis_padding padding_of(const onnx_call& call, std::size_t i, index total) {
  const std::string rule = call.word("auto_pad", "NOTSET");
  if (rule == "SAME_UPPER") return {total / 2, total - total / 2};
  if (rule == "SAME_LOWER") return {total - total / 2, total / 2};
  const std::vector<index> pads = call.integers("pads");
  const std::size_t rank = pads.size() / 2;
  if (rule == "VALID" || i + rank < 3) return {0, 0};
  return {pads[i + rank - 3], pads[i + 2 * rank - 3]};
}

conv3d problem_of(const onnx_call& call, const image_shape& src, const image_shape& weights) {
  conv3d p{.src = {src.n, src.at[0], src.at[1], src.at[2], src.c},
           .weights = {weights.n, weights.at[0], weights.at[1], weights.at[2], weights.c}};
  copy_to(p.stride, call.three("strides", 1)), copy_to(p.dilation, call.three("dilations", 1));
  p.groups = std::stoll(call.word("group", "1"));
  for (std::size_t i = 0; i < 3; ++i) {
    const index outputs = (src.at[i] + p.stride[i] - 1) / p.stride[i];
    const index span = (outputs - 1) * p.stride[i] + (weights.at[i] - 1) * p.dilation[i] + 1;
    const axis_padding pad = padding_of(call, i, std::max<index>(0, span - src.at[i]));
    p.padding.before[i] = pad.before, p.padding.after[i] = pad.after;
  }
  return p;
}

conv_transpose3d transposed_of(const onnx_call& call, const image_shape& src, const image_shape& weights) {
  conv_transpose3d p{.src = {src.n, src.at[0], src.at[1], src.at[2], src.c},
                     .weights = {weights.n, weights.at[0], weights.at[1], weights.at[2], weights.c}};
  copy_to(p.stride, call.three("strides", 1)), copy_to(p.dilation, call.three("dilations", 1));
  copy_to(p.output_padding, call.three("output_padding", 0));
  p.groups = std::stoll(call.word("group", "1"));
  const std::vector<index> wanted = call.integers("output_shape");
  for (std::size_t i = 0; i < 3; ++i) {
    const index whole = (src.at[i] - 1) * p.stride[i] + (weights.at[i] - 1) * p.dilation[i] + 1 + p.output_padding[i];
    const bool given = i + wanted.size() >= 3 && !wanted.empty();
    const index total = std::max<index>(0, whole - (given ? wanted[i + wanted.size() - 3] : src.at[i] * p.stride[i]));
    const axis_padding said = padding_of(call, i, total);
    const axis_padding pad =
        given && call.word("auto_pad", "NOTSET") == "NOTSET" ? axis_padding{total - total / 2, total / 2} : said;
    p.padding.before[i] = pad.before, p.padding.after[i] = pad.after;
  }
  return p;
}

template <class T, class Plan, class E>
std::vector<T> run(const Plan& plan, const std::vector<T>& x, const image_shape& src, const std::vector<T>& w,
                   const image_shape& weights, const image_shape& dst, const E& e) {
  REQUIRE_MESSAGE(plan.ok(), plan.error().message());
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(filter(w.data(), weights), storage.span());
  REQUIRE_MESSAGE(packed.ok(), packed.error().message());
  std::vector<T> y(std::size_t(dst.size()), T(-77));
  const status ran = plan.value().run(image(x.data(), src), packed.value(), image(y.data(), dst), e);
  REQUIRE_MESSAGE(ran.ok(), ran.message());
  return y;
}

void require_close(const std::vector<float>& got, const onnx_array& want) {
  REQUIRE(got.size() == want.numbers.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(std::fabs(double(got[i]) - want.numbers[i]) <= 1e-7 + 1e-3 * std::fabs(want.numbers[i]));
  }
}

void meet_convolution(const onnx_call& call, bool transposed) {
  const onnx_array &x = call.array("input_0"), &w = call.array("input_1"), &y = call.array("output_0");
  const image_shape src(x), weights(w), dst(y);
  const auto bias = call.has("input_2") ? call.array("input_2").as<float>() : std::vector<float>(std::size_t(dst.c));
  const auto e = acc + per_column(bias.data());
  const auto all = [&](const auto& plan) {
    require_close(run(plan, x.as<float>(), src, w.as<float>(), weights, dst, e), y);
  };
  if (transposed) {
    all(plan_conv_transpose3d<float, isa_t>(transposed_of(call, src, weights)));
  } else {
    all(plan_conv3d<float, isa_t>(problem_of(call, src, weights)));
  }
}

// f(a number of this type): bytes of either sign.
template <class F>
void with_byte(const std::string& type, const F& f) {
  REQUIRE((type == "int8" || type == "uint8"));
  type == "int8" ? f(std::int8_t()) : f(std::uint8_t());
}

output_range range_of(const onnx_array& y, double zero) {
  return y.type == "int8" ? output_range{std::int32_t(zero), -128, 127} : output_range{std::int32_t(zero), 0, 255};
}

template <class S, class W>
void meet_integer_convolution(const onnx_call& call, const char* weights_name, double w_zero) {
  const onnx_array &x = call.array("input_0"), &w = call.array(weights_name), &y = call.array("output_0");
  const image_shape src(x), weights(w), dst(y);
  const auto a = x.as<S>();
  const auto b = w.as<W>();
  const integers bias = call.has("input_8") ? call.array("input_8").as<std::int32_t>() : integers(std::size_t(dst.c));
  const auto plan = plan_conv3d<conv_types<S, W, std::int32_t, true>, isa_t>(problem_of(call, src, weights));
  REQUIRE_MESSAGE(plan.ok(), plan.error().message());
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(filter(b.data(), weights), storage.span(), std::int32_t(w_zero));
  REQUIRE_MESSAGE(packed.ok(), packed.error().message());
  integers got(y.numbers.size(), -77);
  const auto with = [&](const auto& e) {
    return plan.value().run(image(a.data(), src), packed.value(), image(got.data(), dst), e,
                            src_zero_point(std::int32_t(call.scalar("input_2"))));
  };
  if (call.op == "QLinearConv") {
    const float scale = float(call.scalar("input_1")) * float(call.scalar("input_4")) / float(call.scalar("input_6"));
    const output_range r = range_of(y, call.scalar("input_7"));
    REQUIRE(with(requantize(acc + per_column(bias.data()), onnx{scale}, r.zero_point, r.low, r.high)).ok());
  } else {
    REQUIRE(with(acc).ok());
  }
  REQUIRE(got == y.as<std::int32_t>());
}

void meet_integer_convolution(const onnx_call& call) {
  const bool requantizes = call.op == "QLinearConv";
  const char* const weights = requantizes ? "input_3" : "input_1";
  const double w_zero = call.scalar(requantizes ? "input_5" : "input_3");
  with_byte(call.array("input_0").type, [&](auto s) {
    with_byte(call.array(weights).type,
              [&](auto w) { meet_integer_convolution<decltype(s), decltype(w)>(call, weights, w_zero); });
  });
}

template <class TA, class TB>
void meet_integer_product(const onnx_call& call, const onnx_array& b, double b_zero) {
  const onnx_array &a = call.array("input_0"), &y = call.array("output_0");
  const std::size_t rank = a.extents.size();
  const index m = a.extents[rank - 2], k = a.extents[rank - 1], n = b.extents.back();
  const auto A = a.as<TA>();
  const auto B = b.as<TB>();
  const integers want = y.as<std::int32_t>();
  integers got(want.size(), -77);
  const float scale = float(call.scalar("input_1")) * float(call.scalar("input_4")) / float(call.scalar("input_6", 1));
  const output_range r = range_of(y, call.scalar("input_7"));
  const auto e = requantize(acc, onnx{scale}, r.zero_point, r.low, r.high);
  const a_zero_point za(std::int32_t(call.scalar("input_2")));
  const b_zero_point zb(static_cast<std::int32_t>(b_zero));
  for (index i = 0; i * m * n < index(want.size()); ++i) {
    const auto va = view(A.data() + i * m * k, m, k);
    const auto vb = view(B.data() + i * k * n, k, n);
    const auto vc = view(got.data() + i * m * n, m, n);
    REQUIRE((call.op == "QLinearMatMul" ? gemm<isa_t>(va, vb, vc, e, za, zb) : gemm<isa_t>(va, vb, vc, za, zb)).ok());
  }
  REQUIRE(got == want);
}

void meet_integer_product(const onnx_call& call) {
  const bool requantizes = call.op == "QLinearMatMul";
  const onnx_array& b = call.array(requantizes ? "input_3" : "input_1");
  const double b_zero = call.scalar(requantizes ? "input_5" : "input_3");
  with_byte(call.array("input_0").type, [&](auto x) {
    with_byte(b.type, [&](auto y) { meet_integer_product<decltype(x), decltype(y)>(call, b, b_zero); });
  });
}

TEST_CASE("calls of ONNX operators") {
  std::map<std::string, int> met;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "onnx_node")) {
    const onnx_call call(entry.path().string());
    INFO(entry.path().stem().string());
    const bool transposed = call.op == "ConvTranspose",
               products = call.op == "MatMulInteger" || call.op == "QLinearMatMul";
    const bool integer = call.op == "ConvInteger" || call.op == "QLinearConv";
    if (call.op != "Conv" && !transposed && !products && !integer) continue;
    REQUIRE(call.complete);
    if (products) {
      meet_integer_product(call);
    } else if (integer) {
      meet_integer_convolution(call);
    } else {
      meet_convolution(call, transposed);
    }
    ++met[call.op];
  }
  int total = 0;
  for (const auto& [op, count] : met) {
    MESSAGE(op, ": ", count);
    total += count;
  }
  CHECK(total >= 10);
}

}  // namespace
}  // namespace ashlar::test
