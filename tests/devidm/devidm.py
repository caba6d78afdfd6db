# SPDX-License-Identifier: MPL-2.0
"""Starts kanidm_devidm for tests written in Python and talks to it over TLS."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.pairs = [(k.lower(), v) for k, v in response.getheaders()]
        self.headers = dict(self.pairs)
        self.text = response.read().decode("utf-8")

    def json(self):
        return json.loads(self.text)


class Devidm:
    """One server in a directory of its own; use it in a with statement."""

    def __init__(self, program, data, *options):
        self.program = program
        self.control = os.path.join(os.path.dirname(program), "kanidm_devidmctl")
        self.directory = tempfile.mkdtemp(prefix="devidm.")
        self.arguments = ["--data", os.path.join(HERE, "data", data + ".json"), *options]
        self.port = 0
        self.connection = None
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.directory)
            raise

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--listen", f"127.0.0.1:{self.port}",
             "--make-certs", f"{self.directory}/certs", "--state", f"{self.directory}/state",
             "--control", f"{self.directory}/ctl", "--exit-with-parent", *self.arguments],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening https://"):
            raise RuntimeError(f"did not start: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self):
        self.close()
        self.process.terminate()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        code = self.stop()
        shutil.rmtree(self.directory)
        if code != 0:
            sys.exit(f"kanidm_devidm ended with {code}")

    def ctl(self, *words):
        r = subprocess.run([self.control, f"{self.directory}/ctl", *map(str, words)],
                           capture_output=True, text=True, timeout=60)
        if r.returncode != 0:
            raise RuntimeError(f"{words}: {r.stderr}")
        return r.stdout.rstrip("\n")

    def context(self):
        return ssl.create_default_context(cafile=f"{self.directory}/certs/ca.pem")

    def connect(self, timeout=10):
        """A fresh connection, for tests that look at connections."""
        c = http.client.HTTPSConnection("localhost", self.port, timeout=timeout,
                                        context=self.context())
        # The name is for the certificate; a host without /etc/hosts cannot resolve it.
        c._create_connection = lambda address, *rest: socket.create_connection(
            ("127.0.0.1", address[1]), *rest)
        c.connect()
        return c

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=(), token=None):
        headers = dict(headers)
        if token:
            headers["authorization"] = f"Bearer {token}"
        if body is not None:
            headers.setdefault("content-type", "application/json")
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body, ensure_ascii=False)
            if isinstance(body, str):
                body = body.encode("utf-8")
        if not self.connection:
            self.connection = self.connect()
        try:
            self.connection.request(method, path, body, headers)
            return Answer(self.connection.getresponse())
        except BaseException:
            self.close()
            raise

    def step(self, step, session=None):
        headers = {"x-kanidm-auth-session-id": session} if session else {}
        return self.request("POST", "/v1/auth", {"step": step}, headers)

    def login(self, name="anonymous", password=None, privileged=False, issue="token"):
        a = self.step({"init2": {"username": name, "issue": issue, "privileged": privileged}})
        session = a.headers["x-kanidm-auth-session-id"]
        mechanism = a.json()["state"]["choose"][0]
        self.step({"begin": mechanism}, session)
        cred = {"password": password} if mechanism == "password" else "anonymous"
        return self.step({"cred": cred}, session).json()["state"]["success"]


def until(condition, seconds=10):
    """Waits for a condition, not for a time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("the condition did not come true in time")
        time.sleep(0.01)
