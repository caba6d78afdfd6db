# SPDX-License-Identifier: MPL-2.0
"""Our units as systemd runs them: what they may, how the daemon is started by who asks it, and
what happens when it hangs.
"""
import re
import time

from clients import SLACK, Report
from container import main
from hosts import Host
from people import PEOPLE
from pty_talk import until

DAEMON, TASKS, SOCKET = "kanidm-unixd.service", "kanidm-unixd-tasks.service", "kanidm-unixd.socket"
# What a TPM needs of the unit; only for the number.
TPM = "SupplementaryGroups=tss\nPrivateDevices=no\nDevicePolicy=closed\nDeviceAllow=/dev/tpmrm0 rw"


def drop_in(host, unit, text, section="Service"):
    """With text: writes it; without: takes it away."""
    directory = f"/etc/systemd/system/{unit}.d"
    if text:
        host.write(f"{directory}/test.conf", f"[{section}]\n{text}\n")
    else:
        host.run("rm", "-r", directory)
    host.run("systemctl", "daemon-reload")


def is_active(host, unit):
    """What systemctl says."""
    return host.out("systemctl", "is-active", unit, check=False)


def online(host):
    """The daemon runs and has its link."""
    until("the link is up", 15, lambda: "Kanidm: online" in host.status())


def finds(host, name):
    """One lookup through the module."""
    begin = time.monotonic()
    done = host.run("getent", "passwd", host.login_name(name), check=False)
    return f":{PEOPLE[name][0]}:" in done.stdout, time.monotonic() - begin


def exposure(host, report):
    """What `systemd-analyze security` thinks of them."""
    def one(unit, limit, what=""):
        text = host.out("systemd-analyze", "security", "--no-pager", unit)
        found = float(re.search(r"exposure level for .*: ([0-9.]+)", text).group(1))
        report.truth("units", f"exposure of {unit}{what} is {found} (at most {limit})",
                     found <= limit)
    one(DAEMON, 1.3)
    one(TASKS, 1.5)
    drop_in(host, DAEMON, TPM)
    one(DAEMON, 1.5, " with a TPM")
    drop_in(host, DAEMON, None)
    text = host.run("systemd-analyze", "verify", "--man=no", DAEMON, TASKS, SOCKET,
                    "kanidm-unixd-mount.socket", check=False).stdout
    report.truth("units", "systemd has nothing to say about them",
                 "kanidm" not in text, text)


def activation(host, report):
    """Stopped, it comes back for whoever asks; with its socket stopped, it stays away."""
    state = "stopped"
    # A first start has no domain yet, and its map no names without one.
    until("alice is known", 10, lambda: finds(host, "alice")[0])
    until("the map has the domain", 10, lambda: "idm.example.test" in host.run(
        "sh", "-c", "head -c 512 /run/kanidm-unixd/nss.map | tr -dc [:print:]", check=False).stdout)
    report.truth(state, f"{SOCKET} is active from boot on", is_active(host, SOCKET) == "active")
    host.run("systemctl", "stop", DAEMON)
    found, took = finds(host, "alice")
    report.truth(state, f"who was known is found after {took:.2f} s", found and took < SLACK)
    report.truth(state, "and did not start it", is_active(host, DAEMON) == "inactive")
    finds(host, "bob")
    until("a lookup has started the daemon", 10, lambda: is_active(host, DAEMON) == "active")
    online(host)
    report.truth(state, "a lookup starts it", finds(host, "bob")[0])
    host.run("systemctl", "stop", DAEMON)
    attempt = host.ssh("alice")
    report.check(state, "ssh by password starts it", attempt, within=2.5 + SLACK)
    report.truth(state, "the password was not sent to a stranger",
                 is_active(host, DAEMON) == "active")
    host.run("systemctl", "stop", SOCKET, DAEMON)
    found, took = finds(host, "alice")
    report.truth("socket stopped, too", "who was known is found", found)
    _, took = finds(host, "peter")
    report.truth("socket stopped, too", f"others soon are not ({took:.2f} s)", took < 0.5)
    report.truth("socket stopped, too", "nothing starts", is_active(host, DAEMON) == "inactive")
    host.run("systemctl", "start", DAEMON)
    report.truth("started", "the socket comes with it", is_active(host, SOCKET) == "active")
    online(host)


def without_socket(host, report):
    """The daemon makes its own where there is no such unit, or is stopped beneath it."""
    state = "socket masked"
    host.run("systemctl", "mask", "--now", SOCKET)
    report.truth(state, "the daemon is asked as before", finds(host, "quinn")[0])
    host.run("systemctl", "restart", DAEMON)
    online(host)
    report.truth(state, "and after a restart", finds(host, "ruth")[0])
    host.run("systemctl", "unmask", SOCKET)
    host.run("systemctl", "restart", DAEMON)
    online(host)
    report.truth("socket unmasked", "it comes with the daemon",
                 is_active(host, SOCKET) == "active" and finds(host, "sam")[0])


def masked(host, report):
    """Nobody is kept waiting by a socket that leads nowhere."""
    state = "daemon masked"
    host.run("systemctl", "mask", "--now", DAEMON)
    begin = time.monotonic()
    for i in range(20):
        host.run("getent", "passwd", f"nobody-{i}", check=False)
    took = time.monotonic() - begin
    report.truth(state, f"20 strange names cost {took:.2f} s", took < 4)
    host.run("systemctl", "unmask", DAEMON)
    host.run("systemctl", "start", DAEMON)
    online(host)
    report.truth("unmasked", "the socket is back", is_active(host, SOCKET) == "active")


def removed(host, report):
    """Somebody has removed the file of the socket, or the directory: what check says helps."""
    for what, path in (("socket removed", "sock"), ("directory removed", "")):
        host.run("rm", "-rf", f"/run/kanidm-unixd/{path}")
        said = host.run("kanidm-unix", "check", check=False).stdout
        fix = "systemctl stop kanidm-unixd.socket kanidm-unixd; systemctl start kanidm-unixd"
        report.truth(what, "check says what to do", fix in said, said)
        host.run("systemd-tmpfiles", "--create")
        for command in fix.split("; "):
            host.run(*command.split())
        online(host)
        report.truth(what, "done, it is there", is_active(host, SOCKET) == "active" and
                     finds(host, "tina" if path else "alice")[0])


def restarts(host, report):
    """Restarted again and again, with lookups going on in one program and in new ones."""
    name = host.login_name("alice")
    askers = {
        "one program": host.start("perl", "-e", f"""
            until (-e "/run/enough") {{
                $n++;
                getpwnam('{name}') or $missed++;
                select(undef, undef, undef, 0.002);
            }}
            open(my $f, ">", "/run/asked-by-one");
            print $f $n, " ", 0 + $missed, "\\n";"""),
        "programs": host.start("sh", "-c", f"""
            n=0 missed=0
            until [ -e /run/enough ]; do
                n=$((n + 1))
                getent passwd {name} >/dev/null || missed=$((missed + 1))
            done
            echo $n $missed >/run/asked-by-many""")}
    for _ in range(10):
        host.run("systemctl", "restart", DAEMON)
    host.run("systemctl", "stop", DAEMON)
    host.run("systemctl", "start", DAEMON)
    host.run("systemctl", "kill", "-s", "KILL", DAEMON)
    until("it is back", 10, lambda: is_active(host, DAEMON) == "active")
    host.run("touch", "/run/enough")
    for what, asker in askers.items():
        asker.wait(20)
        file = "/run/asked-by-one" if what == "one program" else "/run/asked-by-many"
        count, missed = map(int, host.out("cat", file).split())
        report.truth("restarts", f"{what}: {count} lookups, {missed} without an answer",
                     count > 20 and not missed)


def own_start(host, report):
    """Whom the daemon runs as is looked up before it runs: that must not wait for it."""
    path = host.path("/etc/nsswitch.conf")
    before = path.read_text()
    for order in ("files kanidm", "kanidm files", "kanidm [TRYAGAIN=return] files"):
        path.write_text(re.sub(r"^(passwd|group):.*$", rf"\1: {order}", before, flags=re.M))
        host.run("systemctl", "stop", DAEMON)
        host.run("rm", "-f", "/run/kanidm-unixd/nss.map")
        begin = time.monotonic()
        host.run("systemctl", "start", DAEMON)
        took = time.monotonic() - begin
        report.truth(f"order {order}", f"the daemon starts in {took:.2f} s", took < 1 + SLACK)
    path.write_text(before)
    online(host)


def watchdog(host, report):
    """It hangs: systemd ends it and starts another."""
    drop_in(host, DAEMON, "WatchdogSec=2\nTimeoutAbortSec=2")
    host.run("systemctl", "restart", DAEMON)
    online(host)
    before = host.out("systemctl", "show", "-p", "MainPID", "--value", DAEMON)
    mark = host.cursor()
    host.run("systemctl", "kill", "-s", "STOP", DAEMON)
    until("another daemon runs", 20, lambda: host.out(
        "systemctl", "show", "-p", "MainPID", "--value", DAEMON) not in ("0", before))
    online(host)
    report.truth("hung", "the watchdog ended it and it is back",
                 "Watchdog timeout" in host.journal_since(mark), host.journal_since(mark))
    drop_in(host, DAEMON, None)
    host.run("systemctl", "restart", DAEMON)
    online(host)


def scenario():
    """One host, one boot."""
    report = Report()
    host = Host("spn")
    host.boot()
    online(host)
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())
    exposure(host, report)
    activation(host, report)
    without_socket(host, report)
    masked(host, report)
    removed(host, report)
    restarts(host, report)
    own_start(host, report)
    watchdog(host, report)
    failed = host.out("systemctl", "--failed", "--plain", "--no-legend")
    report.truth("units", "none has failed", not failed, failed)
    report.end(host)


if __name__ == "__main__":
    main(scenario)
