# SPDX-License-Identifier: MPL-2.0
# The pure parts; the resolver as a whole is what tests/replay plays.
foreach(name policy link idmap shells idtable negative leftout flight former cache cast chains filter)
  ku_test(unit/src/unixd/resolver/${name}_test LIBS ku_resolver)
endforeach()
