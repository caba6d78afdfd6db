# SPDX-License-Identifier: MPL-2.0
"""The questions of kanidm-unix setup, answered as a person would.

usage: setup.py URI PASSWORD LOCAL_PASSWORD	(tests/integration/setup.sh starts it)
"""
import sys

from pty_talk import Failed, Talk


def refused():
    """Whoever does not say yes has changed nothing."""
    talk = Talk(["kanidm-unix", "setup"])
    talk.expect(r"^Server, https://HOST \[https://localhost:\d+\]: ")
    talk.line("")
    talk.expect(r"^File with the certificate .* \[/etc/kanidm/ca.pem\]: ")
    talk.line("")
    talk.expect(r"^Group whose members may log in, in addition to \[shell_users\]: ")
    talk.line("")
    talk.expect(r"^to do: write /etc/nsswitch.conf$")
    talk.expect(r"^Do this\? \(y/N\): ")
    talk.line("")
    talk.expect(r"^nothing was changed$")
    if talk.wait() != 1:
        raise Failed("refused, and the exit code is 0")


def answered(uri, password, local):
    """Every question, another server first."""
    talk = Talk(["kanidm-unix", "setup"])
    talk.expect(r"^Server")
    talk.line("localhost:1")
    talk.expect(r"^File")
    talk.line("")
    talk.expect(r"^Group")
    talk.line("")
    talk.expect(r'^\+uri = "https://localhost:1"$')
    talk.expect(r"^Do this\?")
    talk.line("y")
    talk.expect(r"^setup: https://localhost:1: connection refused", 30)
    talk.expect(r"^Put the old configuration back\? \(y/N\): ")
    talk.line("y")
    talk.expect(r"^done: put back /etc/kanidm/config$")
    if talk.wait() != 1:
        raise Failed("no server, and the exit code is 0")
    talk = Talk(["kanidm-unix", "setup"])
    talk.expect(r"^Server, https://HOST \[" + uri + r"\]: ")
    talk.line("")
    talk.expect(r"^File")
    talk.line("")
    talk.expect(r"^Group")
    talk.line("admins")
    talk.expect(r"^Do this\?")
    talk.line("y")
    talk.expect(r"^done: pam-auth-update --enable kanidm$", 60)
    talk.expect(r"^Account of this host .* \[root\]: ", 30)
    talk.line("local")
    talk.expect(r"^Password of local: ")
    talk.line(local)
    talk.expect(r"^done: local logs in by /etc/pam.d/login$", 20)
    talk.expect(r"^Somebody of the server .*: ")
    talk.line("alice")
    talk.expect(r"^Enter Unix password: ")
    talk.line("not it")
    talk.expect(r"^auth failed!$")
    talk.expect(r"^Enter Unix password: ")
    talk.line(password)
    talk.expect(r"^done: alice can log in$")
    if talk.wait() != 0:
        raise Failed("all went well, and the exit code is not 0")
    if password in talk.text or local in talk.text:
        raise Failed("a password is on the screen")


def main():
    """Both."""
    uri, password, local = sys.argv[1:]
    try:
        refused()
        answered(uri, password, local)
    except Failed as why:
        sys.exit(str(why))
    print("ok: asked and answered on a terminal")


if __name__ == "__main__":
    main()
