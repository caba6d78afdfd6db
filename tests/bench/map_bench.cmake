# SPDX-License-Identifier: MPL-2.0
target_sources(map_bench PRIVATE support/people.c)
target_include_directories(map_bench PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(map_bench PRIVATE ku_map ku_publish ku_core)
