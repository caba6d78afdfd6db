# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/publish/index_test LIBS ku_publish ku_local)
ku_test(unit/src/unixd/publish/record_test LIBS ku_publish ku_local)
ku_test(unit/src/unixd/publish/publish_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime rename SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
ku_test(unit/src/unixd/publish/negative_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
ku_test(unit/src/unixd/publish/build_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
# A hundred thousand accounts take a while under a thread sanitizer.
ku_test(unit/src/unixd/publish/slice_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime clock_mono_ns siphash13 index_from write munmap TIMEOUT 300
  SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
ku_test(unit/src/unixd/publish/local_apply_test LIBS ku_map ku_publish ku_local
  WRAP clock_gettime SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/map/fixture.c")
