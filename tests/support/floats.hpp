// SPDX-License-Identifier: Apache-2.0
//
// tests/support/floats.hpp: the floating-point types of TEST_CASE_TEMPLATE. Sanitizers read one of them: templates go
// the same ways with the other, and instrumented ones compile for minutes.
#pragma once

#if defined(ASHLAR_TEST_SANITIZER)
#define ASHLAR_TEST_FLOATS float
#else
#define ASHLAR_TEST_FLOATS float, double
#endif
