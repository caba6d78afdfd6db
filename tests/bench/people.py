# SPDX-License-Identifier: MPL-2.0
"""A daemon that has loaded the people of tests/bench/fill, beside a server that is up, so that
an unknown name is known to be nobody."""
import pathlib

import bench

DATABASE = pathlib.Path("/var/cache/kanidm-unixd/unixd.db")
DOMAIN = "idm.example.test"
WHO = "u00017"  # whom the floor module answers, too


class Host:
    def __init__(self, server, people):
        DATABASE.unlink(missing_ok=True)
        bench.run(bench.PROGRAMS / "fill", DATABASE, people, DOMAIN)
        bench.config(server.uri, server.ca, 'uid_attr_map = "name"', 'gid_attr_map = "name"',
                     "cache_timeout = 3600")
        bench.nsswitch("files kanidm")
        self.daemon = bench.Daemon()

    def __enter__(self):
        bench.until(30, lambda: bench.run("kanidm-unix", "status").startswith("system: online"),
                    "a server that is online")
        self.uid = bench.run("id", "-u", WHO).strip()
        return self

    def __exit__(self, *_):
        self.daemon.stop()
