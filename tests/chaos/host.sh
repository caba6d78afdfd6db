#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# usage: host.sh BUILD ATTACK
#
# KU_CHAOS_PRODUCT: another build directory (the release preset's), whose programs are attacked,
# stripped; server and shim are always BUILD's.
#
# A host in namespaces for one of the attacks in Python beside this file: the stacks of PAM that Debian
# makes of our profile, a server, a small disk for the cache and one for the map, an account of the
# host itself.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
# shellcheck source=tests/support/pam.sh
. "$here/tests/support/pam.sh"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"

[ -z "${KU_CHAOS_PRODUCT:-}" ] || export NETNS_STRIP=--strip
pam_setup "${KU_CHAOS_PRODUCT:-$build}"
mount -t tmpfs -o size=12m,mode=0700,uid=990,gid=990 disk /var/cache/kanidm-unixd
mount -t tmpfs -o size=8m,mode=0755,uid=990,gid=990 run /run/kanidm-unixd
devidm_start "$NETNS_DIR/devidm" sample
echo '127.0.0.1 localhost idm.example.test' >/etc/hosts
netns_write_config "https://idm.example.test:$DEVIDM_PORT" "$DEVIDM_CA" 'uid_attr_map = "name"' \
	'gid_attr_map = "name"' 'cache_timeout = 60' 'home_alias = "none"' 'use_etc_skel = true'
echo 'native:x:4999:4999:Native:/tmp:/bin/sh' >>/etc/passwd
echo 'native:x:4999:' >>/etc/group
echo "native:$(openssl passwd -6 'local right'):19000::::::" >>/etc/shadow
printf '%s required pam_kanidm.so\n' auth account session >/etc/pam.d/chaos
for kind in auth account; do
	sed 's/^auth.*pam_unix.so/& nodelay/' "/etc/pam.d/common-$kind"
done >/etc/pam.d/common
module=$(ldconfig -p | sed -n 's/.*libnss_kanidm.so.2.*=> //p' | head -n 1)
export NETNS_DIR NETNS_LOG DEVIDM_PID DEVIDM_CTL DEVIDM_SOCKET DEVIDM_PORT KU_NSS_MODULE=$module
# Where the daemon's account can read it, wherever the tree is.
install -m 0755 "$build/tests/chaos/libchaos_shim.so" "$NETNS_DIR/shim.so"
export KU_CHAOS_SHIM=$NETNS_DIR/shim.so
python3 -B "$here/tests/chaos/chaos_$2.py" && rc=0 || rc=$?
# What the daemon said, for whoever wants to read it.
cp "$NETNS_LOG" "${KU_CHAOS_LOG:-/dev/null}"
exit "$rc"
