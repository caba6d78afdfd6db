# SPDX-License-Identifier: MPL-2.0
"""kanidm-unix check in a booted host: nothing is found on a good one, and what only systemd can
tell is named: units that are masked, disabled, failed, stopped, and what drop-ins made of them.
"""
from clients import Report
from container import main
from hosts import Host
from pty_talk import until

HEALTHY = "0 errors, 0 warnings, 0 hints"
DAEMON, TASKS = "kanidm-unixd.service", "kanidm-unixd-tasks.service"


def check(host, *options):
    """What it prints, as root."""
    return host.out("kanidm-unix", "check", *options, check=False)


def named(host, report, word, thing):
    """A line of that finding has the thing in it."""
    text = check(host)
    lines = [line for line in text.splitlines() if line.endswith(f"[{word}]") and thing in line]
    report.truth("check", f"{word}: {thing}", lines, text)


def healthy(host, report, after):
    """No finding."""
    text = check(host)
    report.truth("check", f"nothing is found {after}", text.strip() == HEALTHY, text)


def drop_in(host, unit, text):
    """With text: writes it; without: takes it away."""
    directory = f"/etc/systemd/system/{unit}.d"
    if text:
        host.run("mkdir", "-p", directory)
        host.write(f"{directory}/test.conf", f"[Service]\n{text}\n")
    else:
        host.run("rm", "-r", directory)
    host.run("systemctl", "daemon-reload")


def ready(host):
    """Both daemons run and know each other."""
    host.run("systemctl", "reset-failed", check=False)
    host.run("systemctl", "restart", DAEMON, TASKS)
    until("the link is up", 15, lambda: "Kanidm: online" in host.status())
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())


def states(host, report):
    """What systemd would do, and does."""
    host.run("systemctl", "mask", DAEMON)
    named(host, report, "unit-masked", DAEMON)
    host.run("systemctl", "unmask", DAEMON)
    host.run("systemctl", "disable", DAEMON)
    named(host, report, "unit-disabled", DAEMON)
    host.run("systemctl", "enable", DAEMON)
    host.run("systemctl", "stop", TASKS)
    named(host, report, "unit-inactive", TASKS)
    named(host, report, "tasks-down", "not connected")
    drop_in(host, TASKS, "ExecStart=\nExecStart=/bin/false\nRestart=no")
    host.run("systemctl", "start", TASKS, check=False)
    named(host, report, "unit-failed", TASKS)
    drop_in(host, TASKS, None)
    ready(host)
    healthy(host, report, "when the units are as before")


def drop_ins(host, report):
    """What somebody has made of our units."""
    drop_in(host, DAEMON, "PrivateUsers=yes")
    ready(host)
    named(host, report, "unit-private-users", DAEMON)
    drop_in(host, DAEMON, "DynamicUser=yes")
    named(host, report, "unit-old", DAEMON)
    drop_in(host, DAEMON, None)
    ready(host)
    healthy(host, report, "without the drop-ins")


def homes(host, report):
    """Where the tasks unit may write, and the second unit."""
    host.configure("spn", ('home_prefix = "/u"',))
    named(host, report, "unit-home", "/u/")
    named(host, report, "home-missing", "/u/")
    host.configure("spn", ('home_strategy = "bind_mount"',))
    named(host, report, "unit-mount", "kanidm-unixd-mount.socket")
    host.configure("spn")
    healthy(host, report, "with homes below /home")


def clock(host, report):
    """The server's answers bear another date."""
    host.server.ctl("clock", "+86400")
    named(host, report, "clock-off", "s behind the server's")
    host.server.ctl("clock", "-172800")
    named(host, report, "clock-off", "s ahead of the server's")
    host.server.ctl("clock", "reset")
    healthy(host, report, "with one time at both ends")


def scenario():
    """One host, one boot."""
    report = Report()
    host = Host("spn")
    host.boot()
    until("the link is up", 15, lambda: "Kanidm: online" in host.status())
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())
    host.ids("alice")
    # A service of these tests has no pam_unix.so: the gravest fault there is.
    named(host, report, "pam-no-unix", "/etc/pam.d/only:1")
    host.run("rm", "/etc/pam.d/only")
    healthy(host, report, "on a host that was set up as the documents say")
    states(host, report)
    drop_ins(host, report)
    homes(host, report)
    clock(host, report)
    report.end()


if __name__ == "__main__":
    main(scenario)
