# SPDX-License-Identifier: MPL-2.0
"""A Debian 12 host that boots: the cached root under an overlay, the install tree of the
build in it, systemd as PID 1, its console on a terminal of ours, and one link to the network
namespace where the identity server runs.

The caller (tests/system/run) has put us into mount, network and PID namespaces of our own:
nothing here has to be undone on the host.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from pty_talk import Failed, Talk, until

REPO = pathlib.Path(os.environ["KU_SYSTEM_REPO"])
BUILD = pathlib.Path(os.environ["KU_SYSTEM_BUILD"])
BASE = pathlib.Path(os.environ["KU_SYSTEM_ROOT"])
WORK = pathlib.Path("/mnt")
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
       "LANG": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}
SERVER_ADDRESS = "10.99.0.1"
HOST_ADDRESS = "10.99.0.2"
MARK = "ku-system-mark"


def sh(*argv, **kw):
    """A command out here that has to succeed."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **kw)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def free_devices():
    """An empty file system where devices count: overlay layers want trusted attributes."""
    sh("mount", "-t", "tmpfs", "-o", "mode=0755", "ku-system", str(WORK))


class Container:
    """The host under test."""

    def __init__(self):
        self.root = WORK / "root"
        self.console = None
        self.boots = 0
        self._nspawn = None
        self._leader = None
        free_devices()
        for name in ("upper", "work", "root"):
            (WORK / name).mkdir()
        sh("mount", "-t", "overlay", "ku-system", "-o",
           f"lowerdir={BASE},upperdir={WORK}/upper,workdir={WORK}/work", str(self.root))
        self._network()

    def _network(self):
        """Two ends of a cable: the server's is ours, the host's is in a namespace of its own."""
        (WORK / "netns").mkdir()
        os.makedirs("/run/netns", exist_ok=True)
        sh("mount", "-t", "tmpfs", "netns", "/run/netns")
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "netns", "add", "host")
        sh("ip", "link", "add", "server0", "type", "veth", "peer", "name", "host0", "netns",
           "host")
        sh("ip", "addr", "add", f"{SERVER_ADDRESS}/24", "dev", "server0")
        sh("ip", "link", "set", "server0", "up")
        for args in (["link", "set", "lo", "up"],
                     ["addr", "add", f"{HOST_ADDRESS}/24", "dev", "host0"],
                     ["link", "set", "host0", "up"]):
            sh("ip", "-n", "host", *args)

    def cable(self, plugged):
        """Pulls the network cable, or puts it back."""
        sh("ip", "-n", "host", "link", "set", "host0", "up" if plugged else "down")

    # --- before the first boot --------------------------------------------------------

    def path(self, inside):
        """Where a path of the host under test is out here."""
        return self.root / str(inside).lstrip("/")

    def write(self, inside, text, mode=0o644):
        """A file of the host under test."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def chroot(self, *argv, **kw):
        """A command in the root before anything runs there."""
        return sh("chroot", str(self.root), *argv, env=ENV, **kw)

    def install(self):
        """What `cmake --install` installs, and what an administrator does then."""
        sh("cmake", "--install", str(BUILD), env={**os.environ, "DESTDIR": str(self.root)})
        sh("ldconfig", "-r", str(self.root))
        self.chroot("systemd-sysusers")

    def program(self, path, inside="/usr/local/bin"):
        """Puts a program of the build's tests into the host."""
        shutil.copy(BUILD / path, self.path(inside))

    def units(self, verb, *names):
        """systemctl enable, mask … before a boot."""
        self.chroot("systemctl", verb, *names)

    # --- life -------------------------------------------------------------------------

    def boot(self, seconds=60):
        """Returns when systemd has come up; the console waits at its login prompt."""
        self.boots += 1
        self.console = Talk(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
             "--console=interactive", "--directory", str(self.root), "--machine", "host",
             "--network-namespace-path=/run/netns/host", "--resolv-conf=off",
             "--timezone=off", "--link-journal=no", "--setenv=SYSTEMD_COLORS=0",
             "systemd.show_status=no", "systemd.log_level=info"],
            name=f"console of boot {self.boots}")
        self._nspawn = self.console.process
        self._leader = until("systemd-nspawn has started systemd", seconds, self._find_leader)
        until("the host is up", seconds, self._is_up)

    def _find_leader(self):
        if self._nspawn.poll() is not None:
            raise Failed(f"systemd-nspawn ended:\n{self.console.text}")
        here = os.stat("/proc/self/ns/pid").st_ino
        for name in os.listdir("/proc"):
            try:
                ppid = int(pathlib.Path(f"/proc/{name}/stat").read_text().split(") ")[1].split()[1])
                if ppid == self._nspawn.pid and \
                        pathlib.Path(f"/proc/{name}/comm").read_text().strip() == "systemd" and \
                        os.stat(f"/proc/{name}/ns/pid").st_ino != here:
                    return int(name)
            except (OSError, ValueError, IndexError):
                continue
        return None

    def _is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        if state in ("running", "degraded"):
            return state
        if self._nspawn.poll() is not None:
            raise Failed(f"the host did not come up:\n{self.console.text[-4000:]}")
        return None

    def poweroff(self, seconds=40):
        """As an administrator would; then boot() may follow on the same disk."""
        self.run("systemctl", "poweroff", "--no-block", check=False)
        try:
            self.console.wait(seconds)
        except Failed:
            self.console.end()
            raise
        self._leader = None

    def power_cut(self):
        """The plug is pulled."""
        self.console.end()
        self._leader = None

    # --- inside -----------------------------------------------------------------------

    def argv(self, *argv, user=None):
        """A command line that runs `argv` in the host, as root or as a user by number."""
        line = ["nsenter", "-t", str(self._leader), "-a"]
        if user is not None:
            uid, gid = user if isinstance(user, tuple) else (user, user)
            line += ["-S", str(uid), "-G", str(gid)]
        return [*line, "--", *map(str, argv)]

    def run(self, *argv, user=None, check=True, timeout=30, stdin=None):
        """Runs a command in the host to its end; standard error comes with the output."""
        try:
            done = subprocess.run(self.argv(*argv, user=user), env=ENV, text=True, check=False,
                                  input=stdin, stdin=None if stdin is not None else
                                  subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{' '.join(map(str, argv))}: not done after {timeout} s; it said: "
                         f"{late.stdout}") from None
        if check and done.returncode:
            raise Failed(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}")
        return done

    def out(self, *argv, **kw):
        """What a command prints."""
        return self.run(*argv, **kw).stdout.strip()

    def start(self, *argv, user=None, **kw):
        """Starts a command in the host and does not wait."""
        return subprocess.Popen(self.argv(*argv, user=user), env=ENV, text=True, **kw)

    def talk(self, *argv, user=None):
        """A command in the host on a terminal of ours."""
        return Talk(self.argv(*argv, user=user), name=" ".join(map(str, argv)), env=ENV)

    def _journal_catches_up(self):
        """--sync leaves out what still waits in journald's socket. Lines come out of it in the
        order in which they went in, so one of ours comes last."""
        mark = f"{MARK} {time.monotonic_ns()}"
        self.run("logger", "--tag", MARK, mark)
        until("the journal has caught up", 20, lambda: mark in self.out(
            "journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", "1", "-t", MARK,
            check=False))
        self.run("journalctl", "--sync", check=False)

    def journal(self, *args):
        """Lines of the journal."""
        self._journal_catches_up()
        return self.out("journalctl", "--no-pager", "--quiet", "-o", "cat", *args, check=False)

    def cursor(self):
        """Where the journal is now, for journal_since()."""
        self._journal_catches_up()
        text = self.out("journalctl", "-n", "1", "--show-cursor", "-o", "cat", "--no-pager")
        return text.rsplit("-- cursor: ", 1)[-1]

    def journal_since(self, cursor, *programs):
        """What was written to the journal since, by some programs or by anybody. Chosen here and
        not by journalctl, which passes over the first line when the one at the cursor is not
        among what is looked for."""
        self._journal_catches_up()
        lines = self.out("journalctl", "--no-pager", "--quiet", "-o", "json",
                         f"--after-cursor={cursor}", check=False).splitlines()
        found = []
        for entry in map(json.loads, lines):
            name, message = entry.get("SYSLOG_IDENTIFIER"), entry.get("MESSAGE") or ""
            if isinstance(message, list):  # not text
                message = bytes(message).decode(errors="replace")
            if name != MARK and (not programs or name in programs):
                found.append(message)
        return "\n".join(found)

    def pid_of(self, unit):
        """The main process of a unit, as a number out here."""
        inner = self.out("systemctl", "show", "-p", "MainPID", "--value", unit)
        for name in os.listdir("/proc"):
            try:
                status = pathlib.Path(f"/proc/{name}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("NSpid:"):
                    numbers = line.split()[1:]
                    if len(numbers) == 2 and numbers[-1] == inner and \
                            os.stat(f"/proc/{name}/ns/pid").st_ino == \
                            os.stat(f"/proc/{self._leader}/ns/pid").st_ino:
                        return int(name)
        raise Failed(f"{unit} has no process")


def main(scenario):
    """Runs scenario(); says how long it took, or what went wrong with what was known then."""
    begin = time.monotonic()
    try:
        scenario()
    except Failed as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        if os.environ.get("KU_SYSTEM_KEEP"):
            print("The container is still there; pgrep -x systemd, nsenter -t PID -a. \"exit\" "
                  "ends it.", file=sys.stderr)
            subprocess.run(["bash", "--norc"], check=False)
        sys.exit(1)
    print(f"done in {time.monotonic() - begin:.1f} s")
