// SPDX-License-Identifier: Apache-2.0
//
// tests/support/prelude.hpp: what the tests of an ISA read first, precompiled (cmake/ashlar_test.cmake). Others'
// headers, and the SIMD libraries through ashlar/isa.hpp: seconds of every test. Every test includes what it uses all
// the same.
#pragma once

#include <doctest/doctest.h>

#include <ashlar/isa.hpp>
#include <ashlar/isa/highway.hpp>
#include <functional>
#include <random>
#include <string>
#include <vector>
