# SPDX-License-Identifier: MPL-2.0
if(KU_DEVIDM)
  ku_script_test(integration.token "${CMAKE_CURRENT_SOURCE_DIR}/token.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 120)
  set_tests_properties(integration.token PROPERTIES RESOURCE_LOCK namespaces)
endif()
