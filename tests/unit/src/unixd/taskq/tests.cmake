# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/taskq/message_test LIBS ku_taskq)
foreach(name peer taskq)
  ku_test(unit/src/unixd/taskq/${name}_test LIBS ku_taskq
    SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/unixd/taskq/kit.c")
endforeach()
