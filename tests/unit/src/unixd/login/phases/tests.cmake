# SPDX-License-Identifier: MPL-2.0
# Account, session and who asks, compiled in without the password half of the engine.
set(ku_phases unit/src/unixd/login/phases/phases_fake.c ../src/unixd/login/account.c
  ../src/unixd/login/caller.c ../src/unixd/login/homefs.c ../src/unixd/login/session.c)
list(TRANSFORM ku_phases PREPEND "${CMAKE_SOURCE_DIR}/tests/")
foreach(name account caller homefs session)
  ku_test(unit/src/unixd/login/${name}_test LIBS ku_model ku_core ku_prog ku_base
    SOURCES ${ku_phases})
endforeach()
