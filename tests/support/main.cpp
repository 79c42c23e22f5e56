// SPDX-License-Identifier: Apache-2.0
//
// tests/support/main.cpp: doctest's implementation and main(), compiled once at baseline flags and linked to every
// test.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
