// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_shim_memory_test.cpp: layers of examples/cmsis_nn_shim give the same bits in any memory: in
// what the whole needs, in halves of it, down to what the reference needs; in less nothing is written.
#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include "../../examples/cmsis_nn_shim/convolution.hpp"
#include "../../examples/cmsis_nn_shim/product.hpp"
#include "support/cases.hpp"
#include "support/guarded_matrix.hpp"

namespace ashlar::test {
namespace {

using namespace shim;

// Numbers from low to high, the same in every run.
template <class T>
std::vector<T> numbers(std::size_t count, std::int64_t low, std::int64_t high) {
  std::vector<T> v(count);
  std::uint64_t state = 88172645463325252u;
  for (T& x : v) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    x = T(low + std::int64_t(state % std::uint64_t(high - low + 1)));
  }
  return v;
}

// compute(layer) in memories of `most` bytes, and of less and less: the same dst; below `least`, none.
template <class Layer, class Dst>
void same_in_any_memory(const Layer& x, std::size_t most, std::vector<Dst>& dst) {
  const auto computed = [&](std::size_t size) {
    std::fill(dst.begin(), dst.end(), Dst(77));
    const guarded_bytes memory(size, placement::at_end);
    return compute(x, std::span<std::byte>(reinterpret_cast<std::byte*>(memory.data()), size));
  };
  REQUIRE(computed(most) == ARM_CMSIS_NN_SUCCESS);
  const std::vector<Dst> expected = dst;
  for (std::size_t size = most - 1;; size = std::max(x.least_bytes(), size / 2)) {
    INFO("bytes ", size);
    REQUIRE(computed(size) == ARM_CMSIS_NN_SUCCESS);
    REQUIRE(dst == expected);
    if (size == x.least_bytes()) break;
  }
  REQUIRE(computed(x.least_bytes() - 1) == ARM_CMSIS_NN_ARG_ERROR);
  CHECK(std::all_of(dst.begin(), dst.end(), [](Dst v) { return v == 77; }));
}

struct shape {
  kind k;
  cmsis_nn_dims in, filter, out;
  cmsis_nn_tile stride, padding, dilation;
};

// Grouped, strided, dilated, of several outputs a channel; padding of more rows than the kernel has; transposed.
const shape shapes[] = {
    {kind::dense, {2, 7, 5, 3}, {19, 3, 2, 3}, {2, 7, 5, 19}, {1, 1}, {1, 1}, {1, 1}},
    {kind::dense, {1, 9, 6, 6}, {9, 2, 3, 2}, {1, 4, 3, 9}, {2, 2}, {0, 0}, {1, 1}},
    {kind::dense, {1, 3, 4, 2}, {5, 3, 1, 2}, {1, 11, 4, 5}, {1, 1}, {0, 5}, {1, 1}},
    {kind::depthwise, {1, 8, 7, 5}, {1, 3, 3, 10}, {1, 8, 7, 10}, {1, 1}, {2, 2}, {2, 2}},
    {kind::depthwise, {1, 6, 6, 40}, {1, 3, 3, 40}, {1, 3, 3, 40}, {2, 2}, {1, 1}, {1, 1}},
    {kind::transposed, {2, 3, 4, 5}, {7, 3, 3, 5}, {2, 7, 9, 7}, {2, 2}, {0, 0}, {1, 1}},
};

template <class T>
void convolutions_of() {
  using element = typename T::element;
  using sum = typename T::sum;
  for (const shape& s : shapes) {
    if (s.k == kind::transposed && !has_zero_points<T>) continue;
    const auto size = [](const cmsis_nn_dims& d) { return std::size_t(d.n) * d.h * d.w * d.c; };
    const auto outputs = std::size_t(s.out.c);
    const auto src = numbers<element>(size(s.in), -120, 120);
    const auto weights = numbers<std::int8_t>(size(s.filter), -128, 127);
    const auto bias = numbers<sum>(outputs, -1000, 1000);
    auto multiplier = numbers<std::int32_t>(outputs, 1 << 30, 0x7fffffff),
         shift = numbers<std::int32_t>(outputs, -9, -6);
    std::vector<element> dst(size(s.out));
    cmsis_nn_conv_params p{3, -5, s.stride, s.padding, s.dilation, {-100, 110}};
    for (const sum* added : {bias.data(), static_cast<const sum*>(nullptr)}) {
      const tensors<T> t{src.data(), weights.data(), added, dst.data(), {multiplier.data(), shift.data()}};
      const auto x = layer_of<T>(s.k, p, s.in, s.filter, s.out, t);
      REQUIRE(size_of(x) > 0);
      same_in_any_memory(x, std::size_t(size_of(x)), dst);
    }
  }
}

TEST_CASE("convolutions in any memory") {
  convolutions_of<s8>();
  convolutions_of<s4>();
  convolutions_of<s16>();
  convolutions_of<s16_in_32_bits>();
}

template <class T, class Weight>
void products_of() {
  using element = typename T::element;
  using sum = typename T::sum;
  const index m = 5, n = 37, depth = 21;
  const auto a = numbers<element>(std::size_t(m * depth), -128, 127);
  const auto b = numbers<Weight>(std::size_t(n * depth), -128, 127);
  const auto bias = numbers<sum>(std::size_t(n), -1000, 1000);
  const auto multiplier = numbers<std::int32_t>(std::size_t(n), 1 << 30, 0x7fffffff);
  const auto shift = numbers<std::int32_t>(std::size_t(n), -9, -6);
  std::vector<element> dst(std::size_t(m * n));
  for (bool per_channel : {true, false}) {
    product<T, Weight> x{};
    x.a = view(a.data(), m, depth), x.b = b.data(), x.c = view(dst.data(), m, n);
    x.bias = per_channel ? bias.data() : nullptr;
    x.multiplier = multiplier.data(), x.shift = shift.data(), x.per_channel = per_channel;
    if constexpr (has_zero_points<T>) x.a_zero = -7, x.b_zero = 4, x.output_offset = 9;
    x.range = {-120, 120};
    same_in_any_memory(x, x.bytes(), dst);
  }
}

TEST_CASE("products in any memory") {
  products_of<s8, std::int8_t>();
  products_of<s4, std::int8_t>();
  products_of<s16, std::int8_t>();
  products_of<s16, std::int16_t>();
}

}  // namespace
}  // namespace ashlar::test
