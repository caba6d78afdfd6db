# SPDX-License-Identifier: MPL-2.0
add_executable(taskask "${CMAKE_CURRENT_SOURCE_DIR}/taskask.c")
ku_target(taskask)
target_link_libraries(taskask PRIVATE ku_tasks)
ku_script_test(integration.homes "${CMAKE_CURRENT_SOURCE_DIR}/homes.sh" LABELS integration
  ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
set_tests_properties(integration.homes PROPERTIES RESOURCE_LOCK namespaces)
# The units as shipped, in a booted host.
if(KU_DEVIDM AND NOT KU_SANITIZE)
  ku_script_test(integration.homes_booted "${CMAKE_SOURCE_DIR}/tests/system/run" LABELS system
    ARGS "${CMAKE_BINARY_DIR}" homes TIMEOUT 600)
  set_tests_properties(integration.homes_booted PROPERTIES RUN_SERIAL TRUE)
endif()
ku_script_test(integration.generator "${CMAKE_CURRENT_SOURCE_DIR}/generator.sh" LABELS integration
  ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 60)
