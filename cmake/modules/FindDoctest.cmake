# SPDX-License-Identifier: Apache-2.0
# Doctest::headers: doctest (https://github.com/doctest/doctest).
include(${CMAKE_CURRENT_LIST_DIR}/ashlar_find_headers.cmake)
ashlar_find_headers(
  Doctest Doctest::headers HEADER doctest/doctest.h TARGETS doctest::doctest CONFIG doctest PKG_CONFIG doctest
  VERSION_FILE doctest/doctest.h VERSION_MACROS DOCTEST_VERSION_MAJOR DOCTEST_VERSION_MINOR DOCTEST_VERSION_PATCH)
