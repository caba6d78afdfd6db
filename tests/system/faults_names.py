# SPDX-License-Identifier: MPL-2.0
"""Faults of nsswitch.conf, of PAM stacks and of sshd."""
from fault import Faults

FAULTS = Faults()
NSS, SSHD = "/etc/nsswitch.conf", "/etc/ssh/sshd_config"
KEYS = "/etc/ssh/sshd_config.d/10-kanidm.conf"

fault, line = FAULTS.fault, FAULTS.line

# --- nsswitch.conf ----------------------------------------------------------------------

line("passwd without kanidm", "`passwd: files` in nsswitch.conf",
     "error: passwd: /etc/nsswitch.conf:7 does not name kanidm [nss-missing]",
     NSS, "^passwd:.*$", "passwd: files")
line("no group line", "the `group` line of nsswitch.conf is deleted",
     "/etc/nsswitch.conf has no such line, so kanidm is not asked", NSS, r"^group:.*\n", "")
line("an action before kanidm", "`passwd: files [NOTFOUND=return] kanidm`",
     "error: passwd: /etc/nsswitch.conf:7: an action before kanidm ends the lookup "
     "[nss-unreached]", NSS, "^passwd:.*$", "passwd: files [NOTFOUND=return] kanidm")
line("kanidm without files", "`passwd: kanidm`",
     'error: passwd: /etc/nsswitch.conf:7: there is no "files": root and the accounts of this '
     'host are not seen [nss-no-files]', NSS, "^passwd:.*$", "passwd: kanidm")
line("an action behind kanidm", "`group: kanidm [NOTFOUND=return] files`",
     "error: group: /etc/nsswitch.conf:8: the action behind kanidm hides accounts of this host "
     "[nss-hides-local]", NSS, "^group:.*$", "group: kanidm [NOTFOUND=return] files")
line("kanidm before files", "`passwd: kanidm files`",
     'hint: passwd: /etc/nsswitch.conf:7: kanidm stands first, and "not known at the moment" '
     'reads as "no such user" [nss-tryagain]', NSS, "^passwd:.*$", "passwd: kanidm files")
line("an initgroups line without kanidm", "`initgroups: files` is added",
     "error: initgroups: /etc/nsswitch.conf:9 does not name kanidm, and counts instead of the "
     "group line [nss-initgroups-missing]", NSS, r"\Z", "initgroups: files\n")
line("an initgroups line", "`initgroups: files kanidm` is added",
     "warning: initgroups: /etc/nsswitch.conf:9 ends at the first answer, that of files "
     "[nss-initgroups]", NSS, r"\Z", "initgroups: files kanidm\n")


@fault("nsswitch.conf is gone", "it is moved away",
       "error: /etc/nsswitch.conf: No such file or directory [nss-file]")
def _(t):
    t.away(NSS)


@fault("no NSS module", "`libnss_kanidm.so.2` is moved away, `ldconfig`",
       "error: libnss_kanidm.so.2: is in no directory where libc looks [nss-module]")
def _(t):
    path = t.host.out("sh", "-c", "find /lib/ /usr/lib /usr/local/lib -name libnss_kanidm.so.2")
    t.back.callback(t.host.run, "ldconfig")
    path = path.splitlines()[0]
    t.run("mv", path, "/root/module", undo=("mv", "/root/module", path))
    t.host.run("ldconfig")


@fault("map_group that getent does not show", "`map_group` is set, `group: files kanidm`",
       'warning: group: /etc/nsswitch.conf:8: "files" answers for the groups of map_group and '
       'kanidm is not asked [nss-map-group]')
def _(t):
    t.setting('map_group = [{ local = "sudo", with = "shell_users" }]', "kanidm")
    t.reload()


@fault("nscd in front", "nscd is started", "hint: nscd: runs as process 539 [nscd]",
       part_of=("nscd with the old module",))
def _(t):
    nscd(t)


@fault("nscd with the old module", "the module is replaced, as by an upgrade, while nscd runs",
       "warning: nscd: process 539 has loaded a libnss_kanidm.so.2 that is gone "
       "[nscd-old-module]")
def _(t):
    nscd(t)
    t.host.run("getent", "passwd", "bob", check=False)
    path = t.host.out("sh", "-c", "find /lib/ /usr/lib /usr/local/lib -name libnss_kanidm.so.2 |"
                                  "head -n 1")
    t.host.run("cp", "-p", path, f"{path}.new")
    t.host.run("mv", f"{path}.new", path)


def nscd(t):
    """Installed here, and masked."""
    t.run("systemctl", "unmask", "nscd", undo=("systemctl", "mask", "nscd"))
    t.run("systemctl", "start", "nscd", undo=("systemctl", "stop", "nscd"))


# --- PAM --------------------------------------------------------------------------------

AUTH, ACCOUNT, SESSION = (f"/etc/pam.d/common-{part}" for part in ("auth", "account", "session"))
OURS = r"^.*pam_kanidm\.so.*$"


@fault("the PAM profile is off", "`pam-auth-update --disable kanidm`",
       "error: /usr/share/pam-configs/kanidm: the profile is there and no stack has "
       "pam_kanidm.so [pam-profile]")
def _(t):
    t.run("pam-auth-update", "--disable", "kanidm",
          undo=("pam-auth-update", "--enable", "kanidm"))


@fault("a stack of ours alone", "common-auth has one line, `auth required pam_kanidm.so`",
       "error: /etc/pam.d/common-auth:1: auth has pam_kanidm.so and no pam_unix.so: root and "
       "the accounts of this host are locked out … [pam-no-unix]")
def _(t):
    t.write(AUTH, "auth required pam_kanidm.so\n")


@fault("no auth line", "our line is taken out of common-auth",
       "error: /etc/pam.d/common-auth:1: auth has no pam_kanidm.so … [pam-auth]")
def _(t):
    t.write(AUTH, "auth required pam_unix.so nullok\n")


@fault("no account line", "common-account has pam_unix.so alone",
       "error: /etc/pam.d/common-account:17: account has no pam_kanidm.so: expiry and login "
       "groups do not count … [pam-account]")
def _(t):
    t.write(ACCOUNT, "account required pam_unix.so\n")


@fault("a refusal that is passed over", "`account sufficient pam_kanidm.so`, then pam_permit.so",
       'error: /etc/pam.d/common-account:1: account: "expired" and "not a member" are passed '
       'over … [pam-account-open]')
def _(t):
    t.write(ACCOUNT, "account sufficient pam_kanidm.so ignore_unknown_user\n"
                     "account sufficient pam_unix.so\naccount required pam_permit.so\n")


line("broken_shadow", "`broken_shadow` is added to pam_unix.so in common-account",
     "error: /etc/pam.d/common-account:17: account: broken_shadow before pam_kanidm.so: expired "
     "people and strangers to the login groups get in … [pam-broken-shadow]",
     ACCOUNT, r"pam_unix\.so *$", "pam_unix.so broken_shadow")


@fault("our line behind pam_deny.so", "it is appended to common-auth",
       "error: /etc/pam.d/common-auth:3: stands behind pam_deny.so and is never reached … "
       "[pam-after-deny]")
def _(t):
    t.write(AUTH, "auth sufficient pam_unix.so\nauth requisite pam_deny.so\n"
                  "auth sufficient pam_kanidm.so ignore_unknown_user use_first_pass\n")


@fault("use_authtok with nothing before", "our line with `use_authtok` is the first",
       "error: /etc/pam.d/common-auth:1: auth: use_authtok, and nothing before asks for a "
       "password … [pam-never-asks]")
def _(t):
    t.write(AUTH, "auth sufficient pam_kanidm.so ignore_unknown_user use_authtok\n"
                  "auth required pam_unix.so\n")


line("a session line without ignore_unknown_user", "the option is taken out of common-session",
     "error: /etc/pam.d/common-session:2: session: no ignore_unknown_user: root and the "
     "accounts of this host are refused … [pam-local-refused]",
     SESSION, OURS, "session required pam_kanidm.so")
line("no session line", "our line is taken out of common-session",
     "warning: /etc/pam.d/common-session:4: session has no pam_kanidm.so: no home is made … "
     "[pam-session]", SESSION, OURS + r"\n", "")
line("an include of nothing", "`@include no-such-file` in /etc/pam.d/login",
     "error: /etc/pam.d/login:101: includes no-such-file, which is not there … [pam-include]",
     "/etc/pam.d/login", r"\Z", "@include no-such-file\n")


@fault("no PAM module", "`pam_kanidm.so` is moved away",
       "error: pam_kanidm.so: is in no directory of PAM modules [pam-module]")
def _(t):
    path = t.host.out("sh", "-c", "find /lib/ /usr/lib /usr/local/lib -name pam_kanidm.so |"
                                  "head -n 1")
    t.run("mv", path, "/root/module", undo=("mv", "/root/module", path))


# --- sshd -------------------------------------------------------------------------------

line("sshd without PAM", "`UsePAM no` in sshd_config",
     "error: /etc/ssh/sshd_config: UsePAM is not yes [sshd-pam]", SSHD, "^UsePAM .*$",
     "UsePAM no")
line("sshd takes no passwords", "`PasswordAuthentication no`, `KbdInteractiveAuthentication no`",
     "hint: /etc/ssh/sshd_config: PasswordAuthentication and KbdInteractiveAuthentication are "
     "no [sshd-no-password]", "/etc/ssh/sshd_config.d/50-test.conf", "^Kbd.*$",
     "KbdInteractiveAuthentication no\nPasswordAuthentication no")
line("sshd lets in only some", "`AllowUsers adm`", "hint: AllowUsers: is set: adm [sshd-allow]",
     SSHD, r"\Z", "\nAllowUsers adm\n")
line("sshd asks for no keys", "both lines of 10-kanidm.conf are comments, as installed",
     "hint: AuthorizedKeysCommand: is not set [sshd-no-keys]", KEYS,
     r"^AuthorizedKeysCommand (.|\n)*", "#")
line("AuthorizedKeysCommand without a user", "`AuthorizedKeysCommandUser` is taken out",
     "error: AuthorizedKeysCommandUser: is not set [sshd-keys-user]", KEYS,
     "^AuthorizedKeysCommandUser.*$", "")


@fault("another AuthorizedKeysCommand", "a drop-in of systemd's userdb that is read first",
       "warning: AuthorizedKeysCommand: is /usr/bin/userdbctl ssh-authorized-keys %u "
       "[sshd-keys-other]")
def _(t):
    t.write("/etc/ssh/sshd_config.d/05-userdb.conf",
            "AuthorizedKeysCommand /usr/bin/userdbctl ssh-authorized-keys %u\n"
            "AuthorizedKeysCommandUser root\n")


@fault("a directory that others may write", "`chmod 0777 /usr/sbin`",
       "error: /usr/sbin: owner 0, mode 0777 [sshd-keys-mode]")
def _(t):
    t.mode("0777", "/usr/sbin")


@fault("no AuthorizedKeysCommand", "`kanidm_ssh_authorizedkeys` is moved away",
       "error: /usr/sbin/kanidm_ssh_authorizedkeys: No such file or directory [sshd-keys-mode]")
def _(t):
    t.away("/usr/sbin/kanidm_ssh_authorizedkeys")
