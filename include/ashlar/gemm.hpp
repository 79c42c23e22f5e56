// SPDX-License-Identifier: Apache-2.0
//
// gemm.hpp: matrix products with fused epilogues; include this one.
#pragma once

#include <ashlar/core.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/gemm/batched.hpp>
#include <ashlar/gemm/gemm.hpp>
#include <ashlar/gemm/packed_rows.hpp>
