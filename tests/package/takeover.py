# SPDX-License-Identifier: MPL-2.0
"""In the place of the reference client: from its packages, its unit that has run, its PAM
profile and its configuration files with every key, version 1 and 2; and back to it.

usage: takeover.py DIR	(tests/system/run starts it)
"""
import sys
import uuid

import reference
from debs import PACKAGES, Packages, true
from container import main
from people import LOGIN_GROUP, PEOPLE, SUDO_GROUP, spn
from pty_talk import until

CACHE, PIN = "/var/cache/kanidm-unixd/kanidm.cache.db", "/var/lib/kanidm-unixd/hsm-pin"
UUID = str(uuid.uuid5(uuid.NAMESPACE_DNS, spn("alice")))
UID = PEOPLE["alice"][0]
LOCAL_GID = "5000"


def same_cache(host):
    """Is its cache as its unit has left it?"""
    return host.path(CACHE).read_bytes() == host.path("/opt/reference.db").read_bytes()


def as_it_was(host, version):
    """A host that the reference has served."""
    host.install(3)
    reference.administered(host, version)
    if version == 2:
        host.server.ctl("add", "service", "thishost")
        host.server.ctl("member", "add", "idm_unix_authentication_read", "thishost")
        host.write("/etc/kanidm/host.token", host.server.ctl("api-token", "thishost") + "\n")
    host.run("systemctl", "start", "kanidm-unixd")
    until("its unit has made its files", 20, lambda: host.path(
        "/var/lib/private/kanidm-unixd/hsm-pin").exists())
    true(f"v{version}: its directories are links",
         host.path("/var/lib/kanidm-unixd").is_symlink())
    true(f"v{version}: its profile is in the stacks", "[success=3 new_authtok_reqd=done" in
         host.path("/etc/pam.d/common-account").read_text() or "pam_kanidm" in
         host.path("/etc/pam.d/common-account").read_text())


def replaced(host, version):
    """An apt install later."""
    wrote = {path: host.path(path).read_text() for path in
             ("/etc/kanidm/config", "/etc/kanidm/unixd", "/etc/nsswitch.conf",
              "/etc/ssh/sshd_config.d/10-kanidm.conf")}
    said = host.install(1)
    true(f"v{version}: replaced without being asked to downgrade", "0" not in host.pids(), said)
    for path, text in wrote.items():
        true(f"v{version}: {path} is as it was", host.path(path).read_text() == text)
    owner = host.out("stat", "-c", "%F %a %U", "/var/lib/kanidm-unixd", "/var/cache/kanidm-unixd",
                     "/run/kanidm-unixd")
    true(f"v{version}: its directories are ours", owner == "directory 700 kanidm-unixd\n" * 2 +
         "directory 755 kanidm-unixd", owner)
    said = host.path("/etc/pam.d/common-account").read_text()
    true(f"v{version}: the account phase ends a refusal", "default=die" in said, said)


def understood(host, version):
    """kanidm_unixd -t, line by line; and the daemon itself."""
    done = host.run("kanidm_unixd", "-t", check=False)
    lines = [line.strip() for line in done.stdout.splitlines()]
    missing = [line for line in reference.UNDERSTOOD + reference.UNIXD[version][1]
               if line not in lines]
    true(f"v{version}: -t has every key, and nothing is wrong", done.returncode == 0 and
         not missing and not any(line.startswith(("error", "warning")) for line in lines),
         f"{missing}\n{done.stdout}")
    host.works()
    status = host.status()
    who = "thishost@idm.example.test (token)" if version == 2 else "anonymous"
    true(f"v{version}: asks as {who}", who in status, status)


def people(host, version):
    """Names, home and shell as the keys say."""
    want = ["alice", "x", str(UID), str(UID), "Alice Person", "/home/alice", "/bin/bash"]
    line = host.out("getent", "passwd", "alice")
    true(f"v{version}: short name, alias as home", line.split(":") == want, line)
    host.server.ctl("set", "bob", "shell=")
    host.run("kanidm-unix", "cache-invalidate")
    line = host.out("getent", "passwd", "bob")
    true(f"v{version}: default_shell", line.endswith(":/bin/dash"), line)
    # What version 1 gives away, the server's group of that name takes; what version 2 extends,
    # has her, too.
    ids, group = host.out("id", "-G", "alice").split(), host.out("getent", "group", SUDO_GROUP)
    if version == 1:
        true("v1: allow_local_account_override: the server's group of a local name",
             "30002" in ids and group == f"{SUDO_GROUP}:x:30002:alice", f"{ids} {group}")
    else:
        true("v2: map_group: the local group is extended", "20" in ids and "alice" in host.out(
            "getent", "group", "dialout").split(":")[3].split(","), ids)
    group = host.out("getent", "group", "30001")
    true(f"v{version}: a group by its short name", group.startswith(f"{LOGIN_GROUP}:x:30001:") and
         "alice" in group.split(":")[3].split(","), group)
    host.logs_in(f"v{version}")
    where = host.out("readlink", "/home/alice")
    true(f"v{version}: the home is where the keys say", where == f"/home/.real/{UUID}" and
         host.out("stat", "-c", "%F %u", where) == f"directory {UID}" and
         host.path(where + "/.profile").exists(), where)
    true(f"v{version}: its cache is not touched", same_cache(host) and
         host.path(CACHE + ".ku").exists())


def and_back(host):
    """To the reference's packages, and to ours once more; nothing of theirs goes."""
    host.install(3, "--allow-downgrades")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "kanidm-unixd")
    true("and back: its unit runs, with its cache", host.path(CACHE).exists() and host.out(
        "systemctl", "is-active", "kanidm-unixd", check=False) == "active")
    true("and back: no map answers", not host.path("/run/kanidm-unixd/nss.map").exists())
    host.run("systemctl", "stop", "kanidm-unixd")
    host.install(1)
    host.works()
    host.logs_in("forth again")


def purged(host):
    """Its cache and its pin are its own."""
    host.apt("purge", *PACKAGES)
    true("purged: its cache and its pin stay", same_cache(host) and
         host.path(PIN).read_text().strip() == "0123456789abcdef" * 2)
    left = host.out("find", "/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd", "-type", "f")
    true("purged: nothing else stays there", len(left.split()) == 2, left)


def start_over(host):
    """No trace of either."""
    for path in ("/var/cache", "/var/lib"):
        host.run("rm", "-rf", f"{path}/kanidm-unixd", f"{path}/private/kanidm-unixd")
    host.run("sh", "-c", "rm -rf /etc/kanidm /home/.real/* /home/alice")
    host.server.ctl("set", "bob", "shell=/bin/sh")


def scenario():
    """One boot, twice."""
    host = Packages(sys.argv[1], naming="name")
    reference.make(host)
    host.chroot("groupadd", "-g", LOCAL_GID, SUDO_GROUP)
    host.path("/home/.real").mkdir()
    host.boot()
    for version in (1, 2):
        as_it_was(host, version)
        replaced(host, version)
        understood(host, version)
        people(host, version)
        if version == 2:
            and_back(host)
        purged(host)
        start_over(host)
        host.run("groupdel", SUDO_GROUP, check=False)


if __name__ == "__main__":
    main(scenario)
