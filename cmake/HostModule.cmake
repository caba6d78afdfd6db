# SPDX-License-Identifier: MPL-2.0
# ku_host_module(target OUTPUT name VERSION_SCRIPT file SOURCES ...): a shared object that
# lives inside other people's processes. Everything but the entry points is local, and
# nothing is left undefined. Never -z nodlopen here.
function(ku_host_module target)
  cmake_parse_arguments(arg "" "OUTPUT;VERSION_SCRIPT" "SOURCES;LIBS" ${ARGN})
  add_library(${target} MODULE ${arg_SOURCES})
  ku_target(${target})
  set_target_properties(${target} PROPERTIES PREFIX "" SUFFIX ""
    OUTPUT_NAME "${arg_OUTPUT}" LINK_DEPENDS "${arg_VERSION_SCRIPT}")
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  target_link_options(${target} PRIVATE "-Wl,--version-script=${arg_VERSION_SCRIPT}"
    -Wl,--exclude-libs,ALL -Wl,-Bsymbolic "-Wl,-soname,${arg_OUTPUT}")
  if(NOT KU_SANITIZE AND NOT KU_COVERAGE)
    target_compile_options(${target} PRIVATE -Wframe-larger-than=2048)
  endif()
endfunction()

# ku_host_sources(ret_sources file ...): these files of the folder, and those of the host-safe
# libraries, which a module compiles in its own way.
function(ku_host_sources ret)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" OUTPUT_VARIABLE all)
  foreach(lib ku_map ku_client ku_wire ku_base)
    get_target_property(dir ${lib} SOURCE_DIR)
    get_target_property(sources ${lib} SOURCES)
    list(TRANSFORM sources PREPEND "${dir}/")
    list(APPEND all ${sources})
  endforeach()
  set(${ret} ${all} PARENT_SCOPE)
endfunction()
