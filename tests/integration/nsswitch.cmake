# SPDX-License-Identifier: MPL-2.0
add_executable(nssprobe "${CMAKE_CURRENT_SOURCE_DIR}/nssprobe.c")
ku_target(nssprobe)
if(KU_DEVIDM)
  ku_script_test(integration.nsswitch_matrix
    "${CMAKE_CURRENT_SOURCE_DIR}/nsswitch_matrix.sh" LABELS integration
    ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
endif()
