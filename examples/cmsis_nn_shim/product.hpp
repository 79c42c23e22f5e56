// SPDX-License-Identifier: Apache-2.0
//
// product.hpp: a product of CMSIS-NN, A by the transposed of B, requantized: fully connected layers, products of
// batches, convolutions by 1 x 1 kernels. It needs no context: a block of it fits on the stack.
//
//   memory    [ B, unpacked of s4 | bias, where the caller has none | scratch ]
//
// Used by: cmsis_nn_products.cpp.
#pragma once

#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>

#include "element_types.hpp"
#include "memory.hpp"

namespace shim {

// C(i, j) = requantized( bias(j) + sum over k of (A(i, k) - za) * (B(j, k) - zb) ). B's rows follow each other.
template <class T, class Weight = std::int8_t>
struct product {
  using element = typename T::element;
  using sum = typename T::sum;

  ashlar::matrix_view<const element> a;
  const Weight* b;
  index first;  // row of it
  ashlar::matrix_view<element> c;
  const sum* bias;
  const std::int32_t *multiplier, *shift;
  bool per_channel;  // else there is one of each
  std::int32_t a_zero, b_zero, output_offset;
  cmsis_nn_activation range;

  index depth() const { return a.cols(); }
  std::size_t unpacked_bytes() const { return T::nibbles ? std::size_t(c.cols() * depth()) : 0; }

  std::size_t least_bytes() const { return line + lines(T::nibbles ? std::size_t(depth()) : 0) + lines(sizeof(sum)); }

  // f(A, B, C, epilogue, options...), B of this data.
  template <class F>
  auto with_operands(const Weight* data, const sum* added, const F& f) const {
    using namespace ashlar;
    const auto B = view(data, c.cols(), depth()).transposed();
    const auto with = [&](const auto& e) {
      if constexpr (has_zero_points<T>) {
        return f(a, B, c, e, a_zero_point(a_zero), b_zero_point(b_zero));
      } else {
        return f(a, B, c, e, with_sums<std::int64_t>{});
      }
    };
    if (per_channel) return with(epilogue(added, multiplier, shift, output_offset, range));
    return with(
        requantize(acc + per_column(added), tflite{*multiplier, int(*shift)}, output_offset, range.min, range.max));
  }
  std::size_t bytes() const {
    const auto scratch_bytes = with_operands(nullptr, nullptr, [](const auto&... x) {  //
      return std::size_t(ashlar::gemm_workspace_bytes(x...));
    });
    return line + lines(unpacked_bytes()) + lines(std::size_t(c.cols()) * sizeof(sum)) + lines(scratch_bytes);
  }
  const Weight* rows_of_b(parts& memory) const {
    if constexpr (!T::nibbles) {
      return b + first * depth();
    } else {
      auto* const bytes = memory.take_array<std::int8_t>(unpacked_bytes());
      for (index i = 0; i < c.cols() * depth(); ++i) bytes[i] = weight<T>(b, first * depth() + i);
      return bytes;
    }
  }

  arm_cmsis_nn_status run(std::span<std::byte> all) const {
    parts memory(all);
    const Weight* const data = rows_of_b(memory);
    const sum* const added = bias_or_zeros(bias, std::size_t(c.cols()), memory);
    const auto room =
        memory.take(bytes() - line - lines(unpacked_bytes()) - lines(std::size_t(c.cols()) * sizeof(sum)));
    const ashlar::status ran =
        with_operands(data, added, [&](const auto&... x) { return ashlar::gemm(x..., ashlar::scratch(room)); });
    return ran.ok() ? ARM_CMSIS_NN_SUCCESS : ARM_CMSIS_NN_ARG_ERROR;
  }
  // Of one element: in least_bytes().
  arm_cmsis_nn_status by_reference(std::span<std::byte> all) const {
    parts memory(all);
    const Weight* const data = rows_of_b(memory);
    const sum* const added = bias_or_zeros(bias, 1, memory);
    with_operands(data, added,
                  [&]<class... O>(const auto& A, const auto& B, const auto& C, const auto& e, const O&...) {
                    if constexpr (has_zero_points<T>) {
                      ashlar::reference::gemm(A, B, C, e, a_zero, b_zero);
                    } else {
                      ashlar::reference::gemm(A, B, C, e, O{}...);
                    }
                  });
    return ARM_CMSIS_NN_SUCCESS;
  }

  product part(index row, index rows, index column, index columns) const {
    product x = *this;
    x.a = a.block(row, 0, rows, depth()), x.c = c.block(row, column, rows, columns);
    x.first += column;
    if (bias) x.bias += column;
    if (per_channel) x.multiplier += column, x.shift += column;
    return x;
  }
};

// The product in blocks that fit this memory: halves of its rows or columns, whichever are more.
template <class T, class Weight>
arm_cmsis_nn_status compute(const product<T, Weight>& x, std::span<std::byte> memory) {
  const index m = x.c.rows(), n = x.c.cols();
  if (m < 0 || n < 0 || x.depth() < 0 || x.least_bytes() > memory.size()) return ARM_CMSIS_NN_ARG_ERROR;
  if (m == 0 || n == 0) return ARM_CMSIS_NN_SUCCESS;
  if (x.bytes() <= memory.size()) return x.run(memory);
  if (m == 1 && n == 1) return x.by_reference(memory);
  const auto both = [&](const product<T, Weight>& a, const product<T, Weight>& b) {
    const arm_cmsis_nn_status s = compute(a, memory);
    return s == ARM_CMSIS_NN_SUCCESS ? compute(b, memory) : s;
  };
  if (m >= n) return both(x.part(0, m / 2, 0, n), x.part(m / 2, m - m / 2, 0, n));
  return both(x.part(0, m, 0, n / 2), x.part(0, m, n / 2, n - n / 2));
}

}  // namespace shim
