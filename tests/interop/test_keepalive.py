# SPDX-License-Identifier: MIT
"""Keep-alives both ways, answered and not; and user timeouts."""

import errno

from kit import *

S = 1_000_000_000


def keep_alive(kernel):
    """After 1 s, every second, 3 times."""
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 3)):
        kernel.setsockopt(socket.IPPROTO_TCP, option, value)


class KeepAlive(Case):
    def keep_alive(self, puppet, ident):
        for option, value in (("idle_ns", S), ("interval_ns", S), ("probes", 3)):
            puppet.option(ident, name="keepalive_" + option, value=value)
        puppet.option(ident, name="keepalive", value=1)

    def alive(self, puppet, pairs):
        for kernel, ident in pairs:
            self.assertFalse(puppet.has("error", ident))
            self.assertEqual(TcpInfo(kernel).state, "ESTABLISHED")
            kernel.sendall(b"still there?")
            puppet.send(ident, text="yes")
            self.assertEqual(read_all(kernel, 3), b"yes")
            kernel.close()
            self.assertEqual(puppet.wait("end", ident)["bytes"], 12)

    def test_hawser_answers(self):
        """The kernel's probes find Hawser there; unanswered they end the connection after 4 s."""
        puppet = self.puppet()
        pairs = self.all(puppet, read=True)
        before = puppet.counters()
        for kernel, _ in pairs:
            keep_alive(kernel)
        time.sleep(4.8)
        after = puppet.counters()
        self.assertGreaterEqual(after["segments_in"] - before["segments_in"], 3 * len(pairs))
        self.assertEqual(after["challenge_acks_limited"], 0)
        self.alive(puppet, pairs)

    def test_kernel_answers(self):
        puppet = self.puppet()
        pairs = self.all(puppet, read=True)
        for _, ident in pairs:
            self.keep_alive(puppet, ident)
        time.sleep(4.8)
        self.assertGreaterEqual(puppet.counters()["keepalives"], 3 * len(pairs))
        self.assertEqual(puppet.counters()["resets_out"], 0)
        self.alive(puppet, pairs)

    def test_nobody_answers(self):
        """Each end gives up alone: what the other sends is lost."""
        self.provokes(RESET)
        puppet = self.puppet()
        pairs = self.all(puppet, read=True)
        self.drop("meta l4proto tcp")
        for kernel, ident in pairs:
            self.keep_alive(puppet, ident)
            keep_alive(kernel)
        for kernel, ident in pairs:
            self.assertEqual(puppet.wait("error", ident)["error"], "TIMED_OUT")
            with self.assertRaises(OSError) as caught:
                kernel.recv(1)
            self.assertIn(caught.exception.errno, (errno.ETIMEDOUT, errno.ECONNRESET))  # whose fourth second is first

    def test_user_timeout(self):
        """Data that nobody acknowledges for 2 s, at either end."""
        self.provokes(RESET, *LOSS)
        puppet = self.puppet()
        pairs = self.all(puppet, read=True)
        self.drop("meta l4proto tcp")
        start = time.monotonic()
        for _, ident in pairs:
            puppet.option(ident, name="user_timeout_ns", value=2 * S)
            puppet.send(ident, text="nobody hears")
        for _, ident in pairs:
            self.assertEqual(puppet.wait("error", ident)["error"], "TIMED_OUT")
            puppet.close(ident)
        self.assertGreater(time.monotonic() - start, 1.9)
        self.assertLess(time.monotonic() - start, 8)
        self.assertEqual(puppet.states(), [])


if __name__ == "__main__":
    main()
