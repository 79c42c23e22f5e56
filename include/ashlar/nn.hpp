// SPDX-License-Identifier: Apache-2.0
//
// nn.hpp: the operations of networks that are no contraction: pooling; include this one.
#pragma once

#include <ashlar/core.hpp>
#include <ashlar/nn/pool.hpp>
