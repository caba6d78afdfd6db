#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Plays the service manager: passes the socket, listens to sd_notify, and says what came.

usage: manager.py SOCKET PROGRAM [ARG...]; run as root inside the test's namespaces. Exits 1
with a sentence when the daemon does not behave as its unit file expects.
"""
import os
import signal
import socket
import sys
import time

UID = 990
PATIENCE = 15


def fail(text):
    sys.exit(f"manager.py: {text}")


class Notify:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.seen = []

    def wait(self, what):
        """Until a message contains `what`; everything before it is kept in seen."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.sock.settimeout(max(end - time.monotonic(), 0.01))
            try:
                message = self.sock.recv(4096).decode()
            except TimeoutError:
                break
            self.seen.append(message)
            if what in message:
                print(f"ok: {what}")
                return message
        return fail(f"no {what} within {PATIENCE} s, but {self.seen}")


def start(listener, notify_path, argv):
    pid = os.fork()
    if pid != 0:
        return pid
    if listener.fileno() != 3:
        os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.setgroups([])
    os.setgid(UID)
    os.setuid(UID)
    env = dict(os.environ, LISTEN_FDS="1", LISTEN_PID=str(os.getpid()),
               NOTIFY_SOCKET=notify_path, WATCHDOG_USEC="400000")
    os.execvpe(argv[0], argv, env)


def main():
    path, argv = sys.argv[1], sys.argv[2:]
    notify_path = "/run/notify-test"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(64)
    inode = os.stat(path).st_ino
    notify = Notify(notify_path)
    # A client that came before the daemon is answered once it is there.
    early = socket.socket(socket.AF_UNIX)
    early.connect(path)
    early.sendall(bytes.fromhex("754b0100 0101 0000 01000000 08000000 04000000") + b"root")
    pid = start(listener, notify_path, argv)

    notify.wait("READY=1")
    if not os.path.exists("/run/kanidm-unixd/nss.map"):
        fail("READY before the map is there")
    early.settimeout(PATIENCE)
    if early.recv(16)[6] != 7:
        fail("the early client got no answer, or another one than 'local'")
    print("ok: a client that waited is answered")
    notify.wait("STATUS=online https://")
    os.system(os.environ["SERVER_OFF"] + " && kanidm-unix status >/dev/null")
    # Each failed try tells when the next one is.
    notify.wait("STATUS=offline: connection refused, next try in 1 s")
    notify.wait("STATUS=offline: connection refused, next try in 2 s")
    os.system(os.environ["SERVER_ON"])
    notify.wait("STATUS=online https://")
    notify.wait("WATCHDOG=1")
    os.kill(pid, signal.SIGHUP)
    notify.wait("RELOADING=1\nMONOTONIC_USEC=")
    notify.wait("READY=1")
    os.kill(pid, signal.SIGTERM)
    notify.wait("STOPPING=1")
    _, status = os.waitpid(pid, 0)
    if status != 0:
        fail(f"wait status {status}")
    if os.stat(path).st_ino != inode:
        fail("the manager's socket was replaced")
    print("ok: the manager keeps its socket")


if __name__ == "__main__":
    main()
