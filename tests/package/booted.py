# SPDX-License-Identifier: MPL-2.0
"""The packages on a Debian 12 that runs: installed, upgraded and downgraded with lookups going
on, removed, purged; and in the place of packages like the reference's.

usage: booted.py DIR	(tests/system/run starts it)
"""
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
from container import HOST_ADDRESS, SERVER_ADDRESS, WORK, Container, main, sh  # noqa: E402
from people import LOGIN_GROUP, PEOPLE, data, spn  # noqa: E402
from pty_talk import Failed, until  # noqa: E402
from server import URI, Server  # noqa: E402

PACKAGES = ("kanidm-unixd", "libnss-kanidm", "libpam-kanidm")
UNITS = ("kanidm-unixd", "kanidm-unixd-tasks")
ALICE = spn("alice")
BEGIN = time.monotonic()

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

# What a running host and package management write; the user stays (docs/packaging.md).
UNJUDGED = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/log", "var/lib/dpkg", "var/lib/apt",
            "var/lib/systemd", "var/cache/apt", "var/cache/debconf", "var/cache/ldconfig",
            "etc/ld.so.cache", "etc/passwd", "etc/passwd-", "etc/group", "etc/group-",
            "etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-", "etc/.pwd.lock",
            "etc/machine-id", "etc/resolv.conf")


def snapshot(host):
    """Every name with mode and owner; contents outside of /usr, there size and time."""
    prune = " -o ".join(f"-path './{name}'" for name in UNJUDGED)
    return set(sh("sh", "-c", f"cd {host.root} && find . \\( {prune} -o -path "
                  "'./root/kanidm-backup-*' \\) -prune -o \\( -path './usr/*' -type f -printf "
                  "'%P %m %U:%G %s %T@\\n' -o -printf '%P %y %m %U:%G %l\\n' -type f "
                  "-exec sha256sum {} + \\)").splitlines())


def repack(deb, where, edit):
    """The same package with another control file."""
    tree = WORK / "repack"
    sh("dpkg-deb", "-R", deb, str(tree))
    control = tree / "DEBIAN/control"
    control.write_text(edit(control.read_text()))
    sh("dpkg-deb", "-Znone", "-b", str(tree), str(where))
    shutil.rmtree(tree)


class Packages(Container):
    """A host with the packages in /debs/1, and the same with a higher version in /debs/2."""

    def __init__(self, directory):
        super().__init__()
        debs = glob.glob(os.path.join(directory, "*.deb"))
        for number in "123":
            self.path(f"/tmp/{number}").mkdir()
        for deb in debs:
            name = os.path.basename(deb)
            shutil.copy(deb, self.path("/tmp/1") / name)
            repack(deb, self.path("/tmp/2") / name, lambda text: "".join(
                line + ".1\n" if line.startswith("Version:") else line + "\n"
                for line in text.splitlines()))
        # /tmp of a booted host is its own: they wait elsewhere.
        self.path("/opt/debs").mkdir(parents=True)
        for number in "123":
            shutil.move(self.path(f"/tmp/{number}"), self.path(f"/opt/debs/{number}"))
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{HOST_ADDRESS} host\n"
                   f"{SERVER_ADDRESS} idm.example.test\n")

    def apt(self, *argv):
        """apt-get without a question; a question that comes is a failure."""
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o",
                        "APT::Sandbox::User=root", *argv, timeout=150).stdout

    def install(self, number, *argv):
        """What lies in /opt/debs/number."""
        debs = sorted("/opt/debs/" + str(number) + "/" + path.name
                      for path in self.path(f"/opt/debs/{number}").iterdir())
        return self.apt("install", *argv, *debs)

    def set_up(self, server):
        """What the package asks for when it comes."""
        self.write("/etc/kanidm/ca.pem", server.ca.read_text())
        self.write("/etc/kanidm/config", f'uri = "{URI}"\nca_path = "/etc/kanidm/ca.pem"\n')
        self.write("/etc/kanidm/unixd", 'version = "2"\n[kanidm]\n'
                   f'pam_allowed_login_groups = ["{LOGIN_GROUP}"]\n')

    def knows_alice(self):
        """As a program sees her."""
        line = self.out("getent", "passwd", ALICE, check=False)
        return line.split(":")[2:3] == [str(PEOPLE["alice"][0])]

    def pids(self):
        """Of both daemons; 0 for one that does not run."""
        return [self.out("systemctl", "show", "-p", "MainPID", "--value", unit)
                for unit in UNITS]


def true(what, good, detail=""):
    """One truth."""
    if not good:
        raise Failed(f"{what}: {detail}")
    print(f"{time.monotonic() - BEGIN:5.1f} s ok: {what}")


def through_an_upgrade(host):
    """Lookups go on, in a process that has the old module and in new ones."""
    host.write("/opt/asker.pl", ASKER)
    askers = [host.start(*argv, stdout=subprocess.PIPE) for argv in
              (("perl", "/opt/asker.pl"), ("sh", "-c", COMMANDS))]
    before = host.pids()
    host.install(2)
    between = host.pids()
    true("upgraded, both daemons anew", "0" not in between and not set(between) & set(before),
         f"{before} {between}")
    host.install(1, "--allow-downgrades")
    after = host.pids()
    true("downgraded, both daemons anew", "0" not in after and not set(after) & set(between),
         f"{between} {after}")
    host.run("touch", "/tmp/enough")
    for asker, what in zip(askers, ("a process with the old module", "new processes")):
        asked, missed = map(int, asker.stdout.readline().split())
        true(f"{what}: {asked} lookups, all answered", asked > 100 and missed == 0, f"{missed} not")
    return askers[0]


def whole_life(host, server):
    """From apt install to purge."""
    before = snapshot(host)
    said = host.install(1)
    true("installed, both daemons run", "0" not in host.pids(), said)
    host.set_up(server)
    host.run("systemctl", "reload", "kanidm-unixd")
    until("getent knows alice", 20, host.knows_alice)
    until("tasks is connected", 20, lambda: "tasks: connected" in host.out(
        "/usr/sbin/kanidm-unix", "status", "--verbose", check=False))
    true("getent, tasks, status", True)
    asker = through_an_upgrade(host)
    host.apt("remove", *PACKAGES)
    host.run("touch", "/tmp/removed")
    true("removed: nobody is found by what is still loaded",
         asker.stdout.readline() == "unknown\n")
    asker.wait(20)
    true("removed: no process, nothing in /run", host.run("pgrep", "-f", "kanidm_unixd",
         check=False).returncode == 1 and not host.path("/run/kanidm-unixd").exists())
    true("removed: the cache stays", host.path("/var/cache/kanidm-unixd/unixd.db").exists())
    host.apt("purge", *PACKAGES)
    for name in ("/opt/asker.pl", "/etc/kanidm/ca.pem"):  # ours, not the package's
        host.path(name).unlink()
    host.path("/etc/kanidm").rmdir()
    left = sorted(snapshot(host) ^ before)
    true("purged: nothing is left", not left, left)


def fake_reference(host):
    """Packages with the names, layout and unit of the reference's, and its passing user."""
    tree = WORK / "reference"
    unit = tree / "lib/systemd/system/kanidm-unixd.service"
    unit.parent.mkdir(parents=True)
    (tree / "DEBIAN").mkdir()
    unit.write_text("[Service]\nDynamicUser=yes\nUMask=0027\nCacheDirectory=kanidm-unixd\n"
                    "RuntimeDirectory=kanidm-unixd\nStateDirectory=kanidm-unixd\n"
                    "ExecStart=/bin/sh -c 'echo db >/var/cache/kanidm-unixd/kanidm.cache.db; "
                    "echo 0123456789abcdef0123456789abcdef >/var/lib/kanidm-unixd/hsm-pin; "
                    "exec sleep infinity'\n[Install]\nWantedBy=multi-user.target\n")
    for name in PACKAGES:
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1.7.4-202509010000+abcdef0\nArchitecture: amd64\n"
            "Maintainer: nobody <nobody@example.invalid>\nDescription: like the reference's\n")
        sh("dpkg-deb", "-Znone", "-b", str(tree), str(host.path(f"/opt/debs/3/{name}.deb")))
        shutil.rmtree(tree / "lib", ignore_errors=True)


def in_its_place(host, server):
    """From the reference's packages, and its unit, to ours."""
    fake_reference(host)
    host.install(3)
    host.run("systemctl", "start", "kanidm-unixd")
    until("its unit has made its files", 20, lambda: host.path(
        "/var/lib/private/kanidm-unixd/hsm-pin").exists())
    true("its directories are links", host.path("/var/lib/kanidm-unixd").is_symlink())
    said = host.install(1)
    host.set_up(server)
    host.run("systemctl", "reload", "kanidm-unixd")
    true("replaced without being asked to downgrade", "0" not in host.pids(), said)
    owner = host.out("stat", "-c", "%F %a %U", "/var/lib/kanidm-unixd", "/var/cache/kanidm-unixd",
                     "/run/kanidm-unixd")
    true("its directories are ours", owner == "directory 700 kanidm-unixd\n" * 2 +
         "directory 755 kanidm-unixd", owner)
    # Its packages leave nsswitch.conf to the administrator, so an upgrade does, too.
    host.run("sed", "-i", "s/^passwd:.*/passwd: kanidm files/", "/etc/nsswitch.conf")
    until("getent knows alice", 20, host.knows_alice)
    host.install(3, "--allow-downgrades")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "kanidm-unixd")
    true("and back: its unit runs, with its cache", host.path(
        "/var/cache/kanidm-unixd/kanidm.cache.db").exists() and host.out(
            "systemctl", "is-active", "kanidm-unixd", check=False) == "active")
    host.run("systemctl", "stop", "kanidm-unixd")
    host.install(1)
    until("getent knows alice again", 20, host.knows_alice)
    host.apt("purge", *PACKAGES)
    kept = [host.path(path).read_text().strip() for path in
            ("/var/cache/kanidm-unixd/kanidm.cache.db", "/var/lib/kanidm-unixd/hsm-pin")]
    true("purged: its cache and its pin stay", kept == ["db", "0123456789abcdef" * 2], kept)
    left = host.out("find", "/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd", "-type", "f")
    true("and nothing else", len(left.split()) == 2, left)


def scenario():
    """One boot."""
    directory = sys.argv[1]
    host = Packages(directory)
    people = WORK / "people.json"
    people.write_text(data("ssh-ed25519 none"))
    server = Server(people)
    host.boot()
    whole_life(host, server)
    in_its_place(host, server)


if __name__ == "__main__":
    main(scenario)
