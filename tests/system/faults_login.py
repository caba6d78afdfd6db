# SPDX-License-Identifier: MPL-2.0
"""Faults of the account, of the login groups, of the link to the server, and of homes."""
from fault import Faults
from people import LOGIN_GROUP, password

FAULTS = Faults()
fault, line = FAULTS.fault, FAULTS.line
UNIXD = "/etc/kanidm/unixd"
LINK = "error: https://idm.example.com: … [link-refused]"

# --- who may log in ---------------------------------------------------------------------


@fault("nobody is allowed", "`pam_allowed_login_groups = []`",
       "warning: login: nobody may log in: pam_allowed_login_groups is empty [login-nobody]")
def _(t):
    t.edit(UNIXD, "^pam_allowed_login_groups.*$", "pam_allowed_login_groups = []")
    t.reload()


@fault("a login group that is misspelt", '`pam_allowed_login_groups = ["shel_users"]`',
       "warning: login group: the server has no POSIX group GROUP [login-group]",
       says="the server has no POSIX group")
def _(t):
    t.edit(UNIXD, "^prefetch_groups.*\n", "")
    t.edit(UNIXD, "^pam_allowed_login_groups.*$", 'pam_allowed_login_groups = ["shel_users"]')
    t.restart()


@fault("a login group that is not POSIX", "`posix=no` for the group on the server",
       "warning: login group: the server has no POSIX group GROUP [login-group]",
       says="the server has no POSIX group")
def _(t):
    t.edit(UNIXD, "^prefetch_groups.*\n", "")
    t.server("set", LOGIN_GROUP, "posix=no", undo=("set", LOGIN_GROUP, "posix=yes", "gid=30001"))
    t.restart()


@fault("not a member", "alice is taken out of the login group on the server",
       "verdict: alice cannot log in: not a member of a group that may log in on this host (GROUP)",
       who="explain")
def _(t):
    t.server("member", "remove", LOGIN_GROUP, "alice",
             undo=("member", "add", LOGIN_GROUP, "alice"))


@fault("the account has expired", "an expiry in the past on the server",
       "verdict: alice cannot log in: the account has expired or is not valid yet",
       who="explain")
def _(t):
    t.server("set", "alice", "expire=2020-01-01T00:00:00Z", undo=("set", "alice", "expire="))


@fault("not a POSIX account", "alice is not POSIX on the server",
       "verdict: alice cannot log in: the server has no POSIX account of this name (…)",
       who="explain")
def _(t):
    t.server("set", "alice", "posix=no",
             undo=("set", "alice", "posix=yes", "gid=20001", "shell=/bin/bash",
                   f"posix_password={password('alice')}"))


@fault("no POSIX password", "it is taken away on the server, then a login",
       "verdict: alice may log in, but the server refused the last password: it is wrong, was "
       "changed, is locked for a moment, or was never set (…)", who="explain")
def _(t):
    t.server("set", "alice", "posix_password=",
             undo=("set", "alice", f"posix_password={password('alice')}"))
    t.back.callback(t.host.server.ctl, "unlock", "alice")
    t.host.pam("alice", "auth")


@fault("the shell is nologin", "`/usr/sbin/nologin` on the server",
       "the shell is /usr/sbin/nologin", who="explain")
def _(t):
    t.server("set", "alice", "shell=/usr/sbin/nologin", undo=("set", "alice", "shell=/bin/bash"))


@fault("a shell that is not installed", "`/usr/bin/zsh` on the server",
       "shell: /bin/sh: default_shell, because the server's does not exist here and is not in "
       "/etc/shells (/usr/bin/zsh)", who="explain")
def _(t):
    t.server("set", "alice", "shell=/usr/bin/zsh", undo=("set", "alice", "shell=/bin/bash"))


line("a shell that is not in /etc/shells", "`/bin/bash` is taken out of it",
     "warning: /bin/bash: is not in /etc/shells (alice) [shell-unlisted]",
     "/etc/shells", "^/bin/bash\n", "")


@fault("a default shell that is not there", '`default_shell = "/usr/bin/nope"`',
       "error: /usr/bin/nope: No such file or directory (default_shell) [shell-absent]")
def _(t):
    t.setting('default_shell = "/usr/bin/nope"')
    t.reload()


@fault("a name that was another's", "bob is renamed on the server, and victor to bob",
       "verdict: alice cannot log in for some minutes: the name was another account's until "
       "lately", who="explain", subject="bob")
def _(t):
    t.host.run("getent", "passwd", "bob", "victor")
    t.server("set", "bob", "name=robert", undo=("set", "robert", "name=bob"))
    t.server("set", "victor", "name=bob", undo=("set", "bob", "name=victor"))
    t.host.run("getent", "passwd", "robert", "bob", check=False)


@fault("somebody new while the server is away", "the server is stopped; wendy was never here",
       "verdict: alice cannot log in: not known on this host yet, and the server cannot be "
       "asked (connection refused)", who="explain", subject="wendy")
def _(t):
    away(t)


def away(t):
    """The server does not run."""
    t.back.callback(t.host.server.start)
    t.host.server.stop()
    t.restart()


# --- numbers ----------------------------------------------------------------------------


@fault("a local account with her uid", "`useradd -o -u 20001 -g users eve`",
       "verdict: alice cannot log in: left out on this host because its number is a local uid",
       who="explain")
def _(t):
    t.run("useradd", "-M", "-o", "-u", "20001", "-g", "users", "eve", undo=("userdel", "eve"))


@fault("a local group with the gid of one of the server", "`groupadd -o -g 30001 theirs`",
       "warning: left_out: 1 (local-gid 1: GROUP@idm.example.com) [ids-local]")
def _(t):
    t.run("groupadd", "-o", "-g", "30001", "theirs", undo=("groupdel", "theirs"))


@fault("a local account of her name", "a line of hers is written to /etc/passwd",
       "verdict: alice is an account of this host: pam_unix decides, not the server",
       who="explain")
def _(t):
    t.edit("/etc/passwd", r"\Z", "alice:x:1700:100::/home/alice:/bin/bash\n")


@fault("the uid was changed on the server", "`gid=29999` there",
       "hint: ids_pending: 1 (alice 20001 -> 29999) [ids-pending]")
def _(t):
    t.server("set", "alice", "gid=29999", undo=("set", "alice", "gid=20001"))
    t.host.run("getent", "passwd", "alice")


@fault("her uid is a subordinate id of somebody", "`usermod --add-subuids 20000-20001 local`",
       "error: /etc/subuid: local: 1 of the server is in it (alice has 20001) "
       "[subuid-overlap]")
def _(t):
    t.run("useradd", "-M", "-r", "local", undo=("userdel", "local"))
    t.run("usermod", "--add-subuids", "20000-20001", "local",
          undo=("usermod", "--del-subuids", "20000-20001", "local"))


@fault("a local account in the range of the server", "`useradd -u 1879048200 eve`",
       "hint: eve: /etc/passwd: eve has the number 1879048200 [ids-in-range]")
def _(t):
    t.run("useradd", "-M", "-u", "1879048200", "-g", "users", "eve", undo=("userdel", "eve"))


# --- the link ---------------------------------------------------------------------------


@fault("the server is down", "it is stopped",
       "warning: https://idm.example.com: connection refused: Failed to connect to … "
       "[link-down]", part_of=("somebody new while the server is away",))
def _(t):
    away(t)


@fault("the server's name does not resolve", "its line is taken out of /etc/hosts",
       "warning: https://idm.example.com: server name not resolved: Could not resolve host: … "
       "[link-dns]")
def _(t):
    t.edit("/etc/hosts", "^.* idm.example.test$", "")
    t.restart()


@fault("another server answers there", "the server's answers are 503",
       "warning: … [link-down]", says="server error")
def _(t):
    t.back.callback(t.host.server.ctl, "fault", "clear")
    t.host.server.ctl("fault", "status", "503")
    t.restart()


@fault("the server does not answer", "it takes connections and is silent",
       "warning: … [link-down]", says="timed out")
def _(t):
    t.back.callback(t.host.server.ctl, "on")
    t.host.server.ctl("hold")
    t.restart()


def certificate(t, name):
    """What the server presents from now on."""
    t.back.callback(t.host.server.ctl, "cert", "server")
    t.host.server.ctl("cert", name)
    t.host.server.ctl("close-idle")
    t.restart()


@fault("the wrong CA", "another authority's certificate is in `ca_path`",
       "error: https://idm.example.com: unknown issuer (UnknownIssuer): SSL certificate "
       "problem: … [tls-issuer]")
def _(t):
    t.write("/etc/kanidm/ca.pem", (t.host.server.ca.parent / "other-ca.pem").read_text())
    t.restart()


@fault("no CA file", "`ca.pem` is moved away",
       "error: /etc/kanidm/ca.pem: No such file or directory [ca-missing]")
def _(t):
    t.away("/etc/kanidm/ca.pem")
    t.restart()


@fault("an expired certificate", "the server presents one that ended",
       "error: https://idm.example.com: certificate expired: SSL certificate problem: "
       "certificate has expired [tls-expired]")
def _(t):
    certificate(t, "expired")


@fault("a clock that is a day behind the server's", "its certificate begins tomorrow",
       "error: https://idm.example.com: certificate not yet valid: … [tls-not-yet]")
def _(t):
    t.host.server.ctl("cert-make", "tomorrow", "86400", "864000")
    certificate(t, "tomorrow")


@fault("a certificate for another name", "the server presents one",
       "error: https://idm.example.com: name mismatch: … [tls-name]")
def _(t):
    certificate(t, "wrong-name")


@fault("a certificate that ends soon", "the server presents one for two days",
       "warning: https://idm.example.com: its certificate is good until … [cert-soon]")
def _(t):
    t.host.server.ctl("cert-make", "soon", "-3600", "172800")
    certificate(t, "soon")


@fault("the clock is a day behind", "/etc/passwd is dated a day ahead of the clock",
       "error: /etc/passwd: was written 24 h after what the clock says now [clock-behind]")
def _(t):
    t.run("touch", "-d", "now + 86460 seconds", "/etc/passwd", undo=("touch", "/etc/passwd"))


@fault("anonymous is locked", "it has expired on the server, and there is no token", LINK,
       says="anonymous login denied")
def _(t):
    t.back.callback(t.host.server.ctl, "set", "anonymous", "expire=")
    t.host.server.ctl("set", "anonymous", "expire=2020-01-01T00:00:00Z")
    t.host.server.ctl("expire-sessions")
    t.restart()


@fault("no right to read POSIX data", "it is taken from anonymous on the server", LINK,
       says="not authorised to read POSIX data")
def _(t):
    t.back.callback(t.host.server.ctl, "rights", "on")
    t.host.server.ctl("rights", "off")
    t.restart()


TOKEN = "/etc/kanidm/token"


@fault("a token that the server refuses", "some other text is in /etc/kanidm/token", LINK,
       says="service account token refused")
def _(t):
    t.write(TOKEN, "not.a.token\n", 0o640)
    t.host.run("chgrp", "kanidm-unixd", TOKEN)
    t.restart()


@fault("a token that the daemon cannot read", "`chmod 0600`, root's",
       "error: /etc/kanidm/token: owner 0, group 990, mode 0600 [token-unreadable]")
def _(t):
    t.write(TOKEN, "not.a.token\n", 0o600)
    t.host.run("chgrp", "kanidm-unixd", TOKEN)
    t.restart()


@fault("a token that everybody can read", "`chmod 0644`",
       "error: /etc/kanidm/token: has the mode 0644 [token-open]")
def _(t):
    t.write(TOKEN, "not.a.token\n", 0o644)
    t.restart_afterwards("kanidm-unixd")


# --- homes ------------------------------------------------------------------------------


@fault("a read-only /home", "it is mounted so",
       "error: /home/: is mounted read-only [home-read-only]")
def _(t):
    t.run("mount", "--bind", "/home", "/home", undo=("umount", "/home"))
    t.host.run("mount", "-o", "remount,bind,ro", "/home")


@fault("a home_prefix that is not there", '`home_prefix = "/nowhere/"`',
       "error: /nowhere/: No such file or directory [home-missing]")
def _(t):
    t.setting('home_prefix = "/nowhere/"')
    t.reload()


@fault("a home_prefix that the unit may not write to",
       '`home_prefix = "/u/"` and a reload of the daemon',
       "warning: kanidm-unixd-tasks.service: may not write to /u/ [unit-home]")
def _(t):
    t.run("mkdir", "/u", undo=("rmdir", "/u"))
    t.setting('home_prefix = "/u/"')
    t.reload("kanidm-unixd", "kanidm-unixd-tasks")


@fault("a home_prefix that others may write to", '`home_prefix = "/u/"`, 0777; then a login',
       "warning: kanidm-unixd-tasks: alice@idm.example.com: /u: others than root may write to "
       "a directory on the way to the homes [tasks-trouble]")
def _(t):
    t.run("mkdir", "-m", "0777", "/u", undo=("rm", "-rf", "/u"))
    t.setting('home_prefix = "/u/"')
    t.host.run("systemctl", "daemon-reload")
    t.restart("kanidm-unixd", "kanidm-unixd-tasks")
    t.then.insert(0, ("systemctl", "daemon-reload"))
    t.host.pam("alice", "auth", "acct", "open", "close")


@fault("something in the place of the home", "a directory of root's; then a login",
       "…/alice@idm.example.com is in the way (a directory of uid 0) and was left as it is "
       "[tasks-trouble]")
def _(t):
    t.run("mv", "/home/alice", "/home/alice.away", undo=("mv", "/home/alice.away", "/home/alice"))
    t.run("mkdir", "/home/alice", undo=("rmdir", "/home/alice"))
    t.restart_afterwards("kanidm-unixd", "kanidm-unixd-tasks")
    t.host.pam("alice", "auth", "acct", "open", "close")


@fault("bind_mount without its unit", '`home_strategy = "bind_mount"`',
       "warning: kanidm-unixd-mount.socket: is not active [unit-mount]")
def _(t):
    t.setting('home_strategy = "bind_mount"')
    t.reload("kanidm-unixd", "kanidm-unixd-tasks")
