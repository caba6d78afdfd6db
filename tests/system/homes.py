# SPDX-License-Identifier: MPL-2.0
"""Homes in a booted host: the units as shipped, with every line of their sandbox; a home on a
file system of its own; the two strategies; capabilities as the kernel has them.
"""
from clients import Report
from container import main
from hosts import Host
from people import PEOPLE
from pty_talk import Failed, until

CHOWN_FOWNER = 0x9
SYS_ADMIN_READ_SEARCH = 0x200004


def expect(report, what, got, want):
    """One truth with what was there instead."""
    report.truth("homes", what, got == want, f"{got!r}, and not {want!r}")


def capabilities(host, unit):
    """CapEff, CapPrm and CapBnd of a unit's main process; one number when they agree."""
    pid = host.out("systemctl", "show", "-p", "MainPID", "--value", unit)
    masks = {line.split()[1] for line in host.out("cat", f"/proc/{pid}/status").splitlines()
             if line.startswith(("CapEff:", "CapPrm:", "CapBnd:"))}
    return {int(mask, 16) for mask in masks}


def session(host, name):
    """A login by key, which ends in a session."""
    result = host.ssh(name, method="publickey")
    if not result.entered:
        raise Failed(f"{name} is not in: {result.text}")
    return result


def symlinks(host, report):
    """The default strategy, by the unit as shipped."""
    uid = PEOPLE["alice"][0]
    session(host, "alice")
    alias = host.out("getent", "passwd", host.login_name("alice")).split(":")[5]
    real = host.out("readlink", alias)
    expect(report, "the alias is a link", host.out("stat", "-c", "%F %u", alias),
           "symbolic link 0")
    expect(report, "the home", host.out("stat", "-c", "%F %a %u:%g", real),
           f"directory 750 {uid}:{uid}")
    expect(report, "the skeleton is in it", host.out("stat", "-c", "%a %u", real + "/.profile"),
           f"644 {uid}")
    expect(report, "capabilities of tasks", capabilities(host, "kanidm-unixd-tasks"),
           {CHOWN_FOWNER})
    pid = host.out("systemctl", "show", "-p", "MainPID", "--value", "kanidm-unixd-tasks")
    expect(report, "the network of tasks", host.out(
        "nsenter", "-t", pid, "-n", "sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1").split(),
        ["lo"])
    expect(report, "nothing unfinished is left",
           host.out("find", "/home", "-maxdepth", "1", "-name", ".kanidm-*"), "")


def survives(host, report):
    """The two daemons end and start in any order."""
    for units in (("kanidm-unixd",), ("kanidm-unixd-tasks",),
                  ("kanidm-unixd-tasks", "kanidm-unixd")):
        host.run("systemctl", "kill", "-s", "KILL", *units)
        until(f"tasks is connected after {units}", 20,
              lambda: "tasks: connected" in host.status())
        host.run("systemctl", "reset-failed", check=False)
    report.truth("homes", "connected again after each was killed", True)


def bind_mounts(host, report):
    """The other strategy: a unit of its own, whose mounts the host sees."""
    host.run("rm", "-f", host.out("getent", "passwd", host.login_name("bob")).split(":")[5])
    host.configure("spn", ('home_strategy = "bind_mount"', "use_etc_skel = true"))
    host.run("systemctl", "reload", "kanidm-unixd")
    said = host.pam("bob", "open", "close")[0]["said"]
    report.truth("homes", "the unit is off: the person is told",
                 "kanidm-unixd-mount.socket" in said, said)
    report.truth("homes", "and status says so",
                 "kanidm-unixd-mount.socket" in host.status(), host.status())
    host.run("systemctl", "enable", "--now", "kanidm-unixd-mount.socket")
    session(host, "bob")
    expect(report, "capabilities of the helper", capabilities(host, "kanidm-unixd-mount"),
           {SYS_ADMIN_READ_SEARCH})
    alias = host.out("getent", "passwd", host.login_name("bob")).split(":")[5]
    expect(report, "the host sees the mount",
           host.out("findmnt", "-n", "-o", "TARGET", "--mountpoint", alias, check=False), alias)
    expect(report, "it is bob's", host.out("stat", "-c", "%F %u", alias),
           f"directory {PEOPLE['bob'][0]}")
    session(host, "bob")
    expect(report, "there is one of it",
           host.out("grep", "-c", f" {alias} ", "/proc/1/mountinfo"), "1")
    until("the helper ends when nobody asks", 20, lambda: host.out(
        "systemctl", "is-active", "kanidm-unixd-mount", check=False) == "inactive")
    session(host, "bob")
    report.truth("homes", "and starts when somebody asks", True)


def scenario():
    """One host, one boot."""
    report = Report()
    host = Host("spn", ("use_etc_skel = true",))
    host.boot()
    until("the link is up", 15, lambda: "online" in host.status())
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())
    symlinks(host, report)
    survives(host, report)
    bind_mounts(host, report)
    report.end()


if __name__ == "__main__":
    main(scenario)
