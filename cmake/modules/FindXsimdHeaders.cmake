# SPDX-License-Identifier: Apache-2.0
# Xsimd::headers: xsimd (https://github.com/xtensor-stack/xsimd), 8.1 or newer.
include(${CMAKE_CURRENT_LIST_DIR}/ashlar_find_headers.cmake)
ashlar_find_headers(
  XsimdHeaders Xsimd::headers HEADER xsimd/xsimd.hpp TARGETS xsimd CONFIG xsimd PKG_CONFIG xsimd
  VERSION_FILE xsimd/config/xsimd_config.hpp VERSION_MACROS XSIMD_VERSION_MAJOR XSIMD_VERSION_MINOR XSIMD_VERSION_PATCH)
