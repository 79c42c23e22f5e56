# SPDX-License-Identifier: Apache-2.0
# Where third-party code comes from: what is installed first (find_package), otherwise a release archive pinned by version and
# SHA-256 and fetched at configure time. ASHLAR_FETCH=OFF forbids fetching, ASHLAR_FETCH=ALWAYS ignores what is installed.
#
#   ashlar_require(XsimdHeaders)      ->  Xsimd::headers          ashlar_require(Doctest)    ->  Doctest::headers
#   ashlar_require(HighwayHeaders)    ->  Highway::headers        ashlar_require(Benchmark)  ->  benchmark::benchmark
include_guard(GLOBAL)
include(FetchContent)
set(ASHLAR_FETCH "ON" CACHE STRING "Fetch dependencies that are not installed: ON, OFF or ALWAYS")
set_property(CACHE ASHLAR_FETCH PROPERTY STRINGS ON OFF ALWAYS)

# The hashes are those of GitHub's release archives as the Conan (xsimd), Homebrew (Highway), Spack (doctest) and Bazel
# (benchmark) recipes record them.
FetchContent_Declare(
  ashlar_xsimd
  URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.0.0.tar.gz
  URL_HASH SHA256=8bdbbad0c3e7afa38d88d0d484d70a1671a1d8aefff03f4223ab2eb6a41110a3
  DOWNLOAD_EXTRACT_TIMESTAMP TRUE SOURCE_SUBDIR headers-only)
FetchContent_Declare(
  ashlar_highway
  URL https://github.com/google/highway/archive/refs/tags/1.2.0.tar.gz
  URL_HASH SHA256=7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343
  DOWNLOAD_EXTRACT_TIMESTAMP TRUE SOURCE_SUBDIR headers-only)
FetchContent_Declare(
  ashlar_doctest
  URL https://github.com/doctest/doctest/archive/refs/tags/v2.4.11.tar.gz
  URL_HASH SHA256=632ed2c05a7f53fa961381497bf8069093f0d6628c5f26286161fbd32a560186
  DOWNLOAD_EXTRACT_TIMESTAMP TRUE SOURCE_SUBDIR headers-only)
FetchContent_Declare(
  ashlar_benchmark
  URL https://github.com/google/benchmark/archive/refs/tags/v1.8.3.tar.gz
  URL_HASH SHA256=6bc180a57d23d4d9515519f92b0c83d61b05b5bab188961f36ac7b06b0d9e9ce
  DOWNLOAD_EXTRACT_TIMESTAMP TRUE)

# An imported header-only target over the fetched archive; SOURCE_SUBDIR above keeps the project's own build out of ours.
function(ashlar_fetch_headers content target subfolder)
  FetchContent_MakeAvailable(${content})
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${${content}_SOURCE_DIR}${subfolder}")
endfunction()

function(ashlar_fetch package)
  message(STATUS "ashlar: ${package} is not installed, fetching the pinned release")
  if(package STREQUAL "XsimdHeaders")
    ashlar_fetch_headers(ashlar_xsimd Xsimd::headers /include)
  elseif(package STREQUAL "HighwayHeaders")
    ashlar_fetch_headers(ashlar_highway Highway::headers "")
  elseif(package STREQUAL "Doctest")
    ashlar_fetch_headers(ashlar_doctest Doctest::headers "")
  elseif(package STREQUAL "Benchmark")
    set(BENCHMARK_ENABLE_TESTING OFF CACHE INTERNAL "")
    set(BENCHMARK_ENABLE_INSTALL OFF CACHE INTERNAL "")
    FetchContent_MakeAvailable(ashlar_benchmark)
  endif()
endfunction()

function(ashlar_require package)
  if(NOT ASHLAR_FETCH STREQUAL "ALWAYS")
    if(package STREQUAL "Benchmark")
      find_package(benchmark QUIET)
      set(found "${benchmark_FOUND}")
    else()
      find_package(${package} QUIET)
      set(found "${${package}_FOUND}")
    endif()
    if(found)
      return()
    endif()
  endif()
  if(NOT ASHLAR_FETCH)
    message(FATAL_ERROR "ashlar: ${package} was not found and ASHLAR_FETCH is OFF.\n"
                        "Debian and Ubuntu: apt-get install libxsimd-dev libhwy-dev doctest-dev libbenchmark-dev")
  endif()
  ashlar_fetch(${package})
endfunction()
