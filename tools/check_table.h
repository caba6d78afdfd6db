/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Everything that `kanidm-unix check` can find, gravest first within a level: the word that
 * names it (in the output, in --json, in docs/troubleshooting.md, whose table is made from
 * this one), its level, what it is in general, and what to do. "{}" in the last column is
 * replaced by the thing that the finding is about.
 */
#pragma once

/* clang-format off */
#define CHECK_TABLE(ROW) \
	ROW(PAM_NO_UNIX, "pam-no-unix", ERROR, "a stack has pam_kanidm.so and no pam_unix.so: root and the accounts of this host are locked out", \
	    "add a pam_unix.so line of the same phase before pam_kanidm.so in {}, and keep a root shell open meanwhile") \
	ROW(PAM_INCLUDE, "pam-include", ERROR, "a stack includes a file that is not there, and libpam then refuses the service", \
	    "bring the file back or take the line out: {}") \
	ROW(PAM_MODULE, "pam-module", ERROR, "stacks name pam_kanidm.so and no such module is installed", \
	    "install libpam-kanidm, or take the lines out of the stacks") \
	ROW(PAM_LOCAL_REFUSED, "pam-local-refused", ERROR, "pam_kanidm.so refuses accounts of this host: no ignore_unknown_user", \
	    "add ignore_unknown_user to {}") \
	ROW(PAM_PROFILE, "pam-profile", ERROR, "the PAM profile is installed and not enabled", \
	    "run: pam-auth-update --enable kanidm") \
	ROW(PAM_NONE, "pam-none", ERROR, "no PAM stack has pam_kanidm.so: nobody of the server can log in", \
	    "add it as docs/pam.md says for your distribution") \
	ROW(PAM_AUTH, "pam-auth", ERROR, "a service asks pam_unix.so for passwords and not pam_kanidm.so", \
	    "add an auth line with pam_kanidm.so behind {}") \
	ROW(PAM_ACCOUNT, "pam-account", ERROR, "expiry and login groups are not checked for a service", \
	    "add an account line with pam_kanidm.so beside {}") \
	ROW(PAM_ACCOUNT_OPEN, "pam-account-open", ERROR, "a refusal of the account phase is passed over", \
	    "give {} the control [success=done ignore=ignore user_unknown=ignore module_unknown=ignore default=die]") \
	ROW(PAM_BROKEN_SHADOW, "pam-broken-shadow", ERROR, "pam_unix.so with broken_shadow stands before pam_kanidm.so and says yes to everybody who is not in shadow", \
	    "take broken_shadow out of {}") \
	ROW(PAM_AFTER_DENY, "pam-after-deny", ERROR, "pam_deny.so stands before pam_kanidm.so, which is never reached", \
	    "move {} before the pam_deny.so line") \
	ROW(PAM_NEVER_ASKS, "pam-never-asks", ERROR, "pam_kanidm.so has use_authtok and nothing before it asks for the password", \
	    "take use_authtok out of {}") \
	ROW(NSS_NO_FILES, "nss-no-files", ERROR, "a line of nsswitch.conf has no \"files\": accounts of this host are not seen", \
	    "put files first: {}: files kanidm") \
	ROW(NSS_HIDES_LOCAL, "nss-hides-local", ERROR, "an action behind kanidm ends the lookup before \"files\"", \
	    "put files first: {}: files kanidm") \
	ROW(NSS_FILE, "nss-file", ERROR, "nsswitch.conf cannot be read: libc asks its own files only", \
	    "make {} with the lines passwd: files kanidm, and group: files kanidm") \
	ROW(NSS_MISSING, "nss-missing", ERROR, "the passwd or group line of nsswitch.conf does not name kanidm", \
	    "add kanidm behind files: {}: files kanidm") \
	ROW(NSS_UNREACHED, "nss-unreached", ERROR, "an action before kanidm ends the lookup, and kanidm is never asked", \
	    "take that [NOTFOUND=return] out of the line {}:") \
	ROW(NSS_INITGROUPS_MISSING, "nss-initgroups-missing", ERROR, "there is an initgroups line without kanidm: nobody gets groups of the server at login", \
	    "remove the initgroups line; the group line is used then") \
	ROW(NSS_MODULE, "nss-module", ERROR, "libc does not find libnss_kanidm.so.2", \
	    "install libnss-kanidm, then run ldconfig") \
	ROW(CONFIG_URI, "config-uri", ERROR, "no server is configured", \
	    "write uri = \"https://your.server\" into {}") \
	ROW(CONFIG_BROKEN, "config-error", ERROR, "a file of the configuration is broken, or a value is not used", \
	    "correct the line; kanidm_unixd -t says when it is good") \
	ROW(CONFIG_FALLBACK, "config-fallback", ERROR, "the daemon runs on the last good configuration", \
	    "correct the files (kanidm_unixd -t), then: systemctl reload kanidm-unixd") \
	ROW(CONFIG_UNREADABLE, "config-unreadable", ERROR, "the daemon's user, or with map_group every program, cannot read the configuration", \
	    "run: chmod 0644 {}") \
	ROW(CONFIG_WRITABLE, "config-writable", ERROR, "others than root may write the configuration", \
	    "run: chown root {} && chmod go-w {}") \
	ROW(TOKEN_OPEN, "token-open", ERROR, "everybody can read the service account token", \
	    "run: chmod 0640 {} && chgrp kanidm-unixd {}, and make a new token") \
	ROW(TOKEN_UNREADABLE, "token-unreadable", ERROR, "the daemon's user cannot read the service account token", \
	    "run: chgrp kanidm-unixd {} && chmod 0640 {}, or give it by LoadCredential= in the unit") \
	ROW(CA_MISSING, "ca-missing", ERROR, "ca_path names a file that the daemon cannot read", \
	    "put the CA's certificate there and make it readable: chmod 0644 {}") \
	ROW(PIN_OPEN, "pin-open", ERROR, "others can read the pin that protects remembered passwords", \
	    "run: chown kanidm-unixd {} && chmod 0600 {}") \
	ROW(RUNDIR_MISSING, "rundir-missing", ERROR, "the directory of sockets and map is not there", \
	    "run: systemd-tmpfiles --create, then: systemctl stop kanidm-unixd.socket kanidm-unixd; systemctl start kanidm-unixd") \
	ROW(RUNDIR_MODE, "rundir-mode", ERROR, "the directory of sockets and map is not the daemon's alone, so the modules send no passwords", \
	    "run: chmod 0755 {}, and give it to kanidm-unixd if it is somebody else's") \
	ROW(SOCK_MISSING, "socket-missing", ERROR, "the daemon's socket is not there", \
	    "run: systemctl stop kanidm-unixd.socket kanidm-unixd; systemctl start kanidm-unixd") \
	ROW(SOCK_MODE, "socket-mode", ERROR, "not everybody may connect to the daemon's socket", \
	    "run: systemctl stop kanidm-unixd.socket kanidm-unixd; systemctl start kanidm-unixd (or chmod 0666 {})") \
	ROW(SOCK_OWNER, "socket-owner", ERROR, "the socket belongs to somebody else than root or the daemon", \
	    "find out who made it, remove it, then: systemctl stop kanidm-unixd.socket kanidm-unixd; systemctl start kanidm-unixd") \
	ROW(UNIT_MASKED, "unit-masked", ERROR, "a unit is masked", \
	    "run: systemctl unmask {} && systemctl enable --now {}") \
	ROW(UNIT_FAILED, "unit-failed", ERROR, "a unit has failed", \
	    "read journalctl -u {}, then: systemctl restart {}") \
	ROW(DAEMON_DOWN, "daemon-down", ERROR, "nobody listens at the daemon's socket", \
	    "run: systemctl restart kanidm-unixd; journalctl -u kanidm-unixd says why it ended") \
	ROW(DAEMON_SILENT, "daemon-silent", ERROR, "the daemon does not answer", \
	    "run: systemctl restart kanidm-unixd") \
	ROW(DAEMON_VERSION, "daemon-version", ERROR, "another daemon, or another version, answers at the socket", \
	    "run: systemctl restart kanidm-unixd") \
	ROW(UNIT_PRIVATE_USERS, "unit-private-users", ERROR, "the unit hides who is asking the daemon (PrivateUsers=yes)", \
	    "set PrivateUsers=no: systemctl edit {}") \
	ROW(TLS_ISSUER, "tls-issuer", ERROR, "the server's certificate has an unknown issuer (UnknownIssuer)", \
	    "set ca_path in /etc/kanidm/config to the certificate of the server's CA") \
	ROW(TLS_EXPIRED, "tls-expired", ERROR, "the server's certificate has expired", \
	    "renew it at the server; if it is good there, set this host's clock") \
	ROW(TLS_NOT_YET, "tls-not-yet", ERROR, "the server's certificate is not valid yet", \
	    "set this host's clock (timedatectl), or the server's") \
	ROW(TLS_NAME, "tls-name", ERROR, "the server's certificate is for another name", \
	    "write the name of the certificate into uri, or get one for the name that is there") \
	ROW(LINK_REFUSED, "link-refused", ERROR, "the server does not let this host in", \
	    "renew the service account token, or allow anonymous to read POSIX data (docs/config.md)") \
	ROW(CLOCK_BEHIND, "clock-behind", ERROR, "this host's clock is behind its own files", \
	    "set the clock: timedatectl set-ntp true") \
	ROW(SHELL_ABSENT, "shell-absent", ERROR, "a shell that people get does not exist", \
	    "install it, or set another one (default_shell in /etc/kanidm/unixd, or the person's at the server)") \
	ROW(HOME_MISSING, "home-missing", ERROR, "the directory for homes does not exist", \
	    "run: mkdir -m 0755 {}, or correct home_prefix in /etc/kanidm/unixd") \
	ROW(HOME_READ_ONLY, "home-read-only", ERROR, "homes cannot be made: the file system is read-only", \
	    "mount it writable: mount -o remount,rw {}") \
	ROW(SUBUID_OVERLAP, "subuid-overlap", ERROR, "ids of people are inside a range that containers of a local user get", \
	    "move that line's range, or give the people other ids at the server") \
	ROW(SSHD_PAM, "sshd-pam", ERROR, "sshd does not use PAM: no login groups, no expiry, no homes", \
	    "set UsePAM yes in {}, then: systemctl reload ssh") \
	ROW(SSHD_KEYS_USER, "sshd-keys-user", ERROR, "sshd does not run AuthorizedKeysCommand: its user is not set or not there", \
	    "set AuthorizedKeysCommandUser nobody, then: systemctl reload ssh") \
	ROW(SSHD_KEYS_MODE, "sshd-keys-mode", ERROR, "sshd does not run AuthorizedKeysCommand: the file or a directory above it is missing, not root's, or writable by others", \
	    "make it root's and not writable by others: {}") \
	ROW(PAM_SESSION, "pam-session", WARNING, "a service opens sessions without pam_kanidm.so: homes are not made", \
	    "add: session [success=ok ignore=ignore module_unknown=ignore default=bad] pam_kanidm.so ignore_unknown_user, before {}") \
	ROW(PAM_HOME_DENY, "pam-home-deny", WARNING, "home_failure = \"deny\" and the session line passes over it", \
	    "make it required: {}") \
	ROW(NSS_MAP_GROUP, "nss-map-group", WARNING, "map_group is set, and the order of the group line hides it", \
	    "write: group: files [SUCCESS=merge] kanidm") \
	ROW(NSS_INITGROUPS, "nss-initgroups", WARNING, "the initgroups line ends at the first answer: local groups or those of the server are lost", \
	    "remove the initgroups line, or add [SUCCESS=continue] behind every service") \
	ROW(SSHD_KEYS_OTHER, "sshd-keys-other", WARNING, "AuthorizedKeysCommand is another program: keys of the server are not used", \
	    "let kanidm_ssh_authorizedkeys be the first AuthorizedKeysCommand that sshd reads (a drop-in may stand before it)") \
	ROW(CONFIG_WARNING, "config-warning", WARNING, "something in the configuration is not understood", \
	    "correct the line; kanidm_unixd -t says when it is good") \
	ROW(CONFIG_STALE, "config-stale", WARNING, "the daemon runs with another server than the file says", \
	    "run: systemctl restart kanidm-unixd") \
	ROW(STATE_MODE, "state-mode", WARNING, "others may look into a directory of the daemon, or it is not the daemon's", \
	    "run: chown kanidm-unixd {} && chmod 0700 {}") \
	ROW(STATE_PRIVATE, "state-private", WARNING, "a directory of the daemon is still where the reference's DynamicUser= put it", \
	    "restart the unit, which moves it (StateDirectory=, CacheDirectory=): systemctl restart kanidm-unixd") \
	ROW(STORE, "store-trouble", WARNING, "the cache on disk does not work", \
	    "make room or repair the file system; names are kept in memory until then") \
	ROW(MAP_MISSING, "map-missing", WARNING, "there is no published map: every lookup asks the daemon", \
	    "run: systemctl restart kanidm-unixd; see map_trouble in kanidm-unix status --verbose") \
	ROW(MAP_MODE, "map-mode", WARNING, "not everybody can read the published map, or others may write it", \
	    "run: systemctl restart kanidm-unixd (or chmod 0644 {})") \
	ROW(MAP_DEAD, "map-dead", WARNING, "the published map is not kept up to date any more", \
	    "run: systemctl restart kanidm-unixd") \
	ROW(MAP_FOREIGN, "map-foreign", WARNING, "what is at the place of the map is no map, or of another version", \
	    "remove {}, then: systemctl restart kanidm-unixd") \
	ROW(MAP_TROUBLE, "map-trouble", WARNING, "the map cannot be written", \
	    "make room on /run; programs ask the daemon until then") \
	ROW(UNIT_DISABLED, "unit-disabled", WARNING, "a unit does not start at boot", \
	    "run: systemctl enable --now {}") \
	ROW(UNIT_INACTIVE, "unit-inactive", WARNING, "a unit does not run", \
	    "run: systemctl start {}") \
	ROW(UNIT_OLD, "unit-old", WARNING, "the unit is the reference's (DynamicUser=yes)", \
	    "remove that unit file ({}), then: systemctl daemon-reload && systemctl restart kanidm-unixd") \
	ROW(UNIT_HOME, "unit-home", WARNING, "the tasks unit may not write where homes are", \
	    "run: systemctl daemon-reload && systemctl restart {} (docs/homes.md)") \
	ROW(UNIT_MOUNT, "unit-mount", WARNING, "home_strategy is bind_mount and its unit is off", \
	    "run: systemctl enable --now {}") \
	ROW(TASKS, "tasks-down", WARNING, "the tasks daemon is not connected: no homes are made", \
	    "run: systemctl enable --now kanidm-unixd-tasks") \
	ROW(TASKS_SILENT, "tasks-silent", WARNING, "the tasks daemon does not answer", \
	    "look for a dead NFS or autofs home, then: systemctl restart kanidm-unixd-tasks") \
	ROW(TASKS_TROUBLE, "tasks-trouble", WARNING, "the tasks daemon could not do its work", \
	    "read journalctl -u kanidm-unixd-tasks and docs/homes.md") \
	ROW(LINK_DNS, "link-dns", WARNING, "the server's name does not resolve", \
	    "check uri in /etc/kanidm/config, and DNS: getent hosts NAME") \
	ROW(LINK_DOWN, "link-down", WARNING, "the server cannot be reached", \
	    "check the network, the server, and uri in /etc/kanidm/config") \
	ROW(CLOCK_OFF, "clock-off", WARNING, "this host's clock and the server's differ", \
	    "compare date -u on both, then: timedatectl set-ntp true on the one that is wrong") \
	ROW(CERT_SOON, "cert-soon", WARNING, "the server's certificate expires soon", \
	    "renew it at the server") \
	ROW(LOGIN_NOBODY, "login-nobody", WARNING, "nobody may log in: no group is allowed", \
	    "set pam_allowed_login_groups in /etc/kanidm/unixd") \
	ROW(LOGIN_GROUP, "login-group", WARNING, "a login group is not on the server, or is no POSIX group there", \
	    "correct its name in /etc/kanidm/unixd, or at the server: kanidm group posix set GROUP") \
	ROW(PREFETCH_GROUP, "prefetch-group", WARNING, "a group of prefetch_groups is not on the server, or is no POSIX group there: its people are not fetched ahead", \
	    "correct its name in prefetch_groups of /etc/kanidm/unixd, or at the server: kanidm group posix set GROUP") \
	ROW(HIDDEN_CALLERS, "hidden-callers", WARNING, "the daemon cannot see who is asking", \
	    "set PrivateUsers=no: systemctl edit kanidm-unixd") \
	ROW(LOCAL_FROZEN, "local-frozen", WARNING, "the daemon does not see the local accounts as they are", \
	    "bind the directory /etc into the unit, not the files, or restart it after useradd") \
	ROW(OFFLINE_KEY, "offline-key", WARNING, "passwords cannot be remembered for logins without the server, or guesses are not counted on disk", \
	    "read what is said about it, repair it, then: systemctl restart kanidm-unixd") \
	ROW(IDS_LOCAL, "ids-local", WARNING, "entries of the server are left out on this host", \
	    "see kanidm-unix explain NAME; rename or renumber one of the two") \
	ROW(IDS_DOUBLE, "ids-double", WARNING, "somebody of the server has the number of a local account or group", \
	    "give one of the two another number") \
	ROW(IDS_UNMAPPED, "ids-unmapped", WARNING, "this container's id map has no room for ids of the server", \
	    "give the container a larger id range, or the people smaller ids") \
	ROW(SSHD_MATCH, "sshd-match", WARNING, "sshd holds Match User against the name as it was typed: another spelling of the same person passes it by", \
	    "match a group instead (Match Group), or keep them out by DenyUsers, which knows who it is: {}") \
	ROW(SHADOW_LEFT, "shadow-left", WARNING, "a line of /etc/shadow has no account here: pam_unix.so lets in by it whoever of the server has that name, expired or in no login group", \
	    "take the line of {} out: vipw -s") \
	ROW(SHELL_UNLISTED, "shell-unlisted", WARNING, "a shell is not in /etc/shells: some services refuse its people", \
	    "run: echo {} >> /etc/shells") \
	ROW(NSCD_OLD, "nscd-old-module", WARNING, "nscd or nsncd holds a module that has been replaced", \
	    "restart it: systemctl restart {}") \
	ROW(NSS_TRYAGAIN, "nss-tryagain", HINT, "kanidm stands before files, and trouble reads as \"no such user\"", \
	    "write: {}: kanidm [TRYAGAIN=return] files, or put files first") \
	ROW(NSS_SHADOW, "nss-shadow", HINT, "the shadow line names kanidm, which has no shadow entries", \
	    "take kanidm out of the shadow line") \
	ROW(NSS_SSS, "nss-sss", HINT, "sss is still in nsswitch.conf", \
	    "take it out of the {} line if this host does not use sssd any more") \
	ROW(PAM_PASSWORD, "pam-password", HINT, "passwd does not tell people of the server where to change their password", \
	    "add a password line with pam_kanidm.so beside {}") \
	ROW(PAM_UNKNOWN, "pam-unknown", HINT, "a pam_kanidm.so line has no ignore_unknown_user", \
	    "add ignore_unknown_user to {}") \
	ROW(PAM_SESSION_ORDER, "pam-session-order", HINT, "something that needs the home stands before pam_kanidm.so", \
	    "move the pam_kanidm.so line before {}") \
	ROW(PAM_MKHOMEDIR, "pam-mkhomedir", HINT, "another module makes home directories, too", \
	    "take it out if the homes are for people of the server: {}") \
	ROW(SSHD_PASSWORD, "sshd-no-password", HINT, "sshd takes no passwords", \
	    "set PasswordAuthentication or KbdInteractiveAuthentication yes, if people shall log in by password") \
	ROW(SSHD_ALLOW, "sshd-allow", HINT, "sshd lets in only some people, or keeps some out", \
	    "people are matched by the name that getent passwd shows, groups by the one that id shows: put those there") \
	ROW(SSHD_KEYS, "sshd-no-keys", HINT, "sshd does not ask for keys of the server", \
	    "take the # out of both lines of /etc/ssh/sshd_config.d/10-kanidm.conf, then: systemctl reload ssh") \
	ROW(SSHD_NAMES, "sshd-names", HINT, "OpenSSH 10.1 and 10.2 end a login by another spelling (PAM user mismatch)", \
	    "tell people the spelling that kanidm-unix explain NAME says, or set uid_attr_map = \"name\"") \
	ROW(CONFIG_NOTE, "config-note", HINT, "something in the configuration is discouraged", \
	    "see kanidm_unixd -t") \
	ROW(IDS_PENDING, "ids-pending", HINT, "the server gave somebody another number, and the old one is kept", \
	    "run: kanidm-unix accept-id NAME, then change the owner of the files") \
	ROW(IDS_SYSTEMD, "ids-systemd", HINT, "ids of people are in a range that systemd gives away", \
	    "give them ids from 1879048192 at the server, unless no such service runs here") \
	ROW(IDS_IN_RANGE, "ids-in-range", HINT, "a local account has a number out of the range that the server gives", \
	    "give {} a smaller one") \
	ROW(HOME_REMOTE, "home-remote", HINT, "homes are on a file server or an automounter", \
	    "read docs/homes.md about NFS: root_squash, and who makes the directory") \
	ROW(HOME_SNAP, "home-snap", HINT, "snaps refuse a home that is reached through a link", \
	    "set home_strategy = \"bind_mount\" and enable kanidm-unixd-mount.socket, if people use snaps") \
	ROW(NSCD, "nscd", HINT, "nscd caches in front of us: changes are seen late", \
	    "after a change run: kanidm-unix cache-invalidate, which has nscd forget, too; or stop nscd") \
	ROW(NSNCD, "nsncd", HINT, "every lookup goes through nsncd, which keeps the module it has loaded", \
	    "restart it after each upgrade: systemctl restart nsncd nscd") \
	ROW(APPARMOR, "apparmor", HINT, "AppArmor is on, and confined programs may not read the map", \
	    "install {}") \
	ROW(SELINUX, "selinux", HINT, "SELinux is enforcing, and there is no policy module for kanidm", \
	    "install the module; look for denials: ausearch -m avc -c sshd") \
	ROW(REFERENCE_CACHE, "reference-cache", HINT, "the reference's cache database is still there; it is not used", \
	    "remove it when you are sure not to go back: {}")
/* clang-format on */
