#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""usage: keyd.py SOCKET UID KEY

A daemon that was taken over, as this user: KEY is everybody's."""
import os
import socket
import struct
import sys

HEADER = struct.Struct("<HBBHHII")
SSH_KEYS, OK, NOTFOUND = 0x0301, 0, 1


def answer(peer, key):
    data = b""
    while len(data) < HEADER.size:
        more = peer.recv(4096)
        if not more:
            return
        data += more
    magic, version, _, op, _, serial, _ = HEADER.unpack(data[:HEADER.size])
    body = struct.pack("<II", 1, len(key) + 1) + key + b"\0" if op == SSH_KEYS else b""
    peer.sendall(HEADER.pack(magic, version, 0, op, OK if body else NOTFOUND, serial, len(body)) + body)


def main():
    path, uid, key = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()
    while True:
        peer, _ = listener.accept()
        with peer:
            answer(peer, key)


main()
