# SPDX-License-Identifier: MPL-2.0
"""Logins under units like those of NixOS' module for the reference client, which are stricter
than ours, know neither notification nor a socket unit, and hide who is asking.
"""
import re
import time

from clients import OFFLINE, ONLINE, Report, home_is_there
from container import main
from hosts import Host
from people import password
from pty_talk import until
from units import DAEMON, SOCKET, TASKS, online

# What the module has in common for both units. Their root is empty but for what they name; what
# is the Nix store there is /usr here.
ROOT = """TemporaryFileSystem=/:ro
BindReadOnlyPaths=/usr -/bin -/sbin -/lib -/lib64 /run/systemd/notify
BindReadOnlyPaths=-/etc/resolv.conf -/etc/nsswitch.conf -/etc/hosts -/etc/localtime -/etc/kanidm
BindPaths=/run/kanidm-unixd:/var/run/kanidm-unixd
"""
COMMON = """DeviceAllow=
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
"""
NOT_JUDGED = ("AUTHINFO_UNAVAIL", "MAXTRIES")
# The module's own default.
PIN = 'hsm_pin_path = "/var/cache/kanidm-unixd/hsm-pin"'
# No SystemCallErrorNumber=: a call that the filter does not have ends the process.
DAEMON_UNIT = f"""[Unit]
After=network.target
[Service]
ExecStart=/usr/sbin/kanidm_unixd
User=kanidm-unixd
Group=kanidm-unixd
CacheDirectory=kanidm-unixd
CacheDirectoryMode=0700
RuntimeDirectory=kanidm-unixd
Environment=RUST_LOG=info
CapabilityBoundingSet=
PrivateUsers=yes
ProtectHome=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @setuid @keyring
BindReadOnlyPaths=-/etc/ssl -/etc/passwd -/etc/group
{ROOT}{COMMON}[Install]
WantedBy=multi-user.target
"""
TASKS_UNIT = f"""[Unit]
After=network.target kanidm-unixd.service
PartOf=kanidm-unixd.service
[Service]
ExecStart=/usr/sbin/kanidm_unixd_tasks
Environment=RUST_LOG=info
CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
BindPaths=/home
{ROOT}{COMMON}[Install]
WantedBy=multi-user.target
"""


def install(host):
    """Their units in the place of ours; no socket unit."""
    host.units("disable", DAEMON, TASKS)
    host.write(f"/etc/systemd/system/{DAEMON}", DAEMON_UNIT)
    host.write(f"/etc/systemd/system/{TASKS}", TASKS_UNIT)
    host.units("enable", DAEMON, TASKS)
    host.units("mask", SOCKET)


def ways_in(host, report, state, name, within):
    """What people do on such a host."""
    for what, attempt in (
            ("ssh by password", lambda: host.ssh(name)),
            ("ssh by key", lambda: host.ssh(name, "publickey")),
            ("console login", lambda: host.console_login(name)),
            ("su by a local person", lambda: host.su_from_rescue(name)),
            ("su by root", lambda: host.su_from_root(name)),
            ("sudo", lambda: host.sudo(name)),
            ("user@UID.service", lambda: host.user_manager(name))):
        report.check(state, what, attempt(), within=within)


def hidden_callers(host, report):
    """Who is no root looks like nobody: each is judged, at one attempt in two seconds for an
    account, and root's own logins do not stand behind them."""
    state = "hidden callers"
    status = host.status()
    report.truth(state, "status says so", "hides callers' ids" in status, status)
    report.check(state, "a screen locker", host.locker("alice"), within=ONLINE)

    def stranger(typed=None):
        return host.pam("alice", "auth", service="only", caller="bob", typed=typed)[0]["name"]

    def judged(typed=None):
        found = []

        def once():
            found.append(stranger(typed))
            return found[-1] not in NOT_JUDGED
        until("an attempt is judged", 20, once)
        return found[-1]

    for _ in range(5):
        judged()
        begin = time.monotonic()
        second = stranger()
        if time.monotonic() - begin < 1:
            break
    report.truth(state, f"the next attempt at once is not judged ({second})",
                 second in NOT_JUDGED, second)
    report.check(state, "ssh by password meanwhile", host.ssh("alice"), within=ONLINE)
    wrong = judged(password("bob"))
    report.truth(state, f"a stranger's wrong password is wrong ({wrong})", wrong == "AUTH_ERR", wrong)
    report.check(state, "ssh by password after it", host.ssh("alice"), within=ONLINE)
    wrong = host.pam("alice", "auth", service="only", typed=password("bob"))[0]["name"]
    report.truth(state, f"so is root's ({wrong})", wrong == "AUTH_ERR", wrong)


def scenario():
    """One disk."""
    report = Report()
    host = Host("spn", settings=("cache_timeout = 900", PIN))
    install(host)
    host.boot()
    # Its directory may have come too late for the other unit, which does not start again.
    host.run("systemctl", "restart", TASKS)
    online(host)
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())
    ways_in(host, report, "online", "alice", ONLINE)
    home_is_there(host, report, "online", "alice")
    hidden_callers(host, report)
    host.remembers("alice")

    # No netlink: the daemon finds out by itself, in time.
    host.cable(False)
    until("the daemon knows that the link is down", 40, lambda: "offline" in host.status())
    ways_in(host, report, "offline", "alice", OFFLINE)
    host.cable(True)
    until("and that it is back", 70, lambda: "Kanidm: online" in host.status())
    report.check("back", "ssh by password, somebody new", host.ssh("bob"), within=ONLINE)

    for unit in (DAEMON, TASKS):
        state = host.out("systemctl", "show", "-p", "NRestarts,ActiveState", unit)
        report.truth("units", f"{unit}: {state.split()}", "ActiveState=active" in state, state)
    calls = host.journal("--grep", "SIGSYS|status=31")
    report.truth("units", "no system call was refused", not calls, calls)
    found = re.findall(r"\[(unit-[a-z-]+)\]", host.out("kanidm-unix", "check", check=False))
    report.truth("check", f"names the unit's fault ({found})", found == ["unit-private-users"])
    report.end(host)


if __name__ == "__main__":
    main(scenario)
