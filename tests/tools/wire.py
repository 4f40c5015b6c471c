#!/usr/bin/env python3
"""An Ethernet switch with bad cables, in user space: not every kernel can delay and lose packets by itself.

Usage: wire.py SEED DEVICE... makes those TAP devices, whoever moves them elsewhere, and passes frames between them.
Each line on standard input sets what the cables are like from then on, and is answered with one:
    {"delay_ms": 200, "loss": 0.05, "groups": [[0, 1], [2, 3]]}
delay_ms is one way, loss a part of one, groups the devices (by place) that reach each other; none: all do.
What is under way when a partition begins is lost. Ends with standard input, and prints what went through.
"""
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_BYTES_MAX = 65_536
WAITING_MAX = 20_000


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


class Wire:
    def __init__(self, seed, devices):
        self.chance = random.Random(seed)
        self.devices = devices
        self.delay = 0.0
        self.loss = 0.0
        self.group = [0] * len(devices)
        self.place_of = {}  # by the address of a network card
        self.waiting = []  # (when, number, from, to, frame)
        self.passed = self.lost = self.cut = 0

    def set(self, line):
        wish = json.loads(line)
        self.delay = wish.get("delay_ms", 0) / 1_000
        self.loss = wish.get("loss", 0)
        groups = wish.get("groups") or [range(len(self.devices))]
        for number, members in enumerate(groups):
            for place in members:
                self.group[place] = number

    def take(self, source):
        try:
            frame = os.read(self.devices[source], FRAME_BYTES_MAX)
        except OSError:
            return  # the device is not up
        target, sender = frame[:6], frame[6:12]
        self.place_of[sender] = source
        known = self.place_of.get(target)
        for place in range(len(self.devices)) if known is None else (known,):
            if place == source:
                continue
            if self.chance.random() < self.loss or len(self.waiting) >= WAITING_MAX:
                self.lost += 1
                continue
            entry = (time.monotonic() + self.delay, self.passed, source, place, frame)
            self.passed += 1
            heapq.heappush(self.waiting, entry)

    def deliver(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, source, place, frame = heapq.heappop(self.waiting)
            if self.group[source] != self.group[place]:
                self.cut += 1
                continue
            try:
                os.write(self.devices[place], frame)
            except OSError:
                self.lost += 1  # the device is not up

    def patience(self):
        return max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None


def main():
    wire = Wire(int(sys.argv[1]), [tap(name) for name in sys.argv[2:]])
    ready = selectors.DefaultSelector()
    for place, device in enumerate(wire.devices):
        ready.register(device, selectors.EVENT_READ, place)
    ready.register(sys.stdin, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in ready.select(wire.patience()):
            if key.data is not None:
                wire.take(key.data)
                continue
            line = sys.stdin.readline()
            if not line:
                print(json.dumps({"passed": wire.passed, "lost": wire.lost, "cut": wire.cut}), flush=True)
                return
            wire.set(line)
            print("set", flush=True)
        wire.deliver()


main()
