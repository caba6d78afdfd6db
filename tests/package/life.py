# SPDX-License-Identifier: MPL-2.0
"""The whole life of the packages on a Debian 12 that runs: installed, set up, logins, rebooted
without a network, upgraded and downgraded with lookups going on, removed, purged.

usage: life.py DIR	(tests/system/run starts it)
"""
import subprocess
import sys

from debs import ALICE, PACKAGES, Packages, snapshot, true
from container import WORK, main, sh
from pty_talk import until

# A process that loads the module once and asks until it is told to end.
ASKER = f"""
$| = 1;
my ($asked, $missed) = (0, 0);
until (-e "/tmp/enough") {{
    $asked++;
    $missed++ unless getpwnam('{ALICE}');
    select(undef, undef, undef, 0.002);
}}
print "$asked $missed\\n";
# When the package has gone, nobody is found by what was loaded.
for (1 .. 10000) {{
    last if -e "/tmp/removed";
    select(undef, undef, undef, 0.01);
}}
print getpwnam('{ALICE}') ? "known\\n" : "unknown\\n";
"""
# Programs that load it anew each time.
COMMANDS = f"""
asked=0 missed=0
until [ -e /tmp/enough ]; do
    asked=$((asked + 1))
    getent passwd {ALICE} >/dev/null || missed=$((missed + 1))
done
echo $asked $missed
"""


def as_shipped(host):
    """What dpkg and systemd think of it."""
    said = host.run("dpkg", "--verify", *PACKAGES, check=False).stdout
    true("dpkg --verify finds nothing", not said, said)
    units = [path for path in host.out("dpkg", "-L", "kanidm-unixd").splitlines()
             if path.startswith("/lib/systemd/system/kanidm") and not path.endswith(".d")]
    said = host.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    true(f"systemd-analyze verify: {len(units)} units", said.returncode == 0 and
         "kanidm" not in said.stdout, said.stdout)


def without_network(host):
    """The machine is rebooted, and the cable is out."""
    host.remembers("alice")
    host.poweroff()
    host.cable(False)
    host.boot()
    true("rebooted: alice is known", host.knows_alice())
    host.logs_in("rebooted without network")
    true("rebooted: offline", "Kanidm: offline" in host.status(), host.status())
    host.cable(True)
    until("the link is up again, by itself", 60, lambda: "Kanidm: online" in host.status())


def socket_runs(host):
    """Others each time that a socket is started; none where one is stopped."""
    return [host.out("systemctl", "show", "-P", "InvocationID", f"{unit}.socket") for unit in
            ("kanidm-unixd", "kanidm-unixd-mount") if host.run("systemctl", "is-active",
                f"{unit}.socket", check=False).returncode == 0]


def taken_back(host):
    """Another package is to take the place of ours, and dpkg has to take their removal back."""
    tree = WORK / "rival"
    (tree / "DEBIAN").mkdir(parents=True)
    names = ", ".join(PACKAGES)
    (tree / "DEBIAN/control").write_text(
        "Package: rival\nVersion: 1\nArchitecture: all\nDescription: fails\n"
        f"Maintainer: nobody <nobody@example.invalid>\nConflicts: {names}\nReplaces: {names}\n"
        f"Provides: {', '.join(f'{name} (= 2:1)' for name in PACKAGES)}\n")
    preinst = tree / "DEBIAN/preinst"
    preinst.write_text("#!/bin/sh\nsystemctl is-active 'kanidm*' && exit 0\nexit 1\n")
    preinst.chmod(0o755)
    sh("dpkg-deb", "-Znone", "-b", str(tree), str(host.path("/opt/rival.deb")))
    host.run("systemctl", "enable", "--now", "kanidm-unixd-mount.socket")
    said = host.run("dpkg", "-i", "/opt/rival.deb", check=False, timeout=150)
    host.path("/opt/rival.deb").unlink()
    true("taken back: everything had ended before", "rival package pre-installation script" in
         said.stdout, said.stdout)
    true("taken back: both daemons and both sockets run", "0" not in host.pids() and
         len(socket_runs(host)) == 2, f"{host.pids()} {socket_runs(host)} {said.stdout}")
    host.works()
    host.logs_in("taken back")


def edited(host):
    """A file of the configuration as an administrator left it."""
    text = host.path("/etc/kanidm/unixd").read_text() + "# edited here\n"
    host.write("/etc/kanidm/unixd", text)
    return text


def through_an_upgrade(host):
    """Lookups go on, in a process that has the old module and in new ones; people log in by
    the new daemon, and by the old one again. The cache comes along both ways."""
    text = edited(host)
    host.write("/opt/asker.pl", ASKER)
    askers = [host.start(*argv, stdout=subprocess.PIPE) for argv in
              (("perl", "/opt/asker.pl"), ("sh", "-c", COMMANDS))]
    before, sockets = host.pids(), socket_runs(host)
    host.install(2)
    between = host.pids()
    true("upgraded, both daemons anew", "0" not in between and not set(between) & set(before),
         f"{before} {between}")
    true("upgraded, and both sockets as they were", len(sockets) == 2 and
         socket_runs(host) == sockets, f"{sockets} {socket_runs(host)}")
    host.works()
    host.logs_in("upgraded")
    kept = host.path("/etc/kanidm/unixd").read_text() == text
    true("upgraded: the edited file is as it was, the package's beside it",
         kept and host.path("/etc/kanidm/unixd.dpkg-dist").exists())
    host.server.stop()
    host.run("systemctl", "restart", "kanidm-unixd")
    host.logs_in("upgraded, from the cache and the password of the version before")
    host.server.start()
    host.install(1, "--allow-downgrades")
    after = host.pids()
    true("downgraded, both daemons anew", "0" not in after and not set(after) & set(between),
         f"{between} {after}")
    host.works()
    host.logs_in("downgraded")
    host.server.stop()
    host.run("systemctl", "restart", "kanidm-unixd")
    host.logs_in("downgraded, from the cache and the password of the version after")
    host.server.start()
    true("downgraded: the edited file is as it was",
         host.path("/etc/kanidm/unixd").read_text() == text)
    host.run("touch", "/tmp/enough")
    for asker, what in zip(askers, ("a process with the old module", "new processes")):
        asked, missed = map(int, asker.stdout.readline().split())
        true(f"{what}: {asked} lookups, all answered", asked > 100 and missed == 0, f"{missed} not")
    return askers[0]


def removed(host, asker):
    """Out of everything that decides who gets in; what is remembered stays until the purge."""
    host.apt("remove", *PACKAGES)
    host.run("touch", "/tmp/removed")
    true("removed: nobody is found by what is still loaded",
         asker.stdout.readline() == "unknown\n")
    asker.wait(20)
    true("removed: no process, nothing in /run", host.run("pgrep", "-f", "kanidm_unixd",
         check=False).returncode == 1 and not host.path("/run/kanidm-unixd").exists())
    true("removed: cache and configuration stay", all(host.path(path).exists() for path in
         ("/var/cache/kanidm-unixd/unixd.db", "/etc/kanidm/unixd")))
    local = host.ssh("rescue", user="rescue", typed="Local-rescue-horse-9")
    true("removed: a local account logs in", local.entered, local)
    home = host.out("find", "/home", "-maxdepth", "1", "-uid", "20001", "-type", "d")
    true("removed: homes stay", home, home)


def purged(host, before):
    """What has come is gone."""
    host.apt("purge", *PACKAGES)
    host.path("/opt/asker.pl").unlink()
    host.run("sh", "-c", "find /home -mindepth 1 -maxdepth 1 ! -name rescue -exec rm -r {} +")
    left = sorted(snapshot(host) ^ before)
    true("purged: nothing is left", not left, left)


def scenario():
    """One host, two boots."""
    host = Packages(sys.argv[1])
    host.boot()
    before = snapshot(host)
    said = host.install(1)
    true("installed, both daemons run", "0" not in host.pids(), said)
    as_shipped(host)
    host.set_up()
    host.works()
    host.logs_in("set up")
    taken_back(host)
    without_network(host)
    removed(host, through_an_upgrade(host))
    purged(host, before)


if __name__ == "__main__":
    main(scenario)
