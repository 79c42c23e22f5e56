// SPDX-License-Identifier: Apache-2.0
//
// cuda/strides.cuh: what the type of a matrix says about its strides, so that only kernels that can run are compiled.
//
// Depends on: core/view.hpp.   Used by: mma_gemm.cuh, sm90_launch.cuh.
#pragma once

#include <ashlar/core/view.hpp>

namespace ashlar::cuda::detail {

/// May the stride be 1? By its type, or by its value, where the types of both strides leave it open.
template <index Static, index Other>
inline constexpr bool may_be_one = Static == 1 || (Static == dynamic && Other != 1);

template <any_matrix V>
inline constexpr bool may_have_lines_of_rows = may_be_one<V::static_col_stride, V::static_row_stride>;
template <any_matrix V>
inline constexpr bool may_have_lines_of_columns = may_be_one<V::static_row_stride, V::static_col_stride>;

}  // namespace ashlar::cuda::detail
