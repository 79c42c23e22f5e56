// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/half_test.cpp: convolutions of f16 and bf16, as they are or as floats: padded with such a number and with
// another one, through a prologue, transposed. The bits of the reference, with the memory that the plan asks for.
#include <doctest/doctest.h>

#include "conv/mixed_case.hpp"
#include "gemm/executors.hpp"

namespace ashlar::test {
namespace {

template <class N, class D, class Source, class E>
std::string differs(mixed_case<N, N, D>& c, const Source& source, const E& prologue, double padding) {
  using product = typename mixed_case<N, N, D>::product;
  const auto plan =
      c.gradient ? plan_conv3d_backward_data<product, isa_t>(c.problem) : plan_conv3d<product, isa_t>(c.problem);
  if (!plan.ok()) return plan.error().message();
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(filter_view<const N>(c.weights), storage.span()).value();
  std::vector<D> expected = c.dst_memory.snapshot();
  reference::mixed_convolution(c.g, transform(image_view<const N>(c.src), prologue), filter_view<const N>(c.weights),
                               image_view<D>(expected.data(), c.out, c.dst_layout.strides), relu(acc), float(padding),
                               c.gradient);
  const one_thread three{3};
  const auto memory = aligned_buffer::make(plan.value().workspace_bytes(source, c.dst, relu(acc), on(three)));
  const status s =
      plan.value().run(source, packed, c.dst, relu(acc), padding_value(padding), scratch(memory.span()), on(three));
  if (!s.ok()) return describe(c.g) + ": " + s.message();
  return c.dst_memory.same_as(expected) ? "" : describe(c.g) + ": other bits";
}

template <class N, class D, class F>
void half_cases(index count, const F& f) {
  for_each_case(scaled(count, count / 8), [&](random& r) {
    conv3d p = some_problem(r, 50000);
    if (r.chance(20)) p.groups = 5, p.src[4] = 5, p.weights[0] = 5, p.weights[4] = 1;
    mixed_case<N, N, D> c(r, p, r.pick({placement::at_end, placement::at_start}), r.chance(25));
    f(r, c);
  });
}

template <class N, class D>
void check_padding(index count) {
  half_cases<N, D>(count, [](random& r, auto& c) {
    const double padding = c.gradient ? 0 : r.pick({0.0, -0.0, 0.5, 0x1p-24, 0.1, 1e6, 0x1p-25});
    REQUIRE(differs(c, image_view<const N>(c.src), acc, padding) == "");
  });
}

TEST_CASE("outside of src is 0, such a number or another one") {
  check_padding<f16, float>(200), check_padding<f16, f16>(100), check_padding<bf16, float>(150);
}

TEST_CASE("src through a prologue is a float") {
  half_cases<f16, float>(60, [](random&, auto& c) {
    const auto change = relu(acc * 0.1f);
    if (!c.gradient) REQUIRE(differs(c, transform(image_view<const f16>(c.src), change), change, 0.5) == "");
  });
}

}  // namespace
}  // namespace ashlar::test
