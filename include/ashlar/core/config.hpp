// SPDX-License-Identifier: Apache-2.0
//
// core/config.hpp: the few names that every header needs: the index type, the inlining attribute, the version.
//
// One program may hold translation units compiled for different instruction sets. A weak symbol compiled for the larger
// set must never be the one that the linker keeps, so a function of this library is one of three things: always inlined
// (ASHLAR_INLINE), a template on an ISA tag, or a template on `detail::this_unit`, which gives it internal linkage.
//
// Depends on: nothing.   Used by: everything.
#pragma once

#include <cstdint>

#define ASHLAR_VERSION_MAJOR 0
#define ASHLAR_VERSION_MINOR 1
#define ASHLAR_VERSION_PATCH 0

#if defined(__CUDACC__)
#define ASHLAR_HD __host__ __device__
#else
#define ASHLAR_HD
#endif

#define ASHLAR_HOST_INLINE inline __attribute__((always_inline))
#define ASHLAR_INLINE ASHLAR_HD ASHLAR_HOST_INLINE

namespace ashlar {

/// Extents, strides, offsets and task numbers: signed, so that differences and reversed strides are ordinary values.
/// After a `using namespace ashlar` at file scope write ashlar::index: POSIX has a function of that name.
using index = std::int64_t;

/// "Known at run time only", for the static extents and strides of a view.
inline constexpr index dynamic = -1;

/// The compile-time value if there is one, otherwise the run-time one:  static_or<Rows>(rows).
template <index Static>
ASHLAR_INLINE constexpr index static_or(index run_time) {
  return Static == dynamic ? run_time : Static;
}

namespace detail {
namespace {
// A type of this translation unit alone: a function template instantiated on it is local to the unit.
struct this_unit;  // NOLINT(google-build-namespaces)
}  // namespace
}  // namespace detail

}  // namespace ashlar
