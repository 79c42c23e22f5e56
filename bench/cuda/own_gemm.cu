// SPDX-License-Identifier: Apache-2.0
// bench/cuda/own_gemm.cu: Ashlar's own kernels as contenders.
#include "contender.hpp"

std::vector<bench::contender> bench::own_contenders() { return {}; }
