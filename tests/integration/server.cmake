# SPDX-License-Identifier: MPL-2.0
# These need the whole: daemon, module, and the development server.
if(KU_DEVIDM)
  foreach(name lookups tools check setup keys_tool pam_stack ssh daemon fixtures manager crowd flood prefetch members)
    ku_script_test(integration.${name} "${CMAKE_CURRENT_SOURCE_DIR}/${name}.sh"
      LABELS integration ARGS "${CMAKE_BINARY_DIR}" TIMEOUT 180)
    # Each makes its own namespaces, but they share two cores and real deadlines.
    set_tests_properties(integration.${name} PROPERTIES RESOURCE_LOCK namespaces)
  endforeach()
  # A thousand processes against a deadline of 2 s: nothing else may run beside them.
  set_tests_properties(integration.crowd integration.flood PROPERTIES RUN_SERIAL TRUE)
endif()
