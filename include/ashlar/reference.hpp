// SPDX-License-Identifier: Apache-2.0
//
// reference.hpp: every operation as its definition, one element at a time, usable in constant evaluation.
//
// Depends on: reference/.   Used by: tests, and readers who want to know what an operation computes.
#pragma once

#include <ashlar/reference/conv.hpp>
#include <ashlar/reference/gemm.hpp>
#include <ashlar/reference/pool.hpp>
