# SPDX-License-Identifier: MPL-2.0
"""Packages with the names, layout, unit and passing user of the reference client's, and both of
its configuration files with every key in them (versions 1 and 2 of the second)."""
import contextlib
import shutil
import sqlite3

from debs import PACKAGES
from container import WORK, sh
from people import LOGIN_GROUP, SUDO_GROUP
from server import URI

CONFIG = f"""# kept by an administrator
uri = "{URI}"
verify_hostnames = true
verify_ca = true
ca_path = "/opt/ca.pem"
connect_timeout = 5

["another"]
uri = "https://another.example.test"
verify_hostnames = false
verify_ca = false
ca_path = "/opt/ca.pem"
connect_timeout = 1
"""

BOTH = f"""sock_path = "/var/run/kanidm-unixd/sock"
task_sock_path = "/var/run/kanidm-unixd/task_sock"
cache_timeout = 120
default_shell = "/bin/dash"
home_prefix = "/home/"
home_mount_prefix = "/home/.real/"
home_attr = "uuid"
home_alias = "name"
use_etc_skel = true
uid_attr_map = "name"
gid_attr_map = "name"
selinux = true
hsm_pin_path = "/var/lib/kanidm-unixd/hsm-pin"
hsm_type = "tpm_if_possible"
tpm_tcti_name = "device:/dev/tpmrm0"
"""
LINK = f"""conn_timeout = 3
request_timeout = 6
pam_allowed_login_groups = ["{LOGIN_GROUP}"]
"""
# number: the file, what more than BOTH and LINK the daemon must say that it has understood.
UNIXD = {
    1: ('db_path = "/var/cache/kanidm-unixd/kanidm.cache.db"\n' + BOTH + LINK +
        f'allow_local_account_override = ["{SUDO_GROUP}"]\n',
        ["allow_local_account_override: [", f'"{SUDO_GROUP}",', "map_group: []"]),
    2: ('version = "2"\ncache_db_path = "/var/cache/kanidm-unixd/kanidm.cache.db"\n' + BOTH +
        'home_strategy = "symlink"\n[kanidm]\n' + LINK +
        f'map_group = [ {{ local = "dialout", with = "{SUDO_GROUP}" }} ]\n'
        'service_account_token_path = "/etc/kanidm/host.token"\n',
        ["service_account_token_path: /etc/kanidm/host.token", "home_strategy: symlink",
         f'{{ local: "dialout", with: "{SUDO_GROUP}" }},']),
}
UNDERSTOOD = [
    "cache_db_path: /var/cache/kanidm-unixd/kanidm.cache.db",
    "sock_path: /run/kanidm-unixd/sock", "task_sock_path: /run/kanidm-unixd/task_sock",
    "cache_timeout: 120", "default_shell: /bin/dash", "home_prefix: /home/",
    "home_mount_prefix: /home/.real/", "home_attr: UUID", "home_alias: Name",
    "use_etc_skel: true", "uid_attr_map: Name", "gid_attr_map: Name", "selinux: true",
    "hsm_pin_path: /var/lib/kanidm-unixd/hsm-pin", "hsm_type: Soft",
    "tpm_tcti_name: device:/dev/tpmrm0", "conn_timeout: 3", "request_timeout: 6",
    f'"{LOGIN_GROUP}",', f"address: {URI}", "verify_ca: true", "verify_hostnames: true",
    "ca: /opt/ca.pem"]

UNIT = """[Service]
DynamicUser=yes
UMask=0027
CacheDirectory=kanidm-unixd
RuntimeDirectory=kanidm-unixd
StateDirectory=kanidm-unixd
ExecStart=/bin/sh -c 'cp /opt/reference.db /var/cache/kanidm-unixd/kanidm.cache.db; \
echo 0123456789abcdef0123456789abcdef >/var/lib/kanidm-unixd/hsm-pin; exec sleep infinity'
[Install]
WantedBy=multi-user.target
"""
# The control that passes over an expired local account, and no more of a module than its line.
PROFILE = """Name: Kanidm Authentication
Default: yes
Priority: 128
Auth-Type: Primary
Auth:
\t[success=end new_authtok_reqd=done default=ignore] pam_kanidm.so ignore_unknown_user use_first_pass
Account-Type: Primary
Account:
\t[success=end new_authtok_reqd=done default=ignore] pam_kanidm.so ignore_unknown_user
Session-Type: Additional
Session:
\toptional pam_kanidm.so
Password-Type: Additional
Password:
\toptional pam_kanidm.so
"""
FILES = {
    "kanidm-unixd": {
        "lib/systemd/system/kanidm-unixd.service": UNIT,
        "etc/kanidm/config": '# uri = "https://idm.example.com"\n',
        "etc/kanidm/unixd": 'version = "2"\n# [kanidm]\n',
        "etc/ssh/sshd_config.d/10-kanidm.conf":
            "# AuthorizedKeysCommand /usr/sbin/kanidm_ssh_authorizedkeys %u\n"
            "# AuthorizedKeysCommandUser nobody\n"},
    "libnss-kanidm": {},
    "libpam-kanidm": {"usr/share/pam-configs/kanidm": PROFILE},
}


def make(host):
    """Into /opt/debs/3; and what its unit puts where its cache is."""
    with contextlib.closing(sqlite3.connect(host.path("/opt/reference.db"))) as database:
        database.execute("CREATE TABLE db_version_t (id TEXT PRIMARY KEY, version INTEGER)")
        database.commit()
    host.path("/opt/reference.db").chmod(0o644)
    for name in PACKAGES:
        tree = WORK / "reference"
        (tree / "DEBIAN").mkdir(parents=True)
        for path, text in FILES[name].items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        conffiles = [f"/{path}\n" for path in FILES[name] if path.startswith("etc/")]
        (tree / "DEBIAN/conffiles").write_text("".join(conffiles))
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1.7.4-202509010000+abcdef0\nArchitecture: amd64\n"
            "Maintainer: nobody <nobody@example.invalid>\nDescription: like the reference's\n")
        if name == "libpam-kanidm":
            script = tree / "DEBIAN/postinst"
            script.write_text("#!/bin/sh\npam-auth-update --package\n")
            script.chmod(0o755)
        sh("dpkg-deb", "-Znone", "-b", str(tree), str(host.path(f"/opt/debs/3/{name}.deb")))
        shutil.rmtree(tree)


def administered(host, version):
    """What its documents tell an administrator to write."""
    host.write("/etc/kanidm/config", CONFIG)
    host.write("/etc/kanidm/unixd", UNIXD[version][0])
    host.write("/etc/ssh/sshd_config.d/10-kanidm.conf",
               "AuthorizedKeysCommand /usr/sbin/kanidm_ssh_authorizedkeys %u\n"
               "AuthorizedKeysCommandUser nobody\n")
    host.run("systemctl", "reload", "ssh")
    old = host.path("/etc/nsswitch.conf").read_text().splitlines()
    host.write("/etc/nsswitch.conf", "".join(
        line.split()[0] + " kanidm files systemd\n" if line.startswith(("passwd:", "group:"))
        else line + "\n" for line in old))
