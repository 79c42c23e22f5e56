// SPDX-License-Identifier: Apache-2.0
//
// The entry points that fat_kernels.cpp gives each ISA: product_scalar, product_avx2, ...
#pragma once

using product = bool(int m, int n, int k, const float* a, const float* b, float* c);
