#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Sends every recorded exchange to kanidm_devidm and compares status, headers and body.

The body is compared as text, so the order of keys counts too. Only what differs at every
run of the real server is masked: session ids, tokens, change ids, the build's own hashes.
"""

import json
import re
import sys

from devidm import HERE, Devidm

MASKS = [
    (r'"sessionid":"[0-9a-f-]{36}"', '"sessionid":"*"'),
    (r'"success":"[^"]+"', '"success":"*"'),
    (r'"last_modified_cid":\["[0-9]{32}-[0-9a-f-]{36}"\]', '"last_modified_cid":["*"]'),
]
VOLATILE = {"date", "x-kanidm-opid", "content-length", "content-security-policy", "connection"}
LATE = "SCIM: transitive POSIX members of nested_posix (anonymous)"


def mask(text):
    for pattern, by in MASKS:
        text = re.sub(pattern, by, text)
    return text


def mask_header(name, value):
    if name == "x-kanidm-auth-session-id":
        return "*"
    return re.sub(r"auth-session-id=[^;]+", "auth-session-id=*", value)


class Replay:
    def __init__(self, server):
        self.server = server
        self.anonymous = server.login()
        self.service = server.ctl("show-token", "host1")
        self.session = None
        self.note = ""
        self.problems = []
        self.count = 0

    def bearer(self):
        if "tampered" in self.note:
            head, _, tail = self.anonymous.rpartition(".")
            return head + "." + ("A" if tail[0] != "A" else "B") + tail[1:]
        return self.service if "service-account" in self.note else self.anonymous

    def headers(self, recorded):
        out = {}
        for name, value in recorded.items():
            if name == "authorization" and "<token>" in value:
                value = value.replace("<token>", self.bearer())
            elif "<token>" in value:
                value = value.replace("<token>", self.session)
            out[name] = value
        return out

    def differ(self, exchange, what, want, got):
        if want != got:
            self.problems.append(
                f"{self.note}: {exchange['method']} {exchange['path']}: {what}\n"
                f"  recorded: {want}\n  devidm:   {got}")

    def compare_body(self, exchange, text):
        want = exchange["response"]
        if "cut to its first 3" in self.note:
            got = json.loads(text)
            self.differ(exchange, "resources", 1060, len(got["resources"]))
            got["resources"] = got["resources"][:3]
            text = json.dumps(got, separators=(",", ":"))
        self.differ(exchange, "body", mask(want), mask(text))

    def run(self, exchange):
        a = self.server.request(exchange["method"], exchange["path"], exchange["body"],
                                self.headers(exchange["request_headers"]))
        self.session = a.headers.get("x-kanidm-auth-session-id", self.session)
        self.count += 1
        self.differ(exchange, "status", exchange["status"], a.status)
        self.differ(exchange, "headers",
                    {k: mask_header(k, v) for k, v in exchange["headers"].items()},
                    {k: mask_header(k, v) for k, v in a.headers.items() if k not in VOLATILE})
        self.compare_body(exchange, a.text)
        if not a.headers.get("content-type", "").startswith("text/plain") or a.status == 422:
            self.differ(exchange, "opid", True,
                        bool(re.fullmatch(r"[0-9a-f-]{36}", a.headers.get("x-kanidm-opid", ""))))

    def all(self, exchanges):
        for e in exchanges:
            if "note" not in e:
                self.run(e)
                continue
            self.note = e["note"]
            if self.note == LATE:
                self.server.ctl("load", f"{HERE}/data/recorded-late.json")
                self.server.ctl("bulk", 1060, "groups=100")


def main(program):
    with open(f"{HERE}/recorded/exchanges.json", encoding="utf-8") as f:
        exchanges = json.load(f)
    with Devidm(program, "recorded") as server:
        server.ctl("clock", "set", "2026-11-21T02:04:18Z")
        server.ctl("clock", "stop")
        replay = Replay(server)
        replay.all(exchanges)
    for problem in replay.problems:
        print(problem)
    recorded = sum("note" not in e for e in exchanges)
    print(f"{replay.count} of {recorded} exchanges replayed, {len(replay.problems)} differences")
    return 1 if replay.problems or replay.count != recorded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
