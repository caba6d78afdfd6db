# SPDX-License-Identifier: MPL-2.0
"""The identity server, outside the host under test: kanidm_devidm and its control."""
import subprocess

from container import BUILD, SERVER_ADDRESS, WORK
from pty_talk import Failed, until

PORT = 8443
URI = f"https://idm.example.test:{PORT}"


class Server:
    """Starts, stops and troubles it. Certificates and tokens outlive a stop."""

    def __init__(self, *data):
        self.dir = WORK / "devidm"
        self.dir.mkdir()
        self._data = [str(d) for d in data]
        self._process = None
        self._control = self.dir / "ctl"
        self.ca = self.dir / "certs" / "ca.pem"
        self.log = open(self.dir / "log", "ab")
        self.start()

    def start(self):
        """Returns when it answers."""
        if self._process and self._process.poll() is None:
            return
        argv = [str(BUILD / "tests/devidm/kanidm_devidm"), "--listen",
                f"{SERVER_ADDRESS}:{PORT}", "--make-certs", str(self.dir / "certs"), "--state",
                str(self.dir / "state"), "--control", str(self._control)]
        for data in self._data:
            argv += ["--data", data]
        self._process = subprocess.Popen(argv, stdout=self.log, stderr=self.log,
                                         stdin=subprocess.DEVNULL)
        until("the server answers", 20, self._answers)

    def _answers(self):
        if self._process.poll() is not None:
            raise Failed(f"the server ended: {(self.dir / 'log').read_text()}")
        return self._try("ping").returncode == 0

    def _try(self, *words):
        return subprocess.run([str(BUILD / "tests/devidm/kanidm_devidmctl"),
                               str(self._control), *map(str, words)], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)

    def ctl(self, *words):
        """A control command; its answer."""
        done = self._try(*words)
        if done.returncode:
            raise Failed(f"devidmctl {' '.join(map(str, words))}: {done.stdout}")
        return done.stdout.strip()

    def stop(self):
        """Ends it: connections to it are refused from now on."""
        self._process.terminate()
        self._process.wait(20)

    def freeze(self):
        """It goes on taking requests and answers none."""
        self.ctl("fault", "freeze")

    def well(self):
        """No faults, no locks, and running."""
        self.start()
        self.ctl("fault", "clear")
        self.ctl("on")
        self.ctl("clock", "reset")
