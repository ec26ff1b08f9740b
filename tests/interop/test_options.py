# SPDX-License-Identifier: MIT
"""Timestamps, SACK and window scaling, on and off at either end: what one does not offer is not used. And more."""

import itertools

from kit import *

NAMES = ("timestamps", "sack", "wscale")
SYSCTLS = ("ipv4/tcp_timestamps", "ipv4/tcp_sack", "ipv4/tcp_window_scaling")
CONFIG = ("timestamps", "sack", "window_scaling")
S = 1_000_000_000
DATA = content(300000)


class Options(Case):
    allow = ZERO_WINDOW  # without scaling 64 KiB are soon full

    def look(self, puppet, wanted):
        """Either role, either version: what was agreed, and that data flows."""
        def body(kernel, ident):
            info, status = TcpInfo(kernel), puppet.status(ident)
            for name, on in zip(NAMES, wanted):
                self.assertEqual((name, getattr(info, name), status[name]), (name, bool(on), bool(on)))
            sender = Sender(kernel, DATA)
            self.assertEqual(digest(read_all(kernel)), digest(DATA))
            sender.done()

        self.each(puppet, body, echo=True, at_end="close")

    def test_kernel(self):
        """All eight settings of the kernel."""
        puppet = self.puppet()
        for setting in itertools.product((0, 1), repeat=3):
            with self.subTest(**dict(zip(NAMES, setting))):
                for name, on in zip(SYSCTLS, setting):
                    self.sysctl(name, on)
                self.look(puppet, setting)

    def test_hawser(self):
        """Each of Hawser's off, and all of them."""
        for setting in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0)):
            with self.subTest(**dict(zip(NAMES, setting))):
                puppet = self.puppet(config=dict(zip(CONFIG, setting)))
                self.look(puppet, setting)
                puppet.end()


class Settings(Case):
    allow = ZERO_WINDOW

    def both_ways_each(self, puppet, data=DATA, before=None):
        self.each(puppet, lambda kernel, ident: self.both_ways(puppet, kernel, ident, data), before=before)

    def test_shrinking_windows(self):
        """tcp_shrink_window: the kernel takes back window that it has offered."""
        self.provokes(*LOSS)
        self.sysctl("ipv4/tcp_shrink_window", 1)
        puppet = self.puppet()
        flows = []
        for version, role in BOTH:
            kernel, ident = self.pair(puppet, version, role)
            puppet.behave(ident, source=len(DATA), after="shutdown")
            flows.append((kernel, ident))
        time.sleep(1)
        for kernel, ident in flows:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            got = b"".join(kernel.recv(1000) for _ in range(100))
            self.assertEqual(digest(got + read_all(kernel)), puppet.wait("queued", ident)["sha256"])

    def test_mtu_probing(self):
        self.sysctl("ipv4/tcp_mtu_probing", 2)
        self.both_ways_each(self.puppet())

    def test_congestion_control(self):
        """Every algorithm that the kernel has here."""
        puppet = self.puppet()
        names = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text(encoding="ascii").split()
        for name in names:
            with self.subTest(name=name):
                self.both_ways_each(puppet, before=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION,
                                                                          name.encode()))

    def test_small_buffers(self):
        """4 KiB on Hawser's side, and as little as the kernel takes on the other."""
        puppet = self.puppet(config={"receive_buffer_bytes": 4096, "receive_window_initial_bytes": 4096,
                                     "send_buffer_bytes": 4096})

        def before(kernel):
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

        self.both_ways_each(puppet, DATA[:100000], before)

    def test_keepalive_without_timestamps(self):
        self.sysctl("ipv4/tcp_timestamps", 0)
        puppet = self.puppet()
        pairs = [self.pair(puppet, version, SERVER, read=True, at_end="close") for version in (4, 6)]
        for kernel, ident in pairs:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
                kernel.setsockopt(socket.IPPROTO_TCP, option, 1)
            puppet.option(ident, name="keepalive_idle_ns", value=S)
            puppet.option(ident, name="keepalive_interval_ns", value=S)
            puppet.option(ident, name="keepalive_probes", value=1)
            puppet.option(ident, name="keepalive", value=1)
        time.sleep(3.5)
        for kernel, ident in pairs:
            self.assertEqual((TcpInfo(kernel).state, puppet.status(ident)["state"]), ("ESTABLISHED", "ESTABLISHED"))


if __name__ == "__main__":
    main()
