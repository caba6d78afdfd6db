# SPDX-License-Identifier: MPL-2.0
# Every path a program has compiled in. The two host modules cannot be told
# otherwise at run time, so a test build of them is a build with other values here.
set(KU_SYSCONFDIR "/etc/kanidm" CACHE PATH "configuration directory")
set(KU_RUNDIR "/run/kanidm-unixd" CACHE PATH "sockets and the published map")
set(KU_CACHEDIR "/var/cache/kanidm-unixd" CACHE PATH "cache database")
set(KU_STATEDIR "/var/lib/kanidm-unixd" CACHE PATH "HSM pin, last good configuration")
set(KU_ETC_PASSWD "/etc/passwd" CACHE FILEPATH "local accounts")
set(KU_ETC_GROUP "/etc/group" CACHE FILEPATH "local groups")
set(KU_ETC_SHELLS "/etc/shells" CACHE FILEPATH "login shells")
set(KU_ETC_SKEL "/etc/skel" CACHE PATH "what a new home is filled from")
set(KU_NSS_DIR "${CMAKE_INSTALL_LIBDIR}" CACHE PATH "where libnss_kanidm.so.2 goes")
set(KU_PAM_DIR "${CMAKE_INSTALL_LIBDIR}/security" CACHE PATH "where pam_kanidm.so goes")
configure_file("${CMAKE_SOURCE_DIR}/include/ku/paths.h.in"
  "${CMAKE_BINARY_DIR}/include/ku/paths.h" @ONLY)
