# SPDX-License-Identifier: MPL-2.0
# The pure parts; the conversation as a whole is what tests/replay/login plays.
foreach(name guess judge outlook pace credential refused)
  ku_test(unit/src/unixd/login/${name}_test LIBS ku_login)
endforeach()
