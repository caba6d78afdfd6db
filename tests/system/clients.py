# SPDX-License-Identifier: MPL-2.0
"""Every way in × every state of the server × both naming schemes, with the real programs.

States: online; the server stopped; the server freezing between the prompt and the password;
booted with no network at all, on the disk of the boot before.
"""
import sys

from container import main
from hosts import Host
from people import LOGIN_GROUP, PEOPLE, spn
from pty_talk import Failed, in_time, until

# What a login may take from the password to the shell. The module's own deadline is 2.5 s, and
# 0.5 s when the link is known to be down; a shell on a busy machine comes on top. sshd stretches
# what a password took to the next power of two times a few milliseconds, so that nobody learns
# from it: up to twice as long, whatever the module does.
SLACK = 1.5
LONG = ("cache_timeout = 900",)
ONLINE, FROZEN, OFFLINE = 2.5 + SLACK, 2.5 + SLACK, 0.5 + SLACK


class Report:
    """Prints each attempt and remembers what went wrong, so that one run tells everything."""

    def __init__(self):
        self.wrong = []
        self.n = 0

    def check(self, state, what, result, entered=True, within=None):
        """One attempt against what it should have been."""
        self.n += 1
        if within is not None and what.startswith("ssh"):
            within *= 2
        good = result.entered == entered and \
            (within is None or in_time(result.seconds, within))
        print(f"{'ok' if good else 'NOT OK'}: {state}: {what}: "
              f"{'in' if result.entered else 'refused'}, {result.seconds:.2f} s")
        if not good:
            self.wrong.append(f"{state}: {what}: wanted "
                              f"{'in' if entered else 'refused'} within {within}: {result}")

    def truth(self, state, what, good, detail=""):
        """Something that must hold."""
        self.n += 1
        print(f"{'ok' if good else 'NOT OK'}: {state}: {what}")
        if not good:
            self.wrong.append(f"{state}: {what}: {detail}")

    def end(self, host=None):
        """Fails when anything went wrong."""
        if self.wrong:
            if host:
                print("--- journal\n" + host.journal("-u", "kanidm-unixd", "-u",
                                                     "kanidm-unixd-tasks", "-n", "40"))
            raise Failed(f"{len(self.wrong)} of {self.n} wrong:\n" + "\n".join(self.wrong))
        print(f"{self.n} as they should be")


def all_ways(host, report, state, name, within):
    """Each program once, for somebody who may."""
    for what, attempt in (
            ("ssh by password", lambda: host.ssh(name)),
            ("ssh keyboard-interactive", lambda: host.ssh(name, "keyboard-interactive")),
            ("ssh by key", lambda: host.ssh(name, "publickey")),
            ("console login", lambda: host.console_login(name)),
            ("su by a local person", lambda: host.su_from_rescue(name)),
            ("su by root", lambda: host.su_from_root(name)),
            ("sudo", lambda: host.sudo(name)),
            ("cron job", lambda: host.cron(name)),
            ("screen locker", lambda: host.locker(name)),
            ("user@UID.service", lambda: host.user_manager(name)),
            ("systemd-run --uid", lambda: host.systemd_run(name))):
        report.check(state, what, attempt(), within=within)
    passwd = host.passwd(name)
    report.check(state, "passwd changes nothing", passwd, entered=False, within=ONLINE)
    report.truth(state, "passwd says where", "idm.example.test" in passwd.text, passwd.text)


def wrong_passwords(host, report, state, name):
    """The same doors for somebody who does not know the password. Programs that go through
    libpam's own delay take its two seconds on top."""
    typed = "Wrong-horse-battery-9"
    for what, attempt in (
            ("ssh, wrong password", lambda: host.ssh(name, typed=typed)),
            ("console, wrong password", lambda: host.console_login(name, typed=typed)),
            ("su, wrong password", lambda: host.su_from_rescue(name, typed=typed)),
            ("screen locker, wrong password", lambda: host.locker(name, typed=typed))):
        report.check(state, what, attempt(), entered=False, within=ONLINE + 3)


def home_is_there(host, report, state, name):
    """Made by the first session, owned by the person, reached by the alias."""
    home = host.out("getent", "passwd", host.login_name(name)).split(":")[5]
    stat = host.out("stat", "-L", "-c", "%F %u %g %a", home, check=False)
    uid = PEOPLE[name][0]
    report.truth(state, f"home {home} is there", stat.startswith(f"directory {uid} {uid} 7"),
                 stat)


def crossed_names(host, report, state, name):
    """The other spelling than the one that is shown. OpenSSH 10.1 and 10.2 refuse it before any
    module runs; this one (9.2) does not. pamrun sees whether a module changed PAM_USER."""
    other = name if host.naming == "spn" else spn(name)
    for method in ("password", "publickey"):
        report.check(state, f"ssh by {method} as {other}", host.ssh(
            name, method, user=other, shown=host.login_name(name)), within=ONLINE)
    for user in (name, spn(name)):
        rows = host.pam(name, "auth", "acct", "cred", "open", "close", "delete", user=user)
        report.truth(state, f"{user} may log in and stays PAM_USER", all(
            row["user"] == user and row["name"] == "SUCCESS" for row in rows), rows)


def changes_count_at_the_next_login(host, report, state):
    """cache_timeout is 900 s; a record older than 15 s is asked for before anybody gets in."""
    for what, change, back, attempt in (
            ("leaving the group", ("member", "remove", LOGIN_GROUP, "sam"),
             ("member", "add", LOGIN_GROUP, "sam"), lambda: host.su_from_root("sam")),
            ("a removed key", ("key", "remove", "ruth", "test"), None,
             lambda: host.ssh("ruth", "publickey"))):
        report.check(state, f"before {what}", attempt())
        host.server.ctl(*change)
        until(f"{what} counts", 20, lambda attempt=attempt: not attempt().entered)
        report.truth(state, f"{what} counts within 20 s", True)
        if back:
            host.server.ctl(*back)
            until("coming back counts", 20, lambda attempt=attempt: attempt().entered)
            report.truth(state, "so does coming back", True)


def frozen_mid_login(host, report, name):
    """The prompt is there, then the server stops answering, then the password is typed."""
    for what, attempt in (
            ("ssh, frozen mid-login", lambda: host.ssh(name, before=host.server.freeze)),
            ("console, frozen mid-login",
             lambda: host.console_login(name, before=host.server.freeze)),
            ("su, frozen mid-login",
             lambda: host.su_from_rescue(name, before=host.server.freeze))):
        host.server.well()
        until("the link is up", 15, lambda: "online" in host.status())
        report.check("frozen", what, attempt(), within=FROZEN)


def one_scheme(host, report, naming):
    """The four states, one after the other, as a day that gets worse."""
    name = "alice"
    state = f"{naming}, online"
    all_ways(host, report, state, name, ONLINE)
    home_is_there(host, report, state, name)
    host.locker("bob")
    host.remembers(name, "bob")
    wrong_passwords(host, report, state, "bob")
    crossed_names(host, report, state, name)

    frozen_mid_login(host, report, name)
    all_ways(host, report, f"{naming}, frozen", name, FROZEN)

    host.server.well()
    host.server.stop()
    host.run("systemctl", "restart", "kanidm-unixd")
    all_ways(host, report, f"{naming}, server stopped", name, OFFLINE)
    wrong_passwords(host, report, f"{naming}, server stopped", "bob")

    # Somebody whose session manager runs from boot on; and then the cable is pulled.
    host.run("loginctl", "enable-linger", host.login_name(name))
    host.poweroff()
    host.cable(False)
    host.boot()
    state = f"{naming}, booted with no network"
    uid = PEOPLE[name][0]
    until("the lingering manager runs", 10, lambda: host.out(
        "systemctl", "is-active", f"user@{uid}.service", check=False) == "active")
    report.truth(state, "a lingering person's manager runs from boot on", True)
    all_ways(host, report, state, name, OFFLINE)
    host.run("loginctl", "disable-linger", host.login_name(name))
    host.cable(True)
    host.server.well()


def scenario():
    """Both naming schemes, on one disk each."""
    report = Report()
    host = Host("spn", settings=LONG)
    host.boot()
    changes_count_at_the_next_login(host, report, "spn, online")
    one_scheme(host, report, "spn")
    host.configure("name", settings=LONG)
    host.start_over()
    one_scheme(host, report, "name")
    report.end(host)


if __name__ == "__main__":
    main(scenario)
