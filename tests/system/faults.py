# SPDX-License-Identifier: MPL-2.0
"""Faults made on purpose, one after the other, on one host: what docs/troubleshooting.md promises
for each must be said, by whom the page says, and for no other fault.

faults_names.py, faults_login.py and faults_host.py make them. They were written from that page
alone. The table at its end is what this run has seen: KU_UPDATE_FAULTS=1 writes it.

    run BUILD faults [WORD …]    only faults with a WORD in their title; the table is left alone
"""
import contextlib
import json
import os
import re
import sys
import time

import faults_host
import faults_login
import faults_names
from container import REPO, main
from hosts import Host
from pty_talk import Failed, until

PAGE = REPO / "docs" / "troubleshooting.md"
BEGIN, END = "<!-- faults -->\n", "<!-- faults end -->"
SECONDS = 12  # until a sentence is there, or a host well again


class Trouble:
    """What an administrator does to the host, and how it is taken back."""

    def __init__(self, host):
        self.host = host
        self.back = contextlib.ExitStack()
        self.then = []

    def _later(self, *argv):
        if argv not in self.then:
            self.then.append(argv)

    def run(self, *argv, undo=None):
        """A command as root, and the one that takes it back."""
        self.host.run(*argv)
        if undo:
            self.back.callback(self.host.run, *undo)

    def write(self, inside, text, mode=0o644):
        """A file as it is from now on; what was there comes back, in the same inode."""
        path = self.host.path(inside)
        if path.exists():
            old, old_mode = path.read_text(), path.stat().st_mode & 0o7777
            self.back.callback(self.host.write, inside, old, old_mode)
            mode = old_mode
        else:
            self.back.callback(path.unlink)
        self.host.write(inside, text, mode)

    def edit(self, inside, old, new):
        """The first place of a pattern in a file."""
        text, count = re.subn(old, lambda _: new, self.host.path(inside).read_text(), count=1,
                              flags=re.M)
        if not count:
            raise Failed(f"{inside} has no {old}")
        self.write(inside, text)

    def setting(self, line, section="top"):
        """One more line of /etc/kanidm/unixd."""
        head = {"top": '^version = "2"$', "kanidm": r"^\[kanidm\]$"}[section]
        text = self.host.path("/etc/kanidm/unixd").read_text()
        found = re.search(head, text, flags=re.M).group(0)
        self.edit("/etc/kanidm/unixd", head, f"{found}\n{line}")

    def away(self, inside):
        """Moves a file out of sight."""
        self.run("mv", inside, f"{inside}.away", undo=("mv", f"{inside}.away", inside))

    def mode(self, mode, inside):
        """chmod."""
        was = self.host.out("stat", "-c", "%a", inside)
        self.run("chmod", mode, inside, undo=("chmod", was, inside))

    def owner(self, owner, inside):
        """chown."""
        was = self.host.out("stat", "-c", "%u:%g", inside)
        self.run("chown", owner, inside, undo=("chown", was, inside))

    def server(self, *words, undo):
        """A change on the server, and this host shall know of it."""
        self._later("kanidm-unix", "cache-invalidate")
        self.host.server.ctl(*words)
        self.back.callback(self.host.server.ctl, *undo)
        self.host.run("kanidm-unix", "cache-invalidate")

    def reload(self, *units):
        """systemctl reload, again when all is taken back."""
        self._later("systemctl", "reload-or-restart", *(units or ("kanidm-unixd",)))
        self.host.run("systemctl", "reload", *(units or ("kanidm-unixd",)))

    def restart(self, *units, check=True):
        """systemctl restart, again when all is taken back."""
        self._later("systemctl", "restart", *(units or ("kanidm-unixd",)))
        self.host.run("systemctl", "restart", *(units or ("kanidm-unixd",)), check=check)
        if check:  # it tries each second
            until("the tasks daemon is back", SECONDS,
                  lambda: "tasks: connected" in self.host.status())

    def restart_afterwards(self, *units):
        """Only then."""
        self._later("systemctl", "restart", *units)

    def drop_in(self, unit, text):
        """systemctl edit."""
        self._later("systemctl", "daemon-reload")
        self.write(f"/etc/systemd/system/{unit}.d/90-test.conf", text)
        self.host.run("systemctl", "daemon-reload")

    def undo(self):
        """All of it."""
        self.back.close()
        for argv in sorted(self.then, key=lambda argv: argv[1] != "daemon-reload"):
            self.host.run(*argv)


def pattern(promise, subject):
    """What the page quotes, with the names and numbers of this host."""
    what, word = re.fullmatch(r"(.*?)( \[[a-z-]+\])?", promise).groups()
    text = re.escape(what)
    for old, new in ((r"alice@idm\\\.example\\\.com", rf"{subject}(@\\S+)?"), ("alice", subject),
                     (r"https?://\w+\\\.example\\\.com", r"https?://\\S+"),
                     (r"GROUP(@idm\\\.example\\\.com)?", r"\\S+"),
                     ("…", ".*"), (r"\d+", r"\\d+")):
        text = re.sub(old, new, text)
    return re.compile(text + (re.escape(word) + "$" if word else ""))


def steady(line):
    """A sentence without what differs from run to run."""
    for old, new in ((r"process \d+", "process N"), (r"after \d+ ms", "after N ms"),
                     (r"broken-[0-9-]+", "broken-DATE"), (r"\d{4}-\d\d-\d\d[ T][0-9:]+(Z| UTC)?", "DATE"),
                     (r"\b\d+ (milliseconds|bytes)", r"N \1")):
        line = re.sub(old, new, line)
    return line


def check(host):
    """What check finds, each as the page quotes it: without what to do."""
    found = json.loads(host.out("kanidm-unix", "check", "--json", check=False))["findings"]
    return [f"{one['level']}: {one['thing']}: {one['what']} [{one['id']}]" for one in found]


class Doctor:
    """Asks as the page says, and remembers."""

    def __init__(self, host):
        self.host = host
        self.wrong = []
        self.rows = []
        self.printed = {}
        self.well = None
        self.unwell = ""
        self.sick = 0
        self.page, _, rest = PAGE.read_text().partition(BEGIN)
        self.table = rest.partition(END)[0]

    def is_well(self):
        """No error, nothing that was not said on the first day, and alice logs in."""
        rows = self.host.pam("alice", "auth", "acct", "open", "close")
        self.unwell = str(rows)
        if any(row["name"] != "SUCCESS" for row in rows):
            return False
        lines = check(self.host)
        self.unwell = "\n".join(set(lines) ^ set(self.well or []))
        if any(line.startswith("error:") for line in lines) or \
                (self.well is not None and set(lines) != set(self.well)):
            return False
        self.well = lines
        return True

    def healthy(self, when):
        """Waits for that."""
        try:
            until("the host is well", SECONDS, self.is_well)
        except Failed:
            self.wrong.append(f"{when}: the host is not well: {self.unwell}")
            print(f"NOT OK: {self.wrong[-1]}")
            self.sick += 1
            if self.sick > 3 or self.well is None:
                raise Failed("\n".join(self.wrong)) from None

    def ask(self, fault):
        """Everything that the administrator reads."""
        lines = [line for line in check(self.host) if line not in self.well]
        if fault.who == "explain":
            lines += self.host.out("kanidm-unix", "explain", fault.subject,
                                   check=False).splitlines()
        elif fault.who == "status":
            lines += self.host.status().splitlines()
        return lines

    def sentence(self, fault):
        """The line that was promised."""
        wanted, lines = pattern(fault.promise, fault.subject), self.ask(fault)
        self.printed[fault.title] = lines
        for line in lines:
            if wanted.search(line) and fault.says in line:
                return line
        return None

    def try_fault(self, fault):
        """Makes it, looks for its sentence, takes it back."""
        begin = time.monotonic()
        for quoted in (fault.promise.removeprefix("verdict: "), fault.says):
            if quoted not in self.page:
                self.wrong.append(f"{fault.title}: the page does not have: {quoted}")
        trouble = Trouble(self.host)
        try:
            fault.make(trouble)
            line = until("a sentence", SECONDS, lambda: self.sentence(fault))
            self.rows.append((fault, line))
            print(f"ok: {fault.title}: {line} ({time.monotonic() - begin:.1f} s)")
        except Failed as failure:
            said = "\n\t".join(self.printed.get(fault.title, []))
            self.wrong.append(f"{fault.title}: {failure}; wanted {fault.promise} {fault.says}; "
                              f"there was:\n\t{said}")
            print(f"NOT OK: {self.wrong[-1]}")
        finally:
            trouble.undo()
        self.healthy(f"after {fault.title}")

    def each_is_its_own(self):
        """A sentence that another fault's run printed, too, names neither."""
        for fault, line in self.rows:
            for other, lines in self.printed.items():
                if other not in (fault.title, *fault.part_of) and \
                        steady(line) in map(steady, lines):
                    self.wrong.append(f"{fault.title} and {other}: both print {line}")

    def compare(self):
        """The table on the page is what was seen."""
        def cell(text):
            return text.replace("|", "\\|").replace("<", "&lt;")
        table = "\n| fault | how it was made | who says so | what it says |\n|---|---|---|---|\n"
        for fault, line in self.rows:
            table += f"| {fault.title} | {cell(fault.how)} | {fault.who} | " \
                     f"`{steady(line).replace('|', chr(92) + '|')}` |\n"
        table += "\n"
        if table == self.table:
            return
        if os.environ.get("KU_UPDATE_FAULTS"):
            text = PAGE.read_text()
            PAGE.write_text(text.replace(BEGIN + self.table + END, BEGIN + table + END))
        else:
            self.wrong.append("the table of docs/troubleshooting.md is not what was seen "
                              "(KU_UPDATE_FAULTS=1 writes it):\n" + table)


def scenario():
    """All of them on one boot."""
    host = Host("name", settings=('home_alias = "name"',))
    host.path("/etc/pam.d/only").unlink()  # a stack for another test, without pam_unix
    host.boot()
    doctor = Doctor(host)
    doctor.healthy("before the first fault")
    print("a healthy host has:\n\t" + "\n\t".join(doctor.well))
    faults = [*faults_names.FAULTS, *faults_login.FAULTS, *faults_host.FAULTS]
    if len({fault.title for fault in faults}) != len(faults):
        raise Failed("two faults have one title")
    words = sys.argv[1:]
    for fault in faults:
        if not words or any(re.search(word, fault.title) for word in words):
            doctor.try_fault(fault)
    doctor.each_is_its_own()
    if not words:
        doctor.compare()
    if doctor.wrong:
        raise Failed(f"{len(doctor.wrong)} wrong, {len(doctor.rows)} of {len(faults)} named:\n"
                     + "\n".join(doctor.wrong))
    print(f"{len(doctor.rows)} faults, each named in its own sentence")


if __name__ == "__main__":
    main(scenario)
