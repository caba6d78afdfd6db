# SPDX-License-Identifier: MPL-2.0
ku_fuzz(task_request LIBS ku_tasks)
ku_fuzz(task_mountinfo LIBS ku_tasks)
ku_fuzz(generator LIBS ku_prog SOURCES "${CMAKE_SOURCE_DIR}/tasks/dropin.c")
