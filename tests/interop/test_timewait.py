# SPDX-License-Identifier: MIT
"""TIME-WAIT at one end while the other reconnects from the same port, and how long it lasts."""

from kit import *

S = 1_000_000_000
BOTH_SETTINGS = [(version, timestamps) for version in (4, 6) for timestamps in (1, 0)]


class TimeWait(Case):
    def close_first(self, puppet, kernel, ident, by):
        """Ends a connection; who closes first gets the TIME-WAIT."""
        kernel.sendall(content(100000))
        if by == "hawser":
            puppet.do("shutdown", id=ident)
            self.assertEqual(kernel.recv(1), b"")
            kernel.close()
            puppet.wait("end", ident)
            puppet.close(ident)
        else:
            kernel.shutdown(socket.SHUT_WR)
            puppet.wait("end", ident)
            puppet.close(ident)
            self.assertEqual(kernel.recv(1), b"")
            kernel.close()

    def talk(self, puppet, kernel, ident):
        puppet.send(ident, text="again")
        self.assertEqual(read_all(kernel, 5), b"again")

    def test_kernel_comes_back(self):
        """Hawser is in TIME-WAIT; a SYN from the same port opens a new incarnation at once (RFC 6191)."""
        puppet = self.puppet()
        for version, timestamps in BOTH_SETTINGS:
            with self.subTest(version=version, timestamps=timestamps):
                self.sysctl("ipv4/tcp_timestamps", timestamps)
                port, source = next(self.ports), next(self.ports)
                listener = puppet.listen(port=port, read=True)["id"]
                for turn in range(3):
                    kernel = self.socket(version)
                    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    kernel.bind((KERNEL[version], source))
                    kernel.connect((HAWSER[version], port))
                    ident = puppet.wait("accepted", listener=listener, port=source)["id"]
                    self.talk(puppet, kernel, ident)
                    self.close_first(puppet, kernel, ident, "hawser")
                    self.eventually(lambda: puppet.states(source), ["TIME-WAIT"])
                    time.sleep(0.05)  # the kernel's clocks, of ISNs and of timestamps, must move on
        counters = puppet.counters()
        self.assertEqual((counters["timewait_reopened"], counters["timewait_resets_ignored"]), (8, 0))

    def test_kernel_comes_back_too_early(self):
        """rfc1337 0: Hawser answers a SYN that could be old with an ACK, and the reset that follows ends TIME-WAIT."""
        self.provokes(RESET, *LOSS)
        self.sysctl("ipv4/tcp_timestamps", 0)
        puppet = self.puppet(config={"rfc1337": 0})
        for version in (4, 6):
            with self.subTest(version=version):
                port, source = next(self.ports), next(self.ports)
                listener = puppet.listen(port=port, read=True)["id"]
                for turn in range(3):
                    kernel = self.socket(version)
                    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    kernel.bind((KERNEL[version], source))
                    kernel.connect((HAWSER[version], port))
                    ident = puppet.wait("accepted", listener=listener, port=source)["id"]
                    kernel.sendall(content(1 << 20))  # more than the kernel's clock of ISNs moves meanwhile
                    self.close_first(puppet, kernel, ident, "hawser")
        self.provokes(*ZERO_WINDOW)

    def test_hawser_comes_back(self):
        """The kernel is in TIME-WAIT; Hawser connects from the same port: new enough to be let in."""
        self.provokes(RESET)
        puppet = self.puppet()
        for version, timestamps in BOTH_SETTINGS:
            with self.subTest(version=version, timestamps=timestamps):
                self.sysctl("ipv4/tcp_timestamps", timestamps)
                listener, source = self.listener(version, KERNEL[version]), next(self.ports)
                for turn in range(3):
                    ident = puppet.connect(address=KERNEL[version], port=listener.getsockname()[1],
                                           local_port=source, read=True)["id"]
                    kernel = listener.accept()[0]
                    kernel.settimeout(PATIENCE)
                    puppet.wait("connected", ident)
                    self.talk(puppet, kernel, ident)
                    self.close_first(puppet, kernel, ident, "kernel")
                    self.eventually(lambda: puppet.states(source), [])

    def test_hawser_takes_its_own_over(self):
        """timewait_reuse 1: Hawser connects where it is in TIME-WAIT itself, after a second and not before."""
        puppet = self.puppet(config={"timewait_reuse": 1})
        for version in (4, 6):
            with self.subTest(version=version):
                listener, source = self.listener(version, KERNEL[version]), next(self.ports)
                where = {"address": KERNEL[version], "port": listener.getsockname()[1], "local_port": source}
                for turn in range(2):
                    ident = puppet.connect(**where, read=True)["id"]
                    kernel = listener.accept()[0]
                    kernel.settimeout(PATIENCE)
                    self.talk(puppet, kernel, ident)
                    self.close_first(puppet, kernel, ident, "hawser")
                    self.eventually(lambda: puppet.states(source), ["TIME-WAIT"])
                    with self.assertRaisesRegex(Refused, "ADDRESS_IN_USE"):
                        puppet.connect(**where)
                    time.sleep(1.1)
        self.assertEqual(puppet.counters()["timewait_reused"], 2)

    def test_kernel_takes_its_own_over(self):
        """tcp_tw_reuse 1, and one port to connect from."""
        self.sysctl("ipv4/tcp_tw_reuse", 1)
        self.sysctl("ipv4/ip_local_port_range", "40000 40000")
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                port = next(self.ports)
                listener = puppet.listen(port=port, read=True)["id"]
                for turn in range(3):
                    kernel = self.socket(version)
                    kernel.connect((HAWSER[version], port))
                    self.assertEqual(kernel.getsockname()[1], 40000)
                    ident = puppet.wait("accepted", listener=listener)["id"]
                    self.talk(puppet, kernel, ident)
                    self.close_first(puppet, kernel, ident, "kernel")
                    time.sleep(1.2)

    def test_kernel_comes_back_to_last_ack(self):
        """The kernel's last ACK is lost, it takes its TIME-WAIT over, and its SYN finds Hawser in LAST-ACK."""
        self.provokes(RESET, *LOSS)
        self.sysctl("ipv4/tcp_tw_reuse", 1)
        self.sysctl("ipv4/ip_local_port_range", "40000 40000")
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                port = next(self.ports)
                listener = puppet.listen(port=port, read=True)["id"]
                kernel = self.socket(version)
                kernel.connect((HAWSER[version], port))
                ident = puppet.wait("accepted", listener=listener)["id"]
                kernel.close()
                puppet.wait("end", ident)
                puppet.pause()
                puppet.close(ident)
                self.eventually(lambda: puppet.states(port), ["LAST-ACK"])
                time.sleep(1.1)
                self.drop("tcp sport %d tcp flags & (fin | ack) == fin | ack" % port)  # Hawser repeats it: in vain
                puppet.discard()
                puppet.resume()
                again = self.socket(version)
                again.connect((HAWSER[version], port))
                self.undrop()
                ident = puppet.wait("accepted", listener=listener, port=40000)["id"]
                self.talk(puppet, again, ident)
                again.close()
                self.eventually(lambda: puppet.states(port), ["CLOSE-WAIT"])

    def test_how_long(self):
        """2 MSL of a second each."""
        puppet = self.puppet(config={"msl_ns": S})
        for version in (4, 6):
            kernel, ident = self.pair(puppet, version, SERVER, read=True)
            source = kernel.getsockname()[1]
            self.close_first(puppet, kernel, ident, "hawser")
            start = time.monotonic()
            self.eventually(lambda: puppet.states(source), ["TIME-WAIT"])
            self.eventually(lambda: puppet.states(source), [])
            self.assertGreater(time.monotonic() - start, 1.9)
            self.assertLess(time.monotonic() - start, 8)


if __name__ == "__main__":
    main()
