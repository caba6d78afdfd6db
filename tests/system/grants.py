# SPDX-License-Identifier: MPL-2.0
"""What the units are given beyond their files: places for homes by the generator, token and
pin as credentials.
"""
from clients import SLACK, Report
from container import main
from hosts import Host
from pty_talk import until
from units import DAEMON, TASKS, online

GENERATOR = "/usr/lib/systemd/system-generators/kanidm-unixd-generator"


def ready(host):
    """Both daemons run and know each other."""
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", DAEMON, TASKS)
    online(host)
    until("tasks is connected", 15, lambda: "tasks: connected" in host.status())


def homes(host, report):
    """Homes are where the file says, without a drop-in by hand."""
    for prefix, name in (("/u/", "alice"), ("/data 1/100% homes/", "bob")):
        host.run("mkdir", "-p", prefix)
        host.configure("spn", (f'home_prefix = "{prefix}"', 'home_alias = "name"'))
        ready(host)
        text = host.out("kanidm-unix", "check", check=False)
        report.truth(prefix, "check finds nothing about it",
                     "unit-home" not in text, text)
        attempt = host.ssh(name)
        report.check(prefix, "ssh by password", attempt, within=2.5 + SLACK)
        report.truth(prefix, "the person is at home there", f" {prefix}" in attempt.text,
                     attempt.text)
        text = host.out("stat", "-L", "-c", "%U", f"{prefix}{name}", check=False)
        report.truth(prefix, "and it is the person's", text == host.login_name(name), text)


def silly_prefixes(host, report):
    """The unit is not opened for them, and a broken file stops nothing."""
    def generated():
        host.run("rm", "-rf", "/run/made")
        host.run("mkdir", "/run/made")
        done = host.run(GENERATOR, "/run/made", "/run/made", "/run/made", check=False)
        return done.returncode, host.out("find", "/run/made", "-type", "f")

    for text in ('home_prefix = "/etc/"', 'home_prefix = "/"', 'home_prefix = ['):
        host.write("/etc/kanidm/unixd", f'version = "2"\n{text}\n')
        code, files = generated()
        report.truth(text, "nothing is granted, and that is no failure", code == 0 and not files,
                     f"{code} {files}")
    host.run("rm", "/etc/kanidm/unixd")
    report.truth("no file", "nothing is granted", generated() == (0, ""))
    host.configure("spn")
    report.truth("homes in /home", "nothing is granted", generated() == (0, ""))
    ready(host)
    text = host.out("systemctl", "show", "-p", "ReadWritePaths", TASKS)
    report.truth("homes in /home", "the unit is as it was", text == "ReadWritePaths=-/home", text)


def token(host):
    """A token of the host's service account, in root's file."""
    host.server.ctl("api-token", "thishost")
    host.write("/etc/kanidm/token", host.server.ctl("show-token", "thishost") + "\n", 0o600)



def credentials(host, report):
    """Only root can read the files; a new token counts from the restart on."""
    state = "credentials"
    host.server.ctl("add", "service", "thishost")
    host.server.ctl("member", "add", "idm_unix_authentication_read", "thishost")
    token(host)
    host.write("/etc/kanidm/hsm-pin", "0123456789abcdef0123456789abcdef\n", 0o600)
    host.run("install", "-D", "-m", "0644", "/usr/share/kanidm-unixd/credentials.conf",
             f"/etc/systemd/system/{DAEMON}.d/credentials.conf")
    host.run("find", "/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd", "-mindepth", "1",
             "-delete")
    ready(host)
    def is_token():
        return "identity: thishost@idm.example.test (token)" in host.status()
    until("the token is used", 10, is_token)
    report.truth(state, "the token is used", True)
    report.check(state, "ssh by password", host.ssh("alice"), within=2.5 + SLACK)
    host.remembers("alice")
    made = host.run("test", "-e", "/var/lib/kanidm-unixd/hsm-pin", check=False).returncode == 0
    report.truth(state, "the pin is the credential, none is made", not made)
    host.cable(False)
    until("the link is down", 20, lambda: "offline" in host.status())
    report.check(state, "ssh by password, offline", host.ssh("alice"), within=0.5 + SLACK)
    host.cable(True)
    online(host)
    host.server.ctl("revoke-tokens", "thishost")
    token(host)
    host.run("systemctl", "restart", DAEMON)
    online(host)
    until("the new token is used", 10, is_token)
    report.check(state, "ssh by password, token renewed", host.ssh("alice"), within=2.5 + SLACK)
    others = host.run("cat", "/etc/kanidm/token", user=65534, check=False).returncode
    report.truth(state, "others cannot read it", others != 0)


def scenario():
    """One host, one boot."""
    report = Report()
    host = Host("spn")
    host.boot()
    online(host)
    homes(host, report)
    silly_prefixes(host, report)
    credentials(host, report)
    report.end(host)


if __name__ == "__main__":
    main(scenario)
