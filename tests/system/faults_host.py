# SPDX-License-Identifier: MPL-2.0
"""Faults of units, sockets, the configuration, and the daemon's directories."""
from fault import Faults
from server import URI

FAULTS = Faults()
fault, line = FAULTS.fault, FAULTS.line
CONFIG, UNIXD = "/etc/kanidm/config", "/etc/kanidm/unixd"
RUN, CACHE, STATE = "/run/kanidm-unixd", "/var/cache/kanidm-unixd", "/var/lib/kanidm-unixd"
DAEMON, SOCKET = "kanidm-unixd.service", "kanidm-unixd.socket"
TASKS = "kanidm-unixd-tasks.service"

# --- units ------------------------------------------------------------------------------


@fault("the daemon is stopped", "`systemctl stop kanidm-unixd.socket kanidm-unixd.service`",
       "error: /run/kanidm-unixd/sock: Connection refused [daemon-down]")
def _(t):
    t.run("systemctl", "stop", SOCKET, DAEMON, undo=("systemctl", "restart", "kanidm-unixd"))


@fault("the daemon hangs", "`systemctl kill -s STOP kanidm-unixd`",
       "error: /run/kanidm-unixd/sock: no answer within 5 s [daemon-silent]",
       part_of=("a drop-in with a path that is not there",))
def _(t):
    t.run("systemctl", "kill", "-s", "STOP", DAEMON, undo=("systemctl", "restart", DAEMON))


@fault("the daemon's unit is masked", "`systemctl mask kanidm-unixd`",
       "error: kanidm-unixd.service: is masked [unit-masked]")
def _(t):
    t.run("systemctl", "mask", DAEMON, undo=("systemctl", "unmask", DAEMON))


@fault("the unit for homes is masked", "`systemctl mask kanidm-unixd-tasks`",
       "error: kanidm-unixd-tasks.service: is masked [unit-masked]")
def _(t):
    t.run("systemctl", "mask", TASKS, undo=("systemctl", "unmask", TASKS))


@fault("the unit for homes is stopped", "`systemctl stop kanidm-unixd-tasks`",
       "warning: kanidm-unixd-tasks: not connected [tasks-down]")
def _(t):
    t.run("systemctl", "stop", TASKS, undo=("systemctl", "start", TASKS))


@fault("a drop-in with a path that is not there",
       "`ReadWritePaths=/nowhere` for kanidm-unixd, then a restart",
       "error: kanidm-unixd.service: has failed: exit-code [unit-failed]")
def _(t):
    t.drop_in(DAEMON, "[Service]\nReadWritePaths=/nowhere\n")
    t.restart(DAEMON, check=False)


@fault("the daemon does not start at boot", "`systemctl disable kanidm-unixd`",
       "warning: kanidm-unixd.service: is disabled [unit-disabled]")
def _(t):
    t.run("systemctl", "disable", DAEMON, undo=("systemctl", "enable", DAEMON, SOCKET))


@fault("PrivateUsers=yes", "a drop-in of the daemon's unit, then a restart",
       "error: kanidm-unixd.service: has PrivateUsers=yes [unit-private-users]")
def _(t):
    t.drop_in(DAEMON, "[Service]\nPrivateUsers=yes\n")
    t.restart()


@fault("the reference's unit file", "a kanidm-unixd.service with `DynamicUser=yes` in "
       "/etc/systemd/system", "warning: /etc/systemd/system/kanidm-unixd.service: has "
       "DynamicUser=yes [unit-old]")
def _(t):
    t.write(f"/etc/systemd/system/{DAEMON}",
            "[Service]\nDynamicUser=yes\nExecStart=/usr/sbin/kanidm_unixd\n"
            "[Install]\nWantedBy=multi-user.target\n")
    t.host.run("systemctl", "daemon-reload")
    t.then.append(("systemctl", "daemon-reload"))


@fault("a frozen /etc/passwd", "`BindReadOnlyPaths=/etc/passwd` for the daemon, then a restart",
       "local_frozen: the unit shows a frozen /etc/passwd")
def _(t):
    t.drop_in(DAEMON, "[Service]\nBindReadOnlyPaths=/etc/passwd\n")
    t.restart()


# --- socket and map ---------------------------------------------------------------------


def made_anew(t):
    """As the page says: the socket unit makes the file when it starts, and only then."""
    t.then += [("systemctl", "stop", SOCKET, DAEMON), ("systemctl", "start", "kanidm-unixd")]


@fault("the socket is closed to others", "`chmod 0600 /run/kanidm-unixd/sock`",
       "error: /run/kanidm-unixd/sock: has the mode 0600 [socket-mode]")
def _(t):
    t.run("chmod", "0600", f"{RUN}/sock", undo=("chmod", "0666", f"{RUN}/sock"))


@fault("the socket is somebody else's", "`chown 1000 /run/kanidm-unixd/sock`",
       "error: /run/kanidm-unixd/sock: belongs to uid 1000 [socket-owner]")
def _(t):
    t.run("chown", "1000", f"{RUN}/sock", undo=("rm", f"{RUN}/sock"))
    made_anew(t)


@fault("the socket is gone", "`rm /run/kanidm-unixd/sock`",
       "error: /run/kanidm-unixd/sock: No such file or directory [socket-missing]")
def _(t):
    made_anew(t)
    t.host.run("rm", f"{RUN}/sock")


@fault("the directory of the socket is gone", "`rm -r /run/kanidm-unixd`",
       "error: /run/kanidm-unixd: No such file or directory [rundir-missing]")
def _(t):
    t.then.append(("systemd-tmpfiles", "--create"))
    made_anew(t)
    t.host.run("rm", "-r", RUN)


@fault("others may write beside the socket", "`chmod 0777 /run/kanidm-unixd`",
       "error: /run/kanidm-unixd: has the mode 0777 [rundir-mode]")
def _(t):
    t.mode("0777", RUN)


@fault("others cannot reach the socket", "`chmod 0750 /run/kanidm-unixd`",
       "error: /run/kanidm-unixd: has the mode 0777 [rundir-mode]", says="0750")
def _(t):
    t.mode("0750", RUN)


@fault("the directory of the socket is somebody else's", "`chown 1000 /run/kanidm-unixd`",
       "error: /run/kanidm-unixd: belongs to uid 1000, the daemon is uid 990 [rundir-mode]")
def _(t):
    t.owner("1000", RUN)


@fault("the map is gone", "`rm /run/kanidm-unixd/nss.map`",
       "warning: /run/kanidm-unixd/nss.map: No such file or directory [map-missing]")
def _(t):
    t.restart_afterwards(DAEMON)
    t.host.run("rm", f"{RUN}/nss.map")


@fault("the map is closed to others", "`chmod 0600 /run/kanidm-unixd/nss.map`",
       "warning: … [map-mode]")
def _(t):
    t.run("chmod", "0600", f"{RUN}/nss.map", undo=("systemctl", "restart", DAEMON))


@fault("the map is off", "`fast_cache = false`", "map: off", who="status")
def _(t):
    t.setting("fast_cache = false")
    t.reload()


# --- configuration ----------------------------------------------------------------------


@fault("no uri", "the line is taken out of /etc/kanidm/config",
       "error: /etc/kanidm/config: has no uri [config-uri]")
def _(t):
    t.edit(CONFIG, "^uri.*\n", "")
    t.reload()


@fault("http:// in the uri", '`uri = "http://…"`',
       'error: configuration: /etc/kanidm/config:1: uri: "http://idm.example.com" is not used: '
       'plain http would send passwords in clear over the network; … [config-error]')
def _(t):
    t.edit(CONFIG, "^uri.*$", 'uri = "http://idm.example.test"')
    t.reload()


@fault("two servers", '`uri = ["https://…", "https://…"]`',
       "uri: a list of servers is not supported for now: write one server, as a string "
       "[config-error]")
def _(t):
    t.edit(CONFIG, "^uri.*$", f'uri = ["{URI}", "https://other.example.test"]')
    t.reload()


@fault("a uri that waits for a reload", "another server in /etc/kanidm/config",
       "warning: uri: the daemon has https://old.example.com, the file https://idm.example.com "
       "[config-stale]")
def _(t):
    t.edit(CONFIG, "^uri.*$", 'uri = "https://new.example.test"')


@fault("a typing error", "`cache_timeot = 600`",
       'warning: configuration: /etc/kanidm/unixd:1: unknown key "cache_timeot", did you mean '
       '"cache_timeout"? [config-warning]')
def _(t):
    t.setting("cache_timeot = 600")
    t.reload()


@fault("a key in the wrong section", "`home_alias` below `[kanidm]`",
       "hint: configuration: /etc/kanidm/unixd:7: home_alias: belongs at top level, above the "
       "first [table]; used all the same [config-note]")
def _(t):
    t.edit(UNIXD, "^home_alias.*\n", "")
    t.setting('home_alias = "name"', "kanidm")
    t.reload()


@fault("a value that is not accepted", '`home_attr = "nme"`',
       'error: configuration: /etc/kanidm/unixd:2: home_attr: "nme" is not accepted: expected '
       '"uuid", "spn" or "name"; the default is kept [config-error]')
def _(t):
    t.setting('home_attr = "nme"')
    t.reload()


@fault("a value of another type", '`cache_timeout = "300"`',
       "error: configuration: /etc/kanidm/unixd:2: cache_timeout: expected a whole number of "
       "seconds, found a string [config-error]")
def _(t):
    t.setting('cache_timeout = "300"')
    t.reload()


@fault("no TOML", "a line `no such thing`",
       "error: configuration: /etc/kanidm/unixd:7: expected '=' after the key 'no' "
       "[config-error]")
def _(t):
    t.setting("no such thing", "kanidm")
    t.reload()


@fault("a configuration that the daemon cannot read", "`chmod 0600 /etc/kanidm/unixd`",
       "error: /etc/kanidm/unixd: owner 0, mode 0600 [config-unreadable]")
def _(t):
    t.mode("0600", UNIXD)


@fault("a configuration that others may write", "`chmod 0666 /etc/kanidm/unixd`",
       "error: … [config-writable]")
def _(t):
    t.mode("0666", UNIXD)


# --- the daemon's directories -----------------------------------------------------------


@fault("a cache directory of root's", "`chown root /var/cache/kanidm-unixd`",
       "warning: /var/cache/kanidm-unixd: owner 0, mode 0700 [state-mode]")
def _(t):
    t.owner("root", CACHE)


@fault("a cache that the daemon may not read", "`chown root` and `chmod 0600` of the database, "
       "as after a copy by root, then a restart", "warning: store: /var/cache/kanidm-unixd/"
       "unixd.db: Permission denied; kept as … and begun anew [store-trouble]")
def _(t):
    for name in t.host.out("ls", CACHE).splitlines():
        t.mode("0600", f"{CACHE}/{name}")
        t.owner("root", f"{CACHE}/{name}")
    t.restart()


@fault("a full disk", "the cache's file system is full, then a restart",
       "warning: store: /var/cache/kanidm-unixd/unixd.db: database or disk is full; nothing is "
       "kept on disk [store-trouble]")
def _(t):
    t.run("mount", "-t", "tmpfs", "-o", "size=16k,mode=0700,uid=kanidm-unixd", "full", CACHE,
          undo=("umount", CACHE))
    t.host.run("sh", "-c", f"head -c 16384 /dev/zero >{CACHE}/of-somebody-else")
    t.restart()


@fault("a pin that others can read", "`chmod 0644 /var/lib/kanidm-unixd/hsm-pin`",
       "error: /var/lib/kanidm-unixd/hsm-pin: has the mode 0644 [pin-open]")
def _(t):
    t.mode("0644", f"{STATE}/hsm-pin")
