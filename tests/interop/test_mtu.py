# SPDX-License-Identifier: MIT
"""MTUs from 576 to 9000, and a path whose MTU falls under a connection."""

from kit import *

DATA = content(1 << 20)


class Mtu(Case):
    # What a narrow link refused is sent again, sometimes too much of it; and a router's queues are short.
    allow = ZERO_WINDOW + LOSS + ("D-SACK Sequence",)

    def test_sizes(self):
        for mtu in (576, 1280, 1500, 9000):
            versions = (4, 6) if mtu >= 1280 else (4,)
            puppet = self.puppet(mtu=mtu, versions=versions)
            for version, role in BOTH:
                if version not in versions:
                    continue
                with self.subTest(mtu=mtu, version=version, hawser=role):
                    kernel, ident = self.pair(puppet, version, role)
                    size = mtu - {4: 20, 6: 40}[version] - 20 - 12
                    self.assertEqual((TcpInfo(kernel).snd_mss, puppet.status(ident)["send_mss_bytes"]), (size, size))
                    self.both_ways(puppet, kernel, ident, DATA)
            puppet.end()

    def test_ends_differ(self):
        """Hawser's link takes 9000, the kernel's 1500, and the other way round: the smaller MSS holds."""
        for mtu, link_mtu in ((1500, 9000), (9000, 1500)):
            puppet = self.puppet(mtu=mtu, link_mtu=link_mtu)

            def body(kernel, ident):
                self.assertLessEqual(puppet.status(ident)["send_mss_bytes"], 1448)
                self.assertLessEqual(TcpInfo(kernel).snd_mss, 1448)
                self.both_ways(puppet, kernel, ident, DATA)

            self.each(puppet, body)
            puppet.end()

    def falling(self, version, role, sizes, source):
        """The link behind the router gets narrower while data flows: its ICMP reaches Hawser, and the data the end."""
        far = self.router()
        puppet = self.puppet()
        kernel, ident = self.pair(puppet, version, role, far=far)
        wide = 1500
        self.assertEqual(puppet.status(ident)["path_mtu_bytes"], wide)
        got = hashlib.sha256()
        puppet.behave(ident, source=source * (len(sizes) + 1), after="shutdown")
        for mtu in sizes:
            left = source
            while left > 0:
                piece = kernel.recv(min(left, 65536))
                got.update(piece)
                left -= len(piece)
            ip("link set near0 mtu", mtu)
            with far:
                ip("link set far0 mtu", mtu)
        got.update(read_all(kernel))
        self.assertEqual(got.hexdigest(), puppet.wait("queued", ident)["sha256"])
        self.assertEqual(puppet.status(ident)["path_mtu_bytes"], sizes[-1])
        counters = puppet.counters()
        self.assertGreaterEqual(counters["path_mtu_lowered"], len(sizes))
        self.assertNotIn("ICMP not acceptable", counters["drops"])
        puppet.behave(ident, read=True)
        kernel.sendall(DATA)  # and back
        kernel.close()
        self.assertEqual(puppet.wait("end", ident)["sha256"], digest(DATA))
        # Who connects next knows it from the start; both ways.
        kernel, ident = self.pair(puppet, version, role, far=far)
        self.assertEqual(puppet.status(ident)["path_mtu_bytes"], sizes[-1])
        self.both_ways(puppet, kernel, ident, DATA)
        self.assertEqual(puppet.counters()["path_mtu_lowered"], counters["path_mtu_lowered"])

    def test_path_falls_ipv4_server(self):
        self.falling(4, SERVER, (1400, 1300, 600), 8 << 20)

    def test_path_falls_ipv4_client(self):
        self.falling(4, CLIENT, (1300,), 8 << 20)

    def test_path_falls_ipv6_server(self):
        self.falling(6, SERVER, (1400, 1280), 8 << 20)

    def test_path_falls_ipv6_client(self):
        self.falling(6, CLIENT, (1300,), 8 << 20)

    def test_narrow_from_the_start(self):
        """A first flight of full segments meets a link of 1300: all of it is sent again, smaller, at once."""
        far = self.router()
        ip("link set near0 mtu 1300")
        with far:
            ip("link set far0 mtu 1300")
            for version in (4, 6):  # the far end still says what it would take
                ip(f"-{version} route change default via", {4: "198.18.1.254", 6: "2001:db8:1::fe"}[version],
                   "advmss", {4: 1460, 6: 1440}[version])
        puppet = self.puppet()

        def body(kernel, ident):
            start = time.monotonic()
            self.both_ways(puppet, kernel, ident, DATA)
            self.assertLess(time.monotonic() - start, 5)

        self.each(puppet, body, far=far)

    def test_fragments(self):
        """The far end does not mind being fragmented, and is: Hawser puts its segments together."""
        far = self.router()
        puppet = self.puppet(mtu=1280, link_mtu=1500)
        IP_MTU_DISCOVER, DONT = 10, 0
        for role in (SERVER, CLIENT):
            kernel, ident = self.pair(puppet, 4, role, far=far,
                                      before=lambda s: s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DONT))
            self.both_ways(puppet, kernel, ident, DATA)
        counters = puppet.counters()
        self.assertGreater(counters["reassembled"], 2 * len(DATA) // 1500)


if __name__ == "__main__":
    main()
