# SPDX-License-Identifier: MPL-2.0
# One caller for all: the module inside nscd.
if(KU_DEVIDM)
  ku_script_test(integration.nscd "${CMAKE_CURRENT_SOURCE_DIR}/nscd.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
  set_tests_properties(integration.nscd PROPERTIES RESOURCE_LOCK namespaces RUN_SERIAL TRUE)
endif()
