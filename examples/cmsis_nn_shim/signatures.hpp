// SPDX-License-Identifier: Apache-2.0
//
// signatures.hpp: short names for the parameters of CMSIS-NN's functions, and what a call comes to.
//
// Used by: cmsis_nn_s8.cpp, cmsis_nn_s16.cpp, cmsis_nn_products.cpp.
#pragma once

#include "ashlar_cmsis_nn.h"

namespace shim {

using status_t = arm_cmsis_nn_status;
using context = const cmsis_nn_context*;
using dims = const cmsis_nn_dims*;
using conv = const cmsis_nn_conv_params*;
using dw_conv = const cmsis_nn_dw_conv_params*;
using transposed_conv = const cmsis_nn_transpose_conv_params*;
using connected = const cmsis_nn_fc_params*;
using channels = const cmsis_nn_per_channel_quant_params*;
using tensor = const cmsis_nn_per_tensor_quant_params*;
using bytes = const std::int8_t*;
using words = const std::int16_t*;
using bias32 = const std::int32_t*;
using bias64 = const std::int64_t*;

}  // namespace shim
