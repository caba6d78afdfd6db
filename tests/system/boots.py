# SPDX-License-Identifier: MPL-2.0
"""Boots with the network, the server and the tasks daemon missing in every combination, and
with our units masked: the host comes up as fast as without us, local people get in, and when
what was missing comes back, in whatever order, people of the server do, without a restart of
anything.
"""
import itertools
import re
import time

from clients import SLACK, Report
from container import main
from hosts import Host
from people import PEOPLE
from pty_talk import until
from units import DAEMON, SOCKET, TASKS

LOCAL = "Local-rescue-horse-9"
# Until a server that takes requests and answers none is known for that: names that nobody has,
# asked for one after the other, wait as long in sum, however many they are.
VERDICT = 4.0
# One for each boot, who has not logged in on the host before.
NEW = [f"new{i}" for i in range(16)]
PEOPLE.update({name: (20100 + i, {}) for i, name in enumerate(NEW)})
# Names that nobody has, in front of basic.target and of the daemon, as a message bus does it
# that reads its policy; and once more beside the daemon's own start.
EARLY = """[Unit]
DefaultDependencies=no
After=sysinit.target
Before=basic.target
[Service]
Type=oneshot
ExecStart=sh -c 'for i in 1 2 3 4 5 6 7 8 9; do getent passwd early-$$i; getent group early-$$i; done; true'
[Install]
WantedBy=basic.target
"""
BESIDE = """[Unit]
Before=multi-user.target
[Service]
Type=oneshot
User=rescue
ExecStart=sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do getent passwd beside-$$i; done; true'
[Install]
WantedBy=multi-user.target
"""


def boot(host):
    """How long it takes."""
    begin = time.monotonic()
    host.boot()
    return time.monotonic() - begin


def order(host, text):
    """The lines passwd: and group: of nsswitch.conf."""
    path = host.path("/etc/nsswitch.conf")
    path.write_text(re.sub(r"^(passwd|group):.*$", rf"\1: {text}", path.read_text(), flags=re.M))


def without_us(host):
    """The same host when it has never heard of us: the better of two boots."""
    order(host, "files")
    host.units("mask", DAEMON, SOCKET, TASKS)
    took = []
    for _ in range(2):
        took.append(boot(host))
        host.poweroff()
    host.units("unmask", DAEMON, SOCKET, TASKS)
    order(host, "files kanidm")
    return min(took)


def comes_up(host, report, state, usual, more=0.0):
    """multi-user.target is reached, soon, and local people get in."""
    took = boot(host)
    report.truth(state, f"up after {took:.1f} s ({usual:.1f} s without us)",
                 took <= 2 * usual + 2 * SLACK + more)
    for unit in ("multi-user.target", "nss-user-lookup.target"):
        active = host.out("systemctl", "is-active", unit, check=False)
        report.truth(state, f"{unit} is {active}", active == "active")
    failed = host.out("systemctl", "--failed", "--plain", "--no-legend")
    report.truth(state, "no unit has failed", not failed, failed)
    report.check(state, "a local person on the console",
                 host.console_login("rescue", user="rescue", typed=LOCAL), within=1 + SLACK)
    line = host.run("getent", "passwd", host.login_name("alice"), check=False).stdout
    report.truth(state, "a known person resolves", f":{PEOPLE['alice'][0]}:" in line, line)


def recovers(host, report, state, missing, name):
    """Everything is put back, one after the other."""
    for part in missing:
        if part == "network":
            host.cable(True)
        elif part == "server":
            host.server.well()
        else:
            host.run("systemctl", "unmask", TASKS)
            host.run("systemctl", "start", TASKS)
    begin = time.monotonic()
    until(f"{name} is known", 30, lambda: f":{PEOPLE[name][0]}:" in host.run(
        "getent", "passwd", host.login_name(name), check=False).stdout)
    report.truth(state, f"a new person is known {time.monotonic() - begin:.1f} s after", True)
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())
    report.check(state, "and gets in", host.ssh(name), within=2.5 + SLACK)
    home = host.out("getent", "passwd", host.login_name(name)).split(":")[5]
    report.truth(state, "at home", host.run("test", "-d", home, check=False).returncode == 0, home)


def combinations(host, report, usual):
    """What can be missing, in each order in which it can come back."""
    parts = ("network", "server", "tasks")
    orders = [back for n in range(len(parts) + 1) for back in itertools.permutations(parts, n)]
    for missing, name in zip(orders, NEW, strict=True):
        state = f"booted without {', then '.join(missing) or 'nothing'}"
        if "network" in missing:
            host.cable(False)
        if "server" in missing:
            host.server.stop()
        if "tasks" in missing:
            host.units("mask", TASKS)
        comes_up(host, report, state, usual)
        recovers(host, report, state, missing, name)
        host.poweroff()


def frozen(host, report, usual):
    """The server takes requests and answers none, and every name is asked of us first."""
    order(host, "kanidm files")
    host.server.freeze()
    comes_up(host, report, "server frozen, kanidm before files", usual, VERDICT)
    host.server.well()
    host.poweroff()
    order(host, "files kanidm")


def masked(host, report, usual):
    """The daemon, then its socket."""
    host.units("mask", DAEMON)
    took = boot(host)
    state = "daemon masked"
    report.truth(state, f"up after {took:.1f} s ({usual:.1f} s without us)",
                 took <= 2 * usual + 2 * SLACK)
    report.check(state, "a local person on the console",
                 host.console_login("rescue", user="rescue", typed=LOCAL), within=1 + SLACK)
    host.poweroff()
    host.units("unmask", DAEMON)
    host.units("mask", SOCKET)
    comes_up(host, report, "socket masked", usual)
    report.check("socket masked", "ssh by password", host.ssh("alice"), within=2.5 + SLACK)
    host.poweroff()
    host.units("unmask", SOCKET)


def scenario():
    """One disk, many boots."""
    report = Report()
    host = Host("spn", settings=("cache_timeout = 900",))
    host.write("/etc/systemd/system/early-names.service", EARLY)
    host.write("/etc/systemd/system/beside-names.service", BESIDE)
    host.units("enable", "early-names.service", "beside-names.service")
    usual = without_us(host)
    host.boot()
    until("the link is up", 15, lambda: "Kanidm: online" in host.status())
    report.check("first boot", "ssh by password", host.ssh("alice"), within=2.5 + SLACK)
    host.poweroff()
    combinations(host, report, usual)
    frozen(host, report, usual)
    masked(host, report, usual)
    report.end()


if __name__ == "__main__":
    main(scenario)
