# SPDX-License-Identifier: MPL-2.0
set(KU_MAP_FIXTURE "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
ku_test(unit/src/map/map_test LIBS ku_map ku_publish ku_local WRAP clock_gettime
  SOURCES "${KU_MAP_FIXTURE}")
ku_test(unit/src/map/find_test LIBS ku_map ku_publish ku_local WRAP clock_gettime pread64
  SOURCES "${KU_MAP_FIXTURE}")
ku_test(unit/src/map/hold_test LIBS ku_map ku_publish ku_local Threads::Threads
  WRAP clock_gettime open64 mmap64 fstat64 siphash13 SOURCES "${KU_MAP_FIXTURE}")
ku_test(unit/src/map/steps_test LIBS ku_map ku_publish ku_local Threads::Threads
  WRAP clock_gettime munmap SOURCES "${KU_MAP_FIXTURE}" TIMEOUT 120)
ku_test(unit/src/map/descriptor_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime siphash13 SOURCES "${KU_MAP_FIXTURE}")
ku_test(unit/src/map/enum_test LIBS ku_map ku_publish ku_local WRAP clock_gettime
  SOURCES "${KU_MAP_FIXTURE}")
ku_test(unit/src/map/hostile_test LIBS ku_map ku_publish ku_local Threads::Threads
  WRAP clock_gettime mmap64 munmap ids_is_allowed SOURCES "${KU_MAP_FIXTURE}" TIMEOUT 600)
ku_test(unit/src/map/torture_test LIBS ku_map ku_publish ku_local Threads::Threads
  WRAP clock_gettime mmap64 munmap SOURCES "${KU_MAP_FIXTURE}" TIMEOUT 120)
