# SPDX-License-Identifier: MPL-2.0
"""Our own daemons are missing, stopped, frozen or masked: names that were known resolve,
local people get in as if we were not there, and everybody else is refused quickly.
"""
import re
import time

from clients import SLACK, Report
from container import main
from hosts import Host
from people import PEOPLE
from pty_talk import until

LOCAL = "Local-rescue-horse-9"
QUICK = 1.0 + SLACK
REFUSED = 2.5 + 2.0 + SLACK  # our deadline, libpam's delay


def local_people(host, report, state):
    """Nothing of ours may slow them down or shut them out."""
    for what, attempt in (
            ("ssh", lambda: host.ssh("rescue", user="rescue", typed=LOCAL)),
            ("console", lambda: host.console_login("rescue", user="rescue", typed=LOCAL)),
            ("root's console",
             lambda: host.console_login("root", user="root", typed="Local-root-horse-9")),
            ("su", lambda: host.su_from_rescue("root", user="root", typed="Local-root-horse-9")),
            ("su by root", lambda: host.su_from_root("rescue", user="rescue")),
            ("cron", lambda: host.cron("rescue", user="rescue"))):
        report.check(state, f"a local person by {what}", attempt(), within=QUICK)


def known_names(host, report, state):
    """What was ever known is answered; what nobody knows is not claimed to be absent."""
    line = host.run("getent", "passwd", host.login_name("alice"), check=False).stdout
    report.truth(state, "a known name resolves", f":{PEOPLE['alice'][0]}:" in line, line)


def kanidm_people(host, report, state):
    """Refused, and soon."""
    report.check(state, "ssh by password", host.ssh("alice"), entered=False, within=REFUSED)
    report.check(state, "su by a local person", host.su_from_rescue("alice"), entered=False,
                 within=REFUSED)
    report.check(state, "su by root", host.su_from_root("alice"), entered=False, within=REFUSED)


def units(host, report):
    """What systemd thinks of them."""
    for unit, limit in (("kanidm-unixd", 1.3), ("kanidm-unixd-tasks", 1.5)):
        text = host.out("systemd-analyze", "security", "--no-pager", unit)
        exposure = float(re.search(r"exposure level for .*: ([0-9.]+)", text).group(1))
        report.truth("units", f"exposure of {unit} is {exposure} (at most {limit})",
                     exposure <= limit)
        state = host.out("systemctl", "is-active", unit, check=False)
        report.truth("units", f"{unit} is {state}", state == "active")
    failed = host.out("systemctl", "--failed", "--plain", "--no-legend")
    report.truth("units", "none has failed", not failed, failed)
    loops = host.journal("--boot", "--grep", "ordering cycle|ordering dependency")
    report.truth("units", "none waits for another in a circle", not loops, loops)


def without_tasks(host, report):
    """Homes that are there are used at once; one that is not costs a line, not a login."""
    state = "tasks masked"
    host.run("systemctl", "mask", "--now", "kanidm-unixd-tasks")
    host.run("systemctl", "restart", "kanidm-unixd")
    until("the link is up", 15, lambda: "online" in host.status())
    until("the first ten seconds are over", 20, lambda: int(
        host.pam("bob", "open", "close")[0]["ms"]) < 500)
    report.check(state, "ssh, home is there", host.ssh("alice"), within=QUICK)
    report.check(state, "ssh, no home", host.ssh("bob"), within=QUICK)
    homeless = host.console_login("bob")
    report.check(state, "console, no home", homeless, within=QUICK)
    report.truth(state, "and a line says so", "Your home directory" in homeless.text, homeless.text)
    local_people(host, report, state)
    host.run("systemctl", "unmask", "kanidm-unixd-tasks")
    host.run("systemctl", "start", "kanidm-unixd-tasks")
    until("the home is made", 15, lambda: host.ssh("bob").entered and host.run(
        "test", "-d", host.out("getent", "passwd", host.login_name("bob")).split(":")[5],
        check=False).returncode == 0)
    report.truth("tasks are back", "the home is made at the next session", True)


def lingering(host, report, took):
    """A boot without the daemon: the manager of a local person runs, that of a person whom
    nobody knows does not, and neither keeps the host from coming up."""
    state = "booted without the daemon"
    report.truth(state, f"the host is up after {took:.1f} s (at most 15)", took <= 15)
    uid = host.out("id", "-u", "rescue")
    until("the local lingering manager runs", 10, lambda: host.out(
        "systemctl", "is-active", f"user@{uid}.service", check=False) == "active")
    report.truth(state, "a local lingering person's manager runs", True)
    alice = host.out("systemctl", "is-active", f"user@{PEOPLE['alice'][0]}.service",
                     check=False)
    report.truth(state, f"a Kanidm person's lingering manager is {alice}", alice != "active")


def scenario():
    """A host that is broken more and more, then whole again."""
    report = Report()
    host = Host("spn")
    host.boot()
    until("the link is up", 15, lambda: "online" in host.status())
    units(host, report)
    local_people(host, report, "all is well")
    report.check("all is well", "ssh by password", host.ssh("alice"), within=QUICK + 2.5)
    without_tasks(host, report)

    host.server.freeze()
    local_people(host, report, "server frozen")
    host.server.well()

    host.run("systemctl", "kill", "-s", "STOP", "kanidm-unixd")
    known_names(host, report, "daemon frozen")
    local_people(host, report, "daemon frozen")
    host.run("systemctl", "kill", "-s", "CONT", "kanidm-unixd")

    host.run("systemctl", "kill", "-s", "KILL", "kanidm-unixd")
    known_names(host, report, "daemon killed")
    until("systemd has started it again", 10, lambda: host.run(
        "kanidm-unix", "status", check=False).returncode == 0)
    report.check("daemon killed, back", "ssh by password", host.ssh("alice"),
                 within=QUICK + 2.5)

    host.run("systemctl", "mask", "--now", "kanidm-unixd")
    known_names(host, report, "daemon masked")
    local_people(host, report, "daemon masked")
    kanidm_people(host, report, "daemon masked")
    host.run("useradd", "-m", "-s", "/bin/bash", "newlocal")
    host.run("chpasswd", stdin="newlocal:Local-newlocal-horse-9\n")
    report.check("daemon masked", "a local person added since",
                 host.ssh("newlocal", user="newlocal", typed="Local-newlocal-horse-9"),
                 within=QUICK)

    # People whose session managers run from boot on; ours cannot be known at this boot.
    for name in (host.login_name("alice"), "rescue"):
        host.run("loginctl", "enable-linger", name)
    host.poweroff()
    begin = time.monotonic()
    host.boot()
    lingering(host, report, time.monotonic() - begin)
    local_people(host, report, "booted without the daemon")
    host.run("systemctl", "unmask", "kanidm-unixd")
    host.run("systemctl", "start", "kanidm-unixd")
    until("the link is up", 15, lambda: "online" in host.status())
    report.check("daemon back", "user@UID.service", host.user_manager("alice"),
                 within=QUICK + 2.5)
    report.check("daemon back", "ssh by password", host.ssh("alice"), within=QUICK + 2.5)
    report.end(host)


if __name__ == "__main__":
    main(scenario)
