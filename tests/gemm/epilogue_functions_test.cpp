// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/epilogue_functions_test.cpp: every function of the expression language, applied by gemm to whole and
// ragged vectors, has the reference's bits. One kernel each: what a function computes is tests/epilogue's concern.
#include <doctest/doctest.h>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

template <class T, class E>
void equals_reference(const E& e) {
  for_each_case(scaled(60, 12), [&](random& r) {
    const gemm_shape s{
        r.between(1, 4), r.between(1, 5 * ops_under_test<T>::lanes()), r.between(1, 30),
        layout::rows,    r.pick({layout::rows, layout::columns}),      r.pick({layout::rows, layout::scattered})};
    problem<T> p(r, s, placement::at_end);
    REQUIRE(p.template differs<isa_under_test>(e, with_tile<tile_shape{1, 1, 1}>{}) == "");
  });
}

TEST_CASE("float") {
  equals_reference<float>(relu(acc) - leaky_relu(acc, 0.1));
  equals_reference<float>(gelu(acc) + silu(acc) * erf(acc));
  equals_reference<float>(gelu_tanh(acc) * hardswish(acc) + tanh(acc));
  equals_reference<float>(elu(acc) - sigmoid(acc) / hardsigmoid(acc + 10));
  equals_reference<float>(min(clamp(exp(acc), -1, 0.5), abs(-acc)));
}

TEST_CASE("double") {
  equals_reference<double>(min(clamp(acc, -1, 0.5), abs(-acc)) / leaky_relu(acc));
  equals_reference<double>(gelu(acc) + silu(acc));
  equals_reference<double>(gelu_tanh(acc) * elu(acc));
}

}  // namespace
}  // namespace ashlar::test
