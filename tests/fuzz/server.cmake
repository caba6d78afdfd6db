# SPDX-License-Identifier: MPL-2.0
ku_fuzz(frame_conn LIBS ku_server)
ku_fuzz(server_ops LIBS ku_server
  SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/src/unixd/server/fake_login.c"
    "${CMAKE_SOURCE_DIR}/tests/unit/src/unixd/server/fake_resolver.c"
  WRAP recv send)
foreach(kind fuzz replay)
  if(TARGET ${kind}_server_ops)
    target_include_directories(${kind}_server_ops PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  endif()
endforeach()
