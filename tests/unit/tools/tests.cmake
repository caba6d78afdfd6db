# SPDX-License-Identifier: MPL-2.0
ku_test(unit/tools/commands_test LIBS ku_tools ku_server SOURCES
  "${CMAKE_SOURCE_DIR}/tests/unit/src/unixd/server/fake_login.c"
  "${CMAKE_SOURCE_DIR}/tests/unit/src/unixd/server/fake_resolver.c")
target_compile_definitions(unit.tools.commands_test PRIVATE
  GOLDEN_DIR="${CMAKE_SOURCE_DIR}/tests/unit/tools/golden")
ku_test(unit/tools/auth_test LIBS ku_tools)
ku_test(unit/tools/password_test LIBS ku_tools)
ku_test(unit/tools/pairs_test LIBS ku_tools)
ku_test(unit/tools/screen_test LIBS ku_tools)
ku_test(unit/tools/check_test LIBS ku_tools ku_publish SOURCES
  "${CMAKE_SOURCE_DIR}/tests/unit/tools/check_tree.c")
ku_test(unit/tools/nscd_test LIBS ku_tools)
ku_test(unit/tools/setup_text_test LIBS ku_tools)
ku_test(unit/tools/setup_tree_test LIBS ku_tools SOURCES
  "${CMAKE_SOURCE_DIR}/tests/unit/tools/setup_tree.c")
target_compile_definitions(unit.tools.setup_tree_test PRIVATE
  STACKS="${CMAKE_SOURCE_DIR}/tests/package/stacks.txt")
ku_test(unit/tools/setup_copy_test LIBS ku_tools WRAP scandir64 SOURCES
  "${CMAKE_SOURCE_DIR}/tests/unit/tools/setup_tree.c")
ku_test(unit/tools/ssh_local_test LIBS ku_tools)
ku_test(unit/tools/setup_report_test LIBS ku_tools SOURCES
  "${CMAKE_SOURCE_DIR}/tests/unit/tools/setup_tree.c")
target_compile_definitions(unit.tools.setup_report_test PRIVATE
  GOLDEN_DIR="${CMAKE_SOURCE_DIR}/tests/unit/tools/golden")
