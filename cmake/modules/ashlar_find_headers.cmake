# SPDX-License-Identifier: Apache-2.0
# ashlar_find_headers: an imported target that carries nothing but the include folder of a dependency.
#
#   ashlar_find_headers(Package NAMESPACED::target HEADER file TARGETS names... CONFIG package PKG_CONFIG module
#                       VERSION_FILE file VERSION_MACROS names...)
#
# Looks at targets the including project already has, then at CMake config packages, then at pkg-config, then at the usual folders.
# Only the include folder is taken: Debian's xsimd config asks the linker for a library "xtl" that does not exist, and Highway's
# asks for libhwy, which static dispatch does not need (and which a cross build does not have).
include(FindPackageHandleStandardArgs)

# The folder of `header` in the interface of the first of `targets` that exists.
function(_ashlar_folder_of_targets result header)
  foreach(target IN LISTS ARGN)
    if(TARGET ${target})
      get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
      foreach(folder IN LISTS folders)
        string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" folder "${folder}")
        if(EXISTS "${folder}/${header}")
          set(${result} "${folder}" PARENT_SCOPE)
          return()
        endif()
      endforeach()
    endif()
  endforeach()
endfunction()

macro(ashlar_find_headers package target)
  cmake_parse_arguments(_arg "" "HEADER;CONFIG;PKG_CONFIG;VERSION_FILE" "TARGETS;VERSION_MACROS" ${ARGN})
  if(NOT ${package}_INCLUDE_DIR)
    _ashlar_folder_of_targets(${package}_INCLUDE_DIR ${_arg_HEADER} ${_arg_TARGETS})
  endif()
  if(NOT ${package}_INCLUDE_DIR)
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
      pkg_check_modules(_ashlar_pc_${package} QUIET ${_arg_PKG_CONFIG})
    endif()
    find_package(${_arg_CONFIG} CONFIG QUIET)
    _ashlar_folder_of_targets(_config_folder ${_arg_HEADER} ${_arg_TARGETS})
    find_path(${package}_INCLUDE_DIR ${_arg_HEADER} HINTS ${_config_folder} ${_ashlar_pc_${package}_INCLUDE_DIRS})
  endif()

  set(${package}_VERSION "")
  if(${package}_INCLUDE_DIR AND EXISTS "${${package}_INCLUDE_DIR}/${_arg_VERSION_FILE}")
    foreach(_macro IN LISTS _arg_VERSION_MACROS)
      file(STRINGS "${${package}_INCLUDE_DIR}/${_arg_VERSION_FILE}" _line REGEX "#define ${_macro} +[0-9]+" LIMIT_COUNT 1)
      if(_line MATCHES "([0-9]+)")
        string(APPEND ${package}_VERSION ".${CMAKE_MATCH_1}")
      endif()
    endforeach()
    string(REGEX REPLACE "^\\." "" ${package}_VERSION "${${package}_VERSION}")
  endif()

  find_package_handle_standard_args(${package} REQUIRED_VARS ${package}_INCLUDE_DIR VERSION_VAR ${package}_VERSION)
  mark_as_advanced(${package}_INCLUDE_DIR)
  if(${package}_FOUND AND NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${package}_INCLUDE_DIR}")
  endif()
endmacro()
