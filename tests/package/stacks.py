# SPDX-License-Identifier: MPL-2.0
"""A host whose PAM stacks have pam_kanidm.so and no pam_unix.so, as the reference's SUSE page
has it since 1.4.0: with our module nobody of that host would get in. Nothing is installed there
until the two lines have been added; then everybody logs in.

usage: stacks.py DIR	(tests/system/run starts it)
"""
import re
import sys

from debs import PACKAGES, Packages, true
from container import main
from people import password

GRAVEST = "pam-no-unix"
ROOT_PASSWORD = "Local-root-horse-9"


def kanidm_alone(host):
    """What that page says to write, in the files that Debian's services include; the module
    that stands there lets local accounts in, as the reference's does."""
    module = host.out("sh", "-c", "echo /usr/lib/*/security")
    host.run("cp", f"{module}/pam_unix.so", f"{module}/pam_kanidm.so")
    for phase, control in (("auth", "sufficient"), ("account", "sufficient")):
        host.write(f"/etc/pam.d/common-{phase}",
                   f"{phase} required pam_env.so\n" * (phase == "auth") +
                   f"{phase} {control} pam_kanidm.so ignore_unknown_user\n"
                   f"{phase} required pam_deny.so\n")
    for phase in ("session", "session-noninteractive"):
        text = host.path(f"/etc/pam.d/common-{phase}").read_text()
        host.write(f"/etc/pam.d/common-{phase}", text + "session optional pam_kanidm.so\n")


def root_on_the_console(host, when):
    """The last way in that there is."""
    result = host.console_login("root", typed=ROOT_PASSWORD, user="root")
    true(f"{when}: root logs in on the console", result.entered, result)


def lines_to_add(said):
    """The two lines of the message, one for each phase."""
    found = {phase: re.findall(rf"^{phase}  *sufficient  pam_unix\.so$", said, re.M)
             for phase in ("auth", "account")}
    true("the message has the two lines", all(found.values()), said)
    return {phase: lines[0] for phase, lines in found.items()}


def refused(host):
    """Before: all three packages, and none of their files."""
    done = host.install(1, check=False)
    true("apt fails", done.returncode != 0, done.stdout)
    true("the message says whom it would keep out, and names the service",
         "keep root and every local account out" in done.stdout and
         "/etc/pam.d/login auth" in done.stdout, done.stdout)
    states = host.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES,
                      check=False).stdout
    true("none is installed, whole or by half", not re.search(
        r" (installed|unpacked|half-|triggers)", states), states)
    true("nothing was unpacked", not host.path("/usr/sbin/kanidm_unixd").exists())
    root_on_the_console(host, "refused")
    local = host.ssh("rescue", user="rescue", typed="Local-rescue-horse-9")
    true("refused: a local account logs in", local.entered, local)
    return done.stdout


def added(host, said):
    """The two lines, above that of pam_kanidm.so."""
    for phase, line in lines_to_add(said).items():
        host.run("sed", "-i", f"/pam_kanidm/i {line}", f"/etc/pam.d/common-{phase}")
    root_on_the_console(host, "added")
    host.run("sh", "-c", "rm /usr/lib/*/security/pam_kanidm.so")  # it was no package's
    host.install(1)
    host.set_up("--no-pam")
    host.works()
    host.logs_in("added")
    root_on_the_console(host, "installed")
    result = host.console_login("alice")
    true("installed: alice logs in on the console", result.entered, result)
    wrong = host.console_login("root", typed=password("alice"), user="root")
    true("installed: a wrong password of root's is refused", not wrong.entered, wrong)


def check_names_it(host):
    """The lines are taken out again: the first finding is this one."""
    for phase in ("auth", "account"):
        host.run("sed", "-i", "/pam_unix/d", f"/etc/pam.d/common-{phase}")
    said = host.out("kanidm-unix", "check", check=False)
    first = said.splitlines()[0]
    true("check names it, and first of all", first.startswith("error: ") and
         first.endswith(f"[{GRAVEST}]"), said)
    true("check says what to do", "add a pam_unix.so line" in first, first)


def scenario():
    """One host, one boot."""
    host = Packages(sys.argv[1])
    host.boot()
    kanidm_alone(host)
    root_on_the_console(host, "before")
    added(host, refused(host))
    check_names_it(host)


if __name__ == "__main__":
    main(scenario)
