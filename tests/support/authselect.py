#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""What authselect makes of a template (authselect-profiles(5)).

usage: authselect.py TEMPLATE [FEATURE...]   prints it, expanded
       authselect.py --features DIR          the features that a profile's templates name

Features are combined with "and", "or", "not" and parentheses, as there. An operator that is
not one of the five ends the program: a slip of the pen must not look like a line of PAM.
"""
import os
import re
import sys

OPERATOR = re.compile(r"\{(include if|exclude if|continue if|stop if|if) ([^{}:]*)(:[^{}]*)?\}")
TEMPLATES = ("system-auth", "password-auth", "fingerprint-auth", "smartcard-auth", "postlogin",
             "nsswitch.conf", "dconf-db", "dconf-locks", "REQUIREMENTS")


def holds(expression, features):
    words = re.findall(r'"[^"]*"|\(|\)|and\b|or\b|not\b|\S+', expression)
    for i, word in enumerate(words):
        if word.startswith('"'):
            words[i] = str(word[1:-1] in features)
        elif word not in ("(", ")", "and", "or", "not"):
            sys.exit(f"authselect: what is {word!r} in {expression!r}?")
    return bool(eval(" ".join(words), {"__builtins__": {}}))  # only the words above are left


def expand(text, features):
    out = []
    for line in text.splitlines():
        keep = True
        stop = False
        gone = False

        def one(match):
            nonlocal keep, stop, gone
            kind, expression, values = match.groups()
            yes = holds(expression, features)
            if kind == "if":
                chosen = (values or ":")[1:].split("|") + [""]
                return chosen[0] if yes else chosen[1]
            if kind == "include if":
                keep = keep and yes
            elif kind == "exclude if":
                keep = keep and not yes
            else:
                gone = True
                stop = yes != (kind == "continue if")
            return ""

        expanded = OPERATOR.sub(one, line)
        if "{" in expanded or "}" in expanded:
            sys.exit(f"authselect: not an operator: {line}")
        if stop:
            break
        if keep and not gone:
            out.append(expanded.rstrip())
    return "".join(f"{line}\n" for line in out)


def main():
    if sys.argv[1:2] == ["--features"]:
        found = set()
        for name in TEMPLATES:
            path = os.path.join(sys.argv[2], name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    for match in OPERATOR.finditer(f.read()):
                        found.update(re.findall(r'"([^"]*)"', match.group(2)))
        print("\n".join(sorted(found)))
        return
    with open(sys.argv[1], encoding="utf-8") as f:
        sys.stdout.write(expand(f.read(), set(sys.argv[2:])))


if __name__ == "__main__":
    main()
