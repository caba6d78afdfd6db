# SPDX-License-Identifier: MPL-2.0
"""Who is on the server. One person for each reason, and a few who are always well."""
import json
import uuid

DOMAIN = "idm.example.test"
LOGIN_GROUP = "shell_users"
SUDO_GROUP = "sudoers_of_the_server"

# name: (gid, what is special)
PEOPLE = {
    "alice": (20001, {"shell": "/bin/bash"}),
    "bob": (20002, {"shell": "/bin/sh"}),
    "carol": (20003, {"expire": "2020-01-01T00:00:00Z"}),
    "frank": (20004, {"valid_from": "2099-01-01T00:00:00Z"}),
    "nina": (20005, {"posix_password": None}),
    "olga": (20006, {}),
    "peter": (20007, {}),
    "quinn": (20008, {}),
    "ruth": (20009, {}),
    "sam": (20010, {}),
    "tina": (20011, {}),
    "victor": (20012, {}),
    "wendy": (20013, {}),
}
OUTSIDERS = {"olga"}


def spn(name):
    """The full name."""
    return f"{name}@{DOMAIN}"


def password(name):
    """A password that a strength check lets pass, and that no log has by chance."""
    return f"Correct-{name}-horse-battery-9"


def data(key):
    """The data file of kanidm_devidm; everybody has that ssh key. UUIDs are fixed: a server
    that starts again is the same server."""
    persons = []
    for name, (gid, special) in PEOPLE.items():
        person = {"name": name, "displayname": f"{name.capitalize()} Person", "gid": gid,
                  "posix_password": password(name), "shell": "/bin/bash",
                  "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, spn(name))),
                  "keys": {"test": key}, **special}
        persons.append({key: value for key, value in person.items() if value is not None})
    groups = [
        {"name": LOGIN_GROUP, "gid": 30001,
         "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, LOGIN_GROUP)),
         "members": [name for name in PEOPLE if name not in OUTSIDERS]},
        {"name": SUDO_GROUP, "gid": 30002, "members": ["alice"],
         "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, SUDO_GROUP))},
    ]
    return json.dumps({"domain": DOMAIN, "persons": persons, "groups": groups}, indent=1)
