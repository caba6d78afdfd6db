# SPDX-License-Identifier: MPL-2.0
"""What a unit, a container or a disk may refuse the daemon: netlink, inotify, a notify socket,
directories that can be written. Each costs one line of the journal and one feature; names and
logins go on.
"""
from clients import OFFLINE, ONLINE, Report
from container import main
from hosts import Host
from pty_talk import until
from units import DAEMON, drop_in, online

OWN = "/var/lib/kanidm-unixd", "/var/cache/kanidm-unixd"

def restarted(host):
    """What it has said from its end to its link."""
    mark = host.cursor()
    host.run("systemctl", "restart", DAEMON)
    online(host)
    return host.journal_since(mark, "kanidm_unixd")


def under(host, report, state, text, words):
    """The daemon under a drop-in: one line with the words, names and a login."""
    drop_in(host, DAEMON, text)
    said = restarted(host)
    lines = [line for line in said.splitlines() if words in line]
    report.truth(state, f"one line says so ({len(lines)})", len(lines) == 1, said)
    report.check(state, "ssh by password", host.ssh("alice"), within=ONLINE)


def no_netlink(host, report):
    """The link is looked at in time instead."""
    state = "no netlink"
    under(host, report, state, "RestrictAddressFamilies=\n"
          "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "network: changes are not seen")
    host.remembers("alice")
    host.cable(False)
    until("the daemon knows that the link is down", 40, lambda: "offline" in host.status())
    report.check(state, "ssh by password, offline", host.ssh("alice"), within=OFFLINE)
    host.cable(True)
    until("and that it is back", 70, lambda: "Kanidm: online" in host.status())


def no_inotify(host, report):
    """Local accounts are looked at every few seconds instead."""
    state = "no inotify"
    under(host, report, state, "SystemCallFilter=~inotify_init inotify_init1 inotify_add_watch",
          "local: changes of /etc/passwd are seen after 5 s only")
    name = host.login_name("bob")
    report.truth(state, "a person is there", host.ids("bob"))
    host.run("sh", "-c", "echo bob:x:1777:100::/:/bin/sh >>/etc/passwd")
    until("a local account of that name hides the person", 15, lambda: host.run(
        "getent", "passwd", name, check=False).returncode != 0)
    report.truth(state, "a local account is seen", True)
    host.run("sed", "-i", "/^bob:/d", "/etc/passwd")
    until("and is not hidden any more", 15, lambda: host.run(
        "getent", "passwd", name, check=False).returncode == 0)


def no_notify_socket(host, report):
    """Nobody to tell: as in a container without systemd."""
    state = "no notify socket"
    under(host, report, state, "Type=simple\nNotifyAccess=none\nWatchdogSec=0", "daemon: ready")


def directories(host, report):
    """A disk that became read-only; directories that nobody made."""
    state = "read-only directories"
    under(host, report, state, "StateDirectory=\nCacheDirectory=\n"
          f"ReadOnlyPaths={' '.join(OWN)}", "nothing is kept on disk")
    report.truth(state, "status says what is wrong", "store: " in host.status(), host.status())
    state = "no directories"
    host.run("systemctl", "stop", DAEMON)
    host.run("rm", "-rf", *OWN)
    under(host, report, state, "StateDirectory=\nCacheDirectory=\n", "nothing is kept on disk")
    report.truth(state, "none was made", not any(host.path(d).exists() for d in OWN))


def level(host, report):
    """RUST_LOG in a unit of the reference sets ours."""
    for text, info, debug in (("debug", True, True), ("info", True, False),
                              ("warn", False, False), ("kanidm_unixd=debug,info", True, True)):
        drop_in(host, DAEMON, f'Environment="RUST_LOG={text}"')
        said = restarted(host)
        report.truth(f"RUST_LOG={text}", "is the level, without a word about it",
                     ("daemon: ready" in said) == info and ("request: op=" in said) == debug and
                     "RUST_LOG" not in said, said)


def scenario():
    """One host, one boot."""
    report = Report()
    host = Host("spn")
    host.boot()
    online(host)
    no_netlink(host, report)
    no_inotify(host, report)
    no_notify_socket(host, report)
    directories(host, report)
    level(host, report)
    drop_in(host, DAEMON, None)
    host.run("systemctl", "restart", DAEMON)
    online(host)
    report.end(host)


if __name__ == "__main__":
    main(scenario)
