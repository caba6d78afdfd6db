# SPDX-License-Identifier: MPL-2.0
"""Clients that mean harm, at the real daemon's socket.

Every operation is asked by everybody, while the server is there, while it is not, and before anybody is
known; what each got is compared with tests/chaos/answers (KU_UPDATE_ANSWERS=1 writes it), and with the
two rules that no table may break. Then thousands of connections, senders of a byte at a time, lengths
without end, garbage and repeated requests of others come all at once, and another user's lookups are
measured beside the same without them."""
import os
import pathlib
import random
import re
import socket
import struct
import sys
import time

from chaos_clients import Module, SUCCESS
from chaos_host import PASSWORD, Host, row, rows_begin, until

HERE = pathlib.Path(__file__).parent
HEADER = struct.Struct("<HBBHHII")
MAGIC, VERSION = 0x4B75, 1
SOCK = "/run/kanidm-unixd/sock"
STATUS = ["OK", "NOTFOUND", "UNAVAIL", "BUSY", "DENIED", "BAD", "VERSION", "LOCAL"]
NAME, UID = "u000", 21000
WHO = {"root": 0, "the daemon's user": 990, "the person": UID, "another person": 21001, "nobody": 65534}
SEED = int(os.environ.get("KU_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
ROUNDS, CALLS, RATIO = 7, 20000, 2.0


def operations():
    text = (HERE.parent.parent / "include/ku/wire_ops.h").read_text("utf-8")
    return {name: int(code, 16) for name, code in re.findall(r"X\((\w+),\s*(0x\w+),", text)}


OPS = operations()


def string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def body_of(op, name=NAME, password="not it"):
    """A question in the form of the operation's line in wire_ops.h."""
    if op in ("PASSWD_BY_UID", "GROUP_BY_GID"):
        return struct.pack("<I", UID)
    if op in ("PASSWD_NEXT", "GROUP_NEXT"):
        return struct.pack("<II", 0, 0)
    if op in ("STATUS", "CACHE_INVALIDATE", "CACHE_CLEAR"):
        return b""
    if op in ("PAM_AUTH", "PAM_ACCT", "PAM_SESSION"):
        body = struct.pack("<I", 0) + string(name) + string("hostile") + string("") * 2
        return body + string(password) if op == "PAM_AUTH" else body
    return string(name)


def frame(op, serial=1, **words):
    body = body_of(op, **words)
    return HEADER.pack(MAGIC, VERSION, 0, OPS[op], 0, serial, len(body)) + body


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def ask(data):
    """(status, body), or what happened instead."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(15)
    try:
        peer.connect(SOCK)
        peer.sendall(data)
        head = exactly(peer, HEADER.size)
        if head is None:
            return "closed", b""
        fields = HEADER.unpack(head)
        return STATUS[fields[4]], exactly(peer, fields[6]) or b""
    except OSError as error:
        return type(error).__name__, b""
    finally:
        peer.close()


def child_as(uid, function, *args):
    """A process of that uid; what it wrote comes back from reap()."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(writer, str(function(*args)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def reap(child):
    with os.fdopen(child[1]) as answer:
        text = answer.read()
    os.waitpid(child[0], 0)
    return text


def verdict(op):
    status, body = ask(frame(op))
    if status == "OK" and op.startswith("PAM_") and op != "PAM_LOOKUP":
        return f"OK {struct.unpack_from('<I', body)[0]}"
    return status


# ---- all at once ----

def until_told(stop, function):
    while not os.path.exists(stop):
        function()


def many(stop):
    """As many connections as this user gets, open and silent, some with half a request."""
    held = []

    def one():
        if len(held) > 400:
            for peer in held[:200]:
                peer.close()
            del held[:200]
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(1)
        try:
            peer.connect(SOCK)
            peer.sendall(frame("PASSWD_BY_NAME")[:random.randrange(1, 20)])
            held.append(peer)
        except OSError:
            peer.close()
            time.sleep(0.01)
    until_told(stop, one)


def slow(stop):
    data = frame("PAM_AUTH", password="x" * 400)

    def one():
        peers = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for peer in peers:
            try:
                peer.settimeout(1)
                peer.connect(SOCK)
                peer.sendall(data[:1])
            except OSError:
                pass
        for at in range(1, 20):
            time.sleep(0.05)
            for peer in peers:
                try:
                    peer.sendall(data[at:at + 1])
                except OSError:
                    pass
        for peer in peers:
            peer.close()
    until_told(stop, one)


def sends(stop, make):
    def one():
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(1)
                peer.connect(SOCK)
                peer.sendall(make())
                peer.recv(4096)
        except OSError:
            pass
        time.sleep(0.001)
    until_told(stop, one)


def lengths():
    length = random.choice([0xFFFFFFFF, 0x7FFFFFFF, 65536, 1537, 16 * 1024 * 1024])
    return HEADER.pack(MAGIC, VERSION, 0, random.choice(list(OPS.values())), 0, 1, length) + bytes(512)


def garbage():
    data = bytearray(frame(random.choice(list(OPS))))
    for _ in range(random.randrange(1, 8)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data) if random.random() < 0.7 else random.randbytes(random.randrange(1, 2000))


def names():
    return frame("PASSWD_BY_NAME", name=f"x{random.randrange(10**9)}")


def repeated():
    """What root sends at a login, by somebody else."""
    return frame("PAM_AUTH", password=PASSWORD) + frame("PAM_ACCT") + frame("PAM_SESSION")


PAM = ("PAM_AUTH", "PAM_ACCT", "PAM_SESSION")


def conversation(peer, frames):
    """What each frame got, on one connection; a daemon that hangs up ends it."""
    peer.settimeout(15)
    got = []
    for data in frames:
        try:
            peer.sendall(data)
            head = exactly(peer, HEADER.size)
            if head is None:
                return got + ["closed"]
            fields = HEADER.unpack(head)
            body = exactly(peer, fields[6]) or b""
        except OSError as error:
            return got + [type(error).__name__]
        verdict = f" {struct.unpack_from('<I', body)[0]}" if fields[4] == 0 else ""
        got.append(STATUS[fields[4]] + verdict)
    return got


def connected():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(SOCK)
    return peer


def replay(name, own):
    """The frames of a login that went well, again: each alone, in order, behind one of the caller's
    own (own: somebody the caller may ask about), in pieces, with other serials."""
    frames = [frame(op, name=name, password=PASSWORD) for op in PAM]
    tries = [[f] for f in frames] + [frames, frames[1:], frames[2:], [frame("STATUS")] + frames]
    tries += [[frame(op, serial, name=name, password=PASSWORD)] for op in PAM for serial in (0, 2, 2**32 - 1)]
    if own:
        tries += [[frame(op, name=own, password=PASSWORD), f] for op in PAM for f in frames]
    # What the caller may ask.
    first = [frame("STATUS")] + [frame(op, name=own, password=PASSWORD) for op in PAM if own]
    said = []
    for sent in tries:
        with connected() as peer:
            got = conversation(peer, sent)
        said += got[1:] if sent[0] in first else got
    with connected() as peer:
        for byte in frames[0][:-1]:
            peer.sendall(bytes([byte]))
        said += conversation(peer, [frames[0][-1:] + frames[1]])
    return " ".join(said)


ATTACKERS = [(many,), (many,), (many,), (slow,), (sends, lengths), (sends, garbage), (sends, names),
             (sends, repeated)]


def measure(module_path):
    """The 99th of a hundred, of lookups through the module, in microseconds."""
    module, took = Module(module_path), []
    clock = time.perf_counter_ns
    for _ in range(CALLS):
        begun = clock()
        got, _ = module.by_name(NAME)
        took.append(clock() - begun)
        if got != SUCCESS:
            return -1
    return sorted(took)[CALLS * 99 // 100] / 1000


class Hostile:
    def __init__(self):
        self.host, self.wrong, self.cases = Host(), [], 0
        self.module = os.environ["KU_NSS_MODULE"]

    def bad(self, text):
        self.wrong.append(text)

    def table(self):
        lines = []
        for phase in ("server there", "server gone", "nobody known"):
            if phase == "nobody known":
                ask(frame("CACHE_CLEAR"))
            for who, uid in WHO.items():
                if phase == "server there":
                    self.know()
                for op in OPS:
                    if op == "CACHE_CLEAR" and WHO[who] == 0:
                        continue  # between the phases; it answers OK
                    got = reap(child_as(uid, verdict, op))
                    lines.append(f"{phase}\t{who}\t{op}\t{got}")
                    self.rules(lines[-1], who, op, got)
                    self.host.ctl("unlock", NAME)
            if phase == "server there":
                self.host.ctl("off")
                until(20, lambda: not self.host.is_online())
        self.compare("".join(f"{line}\n" for line in lines))
        self.host.ctl("on")
        until(20, self.host.is_online)

    def replays(self):
        """While root is in the midst of a login of that person, and while it is not: what root sent
        is worth nothing from anybody else, and costs the person nothing."""
        for held in (False, True):
            peer = connected()
            if held:
                # Half a login: allowed in, no session yet.
                got = conversation(peer, [frame("PAM_AUTH", password=PASSWORD), frame("PAM_ACCT")])
                if got != ["OK 1", "OK 1"]:
                    self.bad(f"root's own login: {got}")
            for who, uid in WHO.items():
                if who in ("root", "the person"):
                    continue
                own = "u001" if who == "another person" else None
                said = [w for w in reap(child_as(uid, replay, NAME, own)).split() if not w.isdigit()]
                self.cases += len(said)
                if set(said) != {"DENIED"}:
                    self.bad(f"replayed by {who}: {said}")
            peer.close()
        got = ask(frame("PAM_AUTH", password=PASSWORD))
        if (got[0], got[1][:4]) != ("OK", struct.pack("<I", 1)):
            self.bad(f"after the replays root's login gets {got}")

    def pending(self):
        """Every operation, by everybody, while the server takes its time over root's login of that
        person. What they get depends on how far that is; the rules do not."""
        for who, uid in WHO.items():
            self.know()
            self.host.ctl("fault", "delay", "2000")
            with connected() as peer:
                peer.sendall(frame("PAM_AUTH", password=PASSWORD))
                for op in OPS:
                    if op == "CACHE_CLEAR" and uid == 0:
                        continue
                    got = reap(child_as(uid, verdict, op))
                    self.rules(f"login in flight\t{who}\t{op}\t{got}", who, op, got)
                self.host.ctl("fault", "clear")
                if conversation(peer, []) or not exactly(peer, HEADER.size):
                    self.bad(f"root's login is not answered beside {who}")
            self.host.ctl("unlock", NAME)
            until(20, self.host.is_online)

    def know(self):
        Module(self.module).by_name(NAME)

    def rules(self, line, who, op, got):
        self.cases += 1
        if got.split()[0] not in STATUS:
            self.bad(f"no answer: {line}")
        if op in ("CACHE_CLEAR", "ACCEPT_ID") and who != "root" and got != "DENIED":
            self.bad(f"only root may: {line}")
        if op in ("PAM_AUTH", "PAM_ACCT", "PAM_SESSION") and \
                who not in ("root", "the person") and got.startswith("OK"):
            self.bad(f"about somebody else: {line}")
        if op == "PAM_AUTH" and got in ("OK 1", "OK 2"):
            self.bad(f"a wrong password: {line}")
        if got == "NOTFOUND" and op not in ("PASSWD_NEXT", "GROUP_NEXT", "ACCEPT_ID"):
            self.bad(f"who exists is denied: {line}")

    def compare(self, text):
        path = HERE / "answers"
        if os.environ.get("KU_UPDATE_ANSWERS"):
            path.write_text(text, "utf-8")
        want = path.read_text("utf-8").splitlines()
        got = text.splitlines()
        self.wrong += [f"answers: {line}" for line in got if line not in want]
        self.wrong += [f"answers, no more: {line}" for line in want if line not in got]

    def crowd(self):
        host, stop = self.host, f"{self.host.dir}/stop"
        start_fds, start_kb = host.descriptors(), host.memory_kb()
        ratios, slowest = [], 0
        for number in range(ROUNDS):
            quiet = float(reap(child_as(2002, measure, self.module)))
            children = []
            for i, (function, *args) in enumerate(ATTACKERS):
                child = child_as(3000 + i, lambda f=function, a=args: (os.nice(19), random.seed(
                    f"{SEED}.{number}.{i}"), f(stop, *a)))
                children.append(child)
            time.sleep(0.5)
            begun = time.monotonic()
            if reap(child_as(2002, verdict, "PASSWD_BY_NAME")) != "OK":
                self.bad("a stranger is not answered while others attack")
            slowest = max(slowest, time.monotonic() - begun)
            loud = float(reap(child_as(2002, measure, self.module)))
            pathlib.Path(stop).touch()
            for child in children:
                reap(child)
            os.unlink(stop)
            if min(quiet, loud) < 0:
                self.bad("a known name is not found")
            ratios.append(loud / quiet)
            self.cases += CALLS
        print(f"99th of a hundred lookups, attacked to idle: {sorted(round(r, 2) for r in ratios)}; "
              f"through the socket {slowest * 1000:.0f} ms at most")
        # The least of them: a busy machine makes any of them larger, and none smaller for long.
        if min(ratios) > RATIO:
            self.bad(f"lookups of others take {min(ratios):.2f} times as long")
        if slowest > 2.5:
            self.bad(f"a question of another user took {slowest:.1f} s")
        if not until(70, lambda: host.descriptors() <= start_fds + 4):
            self.bad(f"descriptors: {start_fds}, then {host.descriptors()}")
        if not until(20, lambda: host.memory_kb() <= start_kb + 3072):
            self.bad(f"memory: {start_kb} kB, then {host.memory_kb()} kB")

    def run(self):
        print(f"KU_CHAOS_SEED={SEED}", flush=True)
        self.host.daemon.start()
        until(20, self.host.is_online)
        self.table()
        self.know()
        self.replays()
        self.pending()
        self.crowd()
        if self.host.daemon.ended():
            self.bad("the daemon ended")
        rows_begin("hostile")
        row("one user's requests are no other's trouble", bad=len(self.wrong),
            attack="hostile: every operation by everybody, and all at once", cases=self.cases)
        print("\n".join(self.wrong[:40]))
        return 1 if self.wrong else 0


if __name__ == "__main__":
    sys.exit(Hostile().run())
