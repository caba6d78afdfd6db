# SPDX-License-Identifier: MPL-2.0
target_link_libraries(map_bench PRIVATE ku_map ku_publish ku_core)
