# SPDX-License-Identifier: MPL-2.0
"""The host under attack (host.sh) as the attacks of tests/chaos see it: its programs, which they kill
and start again as a service manager would, its server, and what can be measured of them."""
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import signal
import struct
import subprocess
import time

import chaos_wire
from chaos_clients import uuid_of
from chaos_wire import Wire

UID = 990
CACHE = pathlib.Path("/var/cache/kanidm-unixd")
STATE = pathlib.Path("/var/lib/kanidm-unixd")
RUN = pathlib.Path("/run/kanidm-unixd")
CONFIG = pathlib.Path("/etc/kanidm/unixd")
DB = CACHE / "unixd.db"
PEOPLE = {f"u{i:03}": 21000 + i for i in range(60)}
GROUP = ("shell_users", 30001)
# One has a name of the host, the other a number.
SHADOWED = {"native": 22001, "shadow": 4999}
PASSWORD = "Bulk-horse-battery-9"


def until(seconds, condition):
    """Whether the condition came true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def row(promise, attack, cases, bad):
    """A line for the table of docs/testing.md (scripts/check-promises)."""
    where = os.environ.get("KU_PROMISES")
    print(f"{attack}: {cases} cases, {bad} wrong")
    if where:
        pathlib.Path(where).mkdir(exist_ok=True)
        path = pathlib.Path(where, f"chaos_{attack.split(':')[0]}.tsv")
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{promise}\t{attack}\t{cases}\t{'failed' if bad else 'held'}\n")


def rows_begin(word):
    where = os.environ.get("KU_PROMISES")
    if where:
        pathlib.Path(where, f"chaos_{word}.tsv").unlink(missing_ok=True)


class Shim:
    """What tests/chaos/shim.c reads."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.truncate(4096)
            os.chmod(path, 0o666)
            self.map = mmap.mmap(file.fileno(), 4096)
        self.path = path

    def clock(self, seconds):
        struct.pack_into("<q", self.map, 0, seconds)

    def reached(self):
        """How often the clock was asked, how many calls were slow or failed."""
        return struct.unpack_from("<II", self.map, 20)

    def disk(self, error=0, one_in=0, slow_us=0):
        struct.pack_into("<III", self.map, 8, error, one_in, slow_us)


class Program:
    """One that is started again when it has ended."""

    def __init__(self, argv, log, env=None):
        self.argv, self.log, self.env = argv, log, {**os.environ, **(env or {})}
        self.process, self.killed, self.starts = None, False, 0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log, env=self.env)
        self.killed = False
        self.starts += 1

    @property
    def pid(self):
        return self.process.pid

    def send(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        self.killed = True
        self.send(signal.SIGKILL)

    def end(self, number=signal.SIGTERM):
        self.killed = True
        self.send(signal.SIGCONT)
        self.send(number)
        self.process.wait()

    def ended(self):
        return self.process.poll() is not None


class Host:
    def __init__(self, seed=None):
        """With a seed: the server is reached over a network that can be told to fail."""
        self.untold = []
        self.dir, self.log = os.environ["NETNS_DIR"], os.environ["NETNS_LOG"]
        self.configuration = CONFIG.read_text("utf-8")
        self.shim = Shim(f"{self.dir}/shim")
        self.daemon = Program(["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
                               "--no-new-privs", "kanidm_unixd"], self.log,
                              {"LD_PRELOAD": os.environ["KU_CHAOS_SHIM"],
                               "KU_CHAOS_PAGE": self.shim.path})
        self.tasks = Program(["kanidm_unixd_tasks"], self.log)
        pid = os.environ["DEVIDM_PID"]
        argv = pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
        self.wire, address = None, "127.0.0.1"
        if seed is not None:
            self.wire, address = Wire(seed), chaos_wire.HERE
            pathlib.Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{chaos_wire.THERE} "
                                                  "idm.example.test\n", "utf-8")
        argv[argv.index("--listen") + 1] = f"{address}:{os.environ['DEVIDM_PORT']}"
        argv[argv.index("--data") + 1] = self.people()
        os.kill(int(pid), signal.SIGTERM)
        until(10, lambda: not self.listens())
        self.server = Program(argv, f"{self.dir}/devidm/log")
        self.server_start()

    def people(self):
        """They are all in the file, so that the server has them whenever it starts."""
        path = pathlib.Path(self.dir, "people.json")
        path.write_text(json.dumps({
            "domain": "idm.example.test",
            "persons": [{"name": name, "uuid": uuid_of(number), "gid": number,
                         "displayname": f"Person {number}", "posix_password": PASSWORD}
                        for name, number in {**PEOPLE, **SHADOWED}.items()],
            "groups": [{"name": GROUP[0], "uuid": uuid_of(0xaaaa), "gid": GROUP[1],
                        "members": list(PEOPLE)},
                       {"name": "sudo", "uuid": uuid_of(0xaaab), "gid": 30002,
                        "members": list(PEOPLE)}]}), "utf-8")
        return str(path)

    def listens(self):
        return subprocess.run([os.environ["DEVIDM_CTL"], os.environ["DEVIDM_SOCKET"], "ping"],
                              capture_output=True, check=False).returncode == 0

    def server_start(self):
        self.server.start()
        if not until(10, self.listens):
            raise RuntimeError("the server does not start")

    def ctl(self, *words):
        return subprocess.run([os.environ["DEVIDM_CTL"], os.environ["DEVIDM_SOCKET"], *words],
                              capture_output=True, text=True, check=True, timeout=20).stdout

    def tell(self, *words):
        """The same to a server that may be stopped or dead: when it hears again, in order."""
        self.untold.append(words)
        self.tell_on()

    def tell_on(self):
        while self.untold:
            try:
                subprocess.run([os.environ["DEVIDM_CTL"], os.environ["DEVIDM_SOCKET"], *self.untold[0]],
                               capture_output=True, check=True, timeout=0.3)
            except (subprocess.SubprocessError, OSError):
                return
            self.untold.pop(0)

    def status(self):
        return subprocess.run(["kanidm-unix", "status", "--verbose"], capture_output=True, text=True,
                              check=False).stdout

    def is_up(self):
        return "Kanidm: " in self.status()

    def is_online(self):
        return "Kanidm: online" in self.status()

    def memory_kb(self, key="RssAnon", program=None):
        pid = (program or self.daemon).pid
        for line in pathlib.Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
        return 0

    def descriptor_names(self):
        names = []
        for path in pathlib.Path(f"/proc/{self.daemon.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(path))
        return sorted(names)

    def descriptors(self, program=None):
        return len(os.listdir(f"/proc/{(program or self.daemon).pid}/fd"))


def prlimit(pid, resource, soft):
    """The soft limit alone, so that it can be taken back; returns what it was."""
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 2)()
    if libc.prlimit(pid, resource, None, old) != 0:
        return None
    new[0], new[1] = soft, old[1]
    libc.prlimit(pid, resource, new, None)
    return old[0]
