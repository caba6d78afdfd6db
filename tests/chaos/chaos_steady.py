# SPDX-License-Identifier: MPL-2.0
"""The storm without what ends a process: one daemon and one tasks daemon live through KU_CHAOS_SECONDS.
Now and then everything calms down and the clients rest; what the two hold then, in memory and
descriptors, is at the last time what it was at the first."""
import random
import sys
import time

from chaos_faults import FAULTS, schedule
from chaos_host import row, rows_begin, until
from chaos_storm import ONLY, SECONDS, SEED, Storm

ENDING = {"daemon_killed", "daemon_restarted", "tasks_killed", "no_memory"}
# Of an hour, each ten minutes.
TIMES = int(max(2, min(6, SECONDS // 100)))
# In kB: what an allocator keeps of different busy moments, and what SQLite keeps of its pages.
MORE_KB = 2048
KEYS = ["daemon_kb", "daemon_fds", "daemon_threads", "tasks_kb", "tasks_fds"]


class Steady(Storm):
    def kinds(self):
        return sorted(set(ONLY or FAULTS) - ENDING)

    def fail(self):
        whole, self.seen = [], []
        pids = self.host.daemon.pid, self.host.tasks.pid
        print(f"start: {dict(zip(KEYS, self.least()))}", flush=True)
        for number in range(TIMES):
            plan = schedule(random.Random(f"{SEED}.{number}"), SECONDS / TIMES, self.kinds())
            self.blow(plan)
            whole += plan
            self.page.set("rest", 1)
            self.recover()
            self.judge_small_files()
            self.seen.append(self.least())
            print(f"{time.monotonic() - self.begun:.0f} s, {len(whole)} faults: "
                  f"{dict(zip(KEYS, self.seen[-1]))}", flush=True)
            self.page.set("rest", 0)
        if pids != (self.host.daemon.pid, self.host.tasks.pid):
            self.bad("not the same processes as at the start")
        print(f"packets: {self.host.wire.get('seen')}, {self.host.wire.get('lost')} of them lost")
        self.compare()
        return whole

    def least(self):
        """Of some seconds: a key that is derived takes 16 MB for a moment. More is no leak before
        a minute has passed: the server closes what nobody uses, a hanging name server is given up."""
        seen = []

        def least_of():
            return [min(column) for column in zip(*seen)]

        def look():
            host = self.host
            seen.append([host.memory_kb(), host.descriptors(), host.memory_kb("Threads"),
                         host.memory_kb(program=host.tasks), host.descriptors(host.tasks)])
            return self.seen and not list(self.more(least_of()))
        until(70 if self.seen else 5, look)
        return least_of()

    def more(self, now):
        for key, allowed, first, last in zip(KEYS, [MORE_KB, 2, 2, 512, 0], self.seen[0], now):
            if last > first + allowed:
                yield f"{key}: {first} after the first time, {last} after the last"

    def compare(self):
        for text in self.more(self.seen[-1]):
            self.bad(text)

    def report(self, plan, counts):
        rows_begin("steady")
        row("what fails for a while leaves nothing behind", bad=len(self.wrong),
            attack="steady: questions to one daemon that no fault ends", cases=sum(counts.values()))
        return self.tell(plan)


if __name__ == "__main__":
    sys.exit(Steady().run())
