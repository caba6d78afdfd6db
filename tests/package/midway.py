# SPDX-License-Identifier: MPL-2.0
"""Packages whose scripts were killed, dpkg with them: `dpkg --configure -a` or the same command again
ends where it would have ended at once. And a host on which policy-rc.d starts nothing, and one that
has diverted files.

usage: midway.py DIR	(tests/system/run starts it)
"""
import sys

from debs import PACKAGES, Packages, snapshot, true
from container import main

# What the scripts call, in this order: preinst, then postinst of the three.
INSTALLING = ("cp", "systemd-sysusers", "deb-systemd-helper", "deb-systemd-invoke", "sed",
              "pam-auth-update")
REMOVING = ("pam-auth-update", "sed", "deb-systemd-invoke", "kanidm_unixd")
PURGING = ("rm",)
DIVERTED = ("/usr/sbin/kanidm-unix", "/usr/sbin/kanidm_unixd")
# The first call ends who called it, and dpkg.
TRAP = """#!/bin/sh
if mkdir /opt/killed.{0} 2>/dev/null; then
    kill -9 $(pidof dpkg) $PPID
    exit 1
fi
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec {0} "$@"
"""


def dpkg(host, *argv, check=False):
    """With the traps before everything else; apt would not look there."""
    return host.run("env", "DEBIAN_FRONTEND=noninteractive",
                    "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "dpkg", *argv,
                    timeout=150, check=check)


def killed(host, names, *argv):
    """The command again and again, each time one trap further."""
    for name in names:
        host.write(f"/usr/local/sbin/{name}", TRAP.format(name), 0o755)
    times = 0
    while True:
        done = dpkg(host, *argv)
        sprung = sum(host.path(f"/opt/killed.{name}").exists() for name in names)
        if done.returncode == 0:
            break
        true(f"{argv[0]}: killed in {sprung} of {len(names)} places", sprung > times, done.stdout)
        times = sprung
        dpkg(host, "--configure", "-a")
    true(f"{argv[0]}: every trap was sprung", sprung == len(names),
         [name for name in names if not host.path(f"/opt/killed.{name}").exists()])
    for name in names:
        host.path(f"/usr/local/sbin/{name}").unlink()
        host.path(f"/opt/killed.{name}").rmdir()
    said = host.run("dpkg", "--audit", check=False).stdout
    true(f"{argv[0]}: dpkg --audit has nothing to say", not said, said)


def words(host, path, word):
    """How often it is there."""
    return host.path(path).read_text().split().count(word)


def is_whole(host):
    """As after one installation that nothing disturbed."""
    true("kanidm is in nsswitch.conf once for each", words(host, "/etc/nsswitch.conf", "kanidm") == 2,
         host.path("/etc/nsswitch.conf").read_text())
    for stack in ("auth", "account", "session"):
        path = f"/etc/pam.d/common-{stack}"
        true(f"common-{stack} has the module once", words(host, path, "pam_kanidm.so") == 1,
             host.path(path).read_text())
    true("both daemons run", "0" not in host.pids())
    copies = host.out("sh", "-c", "ls -d /root/kanidm-backup-*/etc/nsswitch.conf").splitlines()
    true("every copy is whole, and no part of one is left", copies and
         len(copies) == len(host.out("sh", "-c", "ls -d /root/kanidm-backup-*").splitlines()) and
         not host.path("/root/.kanidm-backup-part").exists(), copies)


def through_kills(host, before):
    """In every script."""
    debs = [f"/opt/debs/1/{path.name}" for path in sorted(host.path("/opt/debs/1").iterdir())]
    killed(host, INSTALLING, "--install", *debs)
    is_whole(host)
    host.set_up()
    host.logs_in("after all kills")
    killed(host, REMOVING, "--remove", *PACKAGES)
    true("removed: no kanidm in nsswitch.conf", not words(host, "/etc/nsswitch.conf", "kanidm"))
    true("removed: no process", host.run("pgrep", "-f", "kanidm_unixd", check=False).returncode == 1)
    # Left by a setup that was killed, too.
    for path in ("/etc/kanidm/unixd.kanidm-a1B2c3", "/etc/nsswitch.conf.kanidm-000000"):
        host.write(path, "half")
    killed(host, PURGING, "--purge", *PACKAGES)
    host.run("sh", "-c", "find /home -mindepth 1 -maxdepth 1 ! -name rescue -exec rm -r {} +")
    left = sorted(snapshot(host) ^ before)
    true("purged: nothing is left", not left, left)


def where_nothing_starts(host):
    """policy-rc.d says no: no error, and no daemon, until somebody starts it."""
    host.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    said = host.install(1)
    true("policy-rc.d: installed, and nothing runs", host.pids() == ["0", "0"], said)
    host.run("systemctl", "start", "kanidm-unixd")
    host.set_up()
    pids = host.pids()
    host.install(2)
    true("policy-rc.d: upgraded, and the same daemons run on", host.pids() == pids, pids)
    host.works()
    host.path("/usr/sbin/policy-rc.d").unlink()
    host.run("systemctl", "restart", *("kanidm-unixd", "kanidm-unixd-tasks"))
    host.works()
    host.apt("purge", *PACKAGES)


def with_diversions(host):
    """Files of the packages that somebody keeps his own of."""
    for path in DIVERTED:
        host.run("dpkg-divert", "--local", "--rename", "--add", path)
        host.write(path, f"#!/bin/sh\nexec {path}.distrib \"$@\"\n", 0o755)
    host.install(1)
    true("diverted: the package's are beside", all(host.path(path + ".distrib").exists()
                                                  for path in DIVERTED))
    host.set_up()
    host.works()
    host.install(2)
    host.works()
    host.apt("purge", *PACKAGES)
    true("diverted: what is the administrator's stays", all(
        host.path(path).exists() and not host.path(path + ".distrib").exists()
        for path in DIVERTED))
    for path in DIVERTED:
        host.path(path).unlink()
        host.run("dpkg-divert", "--local", "--rename", "--remove", path)


def scenario():
    """One host, one boot."""
    host = Packages(sys.argv[1])
    host.boot()
    before = snapshot(host)
    through_kills(host, before)
    where_nothing_starts(host)
    with_diversions(host)


if __name__ == "__main__":
    main(scenario)
