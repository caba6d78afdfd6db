# SPDX-License-Identifier: MPL-2.0
"""The same logins and lookups with nscd in front: it asks for everybody, keeps the module it
has loaded through restarts of our daemons and through an upgrade, and forgets with us.

usage: nscd.py DIR	(tests/system/run starts it)
"""
import re
import sys

from debs import ALICE, Packages, true
from container import main
from people import LOGIN_GROUP, PEOPLE, SUDO_GROUP, spn
from pty_talk import until

MODULE = "libnss_kanidm.so.2"
UID = PEOPLE["alice"][0]


def nscd_pid(host):
    """Its process."""
    return host.out("systemctl", "show", "-p", "MainPID", "--value", "nscd")


def module_in(host, pid):
    """How it has our module: lines of its map, without addresses."""
    text = host.out("cat", f"/proc/{pid}/maps")
    return {line.split(None, 5)[-1] for line in text.splitlines() if MODULE in line}


def asked(host):
    """How many lookups of people and groups nscd has answered."""
    n, counts = 0, False
    for line in host.out("nscd", "-g").splitlines():
        if line.endswith(" cache:"):
            counts = line in ("passwd cache:", "group cache:")
        found = re.match(r"\s*(\d+)\s+cache (hits|misses) on", line)
        n += int(found.group(1)) if found and counts else 0
    return n


def lookups(host, when):
    """By name and by number, people and groups, and all groups of somebody. What nscd has is
    dropped first: programs read it from shared memory, which nobody counts."""
    for table in ("passwd", "group"):
        host.run("nscd", "-i", table)
    before = asked(host)
    by_name = host.out("getent", "passwd", ALICE)
    true(f"{when}: by name and by number, the same", by_name.split(":")[2] == str(UID) and
         by_name == host.out("getent", "passwd", str(UID)), by_name)
    group = host.out("getent", "group", spn(LOGIN_GROUP))
    true(f"{when}: a group with its members", ALICE in group.split(":")[3].split(",") and
         group == host.out("getent", "group", "30001"), group)
    said = host.out("id", ALICE)
    true(f"{when}: id has all groups", all(f"({name})" in said for name in
         (ALICE, spn(LOGIN_GROUP), spn(SUDO_GROUP))), said)
    true(f"{when}: nobody is nobody",
         host.run("getent", "passwd", "nobody-by-this-name", check=False).returncode == 2)
    now = asked(host)
    true(f"{when}: nscd was asked, {now - before} times", now >= before + 4)


def logins(host, when):
    """The ways in that ask nscd for the account."""
    host.logs_in(when)
    for what, result in (("su by root", host.su_from_root("alice")),
                         ("su by a local person", host.su_from_rescue("alice")),
                         ("sudo", host.sudo("alice"))):
        true(f"{when}: {what}", result.entered, result)


def restarts(host, pid):
    """Our daemons come and go behind it."""
    for number in "123":
        host.run("systemctl", "restart", "kanidm-unixd")
        line = host.run("getent", "passwd", ALICE, check=False).stdout
        true(f"restart {number}: alice is known at once", line.startswith(ALICE), line)
    host.works()
    true("after restarts: the same nscd with the same module",
         nscd_pid(host) == pid and module_in(host, pid))
    lookups(host, "after restarts")


def shell(host):
    """What getent says of alice's."""
    return host.out("getent", "passwd", ALICE).rsplit(":", 1)[-1]


def invalidated(host):
    """nscd would answer the old for ten minutes."""
    true("before: bash", shell(host) == "/bin/bash")
    host.server.ctl("set", "alice", "shell=/bin/sh")
    done = host.run("kanidm-unix", "cache-invalidate")
    true("cache-invalidate says that nscd has forgotten, too", "success\n" in done.stdout and
         "nscd has forgotten people and groups, too" in done.stdout, done.stdout)
    true("the first answer after it is the new one", shell(host) == "/bin/sh", shell(host))
    host.server.ctl("set", "alice", "shell=/bin/bash")
    host.run("nscd", "-i", "passwd")
    host.run("systemctl", "kill", "-s", "STOP", "nscd")
    done = host.run("kanidm-unix", "cache-invalidate", check=False)
    host.run("systemctl", "kill", "-s", "CONT", "nscd")
    true("an nscd that does not answer is named, and the exit code is the daemon's",
         done.returncode == 0 and "nscd still answers from its own cache" in done.stdout,
         done.stdout)
    host.run("kanidm-unix", "cache-invalidate")
    true("and back", shell(host) == "/bin/bash", shell(host))


def upgraded(host, pid):
    """The module in nscd is the old one until nscd is restarted; it goes on answering."""
    host.install(2)
    host.works()
    true("upgraded: the same nscd", nscd_pid(host) == pid)
    true("upgraded: it has the module of before", all("(deleted)" in line or "dpkg" in line
         for line in module_in(host, pid)) and module_in(host, pid), module_in(host, pid))
    lookups(host, "upgraded")
    logins(host, "upgraded")
    said = host.out("kanidm-unix", "check", check=False)
    true("check says to restart it", "systemctl restart nscd [nscd-old-module]" in said, said)
    host.run("systemctl", "restart", "nscd")
    lookups(host, "nscd restarted")
    said = host.out("kanidm-unix", "check", check=False)
    true("check has the hint alone", "[nscd]" in said and "nscd-old" not in said and
         "0 errors" in said, said)


def scenario():
    """One host, one boot."""
    host = Packages(sys.argv[1])
    host.units("unmask", "nscd")
    host.boot()
    first = nscd_pid(host)
    host.install(1)
    host.set_up()
    host.works()
    pid = nscd_pid(host)
    true("installing has restarted nscd, which reads nsswitch.conf when it starts",
         pid not in ("0", first), f"{first} {pid}")
    until("nscd has loaded the module", 10, lambda: module_in(host, pid))
    lookups(host, "installed")
    host.write("/etc/sudoers.d/kanidm", "%" + spn(SUDO_GROUP).replace("@", r"\@") +
               " ALL=(ALL) ALL\n", 0o440)
    logins(host, "installed")
    restarts(host, pid)
    invalidated(host)
    upgraded(host, nscd_pid(host))


if __name__ == "__main__":
    main(scenario)
