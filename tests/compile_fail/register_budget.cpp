// SPDX-License-Identifier: Apache-2.0
// expect: this tile shape needs more vector registers than the ISA has
// isa: avx2
#include <ashlar/gemm.hpp>

template <ashlar::tile_shape S>
using table = ashlar::tile_table<ashlar::ops<float, ashlar::isa::avx2>, S, ashlar::plus_times,
                                 std::remove_cv_t<decltype(ashlar::acc)>>;

int main() {
#ifdef MISTAKE
  return table<ashlar::tile_shape{8, 3, 1}>::nr() > 0;
#endif
}
