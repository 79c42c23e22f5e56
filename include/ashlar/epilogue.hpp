// SPDX-License-Identifier: Apache-2.0
//
// epilogue.hpp: output expressions (acc, dst, per_row, per_column, elements, cast, functions) and the semirings.
//
// Depends on: epilogue/.   Used by: every operation.
#pragma once

#include <ashlar/epilogue/cast.hpp>
#include <ashlar/epilogue/expression.hpp>
#include <ashlar/epilogue/functions.hpp>
#include <ashlar/epilogue/image_operand.hpp>
#include <ashlar/epilogue/math.hpp>
#include <ashlar/epilogue/operands.hpp>
#include <ashlar/epilogue/semiring.hpp>
