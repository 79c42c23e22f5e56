# SPDX-License-Identifier: Apache-2.0
# Highway::headers: Highway (https://github.com/google/highway), 1.0.3 or newer, used in static mode (no library to link).
include(${CMAKE_CURRENT_LIST_DIR}/ashlar_find_headers.cmake)
ashlar_find_headers(
  HighwayHeaders Highway::headers HEADER hwy/highway.h TARGETS hwy::hwy hwy CONFIG hwy PKG_CONFIG libhwy
  VERSION_FILE hwy/highway.h VERSION_MACROS HWY_MAJOR HWY_MINOR HWY_PATCH)
