// SPDX-License-Identifier: Apache-2.0
//
// quant.hpp: everything about quantized numbers.
#pragma once

#include <ashlar/quant/affine.hpp>
#include <ashlar/quant/dynamic.hpp>
#include <ashlar/quant/nibbles.hpp>
#include <ashlar/quant/requantize.hpp>
#include <ashlar/quant/rescale.hpp>
#include <ashlar/quant/source.hpp>
