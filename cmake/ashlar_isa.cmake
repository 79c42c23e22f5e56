# SPDX-License-Identifier: Apache-2.0
# The flags of every ISA, in this one file, and the functions that apply them.
#
#   ashlar_target_isa(target isa)                             compile `target` for `isa`             (static mode)
#   ashlar_add_fat_kernels(target SOURCE file ISAS isas...)   compile `file` once per ISA into `target`  (fat mode)
#   ashlar_isa_runs_here(result isa)                          can this machine execute `isa`
#
# Adding an ISA: a block of three lines below, and its name in ASHLAR_ISAS, or in ASHLAR_DOT_ISAS or ASHLAR_HALF_ISAS where it differs from
# its parent in dot products of small integers or in products of bf16 and f16 alone.
include_guard(GLOBAL)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(ASHLAR_ISAS scalar neon sve)
  set(ASHLAR_DOT_ISAS neon_dot neon_i8mm sve_i8mm)
  set(ASHLAR_HALF_ISAS neon_bf16 neon_fhm sve_bf16)
else()
  set(ASHLAR_ISAS scalar avx2 avx512)
  set(ASHLAR_DOT_ISAS avx_vnni avx512_vnni)
  set(ASHLAR_HALF_ISAS avx512_bf16)
endif()

# scalar: the baseline of the platform.
set(ASHLAR_ISA_scalar_TAG "ashlar::isa::scalar")
set(ASHLAR_ISA_scalar_FLAGS "")
set(ASHLAR_ISA_scalar_CPUINFO "")

# avx2: what Highway's static AVX2 target asks for. Without -maes -mpclmul it would silently be SSSE3.
set(ASHLAR_ISA_avx2_TAG "ashlar::isa::avx2")
set(ASHLAR_ISA_avx2_FLAGS -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -mpopcnt -maes -mpclmul)
set(ASHLAR_ISA_avx2_CPUINFO avx2 fma f16c bmi1 bmi2 abm popcnt aes pclmulqdq)

set(ASHLAR_ISA_avx512_TAG "ashlar::isa::avx512")
set(ASHLAR_ISA_avx512_FLAGS ${ASHLAR_ISA_avx2_FLAGS} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl)
set(ASHLAR_ISA_avx512_CPUINFO ${ASHLAR_ISA_avx2_CPUINFO} avx512f avx512bw avx512cd avx512dq avx512vl)

set(ASHLAR_ISA_neon_TAG "ashlar::isa::neon")
set(ASHLAR_ISA_neon_FLAGS -march=armv8.2-a)
set(ASHLAR_ISA_neon_CPUINFO asimd)

set(ASHLAR_ISA_sve_TAG "ashlar::isa::sve")
set(ASHLAR_ISA_sve_FLAGS -march=armv8.2-a+sve)
set(ASHLAR_ISA_sve_CPUINFO sve)

# Dot products of bytes.
set(ASHLAR_ISA_avx_vnni_TAG "ashlar::isa::avx_vnni")
set(ASHLAR_ISA_avx_vnni_FLAGS ${ASHLAR_ISA_avx2_FLAGS} -mavxvnni)
set(ASHLAR_ISA_avx_vnni_CPUINFO ${ASHLAR_ISA_avx2_CPUINFO} avx_vnni)

set(ASHLAR_ISA_avx512_vnni_TAG "ashlar::isa::avx512_vnni")
set(ASHLAR_ISA_avx512_vnni_FLAGS ${ASHLAR_ISA_avx512_FLAGS} -mavx512vnni)
set(ASHLAR_ISA_avx512_vnni_CPUINFO ${ASHLAR_ISA_avx512_CPUINFO} avx512_vnni)

set(ASHLAR_ISA_neon_dot_TAG "ashlar::isa::neon_dot")
set(ASHLAR_ISA_neon_dot_FLAGS -march=armv8.2-a+dotprod)
set(ASHLAR_ISA_neon_dot_CPUINFO asimd asimddp)

set(ASHLAR_ISA_neon_i8mm_TAG "ashlar::isa::neon_i8mm")
set(ASHLAR_ISA_neon_i8mm_FLAGS -march=armv8.2-a+dotprod+i8mm)
set(ASHLAR_ISA_neon_i8mm_CPUINFO asimd asimddp i8mm)

set(ASHLAR_ISA_sve_i8mm_TAG "ashlar::isa::sve_i8mm")
set(ASHLAR_ISA_sve_i8mm_FLAGS -march=armv8.2-a+sve+i8mm)
set(ASHLAR_ISA_sve_i8mm_CPUINFO sve svei8mm)

# And of bf16 and f16.
set(ASHLAR_ISA_avx512_bf16_TAG "ashlar::isa::avx512_bf16")
set(ASHLAR_ISA_avx512_bf16_FLAGS ${ASHLAR_ISA_avx512_vnni_FLAGS} -mavx512bf16)
set(ASHLAR_ISA_avx512_bf16_CPUINFO ${ASHLAR_ISA_avx512_vnni_CPUINFO} avx512_bf16)

set(ASHLAR_ISA_neon_bf16_TAG "ashlar::isa::neon_bf16")
set(ASHLAR_ISA_neon_bf16_FLAGS -march=armv8.2-a+dotprod+i8mm+bf16)
set(ASHLAR_ISA_neon_bf16_CPUINFO ${ASHLAR_ISA_neon_i8mm_CPUINFO} bf16)

set(ASHLAR_ISA_neon_fhm_TAG "ashlar::isa::neon_fhm")
set(ASHLAR_ISA_neon_fhm_FLAGS -march=armv8.2-a+dotprod+i8mm+bf16+fp16fml)
set(ASHLAR_ISA_neon_fhm_CPUINFO ${ASHLAR_ISA_neon_bf16_CPUINFO} asimdfhm)

set(ASHLAR_ISA_sve_bf16_TAG "ashlar::isa::sve_bf16")
set(ASHLAR_ISA_sve_bf16_FLAGS -march=armv8.2-a+sve+i8mm+bf16)
set(ASHLAR_ISA_sve_bf16_CPUINFO ${ASHLAR_ISA_sve_i8mm_CPUINFO} svebf16)

# The same ISAs through the Highway adapter: a cross-check that two SIMD libraries give the same bits.
foreach(base avx2 avx512 neon)
  set(ASHLAR_ISA_highway_${base}_TAG "ashlar::isa::through_highway<${ASHLAR_ISA_${base}_TAG}>")
  set(ASHLAR_ISA_highway_${base}_FLAGS ${ASHLAR_ISA_${base}_FLAGS})
  set(ASHLAR_ISA_highway_${base}_CPUINFO ${ASHLAR_ISA_${base}_CPUINFO})
  if(base IN_LIST ASHLAR_ISAS)
    list(APPEND ASHLAR_ISAS highway_${base})
  endif()
endforeach()

# The variables above live in this folder's scope; the functions are called from others.
foreach(isa scalar avx2 avx512 neon sve avx_vnni avx512_vnni neon_dot neon_i8mm sve_i8mm avx512_bf16 neon_bf16 neon_fhm sve_bf16 highway_avx2 highway_avx512 highway_neon)
  foreach(field TAG FLAGS CPUINFO)
    set_property(GLOBAL PROPERTY ASHLAR_ISA_${isa}_${field} "${ASHLAR_ISA_${isa}_${field}}")
  endforeach()
endforeach()
set_property(GLOBAL PROPERTY ASHLAR_ISAS "${ASHLAR_ISAS}")
set_property(GLOBAL PROPERTY ASHLAR_DOT_ISAS "${ASHLAR_DOT_ISAS}")
set_property(GLOBAL PROPERTY ASHLAR_HALF_ISAS "${ASHLAR_HALF_ISAS}")

# ashlar_isa_get(result isa TAG|FLAGS|CPUINFO); an unknown ISA is an error that lists the known ones.
function(ashlar_isa_get result isa field)
  get_property(known GLOBAL PROPERTY ASHLAR_ISA_${isa}_${field} SET)
  if(NOT known)
    get_property(isas GLOBAL PROPERTY ASHLAR_ISAS)
    message(FATAL_ERROR "ashlar: unknown ISA '${isa}'; this platform has: ${isas}")
  endif()
  get_property(value GLOBAL PROPERTY ASHLAR_ISA_${isa}_${field})
  set(${result} "${value}" PARENT_SCOPE)
endfunction()

# Compiles every source of `target` for `isa`.
function(ashlar_target_isa target isa)
  ashlar_isa_get(flags ${isa} FLAGS)
  target_compile_options(${target} PRIVATE ${flags})
endfunction()

# Compiles SOURCE once per ISA of ISAS that this platform knows, each time with ASHLAR_TARGET_ISA defined as the bare name of the ISA,
# so that the source can name its entry points after it (see <ashlar/dispatch/entry.hpp>). The sources of `target` itself, which
# choose among them, get ASHLAR_FAT_ISAS(X), defined as X(scalar) X(avx2) ...
function(ashlar_add_fat_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE" "ISAS")
  get_property(known GLOBAL PROPERTY ASHLAR_ISAS)
  get_property(known_dot GLOBAL PROPERTY ASHLAR_DOT_ISAS)
  get_property(known_half GLOBAL PROPERTY ASHLAR_HALF_ISAS)
  get_filename_component(stem "${arg_SOURCE}" NAME_WE)
  set(rows "")
  foreach(isa IN LISTS arg_ISAS)
    ashlar_isa_get(flags ${isa} FLAGS)
    if(NOT isa IN_LIST known AND NOT isa IN_LIST known_dot AND NOT isa IN_LIST known_half)
      continue()
    endif()
    set(object ${target}.${stem}.${isa})
    add_library(${object} OBJECT "${arg_SOURCE}")
    target_link_libraries(${object} PRIVATE ashlar::ashlar)
    target_compile_definitions(${object} PRIVATE ASHLAR_TARGET_ISA=${isa})
    set_property(TARGET ${object} PROPERTY POSITION_INDEPENDENT_CODE ON)
    ashlar_target_isa(${object} ${isa})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${object}>)
    string(APPEND rows "X(${isa}) ")
  endforeach()
  target_compile_options(${target} PRIVATE "-DASHLAR_FAT_ISAS(X)=${rows}")
endfunction()

# True when this machine itself executes `isa`: native build, and every needed flag is in /proc/cpuinfo.
function(ashlar_isa_runs_here result isa)
  set(${result} FALSE PARENT_SCOPE)
  if(CMAKE_CROSSCOMPILING OR NOT EXISTS /proc/cpuinfo)
    if(isa STREQUAL "scalar" AND NOT CMAKE_CROSSCOMPILING)
      set(${result} TRUE PARENT_SCOPE)
    endif()
    return()
  endif()
  ashlar_isa_get(needed ${isa} CPUINFO)
  file(STRINGS /proc/cpuinfo line REGEX "^(flags|Features)[\t ]*:" LIMIT_COUNT 1)
  separate_arguments(present UNIX_COMMAND "${line}")
  foreach(feature IN LISTS needed)
    if(NOT feature IN_LIST present)
      return()
    endif()
  endforeach()
  set(${result} TRUE PARENT_SCOPE)
endfunction()
