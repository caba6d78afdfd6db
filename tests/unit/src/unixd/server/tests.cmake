# SPDX-License-Identifier: MPL-2.0
set(ku_server_fakes unit/src/unixd/server/fake_login.c
  unit/src/unixd/server/fake_resolver.c unit/src/unixd/server/harness.c)
list(TRANSFORM ku_server_fakes PREPEND "${CMAKE_SOURCE_DIR}/tests/")
foreach(name conn dispatch listener ops_pam)
  ku_test(unit/src/unixd/server/${name}_test LIBS ku_server SOURCES ${ku_server_fakes})
endforeach()
ku_test(unit/src/unixd/server/peer_test LIBS ku_server)
ku_test(unit/src/unixd/server/reader_test LIBS ku_server)
ku_test(unit/src/unixd/server/calls_test LIBS ku_server SOURCES ${ku_server_fakes}
  WRAP socketpair epoll_ctl recv send close)
