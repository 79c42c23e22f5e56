// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/batched_product.hpp: a product of batches of CMSIS-NN's vectors: two tensors of T, requantized by one
// policy.
#pragma once

#include <doctest/doctest.h>

#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <optional>
#include <string>
#include <vector>

#include "quant/convolution_layer.hpp"
#include "support/isa.hpp"
#include "support/vec_file.hpp"

namespace ashlar::test {

template <class T>
struct batched_product {
  // Matrices of rows x columns, some stored transposed, in `batch` groups of `height`; one serves all where there is no
  // other.
  struct operand {
    index batch, height, rows, columns;
    bool transposed;
    int zero_point;
    std::vector<T> numbers;

    operand(const vec_file& f, const std::string& side, const char* array, bool is_transposed)
        : batch(f.number(side + "_BATCH")),
          height(f.number(side + "_HEIGHT")),
          rows(f.number(side + "_ROWS")),
          columns(f.number(side + "_COLS")),
          transposed(is_transposed),
          zero_point(-int(f.number(side + "_OFFSET"))),
          numbers(as<T>(narrowed(f.array({array}, std::size_t(batch * height * rows * columns))))) {}

    matrix_view<const T> at(index b, index h) const {
      const index place = b % batch * height + h % height;
      const matrix_view<const T> v(numbers.data() + place * rows * columns, rows, columns, columns, 1);
      return transposed ? v.transposed() : v;
    }
  };

  /// Nothing where an array is missing.
  static std::optional<batched_product> of(const vec_file& f) {
    batched_product p{operand(f, "LHS", "lhs_input_tensor", f.number("ADJ_X") != 0),
                      operand(f, "RHS", "rhs_input_tensor", f.number("ADJ_Y") != 0),
                      f.number("OUTPUT_BATCH"),
                      f.number("OUTPUT_HEIGHT"),
                      f.number("OUTPUT_ROWS"),
                      f.number("OUTPUT_COLS"),
                      {std::int32_t(f.number("OUTPUT_MULTIPLIER")), int(f.number("OUTPUT_SHIFT"))},
                      {std::int32_t(f.number("OUTPUT_OFFSET")), std::int32_t(f.number("ACTIVATION_MIN")),
                       std::int32_t(f.number("ACTIVATION_MAX"))},
                      {}};
    p.expected = narrowed(f.array({"output"}, std::size_t(p.batch * p.height * p.m * p.n)));
    if (p.a.numbers.empty() || p.b.numbers.empty() || p.expected.empty()) return {};
    return p;
  }

  /// By gemm with these options, one product after the other.
  template <class... Options>
  void check(const Options&... options) const {
    const auto e = requantize(acc, policy, range.zero_point, range.low, range.high);
    std::vector<T> got(expected.size(), 77);
    for (index i = 0; i < batch * height; ++i) {
      const status ran = gemm<isa_under_test>(a.at(i / height, i % height), b.at(i / height, i % height),
                                              view(got.data() + i * m * n, m, n), e, options...);
      REQUIRE_MESSAGE(ran.ok(), ran.message());
    }
    REQUIRE(integers(got.begin(), got.end()) == expected);
  }

  operand a, b;
  index batch, height, m, n;
  tflite policy;
  output_range range;
  integers expected;
};

}  // namespace ashlar::test
