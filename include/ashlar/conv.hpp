// SPDX-License-Identifier: Apache-2.0
//
// conv.hpp: convolutions with fused epilogues; include this one.
#pragma once

#include <ashlar/conv/make_plan.hpp>
#include <ashlar/conv/weights_plan.hpp>
#include <ashlar/core.hpp>
#include <ashlar/epilogue.hpp>
