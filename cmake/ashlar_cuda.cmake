# SPDX-License-Identifier: Apache-2.0
# nvcc, where there is one: ASHLAR_CUDA says so, and ashlar_add_cuda(target sources...) compiles for ASHLAR_CUDA_CODES.
#
#   ASHLAR_CUDA_CODES    machine code to generate, as nvcc names it (default: 90a; the kernels for sm_80 run there, too)
#
# -arch=sm_90a would add a pass for PTX, which refuses the instructions of 90a: each code is named by -gencode.
include_guard(GLOBAL)
include(CheckLanguage)

set(ASHLAR_CUDA_CODES "90a" CACHE STRING "Compute capabilities to compile CUDA code for, such as 80;90a")
if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
set(CMAKE_CUDA_ARCHITECTURES OFF)
set(ASHLAR_CUDA OFF)
if(NOT CMAKE_CROSSCOMPILING)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit)
    if(CUDAToolkit_FOUND AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13.0)
      set(ASHLAR_CUDA ON)
    endif()
  endif()
endif()
if(NOT ASHLAR_CUDA)
  message(STATUS "ashlar: no CUDA compiler of version 13.0 or newer: CUDA code is left out")
endif()

function(ashlar_add_cuda target)
  add_executable(${target} ${ARGN})
  # CMake 3.25 does not know that nvcc 13 has C++20. Without extensions it would add the newest standard that it knows.
  set_target_properties(${target} PROPERTIES CUDA_EXTENSIONS ON)
  target_compile_options(${target} PRIVATE -std=c++20 "SHELL:-Xcompiler -Wall,-Wextra")
  foreach(code IN LISTS ASHLAR_CUDA_CODES)
    target_compile_options(${target} PRIVATE "SHELL:-gencode arch=compute_${code},code=sm_${code}")
  endforeach()
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include"
                                               "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../cuda")
  target_link_libraries(${target} PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
endfunction()
