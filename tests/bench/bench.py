# SPDX-License-Identifier: MPL-2.0
"""For sections written in Python: rows, rounds, and the host of tests/support/netns.sh.

A section measures in rounds, in which everything that will stand in one row takes its turn,
and keeps one median per round. `ratio` then picks the round in which ours stood best beside
the other: on a machine that others use, a round is only ever too slow, and what was measured
in the same round was slowed down alike.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

SECTION = pathlib.Path(sys.argv[0]).name
BENCH = pathlib.Path(__file__).resolve().parent
SUPPORT = BENCH.parent / "support"
BUILD = pathlib.Path(os.environ.get("KU_BUILD_DIR", "."))
PROGRAMS = pathlib.Path(os.environ.get("KU_BENCH_PROGRAMS") or BUILD / "tests" / "bench")
SCRATCH = pathlib.Path(os.environ.get("NETNS_DIR", "/nonexistent"))
ROUNDS = max(1, int(os.environ.get("KU_BENCH_ROUNDS", "5")))


def number(value):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def row(text, unit, ours, beside=None, name=None, limit=None, target=None):
    """Adds a row. `limit` is a number, or ">=N" (text), or None where nothing was promised."""
    fields = [SECTION, text, unit, number(ours), number(beside), name or "-", number(limit),
              target or "-"]
    with open(os.environ["KU_BENCH_ROWS"], "a", encoding="ascii", errors="replace") as out:
        out.write("\t".join(f.replace("\t", " ") for f in fields) + "\n")
    print(f"{text}: {number(ours)} {unit}" + (f" (limit {number(limit)})" if limit else ""),
          flush=True)


def ratio(text, unit, ours, beside, name, limit_of, target):
    """A row of two lists of medians, round by round; limit_of(beside) is the limit, None where
    nothing was promised."""
    best = min(range(len(ours)), key=lambda i: ours[i] / (limit_of or float)(beside[i]))
    row(text, unit, ours[best], beside[best], name, limit_of and limit_of(beside[best]), target)


def rounds(measure):
    """Calls measure(round) ROUNDS times, after one that is not counted, and collects its
    dicts: {key: [one value per round]}."""
    measure(-1)
    kept = {}
    for i in range(ROUNDS):
        for key, value in measure(i).items():
            kept.setdefault(key, []).append(value)
    return kept


def run(*argv, **options):
    """The standard output of a program that must succeed."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        sys.exit(f"{SECTION}: {' '.join(str(a) for a in argv)}: exit {done.returncode}\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def background(*argv):
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def until(seconds, condition, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"{SECTION}: {what} did not come true in {seconds} s; the daemon said:\n" +
                     pathlib.Path(os.environ["NETNS_LOG"]).read_text()[-4000:])
        time.sleep(0.01)


def shell(script):
    """A few lines of bash with the functions of tests/support at hand."""
    return run("bash", "-euc", f'. {SUPPORT}/netns.sh; . {SUPPORT}/devidm.sh; {script}')


def nsswitch(line):
    """The passwd and group lines."""
    others = "".join(f"{db}: files\n" for db in ("shadow", "hosts", "networks", "protocols",
                                                 "services"))
    pathlib.Path("/etc/nsswitch.conf").write_text(f"passwd: {line}\ngroup: {line}\n{others}")


def config(uri, ca, *lines, kanidm=()):
    """/etc/kanidm/config and unixd; `kanidm` are more lines of that section."""
    pathlib.Path("/etc/kanidm/config").write_text(f'uri = "{uri}"\nca_path = "{ca}"\n')
    pathlib.Path("/etc/kanidm/unixd").write_text("\n".join([
        'version = "2"', *lines, "[kanidm]", 'pam_allowed_login_groups = ["shell_users"]',
        *kanidm]) + "\n")


class Daemon:
    """kanidm_unixd as its own user; ends with the `with` block."""

    def __init__(self, *options, wait=True, wrapper=()):
        self.log = open(os.environ["NETNS_LOG"], "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--reuid=990", "--regid=990", "--clear-groups", "--no-new-privs",
             *wrapper, shutil.which("kanidm_unixd"), *options], stdout=self.log,
            stderr=self.log)
        self.pid = self.process.pid
        if wait:
            until(120 if wrapper else 30, self.answers, "an answer of the daemon")

    def answers(self):
        if self.process.poll() is not None:
            sys.exit(f"{SECTION}: the daemon ended:\n" +
                     pathlib.Path(os.environ["NETNS_LOG"]).read_text()[-4000:])
        return subprocess.run(["kanidm-unix", "status"], capture_output=True,
                              check=False).returncode == 0

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class Server:
    """kanidm_devidm over TLS on the loopback interface of this host."""

    def __init__(self, data):
        self.dir = SCRATCH / "devidm"
        self.dir.mkdir(exist_ok=True)
        programs = BUILD / "tests" / "devidm"
        self.ca = self.dir / "certs" / "ca.pem"
        self.socket = self.dir / "ctl"
        self.control = programs / "kanidm_devidmctl"
        data = data if "/" in data else BENCH.parent / "devidm" / "data" / f"{data}.json"
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(
            [programs / "kanidm_devidm", "--listen", "127.0.0.1:0", "--make-certs",
             self.dir / "certs", "--state", self.dir / "state", "--control", self.socket,
             "--exit-with-parent", "--data", data],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening https://"):
            sys.exit(f"{SECTION}: devidm did not start: {(self.dir / 'log').read_text()}")
        self.uri = "https://localhost:" + line.strip().rsplit(":", 1)[1]

    def ctl(self, *words):
        return run(self.control, self.socket, *words)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
