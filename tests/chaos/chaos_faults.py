# SPDX-License-Identifier: MPL-2.0
"""What can go wrong on a host, as pairs of functions: begin and end. Each takes the host and a random
source of its own, and whatever begin returns is handed to end."""
import errno
import os
import pathlib
import resource
import signal
import socket
import sqlite3
import subprocess

from chaos_host import CACHE, CONFIG, DB, RUN, prlimit

FAULTS = {}
ANOTHER = "# another\n"
WITHOUT = os.environ.get("KU_CHAOS_WITHOUT", "").split()


def fault(function):
    FAULTS[function.__name__] = function
    return function


# Each is a generator: what is before yield begins it, what is behind ends it.

@fault
def daemon_killed(host, rng):
    host.daemon.kill()
    yield


@fault
def daemon_stopped(host, rng):
    host.daemon.send(signal.SIGSTOP)
    yield
    host.daemon.send(signal.SIGCONT)


@fault
def daemon_restarted(host, rng):
    host.daemon.killed = True
    host.daemon.send(signal.SIGTERM)
    yield


@fault
def daemon_reloads(host, rng):
    for _ in range(rng.randrange(1, 20)):
        host.daemon.send(signal.SIGHUP)
    yield


def configure(text):
    # By rename: an empty file is a good configuration, too.
    new = CONFIG.with_name("unixd.new")
    new.write_text(text, "utf-8")
    new.rename(CONFIG)


@fault
def configuration_changes(host, rng):
    """To another that is good, or to one that ends in its midst."""
    before = host.configuration
    configure(rng.choice([before + ANOTHER, before[:len(before) // 2] + "= ["]))
    host.daemon.send(signal.SIGHUP)
    yield
    configure(before)
    host.daemon.send(signal.SIGHUP)


@fault
def tasks_killed(host, rng):
    host.tasks.kill()
    yield


@fault
def tasks_stopped(host, rng):
    host.tasks.send(signal.SIGSTOP)
    yield
    host.tasks.send(signal.SIGCONT)


@fault
def server_killed(host, rng):
    host.server.kill()
    yield


@fault
def server_stopped(host, rng):
    host.server.send(signal.SIGSTOP)
    yield
    host.server.send(signal.SIGCONT)


def of_server(name, *choices):
    """One of these commands to the server, and `fault clear` behind it."""
    def run(host, rng):
        words = rng.choice(choices)
        host.tell(*words)
        yield
        host.tell("fault", "clear")
    FAULTS[name] = run


of_server("server_slow", ("fault", "delay", "300"), ("fault", "delay", "1500"),
          ("fault", "delay", "6000"))
of_server("server_resets", ("fault", "reset-before-headers"), ("fault", "reset-after-headers"))
of_server("server_cuts", ("fault", "truncate-body"))
of_server("server_freezes", ("fault", "freeze"))
of_server("server_answers_nonsense", ("fault", "wrong-json"), ("fault", "wrong-content-type"),
          ("fault", "no-version-header"), ("fault", "wrong-version-header"))
of_server("proxy_answers", ("fault", "status", "404"), ("fault", "status", "502"),
          ("fault", "status", "503"), ("fault", "status", "302"), ("fault", "status", "500"))
of_server("sessions_end", ("fault", "401-after", "3"), ("expire-sessions",))


@fault
def network_loss(host, rng):
    host.wire.set(loss=rng.choice([20, 100, 300]))
    yield
    host.wire.set(loss=0)


@fault
def network_delay(host, rng):
    host.wire.set(delay_ms=rng.choice([0, 100, 700]), jitter_ms=rng.choice([20, 300]))
    yield
    host.wire.set(delay_ms=0, jitter_ms=0)


@fault
def network_black_hole(host, rng):
    host.wire.set(hole=1)
    yield
    host.wire.set(hole=0)


@fault
def network_down(host, rng):
    host.wire.up(False)
    yield
    host.wire.up(True)


@fault
def network_refuses(host, rng):
    host.tell(rng.choice(["off", "hold"]))
    yield
    host.tell("on")


@fault
def captive_portal(host, rng):
    host.tell("cert", rng.choice(["unknown-ca", "self-signed", "wrong-name", "expired"]))
    host.tell("close-idle")
    yield
    host.tell("cert", "server")
    host.tell("close-idle")


@fault
def name_server_hangs(host, rng):
    path = pathlib.Path("/etc/nsswitch.conf")
    before = path.read_text("utf-8")
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30\n", "utf-8")
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    path.write_text(before.replace("hosts: files", "hosts: dns"), "utf-8")
    host.tell("close-idle")
    yield
    path.write_text(before, "utf-8")
    silent.close()


def fill(directory):
    path = directory / "filler"
    try:
        with open(path, "wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
    except OSError:
        pass
    return path


@fault
def disk_full(host, rng):
    path = fill(CACHE)
    yield
    path.unlink(missing_ok=True)


@fault
def run_full(host, rng):
    host.filled = True
    path = fill(RUN)
    yield
    path.unlink(missing_ok=True)
    host.filled = False


@fault
def disk_fails(host, rng):
    # A daemon that starts meanwhile cannot read what is there, nor use the disk later.
    host.hurt += 1
    host.shim.disk(rng.choice([errno.EIO, errno.EROFS, errno.ENOSPC]), rng.choice([1, 3, 10]))
    yield
    host.shim.disk()
    host.hurt += 1


@fault
def disk_slow(host, rng):
    host.shim.disk(slow_us=rng.choice([5000, 50000, 500000]))
    yield
    host.shim.disk()


@fault
def database_corrupt(host, rng):
    if DB.exists() and DB.stat().st_size > 8192:
        host.hurt += 1
        with open(DB, "r+b") as file:
            for _ in range(rng.randrange(1, 10)):
                file.seek(rng.randrange(DB.stat().st_size - 512))
                file.write(rng.randbytes(512))
    yield


@fault
def database_deleted(host, rng):
    host.hurt += 1
    for path in CACHE.glob("unixd.db*"):
        path.unlink(missing_ok=True)
    yield


@fault
def database_locked(host, rng):
    try:
        other = sqlite3.connect(DB, timeout=0, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        other = None
    yield
    if other:
        other.close()
    for path in CACHE.glob("unixd.db*"):
        os.chown(path, 990, 990)


def limited(name, kind, least):
    def run(host, rng):
        pid = host.daemon.pid
        try:
            was = prlimit(pid, kind, least(host))
        except OSError:
            was = None
        host.limited = was is not None
        yield
        if was is not None and host.daemon.pid == pid and not host.daemon.ended():
            prlimit(pid, kind, was)
        host.limited = False
    FAULTS[name] = run


limited("no_descriptors", resource.RLIMIT_NOFILE, lambda h: h.descriptors() + 1)
limited("no_memory", resource.RLIMIT_AS, lambda h: h.memory_kb("VmSize") * 1024 + 65536)


@fault
def clock_steps(host, rng):
    for _ in range(4):
        host.shim.clock(rng.choice([-1, 1]) * rng.choice([1, 60, 3600, 86400 * 40, 86400 * 4000]))
    yield
    host.shim.clock(0)


@fault
def cache_invalidated(host, rng):
    # One that is stopped is not waited for.
    asking = subprocess.Popen(["kanidm-unix", "cache-invalidate"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    yield
    asking.kill()
    asking.wait()


OUTSIDE = {name for name in FAULTS
           if name.startswith(("network_", "server_", "name_server_", "proxy_"))} | {
               "captive_portal", "sessions_end"}


def schedule(rng, seconds, only=None):
    """(when, until, name, seed of its own): each kind once before one comes again."""
    plan, bag, at, busy = [], [], 0.5, {}
    while at < seconds:
        if not bag:
            bag = sorted(set(only or FAULTS) - set(WITHOUT))
            rng.shuffle(bag)
        name = bag.pop()
        length = rng.uniform(0.2, 3.0)
        at = max(at, busy.get(name, 0))
        plan.append((at, at + length, name, rng.randrange(2**32)))
        busy[name] = at + length + 0.1
        at += rng.uniform(0.2, 1.2)
    return plan
