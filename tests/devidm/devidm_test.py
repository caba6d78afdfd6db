#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""What the recorded exchanges do not show: login errors, the soft lock, ids, rights, and
that every fault and control command has the effect it names."""

import http.client
import socket
import ssl
import struct
import sys
import unittest
import warnings

from devidm import Devidm, until

PROGRAM = ""
ALICE = "Sample-alice-horse-battery-9"
ADMIN = "Sample-admin-horse-battery-9"
READ = "/v1/account/alice/_unix/_token"
AUTH = "/v1/account/alice/_unix/_auth"


class Base(unittest.TestCase):
    def setUp(self):
        self.s = Devidm(PROGRAM, "sample")
        self.addCleanup(self.s.__exit__)
        self.token = self.s.login()

    def get(self, path, **more):
        more.setdefault("token", self.token)
        return self.s.request("GET", path, **more)

    def post(self, path, body, **more):
        more.setdefault("token", self.token)
        return self.s.request("POST", path, body, **more)

    def says(self, answer, status, body):
        self.assertEqual((status, body), (answer.status, answer.json()))


class Login(Base):
    def init(self, name):
        return self.s.step({"init2": {"username": name, "issue": "token"}})

    def test_names_that_cannot_log_in(self):
        self.says(self.init("nobody"), 404, "nomatchingentries")
        self.says(self.init("  "), 400, "emptyrequest")
        self.says(self.init("shell_users"), 500, {"missingclass": "account"})
        self.assertEqual({"denied": "invalid credential state"},
                         self.init("alice").json()["state"])
        self.s.ctl("set", "anonymous", "expire=2020-01-01T00:00:00Z")
        self.assertEqual({"denied": "account expired"}, self.init("anonymous").json()["state"])
        self.says(self.get("/v1/self"), 401, "sessionexpired")

    def test_steps_out_of_order_are_500(self):
        lost = "session id not present in cred presented to 'begin' step"
        self.says(self.s.step({"begin": "anonymous"}, "eyJh.forged.value"), 500,
                  {"invalidauthstate": lost})
        session = self.init("anonymous").headers["x-kanidm-auth-session-id"]
        self.says(self.s.step({"cred": "anonymous"}, session), 500, "au0001invalidstate")
        self.says(self.s.step({"begin": "password"}, session), 500, "au0001invalidstate")
        self.assertEqual(200, self.s.step({"begin": "anonymous"}, session).status)
        self.says(self.s.step({"begin": "anonymous"}, session), 500,
                  {"invalidauthstate": "session already finalised!"})
        self.assertEqual({"denied": "invalid authentication method in this context"},
                         self.s.step({"cred": {"password": "x"}}, session).json()["state"])
        self.says(self.s.step({"begin": "anonymous"}, session), 500, "au0001invalidstate")

    def test_a_restart_between_steps_loses_the_login(self):
        session = self.init("anonymous").headers["x-kanidm-auth-session-id"]
        self.s.ctl("restart")
        self.assertEqual(500, self.s.step({"begin": "anonymous"}, session).status)
        session = self.init("anonymous").headers["x-kanidm-auth-session-id"]
        self.s.ctl("clock", "+301")
        self.assertEqual(500, self.s.step({"begin": "anonymous"}, session).status)

    def test_a_wrong_password_locks_for_a_second(self):
        self.s.ctl("clock", "stop")
        for password, state in (("wrong", "denied"), (ADMIN, "denied"), (ADMIN, "success")):
            if state == "success":
                self.s.ctl("clock", "+2")
            session = self.s.step({"init": "idm_admin"}).headers["x-kanidm-auth-session-id"]
            begun = self.s.step({"begin": "password"}, session).json()["state"]
            if "continue" in begun:
                begun = self.s.step({"cred": {"password": password}}, session).json()["state"]
            self.assertIn(state, begun)

    def test_a_cookie_is_as_good_as_the_header(self):
        a = self.s.step({"init2": {"username": "anonymous", "issue": "cookie"}})
        cookie = a.headers["set-cookie"].split(";")[0]
        for step in ({"begin": "anonymous"}, {"cred": "anonymous"}):
            a = self.s.request("POST", "/v1/auth", {"step": step}, {"cookie": cookie})
        cookies = [v for k, v in a.pairs if k == "set-cookie"]
        self.assertTrue(any("bearer=" in c and "Path=/" in c for c in cookies), cookies)
        self.assertTrue(any("Max-Age=0" in c for c in cookies), cookies)
        bearer = next(c for c in cookies if "bearer=" in c).split(";")[0]
        self.assertEqual(200, self.s.request("GET", READ, headers={"cookie": bearer}).status)
        self.assertEqual(401, self.s.request(
            "GET", READ, headers={"cookie": bearer, "authorization": "Basic x"}).status)

    def test_tokens_outlive_a_restart_and_end_after_a_day(self):
        self.s.restart()
        self.says(self.get("/v1/auth/valid"), 200, None)
        self.s.ctl("clock", "stop")
        self.s.ctl("clock", "set", self.get("/v1/self/_uat").json()["expiry"] - 1)
        self.assertEqual(200, self.get("/v1/auth/valid").status)
        self.s.ctl("clock", "+2")
        a = self.get("/v1/auth/valid")
        self.says(a, 401, "sessionexpired")
        self.assertEqual("Bearer", a.headers["www-authenticate"])

    def test_the_scheme_is_caseless_and_takes_one_space(self):
        for value, status in ((f"bearer {self.token}", 200), (f"Bearer  {self.token}", 401),
                              (f"Basic {self.token}", 401)):
            a = self.s.request("GET", "/v1/self", headers={"authorization": value})
            self.assertEqual(status, a.status, value[:9])

    def test_service_tokens_can_be_made_expire_and_be_revoked(self):
        token = self.s.ctl("api-token", "host1")
        self.assertEqual(["host1"], self.get("/v1/self", token=token)
                         .json()["youare"]["attrs"]["name"])
        self.says(self.get("/v1/self/_uat", token=token), 401, "notauthenticated")
        self.assertEqual("readonly", self.get("/v1/self/_uat").json()["purpose"])
        old = self.s.ctl("api-token", "host1", "expiry=1000000000")
        self.says(self.get("/v1/self", token=old), 401, "sessionexpired")
        self.s.ctl("revoke-tokens", "host1")
        self.says(self.get("/v1/self", token=token), 401, "notauthenticated")


class Ids(Base):
    def test_the_parser_of_the_server(self):
        uuid = self.get(READ).json()["uuid"]
        for i in ("alice", "ALICE", "Alice@IDM.example.TEST", "20001", uuid, uuid.upper(),
                  uuid.replace("-", ""), "name=alice", "name%3Dalice", "alice,foo",
                  "alice%2Cfoo", "spn=alice@idm.example.test,dc=x", "urn:uuid:" + uuid,
                  "%7B" + uuid + "%7D"):
            a = self.get(f"/v1/account/{i}/_unix/_token")
            self.assertEqual((200, "alice"), (a.status, a.status == 200 and a.json()["name"]), i)
        for i in ("020001", "+20001", "alice@other", "al%2Fice", "=x", "%3Dx"):
            self.says(self.get(f"/v1/account/{i}/_unix/_token"), 404, "nomatchingentries")
        self.says(self.get("/v1/account//_unix/_token"), 400, "emptyrequest")
        self.says(self.get("/v1/group/=x/_unix/_token"), 500, "invalidvaluestate")
        self.says(self.get("/v1/group//_unix/_token"), 500, "invalidvaluestate")
        self.assertEqual(404, self.get("/v1/account/a/b/_unix/_token").status)
        a = self.get("/v1/account/%ff/_unix/_token")
        self.assertEqual((400, "Invalid URL: Invalid UTF-8 in `id`"), (a.status, a.text))

    def test_groups_and_accounts_share_one_number_space(self):
        self.says(self.get("/v1/account/30001/_unix/_token"), 500, {"missingclass": "account"})
        private = self.get("/v1/group/20001/_unix/_token").json()
        self.assertEqual(("alice", 20001), (private["name"], private["gidnumber"]))
        self.assertRaises(RuntimeError, self.s.ctl, "add", "person", "x", "gid=30001")
        self.assertRaises(RuntimeError, self.s.ctl, "add", "person", "x", "gid=999")

    def test_an_entry_of_another_domain_is_found_by_spn(self):
        token = self.get("/v1/account/trudy@other.example.test/_unix/_token").json()
        self.assertEqual("trudy@other.example.test", token["spn"])
        self.assertEqual(["trudy", "shell_users"], [g["name"] for g in token["groups"]])
        self.assertEqual(404, self.get("/v1/account/trudy/_unix/_token").status)

    def test_changes_show_at_once(self):
        self.s.ctl("set", "bob", "name=robert", "gid=20099")
        self.assertEqual(404, self.get("/v1/account/bob/_unix/_token").status)
        self.assertEqual(404, self.get("/v1/account/20002/_unix/_token").status)
        self.assertEqual(20099, self.get("/v1/account/robert/_unix/_token").json()["gidnumber"])
        before = self.get("/v1/group/admins/_unix/_token").json()
        self.s.ctl("recreate", "admins")
        after = self.get("/v1/group/admins/_unix/_token").json()
        self.assertNotEqual(before["uuid"], after["uuid"])
        self.assertEqual(before["gidnumber"], after["gidnumber"])
        self.assertIn(after, self.get(READ).json()["groups"])
        self.s.ctl("remove", "alice")
        self.assertEqual(404, self.get(READ).status)
        self.s.ctl("add", "person", "alice", "shell=/bin/Sh")
        self.assertEqual(["alice"], [g["name"] for g in self.get(READ).json()["groups"]])


class Accounts(Base):
    def auth(self, password, who="alice"):
        return self.post(f"/v1/account/{who}/_unix/_auth", {"value": password})

    def test_the_ladder_of_the_soft_lock(self):
        self.s.ctl("clock", "set", "2030-01-01T10:00:00Z")
        self.s.ctl("clock", "stop")
        self.token = self.s.login()
        for failure in range(1, 101):
            self.assertIsNone(self.auth("wrong").json())
            if failure == 100:
                break
            lock = 1 if failure <= 2 else 3 if failure <= 8 else 5 if failure <= 24 else 10
            self.s.ctl("clock", f"+{lock}")
            self.assertIsNone(self.auth(ALICE).json(), "locked even for the right one")
            self.s.ctl("clock", "+1")
            if failure in (1, 2, 3, 9, 25):
                self.assertEqual("alice", self.auth(ALICE).json()["name"])
        self.s.ctl("clock", "+3600")
        self.assertIsNone(self.auth(ALICE).json(), "locked for the day")
        self.s.ctl("clock", "set", "2030-01-02T00:00:01Z")
        self.assertEqual("alice", self.auth(ALICE).json()["name"])

    def test_outside_of_the_validity_window_nothing_is_right(self):
        for who in ("carol", "frank", "heidi", "ivan"):
            self.assertFalse(self.get(f"/v1/account/{who}/_unix/_token").json()["valid"], who)
            self.assertIsNone(self.auth(f"Sample-{who}-horse-battery-9", who).json(), who)
        self.s.ctl("set", "carol", "expire=")
        self.assertEqual("carol", self.auth("Sample-carol-horse-battery-9", "carol")
                         .json()["name"])
        self.s.ctl("set", "alice", "expire=4000000000")
        self.assertTrue(self.get(READ).json()["valid"])
        self.s.ctl("clock", "set", 4000000001)
        self.token = self.s.login()
        self.assertFalse(self.get(READ).json()["valid"])

    def test_passwords_and_validity_change_while_it_runs(self):
        for value in ("expire=now", "expire=now-60", "valid_from=now+60"):
            self.s.ctl("set", "alice", value)
            self.s.ctl("clock", "+1")
            self.assertIsNone(self.auth(ALICE).json(), value)
            self.s.ctl("set", "alice", value.split("=")[0] + "=")
            self.assertEqual("alice", self.auth(ALICE).json()["name"])
        self.s.ctl("set", "alice", "expire=now+3600")
        self.assertEqual("alice", self.auth(ALICE).json()["name"])
        with self.assertRaises(Exception):
            self.s.ctl("set", "alice", "expire=nowhere")
        self.s.ctl("set", "alice", "posix_password=")
        self.says(self.auth(ALICE), 200, None)
        self.s.ctl("set", "alice", "posix_password=another-horse-9")
        self.assertEqual("alice", self.auth("another-horse-9").json()["name"])
        self.assertIsNone(self.auth(ALICE).json())
        self.assertIsNone(self.auth("another-horse-9").json(), "locked")
        self.s.ctl("set", "alice", "posix_password=third-horse-9")
        self.assertEqual("alice", self.auth("third-horse-9").json()["name"], "a new lock")

    def test_odd_answers_of_the_password_call(self):
        self.says(self.auth("x", "shell_users"), 400, {"schemaviolation": "emptyfilter"})
        self.says(self.auth("x", "staff"), 500, {"missingclass": "account"})
        self.says(self.auth("x", "=x"), 500, "invalidvaluestate")
        self.says(self.auth("x", "nobody"), 404, "nomatchingentries")
        self.says(self.auth("x", "erin"), 200, None)
        self.says(self.auth("x", "anonymous"), 200, None)
        self.says(self.post(AUTH, {"value": ALICE}, token=None), 401, "notauthenticated")
        self.assertEqual("alice", self.post(AUTH, [ALICE]).json()["name"])
        self.assertEqual(422, self.post(AUTH, {"value": None}).status)
        self.assertEqual(422, self.post(AUTH, {}).status)

    def test_lost_rights_are_404_but_the_password_still_counts(self):
        self.s.ctl("rights", "off")
        for path in (READ, "/v1/group/shell_users/_unix/_token"):
            self.says(self.get(path), 404, "nomatchingentries")
        self.says(self.get("/v1/account/alice/_ssh_pubkeys"), 200, [])
        self.assertNotIn("idm_unix_authentication_read@idm.example.test",
                         self.get("/v1/self").json()["youare"]["attrs"]["memberof"])
        self.assertEqual("alice", self.auth(ALICE).json()["name"])
        self.s.ctl("rights", "on")
        self.assertEqual(200, self.get(READ).status)

    def test_keys_are_in_the_order_of_their_labels(self):
        keys = self.get("/v1/account/alice/_ssh_pubkeys").json()
        self.assertEqual(2, len(keys))
        self.assertTrue(keys[0].endswith(" alice@laptop") and keys[1].endswith(" "), keys)
        self.assertEqual(keys, self.get(READ).json()["sshkeys"])
        self.says(self.get("/v1/account/alice/_ssh_pubkeys/phone"), 200, keys[1])
        self.says(self.get("/v1/account/alice/_ssh_pubkeys/none"), 200, None)
        self.says(self.get("/v1/account/shell_users/_ssh_pubkeys"), 200, [])
        self.says(self.get("/v1/account/nobody/_ssh_pubkeys"), 404, "nomatchingentries")

    def test_membership_passes_through_groups_that_are_not_posix(self):
        names = [g["name"] for g in self.get("/v1/account/dave/_unix/_token").json()["groups"]]
        self.assertEqual(["dave", "shell_users"], names)
        self.s.ctl("member", "add", "staff", "shell_users")  # a loop
        self.assertEqual(200, self.get("/v1/account/dave/_unix/_token").status)

    def test_only_the_administrator_may_write(self):
        path = "/v1/person/dave/_unix/_credential"
        put = {"value": "a-new-horse-battery-3"}
        self.says(self.s.request("PUT", path, put, token=self.token), 403, "accessdenied")
        admin = self.s.login("idm_admin", ADMIN)
        for value, error in (("short", {"tooshort": 15}), ("x" * 129, {"toolong": 128}),
                             ("aaaaaaaaaaaaaaaa", "badlisted")):
            self.says(self.s.request("PUT", path, {"value": value}, token=admin), 400,
                      {"passwordquality": [error]})
        self.says(self.s.request("PUT", "/v1/person/erin/_unix/_credential", put, token=admin),
                  500, {"missingclass": "posixaccount"})
        self.says(self.s.request("PUT", path, put, token=admin), 200, None)
        self.assertEqual("dave", self.auth(put["value"], "dave").json()["name"])
        self.says(self.post("/v1/person/dave/_ssh_pubkeys", ["x", "ssh-rsa nonsense"],
                            token=admin), 400, "vl0001valuesshpublickeystring")


class Http(Base):
    def test_errors_of_the_framework(self):
        a = self.get("/v1/nope")
        self.assertEqual((404, "Route not found"), (a.status, a.text))
        self.assertNotIn("x-kanidm-opid", a.headers)
        a = self.get("/v1/auth")
        self.assertEqual((405, "", "POST"), (a.status, a.text, a.headers["allow"]))
        self.assertEqual("1.11.1", a.headers["x-kanidm-version"])
        self.assertEqual("POST,GET,HEAD", self.s.request("PUT", READ).headers["allow"])
        for kind, status in (("text/plain", 415), ("application/json; charset=utf-8", 200),
                             ("application/x+json", 200), ("application/x", 415)):
            a = self.post(AUTH, '{"value":"x"}', headers={"content-type": kind})
            self.assertEqual(status, a.status, kind)
        self.assertEqual(400, self.post(AUTH, "{oops").status)
        self.assertEqual(400, self.post(AUTH, b'{"value":"\xff"}').status)
        self.assertEqual(413, self.post(AUTH, '{"value":"' + "x" * 2097152 + '"}').status)
        self.assertEqual(200, self.get(READ).status)

    def test_searches_have_a_limit_and_pages(self):
        self.s.ctl("bulk", 1100, "groups=11")
        uuid = self.get("/v1/group/everyone").json()["attrs"]["uuid"][0]
        path = f"/scim/v1/Entry?filter=memberof+eq+%22{uuid}%22&attributes=name"
        self.says(self.get(path), 500, "backend")
        self.says(self.get("/v1/person"), 500, "backend")
        service = self.s.ctl("show-token", "host1")
        self.assertEqual(1100, self.get(path, token=service).json()["totalResults"])
        page = self.get(path + "&count=10&startIndex=1096", token=service).json()
        self.assertEqual((5, 1096), (page["itemsPerPage"], page["startIndex"]))
        self.assertEqual(1100, len(self.get("/v1/group/everyone/_attr/member").json()))
        for bad in ("", "?filter=name", "?filter=name%20co%20%22a%22", "?filter=((((name%20pr"):
            self.assertEqual(400, self.get("/scim/v1/Entry" + bad).status, bad)
        found = self.get("/scim/v1/Entry?filter=(name%20eq%20%22alice%22%20or%20gidnumber%20eq"
                         "%2020002)%20and%20not%20(class%20eq%20%22group%22)").json()
        self.assertEqual(["alice", "bob"], [r["name"] for r in found["resources"]])

    def test_requests_are_counted_by_route(self):
        self.s.ctl("counters", "reset")
        for who in ("alice", "bob", "nobody"):
            self.get(f"/v1/account/{who}/_unix/_token")
        lines = self.s.ctl("counters").split("\n")
        self.assertIn("3 GET /v1/account/{id}/_unix/_token", lines)
        self.assertIn("3 requests", lines)
        self.assertIn("0 connections", lines)
        self.assertTrue(self.s.ctl("requests").endswith("/v1/account/nobody/_unix/_token 404"))


class RawTls:
    """TLS over a socket we can still look at: Python's own hides a reset in "EOF"."""

    def __init__(self, server):
        self.sock = socket.create_connection(("127.0.0.1", server.port), 10)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.context().wrap_bio(self.incoming, self.outgoing,
                                             server_hostname="localhost")
        self.run(self.tls.do_handshake)

    def run(self, step):
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if not data:
                    return None
                self.incoming.write(data)
            else:
                self.flush()
                return result

    def flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def get(self, path, token):
        """What arrived, and how the connection ended: "end" or "reset"."""
        request = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
        self.run(lambda: self.tls.write(request.encode()))
        got = b""
        try:
            while True:
                data = self.run(lambda: self.tls.read(65536))
                if not data:
                    return got.decode(), "end"
                got += data
        except ConnectionResetError:
            return got.decode(), "reset"
        finally:
            self.sock.close()


class Faults(Base):
    def fault(self, *words):
        self.s.ctl("fault", "clear")
        self.s.ctl("fault", *words)

    def test_answers_that_are_wrong(self):
        self.fault("status", 503, "path=/v1/account/*", "count=1")
        self.assertEqual(503, self.get(READ).status)
        self.assertEqual(200, self.get(READ).status)
        self.fault("status", 500, 'body="backend"')
        self.says(self.get(READ), 500, "backend")
        self.fault("status", 401)
        self.says(self.get(READ), 401, "sessionexpired")
        self.fault("wrong-json")
        self.assertRaises(ValueError, self.get(READ).json)
        self.fault("wrong-content-type")
        self.assertEqual("text/html", self.get(READ).headers["content-type"])
        self.fault("no-version-header")
        self.assertNotIn("x-kanidm-version", self.get(READ).headers)
        self.s.ctl("fault", "clear")
        self.assertEqual("1.11.1", self.get(READ).headers["x-kanidm-version"])

    def test_connections_that_break(self):
        self.fault("reset-before-headers")
        self.assertEqual(("", "reset"), RawTls(self.s).get(READ, self.token))
        self.fault("reset-after-headers", "count=1")
        text, how = RawTls(self.s).get(READ, self.token)
        self.assertEqual("reset", how)
        self.assertTrue(text.startswith("HTTP/1.1 200 OK") and text.endswith("\r\n\r\n{"))
        self.fault("truncate-body", "skip=1")
        self.assertEqual(200, self.get(READ).status)
        with self.assertRaises(http.client.IncompleteRead):
            self.get(READ)
        self.assertEqual("end", RawTls(self.s).get(READ, self.token)[1])

    def test_sessions_that_end_in_the_middle(self):
        self.fault("401-after", 3, "method=GET")
        self.assertEqual([200, 200, 200, 401, 401], [self.get(READ).status for _ in range(5)])
        self.token = self.s.login()
        self.assertEqual(200, self.get(READ).status)
        self.s.ctl("expire-sessions")
        self.says(self.get(READ), 401, "sessionexpired")

    def send(self, timeout=10):
        c = self.s.connect(timeout)
        self.addCleanup(c.close)
        c.request("GET", READ, headers={"authorization": f"Bearer {self.token}"})
        return c

    def test_a_frozen_server_goes_on_when_the_fault_is_cleared(self):
        self.fault("freeze", "path=*alice*")
        frozen = [self.send() for _ in range(5)]
        until(lambda: "(5 seen)" in self.s.ctl("fault", "list"))
        self.assertEqual(200, self.get("/v1/account/bob/_unix/_token").status)
        self.s.ctl("fault", "clear")
        for c in frozen:
            self.assertEqual(200, c.getresponse().status)

    def test_a_frozen_server_can_still_end(self):
        self.fault("freeze")
        self.send()
        until(lambda: "(1 seen)" in self.s.ctl("fault", "list"))
        self.s.ctl("off")
        self.s.ctl("fault", "clear")
        self.s.ctl("on")
        self.s.close()
        self.assertEqual(200, self.get(READ).status)

    def test_a_slow_answer_comes_later(self):
        self.fault("delay", 400)
        c = self.send(0.1)
        self.assertRaises(TimeoutError, c.getresponse)
        self.assertEqual(200, self.get(READ).status)

    def test_off_refuses_hold_never_answers(self):
        kept = self.s.connect()
        self.addCleanup(kept.close)
        self.s.ctl("off")
        self.assertRaises(ConnectionRefusedError, self.s.connect)
        self.assertEqual(b"", kept.sock.recv(1))
        self.s.ctl("on")
        self.s.connect().close()
        self.s.ctl("hold")
        self.assertRaises(TimeoutError, self.s.connect, 0.2)
        self.s.ctl("on")
        self.s.connect().close()

    def test_idle_connections_end_on_command(self):
        c = self.send()
        c.getresponse().read()
        self.assertGreaterEqual(int(self.s.ctl("close-idle")), 1)
        self.assertEqual(b"", c.sock.recv(1))


class Certificates(Base):
    def reason(self):
        try:
            self.s.connect().close()
        except ssl.SSLCertVerificationError as e:
            return e.verify_message
        return "fine"

    def test_every_certificate_is_wrong_in_its_own_way(self):
        for name, reason in (("renewed", "fine"), ("full-chain", "fine"),
                             ("expired", "certificate has expired"),
                             ("not-yet", "certificate is not yet valid"),
                             ("leaf-only", "unable to get local issuer certificate"),
                             ("unknown-ca", "self-signed certificate in certificate chain"),
                             ("self-signed", "self-signed certificate"),
                             ("wrong-name", "Hostname mismatch, certificate is not valid for "
                                            "'localhost'."),
                             ("server", "fine")):
            self.s.ctl("cert", name)
            self.assertEqual(reason, self.reason(), name)
        self.s.ctl("cert-make", "short", -60, 120, "localhost")
        self.s.ctl("cert", "short")
        self.assertEqual("fine", self.reason())
        self.assertRaises(RuntimeError, self.s.ctl, "cert", "missing")
        self.assertEqual("fine", self.reason())

    def test_kept_connections_live_through_a_new_certificate(self):
        self.assertEqual(200, self.get(READ).status)
        self.s.ctl("counters", "reset")
        self.s.ctl("cert", "expired")
        self.assertEqual("certificate has expired", self.reason())
        self.assertEqual(200, self.get(READ).status)
        self.assertNotIn("2 connections", self.s.ctl("counters"))

    def test_the_address_is_in_the_certificate(self):
        raw = socket.create_connection(("127.0.0.1", self.s.port), 10)
        with self.s.context().wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))
            self.assertIsNone(tls.selected_alpn_protocol())

    def test_old_tls_is_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        raw = socket.create_connection(("127.0.0.1", self.s.port), 10)
        self.addCleanup(raw.close)
        self.assertRaises(ssl.SSLError, context.wrap_socket, raw)

    def test_broken_clients_do_not_hurt_the_others(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 400, b""):
            raw = socket.create_connection(("127.0.0.1", self.s.port), 10)
            raw.sendall(data)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        self.assertEqual(200, self.get(READ).status)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=1)
