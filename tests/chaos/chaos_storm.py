# SPDX-License-Identifier: MPL-2.0
"""Everything fails, in an order that a number decides (KU_CHAOS_SEED; it is printed), for
KU_CHAOS_SECONDS, while 16 clients look up, log in and enumerate, and judge what they get. Then
nothing fails any more, and all has to be as it was: names, logins, memory, descriptors, files."""
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import chaos_clients
from chaos_clients import HOMES, Module, Page, Pam, PAM_OK, SUCCESS
from chaos_faults import ANOTHER, FAULTS, schedule
from chaos_host import CACHE, CONFIG, DB, GROUP, PASSWORD, PEOPLE, RUN, STATE, Host, row, rows_begin, until

SEED = int(os.environ.get("KU_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
SECONDS = float(os.environ.get("KU_CHAOS_SECONDS") or 25)
ONLY = os.environ.get("KU_CHAOS_ONLY", "").split()
RECOVERY_S = 60
# More than at the start, in kB and descriptors, once nobody asks for anything any more.
MORE_KB, MORE_FDS = 3072, 8
CACHED = 30
# What may lie there in the end; a broken database is kept for the administrator.
FILES = {CACHE: ("unixd.db",), STATE: ("hsm-pin", "last-good"),
         RUN: ("sock", "task_sock", "nss.map")}


def map_file():
    """Which one it is."""
    try:
        return (RUN / "nss.map").stat().st_ino
    except OSError:
        return None


class Storm:
    # Whether a login may not fail for want of the server or of the daemon.
    strict = False

    def __init__(self):
        self.looks = 0
        self.host, self.wrong, self.deaths = Host(SEED), [], 0
        self.host.limited = self.host.filled = False
        # How often the cache was broken: ever, before the last start, before all were there again.
        self.host.hurt = self.started_with = self.healed = 0
        self.former_map = None
        self.page = Page(f"{self.host.dir}/page")
        self.module = None
        self.begun = time.monotonic()
        # What happened when, for whom something goes wrong.
        self.journal = open(f"{self.host.dir}/schedule", "w", encoding="utf-8")

    def bad(self, text):
        self.wrong.append(f"{time.monotonic() - self.begun:.3f} {text}")

    def note(self, text):
        print(f"{time.monotonic() - self.begun:8.3f} {text}", file=self.journal, flush=True)

    def prepare(self):
        host = self.host
        host.daemon.start()
        host.tasks.start()
        if not until(20, host.is_online):
            raise RuntimeError(f"not online: {host.status()}")
        if host.shim.reached()[0] == 0:
            raise RuntimeError("the daemon does not ask our clock")
        self.module = Module(os.environ["KU_NSS_MODULE"])
        names = list(PEOPLE)
        self.world = {"cached": {n: PEOPLE[n] for n in names[:CACHED]},
                      "strangers": {n: PEOPLE[n] for n in names[CACHED:]},
                      "group": GROUP, "right": names[:6], "wrong": names[6:10], "password": PASSWORD,
                      "page": f"{host.dir}/page", "module": os.environ["KU_NSS_MODULE"],
                      "begun": self.begun, "strict": self.strict}
        if not self.knows_all():
            raise RuntimeError("they are not all found")
        pam = Pam()

        def remembered():
            # A busy machine leaves one out, until the next login.
            codes = [pam.login("chaos", name, PASSWORD) for name in self.world["right"]]
            return (set(codes) == {(PAM_OK, PAM_OK)} and
                    until(3, lambda: "offline_logins: ready for 6 " in host.status()))
        if not until(120, remembered):
            raise RuntimeError(f"not ready: {host.status()}")
        self.pin = (STATE / "hsm-pin").read_bytes()
        # A key that is being derived takes 16 MB for a moment.
        seen = []
        until(30, lambda: seen.append(host.memory_kb()) or seen[-1] < 8192)
        until(2, lambda: seen.append(host.memory_kb()))
        self.start_kb, self.start_fds = min(seen), host.descriptors()
        self.page.set("daemon", host.daemon.pid)

    def tend(self):
        """What a service manager does, half a second later at most."""
        for program in (self.host.daemon, self.host.tasks, self.host.server):
            if not program.ended():
                continue
            if not program.killed and not (self.host.limited and program is self.host.daemon):
                last = pathlib.Path(self.host.log).read_text("utf-8", "replace")[-2000:]
                self.bad(f"{program.argv[-1]} ended by itself: {program.process.returncode}\n{last}")
            self.deaths += 1
            self.note(f"{pathlib.Path(program.argv[-1]).name} starts again")
            self.judge_small_files()
            if program is self.host.daemon:
                self.former_map = map_file()
                if self.host.hurt > self.healed:
                    # Whom a broken cache has told about, nobody can know without the server.
                    self.page.set("forgiven", 1)
                self.started_with = self.host.hurt
            program.start()
            self.page.set("daemon", self.host.daemon.pid)
        # A map for which there was no room at a start, nobody can read when that daemon dies.
        if map_file() not in (None, self.former_map):
            self.page.set("unmapped", 0)
        elif self.host.filled:
            self.page.set("unmapped", 1)
        self.host.tell_on()

    def learn(self):
        """A thread: whoever went with a broken cache is asked for until all are there again. Then
        the next death finds them, too."""
        while not self.page.get("stop"):
            starts = self.host.daemon.starts
            # Its own map first: until then there is that of the one before.
            if self.page.get("forgiven") and map_file() not in (None, self.former_map) and self.knows_all():
                if self.host.daemon.starts == starts:
                    self.healed = self.started_with
                    self.note("all are known again")
                    self.page.set("forgiven", 0)
            time.sleep(0.1)

    def knows_all(self):
        """As fresh processes see it: this one may have the map of a daemon that was killed, for as
        long as its lease lasts."""
        def asked(*words):
            return subprocess.run(["getent", *words], capture_output=True, text=True, check=False)
        if not all(asked("passwd", name).returncode == 0 for name in self.world["cached"]):
            return False
        # The list of a group follows its members, a second later at most.
        said = asked("group", GROUP[0]).stdout.strip()
        return set(self.world["cached"]) <= set(said.rpartition(":")[2].split(","))

    def blow(self, plan):
        pending, active, begun = list(plan), [], time.monotonic()
        while pending or active:
            now = time.monotonic() - begun
            for item in [a for a in active if a[0] <= now]:
                active.remove(item)
                next(item[1], None)
            while pending and pending[0][0] <= now:
                _, end, name, seed = pending.pop(0)
                self.note(f"{name} {end - now:.3f}")
                running = FAULTS[name](self.host, random.Random(seed))
                next(running, None)
                active.append((end, running))
            self.tend()
            time.sleep(0.02)

    def recover(self):
        host = self.host
        begun = time.monotonic()

        def well():
            self.tend()
            return host.is_online() and self.knows_all()
        if not until(RECOVERY_S, well):
            self.bad(f"not as before: {host.status()}")
        else:
            print(f"online, and everybody known, after {time.monotonic() - begun:.1f} s", flush=True)

    def collect(self, pids, outdir):
        for pid in pids:
            os.waitpid(pid, 0)
        counts, slowest = {}, {}
        results = sorted(pathlib.Path(outdir).glob("*.json"))
        if len(results) != len(chaos_clients.CROWD):
            self.bad(f"only {len(results)} clients came back")
        for path in results:
            result = json.loads(path.read_text("utf-8"))
            self.wrong += result["wrong"]
            for key, n in result["counts"].items():
                counts[key] = counts.get(key, 0) + n
            for key, n in result["slowest"].items():
                slowest[key] = round(max(slowest.get(key, 0), n), 3)
        print(f"answers: {counts}\nslowest: {slowest}")
        return counts

    def judge_memory(self):
        host = self.host
        if not until(30, lambda: host.memory_kb() <= self.start_kb + MORE_KB):
            self.bad(f"memory: {host.memory_kb()} kB, at the start {self.start_kb} kB")
        # The server closes connections that nobody uses after a minute.
        if not until(70, lambda: host.descriptors() <= self.start_fds + MORE_FDS):
            self.bad(f"descriptors: {host.descriptors()}, at the start {self.start_fds}: "
                     f"{host.descriptor_names()}")
        print(f"descriptors {self.start_fds} to {host.descriptors()}, memory {self.start_kb} kB and no "
              f"more than {MORE_KB} on it")

    def judge_logins(self):
        """The right password, with the server and, after one more death, without it."""
        host, pam, name = self.host, Pam(), self.world["right"][0]
        if host.hurt > self.healed:
            # What is broken is found at the next start.
            host.daemon.end()
            host.daemon.start()
            if not until(RECOVERY_S, lambda: host.is_online() and self.knows_all()):
                self.bad(f"not as before after a start: {host.status()}")

        def remembered():
            # A busy machine leaves it out, until the next login.
            return (pam.login("chaos", name, PASSWORD) == (PAM_OK, PAM_OK) and
                    until(3, lambda: "offline login: ready" in self.explain(name)))
        if not until(120, remembered):
            self.bad(f"{name} cannot log in, or the password is not remembered: {self.explain(name)}")
        host.daemon.kill()
        host.server.end()
        host.daemon.process.wait()
        if not self.knows_all():
            self.bad("not all are known while there is no daemon")
        host.daemon.start()
        until(10, host.is_up)
        # A machine too busy to work out the password in time says so, and is asked again.
        if not until(30, lambda: pam.login("chaos", name, PASSWORD) == (PAM_OK, PAM_OK)):
            self.bad(f"{name} cannot log in without the server: {self.explain(name)}")
        if pam.login("chaos", name, "not it")[0] == PAM_OK:
            self.bad(f"{name} is let in with a wrong password")
        for known, uid in self.world["cached"].items():
            found, entry = self.module.by_name(known)
            if found != SUCCESS or entry.uid != uid:
                self.bad(f"{known} is not known after the last death: {found}")

    def explain(self, name):
        return subprocess.run(["kanidm-unix", "explain", name], capture_output=True, text=True,
                              check=False).stdout

    def judge_small_files(self):
        """At any moment: the pin is the pin, the last good configuration is one that was good, and
        what has the name of a home is one."""
        if (STATE / "hsm-pin").read_bytes() != self.pin:
            self.bad("another pin")
        good = self.host.configuration
        if (STATE / "last-good/unixd").read_text("utf-8") not in (good, good + ANOTHER):
            self.bad("a last good configuration that never was")
        if (STATE / "last-good/config").read_bytes() != CONFIG.with_name("config").read_bytes():
            self.bad("another last good configuration of the client")
        for path in HOMES.iterdir():
            if path.name.startswith(("gone", ".kanidm-")):
                continue
            number = int(path.name.split("-")[-1], 16)
            problem = chaos_clients.home_problem(path, number)
            # One that is being taken away has another name by then.
            if problem and path.exists():
                self.bad(problem)
        self.looks += 1

    def judge_homes(self):
        """What an interrupted copy left behind is taken away by the next start."""
        self.host.tasks.end()
        self.host.tasks.start()
        if not until(10, lambda: not list(HOMES.glob(".kanidm-*"))):
            self.bad(f"left behind: {list(HOMES.iterdir())}")
        self.host.tasks.end()

    def judge_files(self):
        self.judge_homes()
        self.host.daemon.end()
        self.judge_small_files()
        with tempfile.TemporaryDirectory(dir=self.host.dir) as copy:
            for path in CACHE.glob("unixd.db*"):
                shutil.copy(path, copy)
            try:
                said = sqlite3.connect(f"{copy}/{DB.name}").execute("PRAGMA integrity_check").fetchone()
            except sqlite3.Error as error:
                said = [repr(error)]
            if said[0] != "ok":
                self.bad(f"the database: {said}")
        for directory, names in FILES.items():
            for path in directory.iterdir():
                if not path.name.startswith(names):
                    self.bad(f"left behind: {path}")

    def kinds(self):
        return ONLY

    def fail(self):
        """All that goes wrong, and the first moment in which all is well again."""
        plan = schedule(random.Random(SEED), SECONDS, self.kinds())
        self.blow(plan)
        self.recover()
        return plan

    def run(self):
        print(f"KU_CHAOS_SEED={SEED} KU_CHAOS_SECONDS={SECONDS:g}", flush=True)
        self.prepare()
        outdir = f"{self.host.dir}/clients"
        os.mkdir(outdir)
        self.begun = self.world["begun"] = time.monotonic()
        pids = chaos_clients.start(self.world, SEED, outdir)
        threading.Thread(target=self.learn, daemon=True).start()
        plan = self.fail()
        self.page.set("stop", 1)
        counts = self.collect(pids, outdir)
        if {"disk_fails", "disk_slow"} & {item[2] for item in plan}:
            print(f"calls to the disk that failed or were slow: {self.host.shim.reached()[1]}")
            if self.host.shim.reached()[1] == 0:
                self.bad("the disk did not fail")
        self.judge_memory()
        self.judge_logins()
        self.judge_files()
        return self.report(plan, counts)

    def report(self, plan, counts):
        def of(*words):
            return sum(n for key, n in counts.items() if key.split()[0] in words)
        bad = len(self.wrong)
        rows_begin("storm")
        row("a known name is answered from memory, and rightly", bad=bad,
            attack="storm: lookups while everything fails", cases=of("name", "uid", "group", "groups"))
        row("who exists is never denied", bad=bad,
            attack="storm: strangers and lists while everything fails",
            cases=of("stranger", "nobody", "enumeration"))
        row("a home is whole or not there, and nobody else's is touched", bad=bad,
            attack="storm: sessions while everything fails", cases=of("home"))
        row("a login ends in time, and only with the right password", bad=bad,
            attack="storm: logins while everything fails", cases=of("login", "session", "wrong"))
        row("local accounts are the host's own", bad=bad,
            attack="storm: local accounts while everything fails", cases=of("local"))
        row("each file is the old one or the new one", bad=bad,
            attack="storm: small files after a death", cases=self.looks)
        row("what fails for a while leaves nothing behind", bad=bad,
            attack="storm: faults of one host", cases=len(plan))
        return self.tell(plan)

    def tell(self, plan):
        bad = len(self.wrong)
        if bad:
            print(pathlib.Path(self.host.dir, "schedule").read_text("utf-8"))
        print(f"{len(plan)} faults, {self.deaths} deaths, {bad} wrong")
        print("\n".join(self.wrong[:40]))
        return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(Storm().run())
