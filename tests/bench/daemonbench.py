# SPDX-License-Identifier: MPL-2.0
"""For the sections that measure the daemon, on top of bench.py."""
import os
import pathlib
import re
import shutil
import subprocess

import bench

TOOLS = bench.PROGRAMS / "daemon"
MODULE = next(bench.SCRATCH.glob("root/**/libnss_kanidm.so.2"), None)
RUN = pathlib.Path("/run/kanidm-unixd")
DB = pathlib.Path("/var/cache/kanidm-unixd/unixd.db")
DOMAIN = "idm.example.test"  # of the server's data files
NAMES = ('uid_attr_map = "name"', 'gid_attr_map = "name"')
AS_DAEMON = ["setpriv", "--reuid=990", "--regid=990", "--clear-groups"]


def daemon_program():
    return shutil.which("kanidm_unixd")


def fill(count):
    """A cache with so many people, as a daemon leaves it."""
    bench.run(bench.PROGRAMS / "fill", DB, count, DOMAIN)


def forget():
    """No map and no socket, as after a boot."""
    for entry in RUN.iterdir():
        entry.unlink()


def ask(*options, pattern="u%05u", background=False):
    """The module called directly: {"calls": .., "success": .., "p50": ns, ..}"""
    argv = [str(TOOLS / "ask"), *(str(o) for o in options), str(MODULE), pattern]
    if background:
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    return numbers(bench.run(*argv))


def numbers(line):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


def answers_of(process):
    line, _ = process.communicate()
    return numbers(line)


def map_file():
    try:
        return (RUN / "nss.map").stat().st_ino
    except OSError:
        return None


def start(name="u00000", keep=False):
    """From exec: (ms to READY, ms to the first answer), and, when it is kept, the pid once its
    map is there, which on a large site comes after the first answers."""
    before = map_file()
    argv = [TOOLS / "coldstart", *(["-k"] if keep else []), "-l", os.environ["NETNS_LOG"], MODULE,
            name, daemon_program()]
    words = bench.run(*argv).split()
    if keep:
        bench.until(20, lambda: map_file() not in (None, before), "the map")
    return (int(words[0]) / 1000, int(words[1]) / 1000, *(int(w) for w in words[2:]))


def is_running(pid):
    """False for one that has ended and that nobody has waited for."""
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def end(pid, number=15):
    """Of a daemon that is nobody's child."""
    os.kill(pid, number)
    bench.until(10, lambda: not is_running(pid), "the end of the daemon")


def memory(pid, *keys):
    """kB, from /proc/PID/status."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"^{key}:\s*(\d+) kB", text, re.M).group(1)) for key in keys]


def bearer(server):
    """A token of anonymous, for requests without the daemon."""
    return bench.shell(f"DEVIDM_URL={server.uri} DEVIDM_CA={server.ca}; devidm_login").strip()


def bare(server, token, *options):
    """Seconds that the same requests take without a daemon."""
    got = numbers(bench.run(TOOLS / "bare", *options, server.uri, server.ca,
                            "/v1/account/u%05u/_unix/_token", input=token + "\n"))
    if got["ok"] != got["requests"]:
        raise SystemExit(f"{bench.SECTION}: {got['ok']} of {got['requests']} bare requests")
    return got["wall"] / 1e9


def status_line(start_of_line):
    """The value of a line of `kanidm-unix status --verbose`."""
    text = subprocess.run(["kanidm-unix", "status", "--verbose"], capture_output=True, text=True,
                          check=False).stdout
    found = re.search(rf"^{re.escape(start_of_line)}:? *(.*)$", text, re.M)
    return found.group(1) if found else ""


def login_config(server, *lines, kanidm=()):
    """bench.config, and everybody of `devidmctl bulk` may log in."""
    bench.config(server.uri, server.ca, *NAMES, *lines, kanidm=kanidm)
    path = pathlib.Path("/etc/kanidm/unixd")
    path.write_text(path.read_text().replace('["shell_users"]', '["everyone"]'))


def pam_stack(service="bench"):
    """A service of which our module is all there is."""
    module = next(bench.SCRATCH.glob("root/**/pam_kanidm.so"))
    pathlib.Path(f"/etc/pam.d/{service}").write_text(
        "".join(f"{kind} required {module}\n" for kind in ("auth", "account", "session")))


def begin_login(user, password, *calls, service="bench"):
    """A PAM application in a process of its own, the password at its standard input."""
    process = subprocess.Popen([TOOLS / "bench_pamrun", "-s", service, "-u", user, *calls],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(password + "\n")
    process.stdin.close()
    return process


def login_times(process):
    """Milliseconds of each PAM call; all of them must have succeeded."""
    text = process.stdout.read()
    process.wait()
    lines = [line.split("\t") for line in text.splitlines()]
    if process.returncode != 0 or not lines or any(line[1] != "0" for line in lines):
        raise SystemExit(f"{bench.SECTION}: a login failed:\n{text}")
    return [int(line[3]) for line in lines]
