# SPDX-License-Identifier: MPL-2.0
"""The clients of tests/chaos: each is a process that asks through the built modules, as any program
of the host does, and judges each answer where it arrives.

They know who is there, who was asked for before (CACHED: has to be found, whatever happens), which
password is right, and how long a call may take. How late this machine wakes anybody up is measured
by a process that does nothing else, and is added to every limit."""
import ctypes
import json
import mmap
import os
import pathlib
import pwd
import random
import shutil
import subprocess
import time

SUCCESS, NOTFOUND, UNAVAIL, TRYAGAIN = 1, 0, -1, -2
PAM_OK, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_MAXTRIES = 0, 7, 9, 8
# Promised: 2 s for a name; ten for a conversation with a daemon that is stopped in its midst.
LOOKUP_S, LOGIN_S, LOCAL_S = 2.0, 10.0, 1.0
# What a call needs besides waiting: a CPU, which the others have too.
SLACK_S = 0.5
# A key takes a third of a second to derive; the daemon waits 2.5 s for it.
BUSY_S = 0.5
HOMES, SKEL = pathlib.Path("/home"), pathlib.Path("/etc/skel")


def uuid_of(number):
    return f"00000000-0000-4000-8000-{number:012x}"


class Passwd(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("passwd", ctypes.c_char_p), ("uid", ctypes.c_uint32),
                ("gid", ctypes.c_uint32), ("gecos", ctypes.c_char_p), ("dir", ctypes.c_char_p),
                ("shell", ctypes.c_char_p)]


class Group(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("passwd", ctypes.c_char_p), ("gid", ctypes.c_uint32),
                ("members", ctypes.POINTER(ctypes.c_char_p))]

    def names(self):
        found = set()
        while self.members[len(found)]:
            found.add(self.members[len(found)].decode())
        return found


class Page:
    """Shared numbers: s64 each, by name."""
    NAMES = ["stop", "late_us", "forgiven", "rest", "daemon", "unmapped"]

    def __init__(self, path, size=4096):
        with open(path, "a+b") as file:
            file.truncate(size)
            # As whole words: byte by byte somebody would read half a number.
            self.words = memoryview(mmap.mmap(file.fileno(), size)).cast("q")

    def get(self, name):
        return self.words[self.NAMES.index(name)]

    def set(self, name, value):
        self.words[self.NAMES.index(name)] = value


class Module:
    def __init__(self, path):
        self.lib, self.libc = ctypes.CDLL(path), ctypes.CDLL(None)
        self.err = ctypes.c_int()
        self.buf = ctypes.create_string_buffer(65536)
        self.entry, self.group = Passwd(), Group()

    def call(self, function, *args, entry=None):
        entry = entry or self.entry
        got = getattr(self.lib, f"_nss_kanidm_{function}")(
            *args, ctypes.byref(entry), self.buf, ctypes.c_size_t(len(self.buf)),
            ctypes.byref(self.err))
        return got, entry

    def by_name(self, name):
        return self.call("getpwnam_r", name.encode())

    def by_uid(self, uid):
        return self.call("getpwuid_r", ctypes.c_uint32(uid))

    def group_by_name(self, name):
        return self.call("getgrnam_r", name.encode(), entry=self.group)

    def group_by_gid(self, gid):
        return self.call("getgrgid_r", ctypes.c_uint32(gid), entry=self.group)

    def groups_of(self, name, gid):
        """The status and the numbers, as initgroups() gets them."""
        self.libc.calloc.restype = ctypes.c_void_p
        array = ctypes.c_void_p(self.libc.calloc(ctypes.c_size_t(1), ctypes.c_size_t(4)))
        start, size = ctypes.c_long(0), ctypes.c_long(1)
        got = self.lib._nss_kanidm_initgroups_dyn(
            name.encode(), ctypes.c_uint32(gid), ctypes.byref(start), ctypes.byref(size),
            ctypes.byref(array), ctypes.c_long(0), ctypes.byref(self.err))
        numbers = set(ctypes.cast(array, ctypes.POINTER(ctypes.c_uint32))[:start.value])
        self.libc.free(array)
        return got, numbers

    def everybody(self):
        self.lib._nss_kanidm_setpwent(0)
        while True:
            got, entry = self.call("getpwent_r")
            if got != SUCCESS:
                break
            yield entry.name.decode(), entry.uid
        self.lib._nss_kanidm_endpwent()
        self.ended = got


class Conversation(ctypes.Structure):
    _fields_ = [("function", ctypes.c_void_p), ("arg", ctypes.c_void_p)]


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Reply(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


class Pam:
    def __init__(self):
        self.lib = ctypes.CDLL("libpam.so.0")
        self.libc = ctypes.CDLL(None)
        for function in self.libc.strdup, self.libc.calloc:
            function.restype = ctypes.c_void_p
        shape = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
                                 ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
        self.talk = shape(self.answer)
        self.no_pause = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)(
            lambda *unused: None)
        self.prompts, self.told = 0, []

    def answer(self, count, messages, replies, _arg):
        out = self.libc.calloc(ctypes.c_size_t(count), ctypes.c_size_t(ctypes.sizeof(Reply)))
        for i in range(count):
            message = ctypes.cast(messages, ctypes.POINTER(ctypes.POINTER(Message)))[i][0]
            if message.style in (1, 2):
                self.prompts += 1
                ctypes.cast(out, ctypes.POINTER(Reply))[i].text = self.libc.strdup(self.password)
            else:
                self.told.append(message.text.decode())
        replies[0] = out
        return 0

    def login(self, service, user, password, session=False):
        """The codes of authenticate and, after success, acct_mgmt; then open_session, when asked."""
        self.password, self.prompts, self.told = password.encode(), 0, []
        conv, handle = Conversation(ctypes.cast(self.talk, ctypes.c_void_p).value), ctypes.c_void_p()
        self.lib.pam_start(service.encode(), user.encode(), ctypes.byref(conv), ctypes.byref(handle))
        self.lib.pam_set_item(handle, 10, self.no_pause)
        auth = self.lib.pam_authenticate(handle, 0)
        acct = self.lib.pam_acct_mgmt(handle, 0) if auth == PAM_OK else None
        opened = self.lib.pam_open_session(handle, 0) if session and acct == PAM_OK else None
        if opened == PAM_OK:
            self.lib.pam_close_session(handle, 0)
        self.lib.pam_end(handle, auth)
        return (auth, acct, opened) if session else (auth, acct)


class Client:
    def __init__(self, world, number, seed):
        self.world, self.random = world, random.Random(f"{seed}.{number}")
        self.page = Page(world["page"])
        self.counts, self.wrong = {}, []
        self.slowest, self.name = {}, f"{number}"

    def bad(self, text):
        self.wrong.append(f"{time.monotonic() - self.world['begun']:.3f} {self.name}: {text}")

    def forgiven(self):
        """Whether who was known may be unknown to anybody but the server."""
        return self.page.get("forgiven") or self.page.get("unmapped")

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def timed(self, what, limit, function, *args):
        late, begun = self.page.get("late_us"), time.monotonic()
        got = function(*args)
        took = time.monotonic() - begun
        allowed = limit + SLACK_S + 3 * (self.page.get("late_us") - late) / 1e6
        if took > allowed:
            self.bad(f"{what} {args}: {took:.2f} s, more than {allowed:.2f} s")
        self.slowest[what] = max(self.slowest.get(what, 0), took)
        return got

    def remains(self):
        """What a module could leave in its host: descriptors, threads, handlers, locked memory."""
        status = pathlib.Path("/proc/self/status").read_text("utf-8").splitlines()
        keys = ("Threads", "SigCgt", "SigIgn", "SigBlk", "VmLck")
        open_files = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                      if os.path.exists(f"/proc/self/fd/{fd}") or os.path.islink(f"/proc/self/fd/{fd}")]
        return sorted(open_files), [line for line in status if line.split(":")[0] in keys]

    def run(self, out):
        self.setup()
        before = self.remains()
        try:
            while not self.page.get("stop"):
                if not self.page.get("rest"):
                    self.once()
                time.sleep(self.random.uniform(0, self.pause))
        except Exception as error:  # says so instead of being one client less
            self.bad(f"died: {error!r}")
        if self.remains() != before:
            self.bad(f"left in the process: {before}, then {self.remains()}")
        with open(out, "w", encoding="utf-8") as file:
            json.dump({"counts": self.counts, "wrong": self.wrong, "slowest": self.slowest}, file)


class Lookups(Client):
    pause = 0.01

    def setup(self):
        self.name += " lookup"
        self.module = Module(self.world["module"])

    def once(self):
        people = self.world["cached"]
        kind = self.random.choice(["name", "name", "uid", "stranger", "nobody", "group", "groups", "local"])
        if kind in ("group", "groups", "local"):
            return getattr(self, kind)()
        name = self.random.choice(list(people))
        before = self.forgiven()
        if kind == "uid":
            got, entry = self.timed("lookup", LOOKUP_S, self.module.by_uid, people[name])
        elif kind == "nobody":
            return self.nobody()
        else:
            if kind == "stranger":
                people = self.world["strangers"]
                name = self.random.choice(list(people))
            got, entry = self.timed("lookup", LOOKUP_S, self.module.by_name, name)
        self.count(f"{kind} {got}")
        if got == SUCCESS:
            if (entry.name.decode(), entry.uid) != (name, people[name]):
                self.bad(f"asked for {name} {people[name]}, got {entry.name} {entry.uid}")
        elif got == NOTFOUND:
            self.bad(f"{kind} {name}: no such user")
        elif kind != "stranger" and not (before or self.forgiven()):
            self.bad(f"{kind} {name}: {got}, though it was known")
        return None

    def nobody(self):
        name = f"nobody{self.random.randrange(10**9)}"
        got, entry = self.timed("lookup", LOOKUP_S, self.module.by_name, name)
        self.count(f"nobody {got}")
        if got == SUCCESS:
            self.bad(f"{name} is {entry.name} {entry.uid}")


    def judge(self, kind, got, before):
        """Whether there is an answer to look at."""
        self.count(f"{kind} {got}")
        if got == NOTFOUND or (got != SUCCESS and not (before or self.forgiven())):
            self.bad(f"{kind}: {got}, though it was known")
        return got == SUCCESS

    def group(self):
        name, gid = self.world["group"]
        before = self.forgiven()
        if self.random.random() < 0.5:
            got, entry = self.timed("lookup", LOOKUP_S, self.module.group_by_name, name)
        else:
            got, entry = self.timed("lookup", LOOKUP_S, self.module.group_by_gid, gid)
        if self.judge("group", got, before):
            members = entry.names()
            if (entry.name.decode(), entry.gid) != (name, gid):
                self.bad(f"asked for {name} {gid}, got {entry.name} {entry.gid}")
            if not members <= {*self.world["cached"], *self.world["strangers"]}:
                self.bad(f"strange members: {members}")
            missing = set(self.world["cached"]) - members
            if missing and not (before or self.forgiven()):
                self.bad(f"{len(missing)} members are missing")

    def groups(self):
        """Of a person: never one of the host's."""
        name = self.random.choice(list(self.world["cached"]))
        own, shared = self.world["cached"][name], self.world["group"][1]
        before = self.forgiven()
        got, numbers = self.timed("lookup", LOOKUP_S, self.module.groups_of, name, own)
        if self.judge("groups", got, before) and numbers - {own} != {shared}:
            self.bad(f"groups of {name}: {numbers}")

    def local(self):
        """The server has them under names and a number that are the host's own."""
        kind, what = self.random.choice([("by_name", "native"), ("by_uid", 4999), ("group_by_gid", 4999),
                                         ("group_by_name", "native"), ("group_by_name", "sudo")])
        got, _ = self.timed("lookup", LOOKUP_S, getattr(self.module, kind), what)
        self.count(f"local {kind} {got}")
        if got == SUCCESS:
            self.bad(f"{kind} {what} is the server's")


class Enumerations(Client):
    pause = 0.05

    def setup(self):
        self.name += " enumeration"
        self.module = Module(self.world["module"])

    def once(self):
        before = self.forgiven()
        seen = self.timed("enumeration", LOOKUP_S, lambda: list(self.module.everybody()))
        self.count("enumeration")
        names, uids = [s[0] for s in seen], [s[1] for s in seen]
        known = {**self.world["cached"], **self.world["strangers"]}
        if len(set(names)) != len(names) or len(set(uids)) != len(uids):
            self.bad(f"somebody twice among {len(names)}")
        for name, uid in seen:
            if known.get(name, uid) != uid:
                self.bad(f"{name} is {uid}")
        missing = set(self.world["cached"]) - set(names)
        if missing and self.module.ended == NOTFOUND and not (before or self.forgiven()):
            self.bad(f"{len(missing)} people are missing: {sorted(missing)[:3]}")


class Logins(Client):
    """With the right password: in, or cannot be asked now."""
    pause = 0.2

    def setup(self):
        self.name += " login"
        self.pam = Pam()
        self.service, self.past = "chaos", []

    def once(self):
        name = self.random.choice(self.world["right"])
        self.look_at_daemon()
        auth, acct = self.timed("login", LOGIN_S, self.pam.login, self.service, name,
                                self.world["password"])
        self.judge_login("login", name, auth, acct)

    def daemon_waits(self):
        """For how many seconds threads of the daemon could have run and had no CPU, in all."""
        total = 0
        for path in pathlib.Path(f"/proc/{self.page.get('daemon')}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text("ascii").split()[1])
            except OSError:
                pass
        return total / 1e9

    def look_at_daemon(self):
        now, waits = time.monotonic(), self.daemon_waits()
        self.past = [(at, w) for at, w in self.past if at > now - 10] + [(now, waits)]

    def is_busy(self):
        """Whether this machine is too busy for a password to be worked out in time: now, or lately,
        which the daemon takes for what the next one will need."""
        waits = self.daemon_waits()
        return waits - self.past[-1][1] > BUSY_S or waits - self.past[0][1] > 4 * BUSY_S

    def judge_login(self, what, name, auth, acct):
        strict = self.world["strict"]
        # The daemon says so, and the kernel says the same of the machine.
        if (strict and auth == PAM_AUTHINFO_UNAVAIL and any("is busy" in text for text in self.pam.told)
                and self.is_busy()):
            what, strict = f"busy {what}", False
        self.count(f"{what} {auth} {acct}")
        if auth != PAM_OK and (auth != PAM_AUTHINFO_UNAVAIL or strict):
            self.bad(f"{name}, right password: {auth}")
        if acct not in (None, PAM_OK) and (acct != PAM_AUTHINFO_UNAVAIL or strict):
            self.bad(f"{name}, account: {acct}")
        if self.pam.prompts > 1:
            self.bad(f"{self.pam.prompts} prompts")


def home_problem(path, uid):
    """A home that has its name is whole: it has everything of /etc/skel, and its owner."""
    try:
        seen = path.stat()
        if (seen.st_uid, seen.st_mode & 0o7777) != (uid, 0o750):
            return f"{path}: owner {seen.st_uid}, mode {seen.st_mode:o}"
        for source in SKEL.iterdir():
            copy = path / source.name
            if copy.read_bytes() != source.read_bytes() or copy.stat().st_uid != uid:
                return f"{copy} is not what it should be"
    except OSError as error:
        return repr(error)
    return None


class Sessions(Logins):
    """Homes come and go."""

    def once(self):
        name = self.random.choice(self.world["right"])
        self.look_at_daemon()
        codes = self.timed("session", 2 * LOGIN_S, self.pam.login, self.service, name,
                           self.world["password"], True)
        self.judge_login("session", name, *codes[:2])
        home, uid = HOMES / uuid_of(self.world["cached"][name]), self.world["cached"][name]
        if not home.exists():
            return
        self.count("home")
        problem = home_problem(home, uid)
        if problem:
            self.bad(problem)
        home.rename("/home/gone")
        shutil.rmtree("/home/gone")


class WrongLogins(Logins):
    def once(self):
        name = self.random.choice(self.world["wrong"])
        password = f"not-{self.world['password']}-{self.random.randrange(100)}"
        auth, _ = self.timed("login", LOGIN_S, self.pam.login, self.service, name, password)
        self.count(f"wrong login {auth}")
        if auth == PAM_OK:
            self.bad(f"{name} is let in with a wrong password")


class LocalLogins(Logins):
    """An account of the host: pam_unix says who gets in, and nobody is waited for."""

    def once(self):
        right = self.random.random() < 0.5
        password = "local right" if right else "local wrong"
        auth, acct = self.timed("local login", LOCAL_S, self.pam.login, "common", "native", password)
        self.count(f"local login {right} {auth}")
        if (auth, acct) != ((PAM_OK, PAM_OK) if right else (PAM_AUTH_ERR, None)):
            self.bad(f"native, {password}: {auth} {acct}")
        user = self.timed("local lookup", LOCAL_S, pwd.getpwnam, "native")
        if user.pw_uid != 4999 or pwd.getpwuid(4999).pw_name != "native":
            self.bad("native is somebody else")


class Tools(Client):
    pause = 0.2

    def setup(self):
        self.name += " tools"

    def once(self):
        name = self.random.choice(list(self.world["cached"]))
        for words in (["kanidm-unix", "status"], ["kanidm_ssh_authorizedkeys", name],
                      ["kanidm-unix", "explain", name]):
            self.timed("tool", LOGIN_S, lambda w=words: subprocess.run(
                w, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False))
            self.count("tool")


def lateness(page):
    """How long after its time this process is woken, added up."""
    page, total = Page(page), 0
    while not page.get("stop"):
        begun = time.monotonic()
        time.sleep(0.005)
        over = time.monotonic() - begun - 0.006
        if over > 0:
            total += int(over * 1e6)
            page.set("late_us", total)


CROWD = [Lookups] * 6 + [Enumerations] * 2 + [Logins] * 2 + [Sessions] + [WrongLogins] * 2 + [LocalLogins] * 2 + [
    Tools]


def start(world, seed, outdir):
    """Forks all of them; returns their processes."""
    pids = {}
    for number, kind in enumerate([None] + CROWD):
        pid = os.fork()
        if pid == 0:
            try:
                if kind is None:
                    lateness(world["page"])
                else:
                    kind(world, number, seed).run(f"{outdir}/client{number}.json")
            finally:
                os._exit(0)
        pids[pid] = kind.__name__ if kind else "lateness"
    return pids
