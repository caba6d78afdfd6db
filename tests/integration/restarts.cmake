# SPDX-License-Identifier: MPL-2.0
add_executable(nsswatch "${CMAKE_CURRENT_SOURCE_DIR}/nsswatch.c")
ku_target(nsswatch)
target_link_libraries(nsswatch PRIVATE ${CMAKE_DL_LIBS})
add_library(never_opens MODULE "${CMAKE_CURRENT_SOURCE_DIR}/never_opens.c")
ku_target(never_opens)
set_target_properties(never_opens PROPERTIES PREFIX "")
if(KU_DEVIDM)
  ku_script_test(integration.restarts "${CMAKE_CURRENT_SOURCE_DIR}/restarts.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
endif()
