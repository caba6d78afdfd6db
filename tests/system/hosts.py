# SPDX-License-Identifier: MPL-2.0
"""The host under test as an administrator would set it up, and the programs that people log
in with: each tries once and says what happened and how long it took.
"""
import re
import time

from container import HOST_ADDRESS, SERVER_ADDRESS, Container, sh
from people import LOGIN_GROUP, PEOPLE, SUDO_GROUP, data, password, spn
from pty_talk import Failed, Talk, until
from server import URI, Server

MARK = "logged-in-as"


class Result:
    """One attempt: was the person let in, what was printed, how long did it take."""

    def __init__(self, entered, text, seconds):
        self.entered = entered
        self.text = text
        self.seconds = seconds

    def __repr__(self):
        what = "in" if self.entered else "refused"
        return f"<{what} after {self.seconds:.2f} s: {self.text.strip()!r}>"


class Host(Container):
    """A container set up for logins against a server."""

    def __init__(self, naming="spn", settings=(), sections=()):
        super().__init__()
        self.chroot("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key", "-C", "k")
        people = self.root.parent / "people.json"
        people.write_text(data(self.path("/root/key.pub").read_text().strip()))
        self.server = Server(people)
        self.install()
        self.program("tests/system/pamrun")
        self.naming = naming
        self.configure(naming, settings, sections)
        self._files()
        self._stacks()
        self._sshd()
        self._local_people()
        self.units("enable", "kanidm-unixd.service", "kanidm-unixd-tasks.service")

    # --- set up -----------------------------------------------------------------------

    def configure(self, naming, settings=(), sections=()):
        """Writes /etc/kanidm; what runs must be restarted."""
        self.naming = naming
        self.write("/etc/kanidm/config", f'uri = "{URI}"\nca_path = "/etc/kanidm/ca.pem"\n')
        self.write("/etc/kanidm/unixd", "\n".join([
            'version = "2"', f'uid_attr_map = "{naming}"', f'gid_attr_map = "{naming}"',
            *settings, "[kanidm]", f'pam_allowed_login_groups = ["{LOGIN_GROUP}"]',
            "prefetch_groups = []",  # who is known is what a scenario has asked for
            *sections, ""]))
        self.write("/etc/kanidm/ca.pem", self.server.ca.read_text())
        group = self.login_name(SUDO_GROUP).replace("@", r"\@")
        self.write("/etc/sudoers.d/kanidm", f"%{group} ALL=(ALL) ALL\n", 0o440)

    def _files(self):
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{HOST_ADDRESS} host\n"
                                 f"{SERVER_ADDRESS} idm.example.test\n")
        self.write("/etc/hostname", "host\n")
        old = self.path("/etc/nsswitch.conf").read_text()
        self.write("/etc/nsswitch.conf", re.sub(r"^(passwd|group):.*$", r"\1: files kanidm",
                                                old, flags=re.M))

    def _stacks(self):
        """PAM as Debian sets it up, with our profile; and services for the tests' program."""
        if not self.path("/usr/share/pam-configs/kanidm").exists():
            raise Failed("the install tree has no /usr/share/pam-configs/kanidm")
        self.chroot("pam-auth-update", "--package", "--enable", "kanidm")
        for name in ("common-auth", "common-account", "common-session", "common-password"):
            if "pam_kanidm.so" not in self.path(f"/etc/pam.d/{name}").read_text():
                raise Failed(f"pam-auth-update has not put pam_kanidm.so into {name}")
        stack = "".join(f"@include common-{part}\n" for part in
                        ("auth", "account", "session-noninteractive", "password"))
        self.write("/etc/pam.d/entry", stack)
        self.write("/etc/pam.d/only", "".join(f"{kind} required pam_kanidm.so\n" for kind in
                                              ("auth", "account", "session", "password")))
        self.write("/etc/pam.d/locker", "@include common-auth\n@include common-account\n")

    def _sshd(self):
        """Our drop-in as its own comment says, and what this test wants of sshd."""
        drop_in = self.path("/etc/ssh/sshd_config.d/10-kanidm.conf")
        drop_in.write_text(drop_in.read_text().replace("#AuthorizedKeysCommand",
                                                       "AuthorizedKeysCommand"))
        self._sshd_as_tested()

    def _sshd_as_tested(self):
        self.write("/etc/ssh/sshd_config.d/50-test.conf",
                   "KbdInteractiveAuthentication yes\nMaxStartups 1000\nLoginGraceTime 60\n")
        hosts = "".join(f"localhost {line.read_text()}" for line in
                        sorted(self.path("/etc/ssh").glob("ssh_host_*_key.pub")))
        self.write("/root/known_hosts", hosts)

    def _local_people(self):
        self.chroot("useradd", "-m", "-s", "/bin/bash", "rescue")
        self.chroot("chpasswd", input="rescue:Local-rescue-horse-9\nroot:Local-root-horse-9\n")

    def start_over(self):
        """A daemon that knows nothing: no cache, no credentials, no counters."""
        self.run("systemctl", "stop", "kanidm-unixd", "kanidm-unixd-tasks")
        for directory in ("/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd"):
            self.run("find", directory, "-mindepth", "1", "-delete")
        self.run("rm", "-f", "/run/kanidm-unixd/nss.map")
        self.run("systemctl", "start", "kanidm-unixd", "kanidm-unixd-tasks")
        until("the link is up", 10, lambda: "online" in self.status())

    def status(self):
        """What `kanidm-unix status` prints."""
        return self.out("kanidm-unix", "status", "--verbose", check=False)

    def remembers(self, *names):
        """Waits until these can log in offline: that is made ready behind a login's answer."""
        for name in names:
            until(f"the password of {name} is remembered", 30, lambda name=name: not re.search(
                "offline login: not ready",
                self.out("kanidm-unix", "explain", self.login_name(name), check=False)))

    def login_name(self, name):
        """What a person types: depends on the naming scheme."""
        return spn(name) if self.naming == "spn" else name

    def ids(self, name):
        """uid and gid, asked as every program asks."""
        line = self.out("getent", "passwd", self.login_name(name))
        fields = line.split(":")
        return int(fields[2]), int(fields[3])

    def as_person(self, name, *argv, **kw):
        """Runs a program as that person, with all groups, outside of any session."""
        uid, gid = PEOPLE[name][0], PEOPLE[name][0]
        return self.run("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--",
                        *argv, **kw)

    # --- ways in ----------------------------------------------------------------------

    def ssh(self, name, method="password", typed=None, before=None, command=None, user=None,
            shown=None):
        """ssh NAME@localhost, by `password`, `keyboard-interactive` or `publickey`. `user` is
        what is typed when it is not the usual name, `shown` what `id` then says."""
        user = user or self.login_name(name)
        options = {"UserKnownHostsFile": "/root/known_hosts", "StrictHostKeyChecking": "yes",
                   "PreferredAuthentications": method, "NumberOfPasswordPrompts": "1",
                   "IdentityFile": "/root/key", "IdentitiesOnly": "yes",
                   "PubkeyAuthentication": "yes" if method == "publickey" else "no"}
        argv = ["ssh", "-F", "none"]
        for key, value in options.items():
            argv += ["-o", f"{key}={value}"]
        begin = time.monotonic()
        talk = self.talk(*argv, "-l", user, "localhost",
                         command or f"echo {MARK} $(id -un) $PWD")
        if method != "publickey":
            talk.expect(r"[Pp]assword: ?$", 20)
            if before:
                before()
            begin = time.monotonic()
            talk.line(typed or password(name))
        return self._end(talk, begin, shown or user)

    def _end(self, talk, begin, user, seconds=30):
        status = talk.wait(seconds)
        took = time.monotonic() - begin
        entered = status == 0 and f"{MARK} {user}" in talk.text
        return Result(entered, talk.text, took)

    def su_from_root(self, name, user=None):
        """root does not type a password: the account and session phases alone."""
        user = user or self.login_name(name)
        begin = time.monotonic()
        talk = self.talk("su", "-", user, "-c", f"echo {MARK} $(id -un) $PWD")
        return self._end(talk, begin, user)

    def su_from_rescue(self, name, typed=None, before=None, user=None):
        """A local person becomes that one, with the password."""
        user = user or self.login_name(name)
        talk = Talk(self.argv("setpriv", "--reuid=rescue", "--regid=rescue", "--clear-groups",
                              "--", "su", "-", user, "-c", f"echo {MARK} $(id -un) $PWD"),
                    name="su")
        talk.expect(r"[Pp]assword: ?$", 20)
        if before:
            before()
        begin = time.monotonic()
        talk.line(typed or password(name))
        return self._end(talk, begin, user)

    def sudo(self, name, typed=None):
        """sudo -S by a member of the server's group for it."""
        begin = time.monotonic()
        user = self.login_name(name)
        done = self.run("setpriv", f"--reuid={user}", f"--regid={PEOPLE[name][0]}",
                        "--init-groups", "--", "sudo", "-S", "-k", "-p", "", "--", "sh", "-c",
                        f"echo {MARK} $SUDO_USER $(id -u)",
                        stdin=(typed or password(name)) + "\n", check=False)
        entered = done.returncode == 0 and f"{MARK} {user} 0" in done.stdout
        return Result(entered, done.stdout, time.monotonic() - begin)

    def console_login(self, name, typed=None, before=None, user=None):
        """agetty and login on the machine's console."""
        user = user or self.login_name(name)
        console = self.console
        console.expect(r"login: \Z", 20)
        console.line(user)
        console.expect(r"Password: ?$", 20)
        if before:
            before()
        begin, before_it = time.monotonic(), len(console.text)
        console.line(typed or password(name))
        found = console.expect(r"[$#] $|Login incorrect|incorrect\b|denied|failure|expired", 30)
        took = time.monotonic() - begin
        if found.group(0).strip() not in ("$", "#"):
            return Result(False, found.group(0), took)
        console.line(f"echo {MARK} $(id -un) $PWD $(tty); exit")
        console.expect(rf"{MARK} {re.escape(user)} .*$", 10)
        return Result(True, console.text[before_it:], took)

    def locker(self, name, typed=None):
        """A screen locker: an unprivileged process asks about its own person."""
        user = self.login_name(name)
        begin = time.monotonic()
        done = self.as_person(name, "pamrun", "-s", "locker", "-u", user, "auth", "acct", "cred",
                              stdin=(typed or password(name)) + "\n", check=False)
        return Result(done.returncode == 0, done.stdout, time.monotonic() - begin)

    def cron(self, name, user=None):
        """A job of that person; @reboot makes cron run it at its own start."""
        user = user or self.login_name(name)
        self.run("systemctl", "stop", "cron")
        self.run("rm", "-f", "/run/crond.reboot", "/run/cron-ran")
        self.run("install", "-m", "0666", "/dev/null", "/run/cron-ran")
        self.write("/etc/cron.d/person", f"@reboot {user} echo {MARK} $(id -un) $PWD >"
                                         "/run/cron-ran\n")
        begin = time.monotonic()
        self.run("systemctl", "start", "cron")
        try:
            text = until("the cron job has run", 8,
                         lambda: self.out("cat", "/run/cron-ran"))
        except Failed:
            text = self.journal("-u", "cron", "-n", "5")
        return Result(f"{MARK} {user}" in text, text, time.monotonic() - begin)

    def user_manager(self, name):
        """user@UID.service: the PAM service systemd-user, without a password."""
        uid = PEOPLE[name][0]
        self.run("systemctl", "stop", f"user@{uid}.service", check=False)
        begin = time.monotonic()
        done = self.run("systemctl", "start", f"user@{uid}.service", check=False)
        took = time.monotonic() - begin
        return Result(done.returncode == 0, done.stdout, took)

    def systemd_run(self, name):
        """systemd-run --uid=NAME: systemd itself asks for the account."""
        user = self.login_name(name)
        begin = time.monotonic()
        done = self.run("systemd-run", "--quiet", "--pipe", "--wait", f"--uid={user}", "--", "sh",
                        "-c", f"echo {MARK} $(id -un)", check=False)
        entered = done.returncode == 0 and f"{MARK} {user}" in done.stdout
        return Result(entered, done.stdout, time.monotonic() - begin)

    def passwd(self, name):
        """passwd(1) by the person: changes nothing here and says where it is changed."""
        talk = self.talk("setpriv", f"--reuid={PEOPLE[name][0]}",
                         f"--regid={PEOPLE[name][0]}", "--clear-groups", "--", "passwd")
        begin = time.monotonic()
        try:
            talk.expect(r"[Pp]assword: ?$", 3)
            talk.line(password(name))
        except Failed:
            pass
        status = talk.wait(20)
        return Result(status == 0, talk.text, time.monotonic() - begin)

    def pam(self, name, *calls, service="entry", typed=None, user=None, caller=None, **kw):
        """pamrun as root, or as `caller`: a list of dicts, one for each call."""
        user = user or self.login_name(name)
        argv = ["pamrun", "-s", service, "-u", user, "-r", "203.0.113.7", "-t", "tty9", *calls]
        stdin = "\n".join(typed if isinstance(typed, list) else
                          [typed if typed is not None else password(name)]) + "\n"
        if caller:
            done = self.as_person(caller, *argv, stdin=stdin, check=False, **kw)
        else:
            done = self.run(*argv, stdin=stdin, check=False, **kw)
        keys = ("call", "code", "name", "ms", "delay", "user", "said")
        rows = [dict(zip(keys, line.split("\t"))) for line in done.stdout.splitlines()]
        if [row["call"] for row in rows] != list(calls):
            raise Failed(f"pamrun: exit {done.returncode}: {done.stdout}")
        return rows
