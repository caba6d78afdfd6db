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
