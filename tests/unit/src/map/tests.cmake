# SPDX-License-Identifier: MPL-2.0
set(KU_MAP_FIXTURE "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
ku_test(unit/src/map/map_test LIBS ku_map ku_publish ku_local WRAP clock_gettime
  SOURCES "${KU_MAP_FIXTURE}")
