# SPDX-License-Identifier: MIT
"""Loss: rules of nftables drop at a router between Hawser and the kernel, and what recovers from it."""

from kit import *

DATA = content(2 << 20)
SOME = "numgen random mod 100 < 3"


class Loss(Case):
    allow = ZERO_WINDOW + LOSS + ("D-SACK Sequence",)

    def test_data(self):
        """3 of 100 packets in either direction."""
        far = self.router()
        puppet = self.puppet()

        def body(kernel, ident):
            self.drop(SOME, "forward")
            self.both_ways(puppet, kernel, ident, DATA)
            self.assertGreater(self.undrop(), 20)

        self.each(puppet, body, far=far)
        counters = puppet.counters()
        self.assertGreater(counters["sack_recoveries"], 4)
        self.assertGreater(counters["out_of_order_queued"], 20)

    def test_data_without_sack(self):
        """The same by NewReno alone, in both directions."""
        far = self.router()
        with far:
            self.sysctl("ipv4/tcp_sack", 0)
        puppet = self.puppet()

        def body(kernel, ident):
            self.assertFalse(puppet.status(ident)["sack"])
            self.drop("numgen random mod 100 < 1", "forward")
            self.both_ways(puppet, kernel, ident, DATA)
            self.undrop()

        self.each(puppet, body, far=far)
        self.assertGreater(puppet.counters()["fast_retransmits"], 2)

    def test_handshakes(self):
        """A third of all SYNs, SYN-ACKs and ACKs are lost: every connection opens, talks and ends all the same."""
        for version in (4, 6):
            with self.subTest(version=version):
                puppet = self.puppet()
                port, back = next(self.ports), self.listener(version, KERNEL[version])
                puppet.listen(port=port, echo=True, at_end="close")
                kernels = [self.socket(version) for _ in range(20)]
                for kernel in kernels:
                    kernel.setblocking(False)
                self.drop("meta l4proto tcp numgen random mod 100 < 30")
                for kernel in kernels:
                    kernel.connect_ex((HAWSER[version], port))
                idents = [puppet.connect(address=KERNEL[version], port=back.getsockname()[1], source=100,
                                         after="shutdown", read=True, at_end="close")["id"] for _ in range(20)]
                time.sleep(3)
                self.assertGreater(self.undrop(), 10)
                for kernel in kernels:
                    kernel.settimeout(PATIENCE)
                    sender = Sender(kernel, b"hello")
                    self.assertEqual(read_all(kernel), b"hello")
                    sender.done()
                for _ in idents:
                    with back.accept()[0] as kernel:
                        kernel.settimeout(PATIENCE)
                        self.assertEqual(len(read_all(kernel)), 100)
                for ident in idents:
                    puppet.wait("end", ident)
                puppet.end()

    def test_cut(self):
        """Nothing at all gets through for 2 s, in the middle of a transfer."""
        far = self.router()
        puppet = self.puppet()
        total = 32 << 20

        def body(kernel, ident):
            puppet.behave(ident, source=total, after="shutdown", at_end="close", read=True)
            got = hashlib.sha256(read_all(kernel, 1 << 20))
            self.drop("meta l4proto tcp", "forward")
            time.sleep(2)
            self.assertGreater(self.undrop(), 2)
            got.update(read_all(kernel))
            self.assertEqual(got.hexdigest(), puppet.wait("queued", ident)["sha256"])
            kernel.close()

        body(*self.pair(puppet, 4, SERVER, far=far))
        self.assertGreaterEqual(puppet.counters()["timeouts_retransmission"], 2)


if __name__ == "__main__":
    main()
