# SPDX-License-Identifier: MPL-2.0
"""What the scenarios about packages share: a Debian 12 that runs, with packages to install in
/opt/debs, an identity server beside it, and the ways in of tests/system/hosts.py.
"""
import glob
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
from container import HOST_ADDRESS, SERVER_ADDRESS, WORK, Container, sh  # noqa: E402
from hosts import Host  # noqa: E402
from people import LOGIN_GROUP, PEOPLE, data, password, spn  # noqa: E402
from pty_talk import Failed, until  # noqa: E402
from server import URI, Server  # noqa: E402

PACKAGES = ("kanidm-unixd", "libnss-kanidm", "libpam-kanidm")
UNITS = ("kanidm-unixd", "kanidm-unixd-tasks")
ALICE = spn("alice")
BEGIN = time.monotonic()

# What a running host and package management write; the user stays (docs/packaging.md).
UNJUDGED = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/log", "var/lib/dpkg", "var/lib/apt",
            "var/lib/systemd", "var/cache/apt", "var/cache/debconf", "var/cache/ldconfig",
            "etc/ld.so.cache", "etc/passwd", "etc/passwd-", "etc/group", "etc/group-",
            "etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-", "etc/.pwd.lock",
            "etc/machine-id", "etc/resolv.conf")


def true(what, good, detail=""):
    """One truth."""
    if not good:
        raise Failed(f"{what}: {detail}")
    print(f"{time.monotonic() - BEGIN:5.1f} s ok: {what}")


def snapshot(host):
    """Every name with mode and owner; contents outside of /usr, there size and time."""
    prune = " -o ".join(f"-path './{name}'" for name in UNJUDGED)
    return set(sh("sh", "-c", f"cd {host.root} && find . \\( {prune} -o -path "
                  "'./root/kanidm-backup-*' \\) -prune -o \\( -path './usr/*' -type f -printf "
                  "'%P %m %U:%G %s %T@\\n' -o -printf '%P %y %m %U:%G %l\\n' -type f "
                  "-exec sha256sum {} + \\)").splitlines())


def repack(deb, where):
    """The same package with a higher version and, where it has one, another conffile. Its
    programs are copied, so that the files are others."""
    tree = WORK / "repack"
    sh("dpkg-deb", "-R", deb, str(tree))
    control = tree / "DEBIAN/control"
    control.write_text("".join(line + (".1" if line.startswith("Version:") else "") + "\n"
                               for line in control.read_text().splitlines()))
    unixd = tree / "etc/kanidm/unixd"
    if unixd.exists():
        unixd.write_text(unixd.read_text() + "\n# as a later version has it\n")
        sums = tree / "DEBIAN/md5sums"
        sums.write_text("".join(line + "\n" for line in sums.read_text().splitlines()
                                if not line.endswith(" etc/kanidm/unixd")))
    sh("dpkg-deb", "-Znone", "-b", str(tree), str(where))
    shutil.rmtree(tree)


class Packages(Host):
    """A host with the packages in /opt/debs/1, the same with a higher version in /opt/debs/2,
    and a place for others in /opt/debs/3. Nothing is installed, and nothing configured."""

    def __init__(self, directory, naming="spn"):  # pylint: disable=super-init-not-called
        Container.__init__(self)
        self.naming = naming
        # /tmp of a booted host is its own: they wait elsewhere.
        for number in "123":
            self.path(f"/opt/debs/{number}").mkdir(parents=True)
        for deb in glob.glob(os.path.join(directory, "*.deb")):
            name = os.path.basename(deb)
            shutil.copy(deb, self.path("/opt/debs/1") / name)
            repack(deb, self.path("/opt/debs/2") / name)
        self.chroot("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key", "-C", "k")
        people = WORK / "people.json"
        people.write_text(data(self.path("/root/key.pub").read_text().strip()))
        self.server = Server(people)
        self.write("/opt/ca.pem", self.server.ca.read_text())
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{HOST_ADDRESS} host\n"
                   f"{SERVER_ADDRESS} idm.example.test\n")
        self.write("/etc/hostname", "host\n")
        self._sshd_as_tested()
        self._local_people()
        # Once, so that the notes of pam-auth-update are in the form that it writes.
        self.chroot("pam-auth-update", "--package")

    # --- packages ---------------------------------------------------------------------

    def apt(self, *argv, check=True):
        """apt-get without a question; a conffile that was edited stays, as in a terminal."""
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o",
                        "APT::Sandbox::User=root", "-o", "Dpkg::Options::=--force-confold",
                        *argv, timeout=150, check=check)

    def install(self, number, *argv, check=True):  # pylint: disable=arguments-differ
        """What lies in /opt/debs/number."""
        debs = sorted("/opt/debs/" + str(number) + "/" + path.name
                      for path in self.path(f"/opt/debs/{number}").iterdir())
        done = self.apt("install", *argv, *debs, check=check)
        return done.stdout if check else done

    def pids(self):
        """Of both daemons; 0 for one that does not run."""
        return [self.out("systemctl", "show", "-p", "MainPID", "--value", unit)
                for unit in UNITS]

    # --- configuration ----------------------------------------------------------------

    def set_up(self, *options):
        """As docs/packaging.md says, by the command for it; its own login is alice's."""
        said = self.out("kanidm-unix", "setup", "--uri", URI, "--ca", "/opt/ca.pem",
                        "--login-group", LOGIN_GROUP, "--ssh-keys", "--test-user",
                        self.login_name("alice"), "--yes", *options,
                        stdin=password("alice") + "\n")
        true("kanidm-unix setup is content, and check as well", said.splitlines()[-1] == "done."
             and "0 errors, 0 warnings, " in said, said)

    # --- what must work ---------------------------------------------------------------

    def knows_alice(self):
        """As a program sees her."""
        line = self.out("getent", "passwd", self.login_name("alice"), check=False)
        return line.split(":")[2:3] == [str(PEOPLE["alice"][0])]

    def works(self):
        """The link and tasks are up."""
        until("the link is up", 20, lambda: "online" in self.status())
        until("getent knows alice", 20, self.knows_alice)
        try:
            until("tasks is connected", 20, lambda: "tasks: connected" in self.status())
        except Failed as failure:
            raise Failed(f"{failure}\n{self.status()}\n" + self.journal(
                "-n", "40", *(f"-u{unit}" for unit in UNITS))) from None

    def logs_in(self, when, *names):
        """By ssh, password and key, into a home that is there; and local people as ever."""
        for name in names or ("alice",):
            for method in ("password", "publickey"):
                result = self.ssh(name, method)
                true(f"{when}: {name} logs in by {method}", result.entered,
                     "" if result.entered else f"{result}\n" + self.journal(
                         "-n", "30", *(f"-u{unit}" for unit in UNITS)))
            true(f"{when}: {name} is at home", "Could not chdir" not in result.text and
                 "/home/" in result.text, result.text)
        local = self.ssh("rescue", user="rescue", typed="Local-rescue-horse-9")
        true(f"{when}: a local account logs in", local.entered, local)
