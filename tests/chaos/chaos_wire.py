# SPDX-License-Identifier: MPL-2.0
"""A network that loses packets, keeps them, and mixes up their order, where the kernel has no netem.

A TUN device has the address of this host, and the server's name is its neighbour's, whom there is
not: every packet to the neighbour comes here, and goes back with its two addresses exchanged (which no
checksum notices), so that the server, on the host's own address, takes it for the neighbour's. So each
connection between daemon and server is real TCP, and each of its packets may be dropped."""
import fcntl
import heapq
import mmap
import os
import random
import select
import struct
import subprocess
import time

HERE, THERE = "10.99.0.1", "10.99.0.2"
DEVICE = "wire"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
KNOBS = ["loss", "hole", "delay_ms", "jitter_ms", "seen", "lost"]


class Wire:
    def __init__(self, seed):
        self.knobs = memoryview(mmap.mmap(-1, 4096)).cast("q")
        self.device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        subprocess.run(["ip", "address", "add", f"{HERE}/24", "dev", DEVICE], check=True)
        self.up(True)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.forward(random.Random(seed))
            finally:
                os._exit(1)
        os.close(self.device)

    def up(self, yes):
        subprocess.run(["ip", "link", "set", DEVICE, "up" if yes else "down"], check=False)

    def set(self, **values):
        """loss: of a thousand packets; hole: all of them. Each is kept for delay_ms, and up to jitter_ms longer."""
        for name, value in values.items():
            self.knobs[KNOBS.index(name)] = value

    def get(self, name):
        return self.knobs[KNOBS.index(name)]

    def forward(self, rng):
        kept, number = [], 0
        poll = select.poll()
        poll.register(self.device, select.POLLIN)
        while True:
            wait = max(0, kept[0][0] - time.monotonic()) * 1000 + 1 if kept else None
            if poll.poll(wait):
                packet = self.turn(self.take(), rng)
                if packet:
                    keep = self.get("delay_ms") + rng.uniform(0, self.get("jitter_ms"))
                    number += 1
                    heapq.heappush(kept, (time.monotonic() + keep / 1000, number, packet))
            while kept and kept[0][0] <= time.monotonic():
                self.give(heapq.heappop(kept)[2])

    def take(self):
        try:
            return os.read(self.device, 65536)
        except OSError:
            # The device is down.
            time.sleep(0.01)
            return b""

    def give(self, packet):
        try:
            os.write(self.device, packet)
        except OSError:
            pass

    def turn(self, packet, rng):
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return None
        self.set(seen=self.get("seen") + 1)
        if self.get("hole") or rng.randrange(1000) < self.get("loss"):
            self.set(lost=self.get("lost") + 1)
            return None
        return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
