# SPDX-License-Identifier: MIT
"""Below TCP: echo requests, fragments, neighbours that move, a device that goes down under a connection."""

from kit import *

ECHO = {4: (socket.IPPROTO_ICMP, 8, 0), 6: (socket.IPPROTO_ICMPV6, 128, 129)}


def checksum(data):
    words = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Link(Case):
    def ping(self, version, size, source=None):
        """The answer to one echo request with so many bytes; the kernel fragments it."""
        protocol, request, reply = ECHO[version]
        data = content(size)
        with socket.socket(FAMILY[version], socket.SOCK_RAW, protocol) as raw:
            raw.settimeout(PATIENCE)
            message = struct.pack("!BBHHH", request, 0, 0, 7, size & 0xffff) + data
            if version == 4:
                message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
            raw.sendto(message, (HAWSER[version], 0))
            while True:
                answer = raw.recv(65536)
                if version == 4:
                    answer = answer[(answer[0] & 15) * 4:]
                if answer[0] == reply:
                    return answer[8:] == data

    def test_echo_requests(self):
        puppet = self.puppet()
        for version in (4, 6):
            for size in (0, 56, 1400):
                with self.subTest(version=version, size=size):
                    self.assertTrue(self.ping(version, size))

    def test_fragmented_echo_requests(self):
        """Up to the largest packet there is."""
        puppet = self.puppet()
        for version in (4, 6):
            for size in (1500, 3000, 20000):
                with self.subTest(version=version, size=size):
                    self.assertTrue(self.ping(version, size))
        self.assertEqual(puppet.counters()["reassembled"], 6)

    def test_link_local(self):
        """Hawser's fe80:: address, made of its MAC address."""
        puppet = self.puppet()
        puppet.listen(port=7, echo=True, at_end="close")
        self.eventually(lambda: "tentative" not in subprocess.run(
            ["ip", "-6", "address", "show", "dev", "hawser0"], capture_output=True, text=True, check=True).stdout, True)
        kernel = self.socket(6)
        kernel.connect(("fe80::48:57ff:fe00:2", 7, 0, socket.if_nametoindex("hawser0")))
        kernel.sendall(b"hello")
        self.assertEqual(kernel.recv(5), b"hello")
        kernel.close()
        self.eventually(puppet.states, [])

    def stream(self, puppet, disturb, versions=(4, 6)):
        """Data flows both ways while something happens to the device."""
        for version in versions:
            with self.subTest(version=version):
                kernel, ident = self.pair(puppet, version, SERVER, echo=True, at_end="close")
                data = content(8 << 20)
                time.sleep(1.1)  # Hawser keeps what it learnt within a second
                sender = Sender(kernel, data)
                got, start = [kernel.recv(100000)], time.monotonic()
                disturb()
                got.append(read_all(kernel))
                sender.done()
                self.assertEqual(digest(b"".join(got)), digest(data))
                self.assertLess(time.monotonic() - start, 10)

    def test_device_goes_down(self):
        """For a second; the kernel keeps its addresses."""
        self.provokes(*ZERO_WINDOW, *LOSS, "D-SACK Sequence")
        puppet = self.puppet()
        self.sysctl("ipv6/conf/hawser0/keep_addr_on_down", 1)

        def disturb():
            ip("link set hawser0 down")
            time.sleep(1)
            ip("link set hawser0 up")

        self.stream(puppet, disturb)

    def test_neighbour_moves(self):
        """The kernel gets another MAC address, says so, and forgets ours."""
        self.provokes(*ZERO_WINDOW, *LOSS, "D-SACK Sequence", "Duplicate IP address configured")
        self.sysctl("ipv4/conf/all/arp_notify", 1)
        self.sysctl("ipv6/conf/all/ndisc_notify", 1)
        puppet = self.puppet()
        addresses = iter(f"02:00:00:00:00:{i:02x}" for i in range(16))

        def disturb():
            ip("link set hawser0 address", next(addresses))
            ip("neighbour flush dev hawser0")

        self.stream(puppet, disturb)


if __name__ == "__main__":
    main()
