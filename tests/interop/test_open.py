# SPDX-License-Identifier: MIT
"""Opening: the handshake in both roles, its options, refusals, simultaneous open, cookies, odd SYNs of the kernel."""

from kit import *


class Open(Case):
    def test_handshake(self):
        puppet = self.puppet()
        for version, role in BOTH:
            with self.subTest(version=version, hawser=role):
                kernel, ident = self.pair(puppet, version, role, at_end="close", read=True)
                info, status = TcpInfo(kernel), puppet.status(ident)
                self.assertEqual((info.state, status["state"]), ("ESTABLISHED", "ESTABLISHED"))
                self.assertEqual((info.timestamps, info.sack, info.wscale), (True, True, True))
                self.assertEqual((status["timestamps"], status["sack"], status["wscale"]), (True, True, True))
                self.assertEqual(info.snd_wscale, status["rcv_wscale"])
                self.assertEqual(info.rcv_wscale, status["snd_wscale"])
                headers = {4: 20, 6: 40}[version] + 20 + 12  # IP, TCP, timestamps
                self.assertEqual((info.snd_mss, status["send_mss_bytes"]), (1500 - headers, 1500 - headers))
                self.assertEqual((status["local"], status["remote"]), (HAWSER[version], KERNEL[version]))
                kernel.close()
                puppet.wait("end", ident)
                self.eventually(lambda: puppet.states(status["local_port"]), [])
        self.assertEqual(puppet.counters()["segments_retransmitted"], 0)

    def test_hawser_refuses(self):
        self.provokes(RESET)
        puppet = self.puppet()
        for version in (4, 6):
            with self.assertRaises(ConnectionRefusedError):
                self.socket(version).connect((HAWSER[version], 4))

    def test_kernel_refuses(self):
        self.provokes(RESET)
        puppet = self.puppet()
        for version in (4, 6):
            ident = puppet.connect(address=KERNEL[version], port=4)["id"]
            self.assertEqual(puppet.wait("error", ident)["error"], "REFUSED")
            puppet.close(ident)
        self.assertEqual(puppet.states(), [])

    def test_nobody_there(self):
        """Neighbours that do not answer, and a router that knows no way: both ends hear of it."""
        self.sysctl("ipv4/ip_forward", 1)
        puppet = self.puppet()
        for address in ("198.18.0.77", "2001:db8::77"):
            ident = puppet.connect(address=address, port=4)["id"]
            self.assertEqual(puppet.wait("soft_error", ident)["error"], "HOST_UNREACHABLE")
            puppet.abort(ident)
        ident = puppet.connect(address="192.0.2.1", port=4)["id"]
        self.assertEqual(puppet.wait("soft_error", ident)["error"], "NET_UNREACHABLE")
        puppet.abort(ident)
        self.assertEqual(puppet.states(), [])

    def test_simultaneous(self):
        """The kernel's SYN waits in the device while Hawser's own leaves."""
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                ours, theirs = next(self.ports), next(self.ports)
                kernel = self.socket(version)
                kernel.bind((KERNEL[version], theirs))
                puppet.do("resume")
                self.socket(version).connect_ex((HAWSER[version], 4))  # neighbours know each other
                puppet.pause()
                kernel.setblocking(False)
                kernel.connect_ex((HAWSER[version], ours))
                ident = puppet.connect(address=KERNEL[version], port=theirs, local_port=ours, read=True)["id"]
                time.sleep(0.1)
                puppet.resume()
                puppet.wait("connected", ident)
                kernel.settimeout(PATIENCE)
                puppet.send(ident, text="from Hawser")
                kernel.sendall(b"from the kernel")
                kernel.shutdown(socket.SHUT_WR)
                self.assertEqual(kernel.recv(100), b"from Hawser")
                self.assertEqual(puppet.wait("end", ident)["sha256"], digest(b"from the kernel"))
                puppet.close(ident)
        self.provokes(RESET)
        self.assertEqual(puppet.counters()["opens_simultaneous"], 2)

    def test_kernel_cookies(self):
        """The kernel answers every SYN with a cookie, with its options in the timestamp."""
        self.sysctl("ipv4/tcp_syncookies", 2)
        self.echo_all(self.puppet())

    def test_hawser_cookies(self):
        """200 SYNs meet a SYN table of 16: all are served."""
        puppet = self.puppet(config={"halfopen_max": 16})
        for version in (4, 6):
            with self.subTest(version=version):
                port = next(self.ports)
                puppet.listen(port=port, echo=True, at_end="close")
                self.socket(version).connect((HAWSER[version], port))  # the kernel knows the neighbour
                puppet.pause()
                kernels = [self.socket(version) for _ in range(200)]
                for kernel in kernels:
                    kernel.setblocking(False)
                    kernel.connect_ex((HAWSER[version], port))
                puppet.resume()
                data = content(20000)
                for kernel in kernels:
                    kernel.settimeout(PATIENCE)
                    while kernel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                        try:
                            kernel.getpeername()
                            break
                        except OSError:
                            time.sleep(0.001)
                    Sender(kernel, data)
                    self.assertEqual(digest(read_all(kernel)), digest(data))
                    kernel.close()
        counters = puppet.counters()
        self.assertGreater(counters["syn_cookies_accepted"], 100)
        self.assertEqual(counters["syn_cookies_failed"], 0)

    def test_fast_open(self):
        """A SYN that asks for a cookie of fast open, and one with data (tcp_fastopen 4: without a cookie)."""
        puppet = self.puppet()
        for setting, data in ((1, b"x" * 1000), (5, b"y" * 1000)):
            self.sysctl("ipv4/tcp_fastopen", setting)
            for version in (4, 6):
                with self.subTest(setting=setting, version=version):
                    port = next(self.ports)
                    puppet.listen(port=port, echo=True, at_end="close")
                    kernel = self.socket(version)
                    kernel.settimeout(None)
                    kernel.sendto(data, socket.MSG_FASTOPEN, (HAWSER[version], port))
                    kernel.shutdown(socket.SHUT_WR)
                    self.assertEqual(read_all(kernel), data)

    def test_ecn(self):
        """A SYN with ECE and CWR (RFC 3168): neither negotiated nor in the way."""
        self.sysctl("ipv4/tcp_ecn", 1)
        self.echo_all(self.puppet(), lambda info: self.assertFalse(info.ecn))

    def test_small_segments(self):
        """The kernel announces an MSS of 88, and of 536."""
        puppet = self.puppet()
        for size in (88, 536):
            for version, role in BOTH:
                with self.subTest(size=size, version=version, hawser=role):
                    kernel, ident = self.pair(
                        puppet, version, role, echo=True, at_end="close",
                        before=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, size))
                    self.assertLessEqual(puppet.status(ident)["send_mss_bytes"], size)
                    self.echo(kernel, content(50000))

    def test_ip_options(self):
        """The kernel sends IPv4 options, and IPv6 destination and hop-by-hop options, in front of TCP."""
        puppet = self.puppet()
        padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])  # an extension header of one PadN
        for version, level, options in ((4, socket.IPPROTO_IP, {socket.IP_OPTIONS: bytes([1, 1, 1, 0])}),
                                        (6, socket.IPPROTO_IPV6, {socket.IPV6_DSTOPTS: padding}),
                                        (6, socket.IPPROTO_IPV6, {socket.IPV6_HOPOPTS: padding})):
            for role in (SERVER, CLIENT):
                with self.subTest(version=version, hawser=role, options=options):
                    def before(kernel):
                        for name, value in options.items():
                            kernel.setsockopt(level, name, value)
                    kernel, _ = self.pair(puppet, version, role, echo=True, at_end="close", before=before)
                    self.echo(kernel, content(50000))

    def echo(self, kernel, data):
        sender = Sender(kernel, data)
        self.assertEqual(digest(read_all(kernel)), digest(data))
        sender.done()
        kernel.close()

    def echo_all(self, puppet, look=lambda info: None):
        for version, role in BOTH:
            with self.subTest(version=version, hawser=role):
                kernel, _ = self.pair(puppet, version, role, echo=True, at_end="close")
                look(TcpInfo(kernel))
                self.echo(kernel, content(200000))


if __name__ == "__main__":
    main()
