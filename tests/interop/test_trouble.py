# SPDX-License-Identifier: MIT
"""What goes wrong between two ends: one forgets the connection, a queue is full, ICMP reports an error."""

from kit import *

MIB = content(1 << 20)


class Crashes(Case):
    """Half-open connections (RFC 9293 3.5.1): one end forgets, the other finds out."""

    def crash(self, kernel):
        """The kernel forgets a connection, and Hawser does not hear of it."""
        self.drop("meta l4proto tcp", "output")
        linger_reset(kernel)
        kernel.close()
        self.undrop()

    def test_kernel_forgets_and_hawser_sends(self):
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            self.crash(kernel)
            puppet.send(ident, text="anybody there?")
            self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
            puppet.close(ident)

        self.each(puppet, body)

    def test_kernel_forgets_and_comes_back(self):
        """Its SYN meets Hawser in ESTABLISHED: a challenge, a reset, and the SYN again opens a new connection."""
        self.provokes(RESET, *LOSS)
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                port, source = next(self.ports), next(self.ports)
                listener = puppet.listen(port=port, read=True)["id"]
                idents = []
                for _ in range(2):
                    kernel = self.socket(version)
                    kernel.bind((KERNEL[version], source))
                    kernel.connect((HAWSER[version], port))
                    idents.append(puppet.wait("accepted", listener=listener, port=source)["id"])
                    if len(idents) == 1:
                        self.crash(kernel)
                self.assertEqual(puppet.wait("error", idents[0])["error"], "RESET")
                puppet.send(idents[1], text="again")
                self.assertEqual(kernel.recv(10), b"again")
        self.assertEqual(puppet.counters()["challenge_acks"], 2)

    def test_hawser_forgets_and_kernel_sends(self):
        self.provokes(RESET, *LOSS)
        for version, role in BOTH:
            with self.subTest(version=version, hawser=role):
                puppet = self.puppet()
                kernel, _ = self.pair(puppet, version, role)
                puppet.end()
                puppet = self.puppet()
                kernel.sendall(b"anybody there?")
                with self.assertRaises(ConnectionResetError):
                    kernel.recv(1)
                puppet.end()

    def test_hawser_forgets_and_comes_back(self):
        self.provokes(RESET, *LOSS)
        for version in (4, 6):
            with self.subTest(version=version):
                listener, kernels = self.listener(version, {4: "0.0.0.0", 6: "::"}[version]), []
                for _ in range(2):
                    puppet = self.puppet()
                    ident = puppet.connect(address=KERNEL[version], port=listener.getsockname()[1],
                                           local_port=5000)["id"]
                    kernel = listener.accept()[0]
                    kernel.settimeout(PATIENCE)
                    self.addCleanup(kernel.close)
                    kernels.append(kernel)
                    puppet.wait("connected", ident)
                    if len(kernels) == 1:
                        puppet.end()
                puppet.send(ident, text="again")
                self.assertEqual(kernels[1].recv(10), b"again")
                with self.assertRaises(ConnectionResetError):
                    kernels[0].recv(10)
                puppet.end()


class Queues(Case):
    allow = LOSS

    def test_hawser_does_not_accept(self):
        """Twenty connect to a backlog of four: those that found no room are let in once there is."""
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                port = next(self.ports)
                listener = puppet.listen(port=port, backlog=4, hold=True, echo=True, at_end="close")["id"]
                kernels = [self.socket(version) for _ in range(20)]
                for kernel in kernels:
                    kernel.setblocking(False)
                    kernel.connect_ex((HAWSER[version], port))
                time.sleep(0.5)
                self.assertLessEqual(puppet.states(port).count("ESTABLISHED"), 4)
                puppet.accept(listener)
                for i, kernel in enumerate(kernels):
                    kernel.settimeout(PATIENCE)
                    self.eventually(lambda: TcpInfo(kernel).state, "ESTABLISHED")
                    sender = Sender(kernel, MIB[:i * 1000 + 1])
                    self.assertEqual(digest(read_all(kernel)), digest(MIB[:i * 1000 + 1]))
                    sender.done()
        self.assertEqual(puppet.counters()["resets_out"], 0)

    def test_kernel_does_not_accept(self):
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                listener = self.listener(version, KERNEL[version])
                listener.listen(2)
                idents = [puppet.connect(address=KERNEL[version], port=listener.getsockname()[1], source=1000 + i,
                                         after="shutdown")["id"] for i in range(10)]
                time.sleep(0.5)
                sizes = []
                for _ in idents:
                    with listener.accept()[0] as kernel:
                        kernel.settimeout(PATIENCE)
                        sizes.append(len(read_all(kernel)))
                self.assertEqual(sorted(sizes), [1000 + i for i in range(10)])
                for ident in idents:
                    puppet.wait("peer_closed", ident)
                    puppet.close(ident)


class Icmp(Case):
    def reject(self, rule):
        nft("table inet interop {\nchain rejects {\ntype filter hook input priority 0;\n%s\n}\n}\n" % rule)

    def test_opening(self):
        """Hard errors end an open, soft ones are told while it goes on (RFC 9293 3.9.2.2, RFC 5927)."""
        self.provokes(RESET)
        puppet = self.puppet()
        for what, version, event, error in (
                ("tcp reset", 4, "error", "REFUSED"),
                ("tcp reset", 6, "error", "REFUSED"),
                ("icmpx port-unreachable", 4, "error", "REFUSED"),
                ("icmpx port-unreachable", 6, "error", "REFUSED"),
                ("icmpx host-unreachable", 4, "soft_error", "HOST_UNREACHABLE"),
                ("icmpx host-unreachable", 6, "soft_error", "HOST_UNREACHABLE"),
                ("icmpx admin-prohibited", 4, "soft_error", "HOST_UNREACHABLE"),
                ("icmpx admin-prohibited", 6, "error", "HOST_UNREACHABLE")):  # in IPv6 it is a hard one
            with self.subTest(version=version, what=what):
                self.reject(f"tcp dport 4 reject with {what}")
                ident = puppet.connect(address=KERNEL[version], port=4)["id"]
                self.assertEqual(puppet.wait(event, ident)["error"], error)
                nft("flush ruleset")
                puppet.abort(ident)

    def test_open(self):
        """An open connection survives even hard errors, and goes on when they end."""
        self.provokes(*LOSS)
        puppet = self.puppet()
        for what in ("icmpx host-unreachable", "icmpx port-unreachable"):
            def body(kernel, ident):
                self.reject(f"tcp flags & (fin | syn) == 0 reject with {what}")
                puppet.send(ident, text="hello")
                time.sleep(0.5)
                self.assertEqual(puppet.status(ident)["state"], "ESTABLISHED")
                nft("flush ruleset")
                self.assertEqual(kernel.recv(10), b"hello")
                kernel.close()
                puppet.wait("end", ident)

            with self.subTest(what=what):
                self.each(puppet, body, read=True, at_end="close")


if __name__ == "__main__":
    main()
