# SPDX-License-Identifier: MPL-2.0
if(KU_DEVIDM)
  ku_script_test(integration.granted "${CMAKE_CURRENT_SOURCE_DIR}/granted.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
  set_tests_properties(integration.granted PROPERTIES RESOURCE_LOCK namespaces)
endif()
