# SPDX-License-Identifier: MPL-2.0
if(KU_DEVIDM)
  ku_script_test(integration.account "${CMAKE_CURRENT_SOURCE_DIR}/account.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
  set_tests_properties(integration.account PROPERTIES RESOURCE_LOCK namespaces)
endif()
