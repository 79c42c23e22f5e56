// SPDX-License-Identifier: Apache-2.0
//
// ashlar/dispatch.hpp: run-time choice among kernels compiled for several ISAs. Baseline code; brings in no SIMD
// header.
#pragma once

#include <ashlar/dispatch/detect.hpp>
#include <ashlar/dispatch/entry.hpp>
#include <ashlar/dispatch/target.hpp>
