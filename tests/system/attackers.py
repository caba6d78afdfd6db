# SPDX-License-Identifier: MPL-2.0
"""People who should not get in, and crowds of people who should.

Another person's password cannot be tested; ten thousand guesses offline get nowhere; an
unknown name takes as long as a wrong password; no password stays in memory, in files or in
the journal; five hundred logins at once each end by their deadline.
"""
import math
import pathlib
import re
import statistics
import time

from clients import Report
from container import main
from hosts import Host
from people import PEOPLE, password, spn
from pty_talk import until

WRONG = "Wrong-horse-battery-9"
SUCCESS, AUTH_ERR, UNAVAIL, UNKNOWN, MAXTRIES = "0", "7", "9", "10", "11"


def online(host):
    """Waits until the daemon says so."""
    until("the link is up", 15, lambda: "online" in host.status())


def another_persons_password(host, report):
    """alice knows bob's password by heart, and yet cannot have it confirmed as herself."""
    host.pam("bob", "auth")
    bobs = host.server.ctl("requests").count("_unix/_auth")
    for what, typed in (("right", password("bob")), ("wrong", WRONG)):
        got = host.pam("bob", "auth", service="only", typed=typed, caller="alice")[0]
        report.truth("other's password", f"{what}: {got['name']} through PAM",
                     got["code"] not in (SUCCESS,), got)
    one, two = (host.as_person("alice", "kanidm-unix", "auth-test", "--name",
                               host.login_name("bob"), stdin=typed + "\n", check=False)
                for typed in (password("bob"), WRONG))
    report.truth("other's password", "auth-test fails", one.returncode and two.returncode,
                 one.stdout + two.stdout)
    report.truth("other's password", "auth-test says the same of a right and a wrong one",
                 one.stdout == two.stdout, one.stdout + "\n" + two.stdout)
    report.truth("other's password", "the server was never asked",
                 host.server.ctl("requests").count("_unix/_auth") == bobs)
    mine = host.pam("alice", "auth", service="only", caller="alice")[0]
    report.truth("other's password", "her own is judged", mine["code"] == SUCCESS, mine)


def timing(host, report, state):
    """Medians of what a remote person can measure, through the stack as installed: pam_unix
    asks, so that an unknown name is asked for a password as well."""
    medians = {}
    for what, name in (("wrong password", "bob"), ("unknown name", "nobody-has-it"),
                       ("expired, wrong password", "carol"), ("not in a group", "olga")):
        times = [int(host.pam(name, "auth", typed=WRONG)[0]["ms"])
                 for _ in range(7)]
        medians[what] = statistics.median(times)
        print(f"    {state}: {what}: median {medians[what]:.0f} ms of {times}")
    # On an idle machine they are 2 and 20 ms apart; how long verifying takes varies by a third.
    spread = max(medians.values()) - min(medians.values())
    limit = max(100, max(medians.values()) / 3)
    report.truth("timing", f"{state}: medians differ by {spread:.0f} ms (at most {limit:.0f})",
                 spread <= limit, medians)


def guesses(host, report):
    """Thousands of passwords, the right one among them, by the person's own unprivileged
    process; then 10,000 from root, as a remote guesser through sshd would come."""
    name = "tina"
    for person in (name, "victor"):
        host.pam(person, "auth", "acct")
        host.remembers(person)
    host.server.stop()
    host.run("systemctl", "restart", "kanidm-unixd")
    timing(host, report, "server stopped")
    for caller, person, number in ((PEOPLE[name][0], name, 1000), (0, "victor", 10000)):
        words = [f"guess-{i}" for i in range(number)]
        words[number // 2] = password(person)
        begin = time.monotonic()
        lines = host.out("setpriv", f"--reuid={caller}", f"--regid={caller}", "--clear-groups",
                         "--", "pamrun", "-s", "only", "-u", host.login_name(person), "-T",
                         "400", "-g", "auth", stdin="\n".join(words) + "\n", timeout=150)
        counts = {}
        for line in lines.splitlines():
            code, _, count, longest = line.split("\t")
            counts[code] = (int(count), int(longest))
        who = "root" if caller == 0 else "the person"
        took = time.monotonic() - begin
        # Three are free, then one has to wait 2, 4, 8 … seconds; two are in doubt.
        judged = 3 + int(math.log2(took / 2 + 1)) + 2
        print(f"    guesses by {who}: {counts} in {took:.0f} s")
        report.truth("guesses", f"by {who}: {number} and none gets in",
                     SUCCESS not in counts and sum(n for n, _ in counts.values()) == number,
                     counts)
        report.truth("guesses", f"by {who}: at most {judged} were looked at",
                     counts.get(AUTH_ERR, (0, 0))[0] <= judged, counts)
    got = host.pam("victor", "auth", service="only")[0]
    report.truth("guesses", "the right one has to wait as well", got["code"] == MAXTRIES, got)
    got = host.pam("alice", "auth", service="only")[0]
    report.truth("guesses", "nobody else does", got["code"] == SUCCESS, got)
    host.run("systemctl", "kill", "-s", "KILL", "kanidm-unixd")
    until("the daemon is back", 15, lambda: host.run("kanidm-unix", "status",
                                                     check=False).returncode == 0)
    got = host.pam("victor", "auth", service="only")[0]
    report.truth("guesses", "not even a killed daemon forgets", got["code"] == MAXTRIES, got)
    host.server.start()
    online(host)


def memory_of(pid):
    """Every readable byte of a process, region by region."""
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not found or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in found.groups())
            try:
                mem.seek(begin)
                yield line, mem.read(end - begin)
            except OSError:
                continue


def no_password_stays(host, report):
    """After logins of every kind, as root sees the machine."""
    name = "wendy"
    right, wrong = password(name), "Mistyped-wendy-battery-staple-7"
    host.pam(name, "auth", "acct", "open", "close")
    host.remembers(name)
    host.pam(name, "auth", typed=wrong)
    host.ssh(name)
    host.ssh(name, typed=wrong)
    host.server.freeze()
    host.pam(name, "auth")
    host.server.well()
    host.server.stop()
    host.pam(name, "auth")
    host.pam(name, "auth", typed=wrong)
    host.run("kanidm-unix", "auth-test", "--name", host.login_name(name), stdin=right + "\n",
             check=False)
    secrets = [word.encode() for word in (right, wrong)]
    for unit in ("kanidm-unixd", "kanidm-unixd-tasks"):
        pid = host.pid_of(unit)
        found = [line for line, data in memory_of(pid) if any(s in data for s in secrets)]
        report.truth("secrets", f"none in the memory of {unit}", not found, found)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text("utf-8")
        report.truth("secrets", f"{unit} leaves no core",
                     re.search(r"^Max core file size +0 +0 ", limits, re.M), limits)
        # Of a process of root's own it is root's in any case.
        owner = pathlib.Path(f"/proc/{pid}/environ").stat().st_uid
        report.truth("secrets", f"{unit} is not dumpable", owner == 0)
    # The scan must be able to find something.
    seen = any(b"kanidm" in data for _, data in memory_of(host.pid_of("kanidm-unixd")))
    report.truth("secrets", "the scan reads memory", seen)
    host.journal("-n", "1")
    for place in ("/var/log", "/run/log", "/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd",
                  "/run/kanidm-unixd", "/var/lib/systemd"):
        for secret in secrets:
            hit = host.run("grep", "-rlaF", secret.decode(), place, check=False).stdout
            report.truth("secrets", f"none below {place}", not hit.strip(), hit)
    everything = host.journal("-a")
    report.truth("secrets", "none in the journal",
                 not any(s.decode() in everything for s in secrets))
    host.server.start()
    online(host)


def status_kb(pid, key):
    """A line of /proc/PID/status."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))


def crowd(host, how, typed=None, timeout=150):
    """500 at once; what they got and how long the slowest took."""
    lines = host.out("pamrun", "-s", "only", "-u", host.login_name("alice"), how, "500", "auth",
                     "acct", stdin=(typed or password("alice")) + "\n", timeout=timeout)
    counts = {}
    for line in lines.splitlines():
        code, _, number, longest = line.split("\t")
        counts[code] = (int(number), int(longest))
    return counts


def crowds(host, report):
    """From 500 processes and from 500 threads of one."""
    allowed = {SUCCESS, UNAVAIL, MAXTRIES}
    for how, what in (("-P", "500 processes"), ("-T", "500 threads")):
        got = crowd(host, how)
        print(f"    {what}: {got}")
        report.truth("crowd", f"{what}: no wrong verdict", set(got) <= allowed and
                     sum(n for n, _ in got.values()) == 500, got)
        slowest = max(ms for _, ms in got.values())
        report.truth("crowd", f"{what}: the last ends after {slowest} ms (at most 5,000)",
                     slowest <= 5000, got)
        got = crowd(host, how, typed=WRONG)
        print(f"    {what}, wrong password: {got}")
        report.truth("crowd", f"{what}, wrong password: nobody gets in", SUCCESS not in got, got)
    host.server.ctl("unlock", "alice")
    pid = host.pid_of("kanidm-unixd")
    peak = status_kb(pid, "VmHWM")
    report.truth("crowd", f"the daemon's peak is {peak} kB (at most 98,304)", peak <= 98304)

    host.configure("spn", settings=("auth_deadline = 120",))
    host.run("systemctl", "restart", "kanidm-unixd")
    online(host)
    got = crowd(host, "-P")
    print(f"    auth_deadline = 120: {got}")
    report.truth("crowd", "with auth_deadline = 120 all succeed",
                 got.get(SUCCESS, (0, 0))[0] == 500, got)


def scenario():
    """One host; each attack leaves it as it found it."""
    report = Report()
    host = Host("spn")
    host.boot()
    online(host)
    host.pam("alice", "auth", "acct", "open", "close")
    host.remembers("alice")
    another_persons_password(host, report)
    timing(host, report, "server there")
    no_password_stays(host, report)
    guesses(host, report)
    host.server.ctl("unlock", "alice")
    crowds(host, report)
    report.end(host)


if __name__ == "__main__":
    main(scenario)
