# SPDX-License-Identifier: MPL-2.0
set(tasks_kit "${CMAKE_CURRENT_LIST_DIR}/kit.c")
set(tasks_steps "${CMAKE_CURRENT_LIST_DIR}/steps.c")
set(tasks_step_calls at_open mkdirat fchmod fchown fchownat fchmodat symlinkat unlinkat
  renameat renameat2 write)

foreach(name alias_test attack_test home_test kill_test)
  ku_test(unit/tasks/${name} LIBS ku_tasks SOURCES ${tasks_kit} ${tasks_steps}
    WRAP ${tasks_step_calls} poll TIMEOUT 120)
endforeach()
ku_test(unit/tasks/nfs_test LIBS ku_tasks SOURCES ${tasks_kit} ${tasks_steps}
  WRAP ${tasks_step_calls} poll fstatfs64)
foreach(name conf_test link_test local_ids_test mount_serve_test mount_test prefix_test serve_test)
  ku_test(unit/tasks/${name} LIBS ku_tasks SOURCES ${tasks_kit})
endforeach()
foreach(name caps_test options_test request_test)
  ku_test(unit/tasks/${name} LIBS ku_tasks)
endforeach()
# The label code against a library that is not there: no kernel with SELinux is needed.
get_property(tasks_selinux GLOBAL PROPERTY KU_TASKS_SELINUX)
if(tasks_selinux)
  ku_test(unit/tasks/label_test LIBS ku_tasks SOURCES ${tasks_kit}
    WRAP is_selinux_enabled selabel_open selabel_close selabel_lookup setfscreatecon freecon)
endif()
ku_test(unit/tasks/label_none_test LIBS ku_base
  SOURCES "${CMAKE_SOURCE_DIR}/tasks/label_none.c" WRAP access)
ku_test(unit/tasks/dropin_test LIBS ku_prog ku_base SOURCES "${CMAKE_SOURCE_DIR}/tasks/dropin.c")
