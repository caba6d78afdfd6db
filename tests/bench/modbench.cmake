# SPDX-License-Identifier: MPL-2.0
target_sources(modbench PRIVATE support/people.c ../host/module.c)
target_include_directories(modbench PRIVATE "${CMAKE_SOURCE_DIR}/tests" "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(modbench PRIVATE ku_publish ku_core ku_base)
