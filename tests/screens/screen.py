# SPDX-License-Identifier: MPL-2.0
"""One screen: runs a program on a terminal, types what a person would, and compares everything
that the terminal was sent with tests/screens/NAME.screen. What differs from run to run is
replaced by words in <>; escapes are shown as ^[.

usage: screen.py GOLDEN_DIR NAME COLUMNS [--type PATTERN TEXT]… [--until PATTERN] -- COMMAND…

KU_UPDATE_SCREENS=1 writes the file instead. Exit 1 and a diff when it is not the same.
"""
import difflib
import os
import pathlib
import re
import sys

from pty_talk import Failed, Talk

VOLATILE = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<TIME>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<DATE>"),
    (r"\b\d\d:\d\d:\d\d\b", "<TIME>"),
    (r"localhost:\d+", "localhost:<PORT>"),
    (r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "<UUID>"),
    (r"(?<![.\d])(?!127\.)\d+\.\d+\.\d+\b(?!\.\d)", "<VERSION>"),
    (r"\b\d+ s ago\b", "<N> s ago"),
    (r"\bin \d+ s\b", "in <N> s"),
    (r"^( *next_try: +)\d+ s", r"\1<N> s"),
    (r" port \d+ after \d+ ms", " port <PORT> after <N> ms"),
    (r"kanidm-backup-[^\s/]*", "kanidm-backup-<DATE>"),
    (r"^(--- .*|\+\+\+ .*)\t.*$", r"\1\t<TIME>"),
    (r"( map(?:_generations\w*)?: +).*(\n {20,}.*)*", r"\1<N>"),
    (r" $", "<blank>"),
    (r"\bready for \d+ users?", "ready for <N> users"),
    (r"\.new\.\w{6}", ".new.<RANDOM>"),
]


def shot(columns, typed, until, command):
    """What the terminal was sent."""
    env = {**os.environ, "TERM": "xterm", "LANG": "C", "LC_ALL": "C"}
    for name in ("NO_COLOR", "CLICOLOR", "COLUMNS", "LINES"):
        env.pop(name, None)
    talk = Talk(["sh", "-c", f'stty cols {columns} rows 24 && exec "$@"', "sh", *command],
                name=command[0], env=env)
    for pattern, text in typed:
        talk.expect(pattern, 30)
        talk.line(text)
    status = ""
    if until:
        found = talk.expect(until, 30)
        talk.end()
        return talk.text[:found.end()] + "\n", status
    else:
        status = f"exit status {talk.wait(60)}\n"
    return talk.text, status


def still(text):
    """The same at every run."""
    for pattern, words in VOLATILE:
        text = re.sub(pattern, words, text, flags=re.M)
    return text.replace("\x1b", "^[").replace("\r", "")


def main(argv):
    """See above."""
    golden, name, columns = pathlib.Path(argv[0]), argv[1], argv[2]
    rest, typed, until = argv[3:], [], None
    while rest[0] != "--":
        if rest[0] == "--type":
            typed.append((rest[1], rest[2]))
            rest = rest[3:]
        else:
            until = rest[1]
            rest = rest[2:]
    command = rest[1:]
    try:
        text, status = shot(columns, typed, until, command)
    except Failed as failed:
        print(f"screen {name}: {failed}", file=sys.stderr)
        return 1
    text = still(f"$ {' '.join(command)}\n{text}{status}")
    file = golden / f"{name}.screen"
    if os.environ.get("KU_UPDATE_SCREENS"):
        file.write_text(text)
        print(f"written: {file}")
        return 0
    want = file.read_text() if file.exists() else ""
    if text == want:
        print(f"ok: screen {name}")
        return 0
    sys.stderr.writelines(difflib.unified_diff(want.splitlines(True), text.splitlines(True),
                                               str(file), "the terminal"))
    return 1


sys.exit(main(sys.argv[1:]))
