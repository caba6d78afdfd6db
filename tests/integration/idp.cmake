# SPDX-License-Identifier: MPL-2.0
# The port to the server, alone, against the development server.
if(KU_DEVIDM)
  foreach(name idp_test idp_members_test idp_tls_test idp_auth_test)
    ku_test(integration/${name} LABELS integration TIMEOUT 180 LIBS ku_idp
      SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/idp_server.c"
        "${CMAKE_CURRENT_SOURCE_DIR}/idp_client.c"
        "${CMAKE_CURRENT_SOURCE_DIR}/idp_fixture.c"
      ENV "DEVIDM=${CMAKE_BINARY_DIR}/tests/devidm/kanidm_devidm;DEVIDM_DATA=${CMAKE_SOURCE_DIR}/tests/devidm/data/recorded.json;https_proxy=;HTTPS_PROXY=;all_proxy=;ALL_PROXY=")
  endforeach()
endif()
