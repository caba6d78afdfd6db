# SPDX-License-Identifier: MPL-2.0
foreach(name clock timers list hmap loop lane)
  ku_test(unit/src/unixd/core/${name}_test LIBS ku_core)
endforeach()
