// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/native_bf16_test.cpp: convolutions of bf16 by the ISA's own products: of small integers, whose sums are
// exact in any order, the bits of the reference; every algorithm, layout and padding.
#include <doctest/doctest.h>

#include "conv/mixed_case.hpp"

namespace ashlar::test {
namespace {

template <class D>
void check_one(random& r, const conv3d& p, bool gradient) {
  mixed_case<bf16, bf16, D> c(r, p, r.pick({placement::at_end, placement::at_start}), gradient);
  const auto fill = [&](auto& x) { x = bf16(float(r.between(-8, 8))); };
  conv_case<bf16>::each(c.src, fill);
  for (index i = 0; i < c.g.filters * c.g.taps() * c.g.group_channels(); ++i) fill(c.weight_memory.data()[i]);
  const float padding = gradient || r.chance(50) ? 0.0f : 3.0f;
  using product = typename mixed_case<bf16, bf16, D>::product;
  const auto plan = gradient ? plan_conv3d_backward_data<product, isa_t>(p, native_rounding)
                             : plan_conv3d<product, isa_t>(p, native_rounding);
  REQUIRE(plan.ok());
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  REQUIRE(plan.value().pack(filter_view<const bf16>(c.weights), storage.span()).ok());
  const auto w = open_filter<bf16>(storage.span()).value();
  std::vector<D> expected = c.dst_memory.snapshot();
  reference::mixed_convolution(c.g, transform(image_view<const bf16>(c.src), acc), filter_view<const bf16>(c.weights),
                               image_view<D>(expected.data(), c.out, c.dst_layout.strides), relu(acc), padding,
                               gradient);
  const auto memory =
      aligned_buffer::make(plan.value().workspace_bytes(image_view<const bf16>(c.src), c.dst, relu(acc)));
  const status s = plan.value().run(image_view<const bf16>(c.src), w, c.dst, relu(acc), padding_value(padding),
                                    scratch(memory.span()));
  INFO(describe(c.g) << ": " << s.message());
  REQUIRE(s.ok());
  REQUIRE(c.dst_memory.same_as(expected));
}

TEST_CASE_TEMPLATE("small integers: the bits of the reference", D, float, bf16) {
  for_each_case(scaled(200, 20), [](random& r) {
    conv3d p = some_problem(r, 60000);
    if (r.chance(25)) p.groups = 9, p.src[4] = 9, p.weights[0] = 9, p.weights[4] = 1;
    check_one<D>(r, p, r.chance(25));
  });
}

TEST_CASE("weights packed without the option are refused with it") {
  if constexpr (multiplies_bf16<isa_t>) {
    const conv2d p{.src = {1, 4, 4, 8}, .weights = {8, 3, 3, 8}};
    std::vector<bf16> x(128, bf16(1.0f)), w(576, bf16(1.0f)), y(32, bf16(7.0f));
    const auto plain = plan_conv2d<bf16, isa_t>(p).value();
    const auto native = plan_conv2d<bf16, isa_t>(p, native_rounding).value();
    const auto storage = aligned_buffer::make(plain.packed_bytes());
    const auto packed = plain.pack(ohwi(w.data(), 8, 3, 3, 8), storage.span()).value();
    CHECK(native.run(nhwc(x.data(), 1, 4, 4, 8), packed, nhwc(y.data(), 1, 2, 2, 8)).code() == errc::wrong_blob);
    for (bf16 v : y) CHECK(float(v) == 7);
  }
}

}  // namespace
}  // namespace ashlar::test
