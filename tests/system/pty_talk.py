# SPDX-License-Identifier: MPL-2.0
"""Programs on terminals: what a person would read and type, each wait with a deadline.

A thread drains the terminal from the first moment, because a program (or a booting
container) that nobody reads from stops.
"""
import hashlib
import os
import pty
import re
import subprocess
import sys
import threading
import time

VERBOSE = os.environ.get("KU_SYSTEM_VERBOSE")


class Failed(Exception):
    """What was expected did not happen; the text says what did."""


class Talk:
    """One program with a terminal of its own."""

    def __init__(self, argv, name=None, env=None):
        self.name = name or argv[0]
        master, slave = pty.openpty()
        self._fd = master
        self._text = ""
        self._read = 0  # up to here expect() has consumed
        self._eof = False
        self._changed = threading.Condition()
        self.process = subprocess.Popen(["setsid", "--ctty", *argv], stdin=slave, stdout=slave,
                                        stderr=slave, env=env, close_fds=True)
        os.close(slave)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                data = b""
            with self._changed:
                if data:
                    self._text += data.decode(errors="replace").replace("\r\n", "\n")
                else:
                    self._eof = True
                self._changed.notify_all()
            if not data:
                return
            if VERBOSE:
                sys.stderr.write(data.decode(errors="replace"))

    @property
    def text(self):
        """Everything the program has printed."""
        with self._changed:
            return self._text

    def expect(self, pattern, seconds=10):
        """Waits until `pattern` is on the screen, after what was expected before it."""
        wanted = re.compile(pattern, re.M)
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = wanted.search(self._text, self._read)
                if found:
                    self._read = found.end()
                    return found
                left = end - time.monotonic()
                if self._eof or left <= 0:
                    why = "ended" if self._eof else f"said nothing like it in {seconds} s"
                    raise Failed(f"{self.name}: {why}: {pattern!r}; since the last match:\n"
                                 f"{self._text[self._read:]}")
                self._changed.wait(left)

    def send(self, text):
        """Types."""
        os.write(self._fd, text.encode())

    def line(self, text):
        """Types a line."""
        self.send(text + "\n")

    def wait(self, seconds=10):
        """Until the program has ended and everything is read; its exit status."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: still there after {seconds} s:\n{self.text}") from None
        end = time.monotonic() + 2
        with self._changed:
            while not self._eof and time.monotonic() < end:
                self._changed.wait(end - time.monotonic())
        return status

    def end(self):
        """Whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def until(what, seconds, condition):
    """Calls condition() until it gives something true; returns that."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() >= end:
            raise Failed(f"after {seconds} s still not: {what}")
        threading.Event().wait(0.02)


def in_time(seconds, limit):
    """Is that within the limit? Where other programs keep the machine busy, what verifying a
    password costs now is measured (0.3 s on an idle one), and four of those are allowed on top.
    """
    if seconds <= limit:
        return True
    begin = time.monotonic()
    hashlib.scrypt(b"password", salt=b"salt", n=1 << 14, r=8, p=5, maxmem=1 << 26)
    cost = time.monotonic() - begin
    return cost > 0.5 and seconds <= limit + 4 * cost
