# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/client/client_test LIBS ku_client
  SOURCES "${CMAKE_SOURCE_DIR}/tests/host/fake.c")
ku_test(unit/src/client/between_test LIBS ku_client WRAP connect poll
  SOURCES "${CMAKE_SOURCE_DIR}/tests/host/fake.c")
ku_test(unit/src/client/peer_test LIBS ku_client)
