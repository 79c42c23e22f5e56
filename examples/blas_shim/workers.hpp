// SPDX-License-Identifier: Apache-2.0
//
// workers.hpp: the library's threads: ASHLAR_NUM_THREADS of them, started by the first product that is large enough.
//
// Depends on: product.hpp.   Used by: column_major.cpp.
#pragma once

#include "product.hpp"

namespace ashlar_blas {

/// The threads for an m x n x k product: the pool, or the calling thread alone when the product is small, when
/// ASHLAR_NUM_THREADS is 1, absent or not a number, or when the system has no threads left.
workers workers_for(index m, index n, index k);

/// ASHLAR_NUM_THREADS, at least 1; read once.
int threads_wanted();

}  // namespace ashlar_blas
