# SPDX-License-Identifier: Apache-2.0
# cmake [-DCMAKE_SYSTEM_PROCESSOR=aarch64] -P cmake/print_isas.cmake: one line "isa|tag|flags" for each ISA of that processor, for the
# scripts that compile for an ISA without a configured build.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/ashlar_isa.cmake)
foreach(isa IN LISTS ASHLAR_ISAS)
  string(REPLACE ";" " " flags "${ASHLAR_ISA_${isa}_FLAGS}")
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${isa}|${ASHLAR_ISA_${isa}_TAG}|${flags}")
endforeach()
