#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""usage: peers.py SOCKET NAME UID:CONNECTIONS...

Processes of these uids, each with so many connections to the daemon open at once and one
question for NAME on each. Prints how many connections got which status."""
import collections
import json
import os
import selectors
import socket
import struct
import sys
import time

HEADER = struct.Struct("<HBBHHII")
MAGIC, VERSION, PASSWD_BY_NAME = 0x4B75, 1, 0x0101
PATIENCE_S = 60


def connect(path):
    """A backlog that is full is waited for, as the module does."""
    peer = socket.socket(socket.AF_UNIX)
    while True:
        try:
            peer.connect(path)
            return peer
        except BlockingIOError:
            time.sleep(0.001)


def status_of(peer):
    data = b""
    while len(data) < HEADER.size:
        more = peer.recv(HEADER.size - len(data))
        if not more:
            return "closed"
        data += more
    return HEADER.unpack(data)[4]


def ask(path, name, uid, count):
    os.setresuid(uid, uid, uid)
    body = struct.pack("<I", len(name)) + name
    waiting = selectors.DefaultSelector()
    for serial in range(count):
        peer = connect(path)
        peer.sendall(HEADER.pack(MAGIC, VERSION, 0, PASSWD_BY_NAME, 0, serial, len(body)) + body)
        waiting.register(peer, selectors.EVENT_READ)
    statuses = collections.Counter()
    while waiting.get_map():
        ready = waiting.select(PATIENCE_S)
        if not ready:
            statuses["none"] += len(waiting.get_map())
            break
        for key, _ in ready:
            statuses[str(status_of(key.fileobj))] += 1
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    return statuses


def main():
    path, name, users = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
    pipes = []
    for user in users:
        uid, count = (int(word) for word in user.split(":"))
        reader, writer = os.pipe()
        if os.fork() == 0:
            statuses = ask(path, name, uid, count)
            os.write(writer, json.dumps(statuses).encode())
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
    total = collections.Counter()
    for reader in pipes:
        with os.fdopen(reader) as answer:
            total.update(json.loads(answer.read() or '{"died": 1}'))
    print(" ".join(f"{status}={count}" for status, count in sorted(total.items())))


main()
