# SPDX-License-Identifier: MPL-2.0
"""The real daemon is killed at a random moment of a login, of a login with a changed password, of a
refusal, of accept-id, of cache-clear, and started again without the server. What somebody had been told
before is true then: who was remembered can log in, who was forgotten cannot, an accepted number stays.
What nobody had been told yet may be either, and nothing else. (That a former password is worthless
is worked out behind the answer, and counts from when the journal says it.)"""
import os
import random
import subprocess
import sys
import threading
import time

from chaos_clients import (Module, Pam, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_OK, SUCCESS, NOTFOUND)
from chaos_host import PASSWORD, PEOPLE, Host, row, rows_begin, until

SEED = int(os.environ.get("KU_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
SECONDS = float(os.environ.get("KU_CHAOS_SECONDS") or 20)
# As long as each takes, about: the kill comes within one and a half times that.
LENGTH = {"login": 0.8, "changed": 0.25, "refused": 0.15, "accepted": 0.03, "cleared": 0.03}

KINDS = os.environ.get("KU_CHAOS_ONLY", "").split() or list(LENGTH)


class Killed:
    def __init__(self):
        self.host, self.pam, self.random = Host(), Pam(), random.Random(SEED)
        self.wrong, self.counts, self.told = [], {}, {}
        self.password = {}  # of whom it was changed
        self.gid = dict(PEOPLE)
        self.number = 0

    def bad(self, text):
        self.wrong.append(f"case {self.number}: {text}")

    def run(self):
        print(f"KU_CHAOS_SEED={SEED} KU_CHAOS_SECONDS={SECONDS:g}", flush=True)
        self.host.daemon.start()
        self.module = Module(os.environ["KU_NSS_MODULE"])
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and len(self.wrong) < 10:
            kind = KINDS[self.number % len(KINDS)]
            self.number += 1
            self.case(kind, f"u{self.random.randrange(60):03}")
        return self.report()

    def online(self):
        self.host.ctl("on")
        if not until(20, self.host.is_online):
            raise RuntimeError(f"not online: {self.host.status()}")

    def is_ready(self, name):
        said = subprocess.run(["kanidm-unix", "explain", name], capture_output=True, text=True,
                              check=False).stdout
        return "offline login: ready" in said

    def remembered(self, name):
        def once():
            # A busy machine leaves it out, until the next login.
            got = self.pam.login("chaos", name, self.password.get(name, PASSWORD))
            return got == (PAM_OK, PAM_OK) and until(5, lambda: self.is_ready(name))
        if not until(30, once):
            raise RuntimeError(f"case {self.number}: {name} cannot log in, or is not remembered")

    def case(self, kind, name):
        self.online()
        self.module.by_name(name)
        judge = getattr(self, kind)(name)
        action = next(judge)
        # What is answered before the disk has it is lost the more often the slower the disk.
        self.host.shim.disk(slow_us=self.random.choice([0, 100000]))
        done = []
        worker = threading.Thread(target=lambda: done.append(action()))
        worker.start()
        wait = self.random.uniform(0, 1.5 * LENGTH[kind])
        if self.random.random() < 0.5:
            worker.join(20)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            time.sleep(0.001)
        # Read before the kill: what came later need not be true.
        told = bool(done) and done[0]
        self.host.daemon.kill()
        self.host.daemon.process.wait()
        self.host.shim.disk()
        worker.join()
        self.host.ctl("off")
        self.host.daemon.start()
        if not until(10, self.host.is_up):
            self.bad(f"{kind} {name}: the daemon does not come back")
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.told[kind] = self.told.get(kind, 0) + told
        before = len(self.wrong)
        judge.send(told)
        if len(self.wrong) > before:
            print(f"{kind} {name}, killed after {wait:.3f} s, told: {told}: {self.wrong[before:]}")
        next(judge, None)

    def offline(self, name, password):
        auth, acct = self.pam.login("chaos", name, password)
        if auth not in (PAM_OK, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL):
            self.bad(f"{name}: {auth} {acct}")
        return auth == PAM_OK

    def never_wrong(self, name):
        # The answer is paced: seconds.
        if self.number % 4 == 0 and self.offline(name, "not it"):
            self.bad(f"{name} is let in with a wrong password")
        got, entry = self.module.by_name(name)
        if got == NOTFOUND or (got == SUCCESS and entry.name.decode() != name):
            self.bad(f"{name}: {got}")

    def known_for_long(self, name):
        """What was answered a moment ago need not be on the disk; who is stopped writes what is not."""
        if not until(10, lambda: self.module.by_name(name)[0] == SUCCESS):
            raise RuntimeError(f"case {self.number}: {name} is not found")
        self.host.daemon.end()
        self.host.daemon.start()
        self.online()

    def login(self, name):
        self.known_for_long(name)
        password = self.password.get(name, PASSWORD)
        told = yield lambda: (self.pam.login("chaos", name, password)[0] == PAM_OK and
                              until(5, lambda: self.host.daemon.killed or self.is_ready(name)) and
                              not self.host.daemon.killed)
        if told and not self.offline(name, password):
            self.bad(f"{name} was ready and is not let in")
        if self.module.by_name(name)[0] != SUCCESS:
            self.bad(f"{name}, long known, is not found")
        self.never_wrong(name)
        yield

    def journal(self):
        with open(self.host.log, "rb") as file:
            return file.read()

    def said(self, seen, text):
        """What is written then is on its way to the disk, which has a moment for it."""
        until(20, lambda: self.host.daemon.killed or text.encode() in self.journal()[len(seen):])
        time.sleep(0.3)
        return not self.host.daemon.killed

    def changed(self, name):
        self.remembered(name)
        old, new = self.password.get(name, PASSWORD), f"New-horse-battery-{self.number}"
        self.host.ctl("set", name, f"posix_password={new}")
        self.password[name] = new
        seen = self.journal()
        told = yield lambda: (self.pam.login("chaos", name, new)[0] == PAM_OK and
                              self.said(seen, f"offline login ready with a new password name={name}@"))
        if told and self.offline(name, old):
            self.bad(f"{name} is let in with the former password")
        self.never_wrong(name)
        yield

    def refused(self, name):
        self.remembered(name)
        old, new = self.password.get(name, PASSWORD), f"New-horse-battery-{self.number}"
        self.host.ctl("set", name, f"posix_password={new}")
        self.password[name] = new
        seen = self.journal()
        told = yield lambda: (self.pam.login("chaos", name, old)[0] == PAM_AUTH_ERR and
                              self.said(seen, "offline login suspended"))
        if told and self.offline(name, old):
            self.bad(f"{name} is let in with a password that the server refused")
        self.never_wrong(name)
        yield

    def accepted(self, name):
        former, gid = self.gid[name], 40000 + self.number
        self.host.ctl("set", name, f"gid={gid}")
        subprocess.run(["kanidm-unix", "cache-invalidate"], capture_output=True, check=True)
        until(10, lambda: self.module.by_name(name)[0] == SUCCESS and self.is_pending(name, gid))
        self.gid[name] = gid
        told = yield lambda: self.tool("accept-id", name)
        got, entry = self.module.by_name(name)
        if got != SUCCESS or entry.uid not in ((gid,) if told else (gid, former)):
            self.bad(f"{name} is {got} {entry.uid}, was {former}, accepted: {gid}")
        yield
        # The next one begins with what the server says.
        self.online()
        until(10, lambda: self.tool("accept-id", name) or self.module.by_name(name)[1].uid == gid)

    def is_pending(self, name, gid):
        said = subprocess.run(["kanidm-unix", "explain", name], capture_output=True, text=True,
                              check=False).stdout
        return str(gid) in said

    def tool(self, *words):
        return subprocess.run(["kanidm-unix", *words], capture_output=True, check=False).returncode == 0

    def cleared(self, name):
        self.remembered(name)
        password = self.password.get(name, PASSWORD)
        told = yield lambda: self.tool("cache-clear", "--really")
        got, entry = self.module.by_name(name)
        if told and (got == SUCCESS or self.offline(name, password)):
            self.bad(f"{name} is {got} after a clear, or let in")
        if got == SUCCESS and entry.uid != self.gid[name]:
            self.bad(f"{name} is {entry.uid}")
        self.never_wrong(name)
        yield

    def report(self):
        bad = len(self.wrong)
        rows_begin("daemon")
        row("what was said to be kept is kept, what was to be forgotten is gone", bad=bad,
            attack="daemon: killed in logins, accept-id, cache-clear", cases=self.number)
        print(f"told before the kill: {self.told} of {self.counts}")
        print("\n".join(self.wrong))
        return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(Killed().run())
