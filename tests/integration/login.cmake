# SPDX-License-Identifier: MPL-2.0
# Logins through the daemon's socket; with PAM around it: pam_stack and tests/system.
add_executable(loginprobe "${CMAKE_CURRENT_SOURCE_DIR}/loginprobe.c")
ku_target(loginprobe)
target_link_libraries(loginprobe PRIVATE ku_client ku_wire ku_base Threads::Threads)
if(KU_DEVIDM)
  ku_script_test(integration.login "${CMAKE_CURRENT_SOURCE_DIR}/login.sh"
    LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 300)
  # Hundreds of conversations against deadlines of seconds.
  set_tests_properties(integration.login PROPERTIES RESOURCE_LOCK namespaces
    RUN_SERIAL TRUE)
endif()
