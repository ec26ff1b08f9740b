# SPDX-License-Identifier: MIT
"""Moving data: bulk both ways at once, small pieces, zero windows and their end, urgent data, fragments."""

import fcntl

from kit import *

BULK = content(8 << 20)
MIB = BULK[:1 << 20]


class Data(Case):
    def test_bulk(self):
        """8 MiB each way at once."""
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet()
        self.each(puppet, lambda kernel, ident: self.both_ways(puppet, kernel, ident, BULK))

    def test_echo(self):
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet()

        def body(kernel, _):
            sender = Sender(kernel, MIB)
            self.assertEqual(digest(read_all(kernel)), digest(MIB))
            sender.done()

        self.each(puppet, body, echo=True, at_end="close")

    def test_single_bytes(self):
        """Bytes that leave one by one in either direction, with and without Nagle's algorithm."""
        puppet = self.puppet()

        def body(kernel, ident):
            for nodelay in (0, 1):
                kernel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay)
                puppet.option(ident, name="nodelay", value=nodelay)
                for i in range(200):
                    kernel.send(b"%c" % (65 + i % 26))
                    puppet.send(ident, text="%c" % (97 + i % 26))
                self.assertEqual(read_all(kernel, 200), bytes(97 + i % 26 for i in range(200)))
            kernel.close()
            self.assertEqual(puppet.wait("end", ident)["bytes"], 400)
            puppet.close(ident)

        self.each(puppet, body, read=True)

    def test_ping_pong(self):
        """Requests and answers of a byte: nobody waits for a delayed acknowledgement (200 of them took 8 s)."""
        puppet = self.puppet()

        def body(kernel, _):
            start = time.monotonic()
            for _ in range(200):
                kernel.sendall(b"?")
                kernel.recv(1)
            self.assertLess(time.monotonic() - start, 4)
            kernel.close()

        self.each(puppet, body, echo=True, at_end="close")

    def test_kernel_reads_slowly(self):
        """The kernel's window closes for 3 s and is probed; then it reads in small pieces, then everything."""
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet()
        flows = []
        for version, role in BOTH:
            kernel, ident = self.pair(puppet, version, role,
                                      before=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192))
            puppet.behave(ident, source=400000, after="shutdown")
            flows.append((kernel, ident, puppet.wait("queued", ident)["sha256"]))
        time.sleep(3)
        self.assertGreaterEqual(puppet.counters()["window_probes"], 4)
        for kernel, ident, sha256 in flows:
            self.assertGreater(puppet.status(ident)["send_queue_bytes"], 300000)
            self.assertEqual(puppet.status(ident)["snd_wnd"], 0)
            got = b"".join(kernel.recv(100) for _ in range(200))
            self.assertEqual(digest(got + read_all(kernel)), sha256)

    def test_hawser_reads_slowly(self):
        """The other way round: Hawser answers the kernel's probes, and tells when its window opens."""
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet(config={"receive_buffer_bytes": 65536, "receive_window_initial_bytes": 65536})
        flows = []
        for version, role in BOTH:
            kernel, ident = self.pair(puppet, version, role)
            flows.append((kernel, ident, Sender(kernel, MIB)))
        time.sleep(3)
        for kernel, ident, sender in flows:
            self.assertEqual(puppet.status(ident)["rcv_wnd"], 0)
            self.assertEqual(TcpInfo(kernel).state, "ESTABLISHED")
            for _ in range(100):
                self.assertEqual(puppet.read(ident, n=100)["n"], 100)
            puppet.behave(ident, read=True)
            self.assertEqual(puppet.wait("end", ident)["sha256"], digest(MIB))
            sender.done()

    def test_urgent_from_the_kernel(self):
        """RFC9293 MUST-32: told when it comes, and how far; MUST-33: a read stops at its mark."""
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.sendall(b"before")
            kernel.send(b"now!", socket.MSG_OOB)
            puppet.wait("urgent", ident)
            self.assertTrue(puppet.status(ident)["urgent"])
            self.eventually(lambda: puppet.status(ident)["receive_queue_bytes"], 10)
            kernel.sendall(b"after")
            self.eventually(lambda: puppet.status(ident)["receive_queue_bytes"], 15)
            self.assertEqual(puppet.read(ident)["text"], "beforenow")
            self.assertEqual(puppet.status(ident)["urgent_bytes"], 1)
            self.assertEqual(puppet.read(ident)["text"], "!after")
            self.assertFalse(puppet.status(ident)["urgent"])
            kernel.close()

        self.each(puppet, body)

    def test_urgent_from_hawser(self):
        """The last byte of the call is the kernel's urgent byte, out of line and in line."""
        puppet = self.puppet()

        def body(kernel, ident):
            for inline in (0, 1):
                kernel.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, inline)
                puppet.send(ident, text="before")
                puppet.send(ident, text="now!", urgent=True)
                puppet.send(ident, text="after")
                puppet.wait("sent", ident)
                got = b""
                if not inline:
                    self.assertEqual(kernel.recv(1, socket.MSG_OOB), b"!")
                while len(got) < 9:
                    got += kernel.recv(100)
                self.assertEqual(got, b"beforenow")  # up to the mark
                self.assertEqual(fcntl.ioctl(kernel, SIOCATMARK, bytes(4)), (1).to_bytes(4, sys.byteorder))
                self.assertEqual(read_all(kernel, 6 if inline else 5), b"!after" if inline else b"after")
            kernel.close()

        self.each(puppet, body)

    def test_urgent_in_bulk(self):
        """The mark moves on while data streams by; every byte arrives in order."""
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet()

        def body(kernel, ident):
            for i in range(0, len(MIB), 65536):
                kernel.sendall(MIB[i:i + 65535])
                kernel.send(MIB[i + 65535:i + 65536], socket.MSG_OOB)
            kernel.close()
            self.assertEqual(puppet.wait("end", ident)["sha256"], digest(MIB))

        self.each(puppet, body, read=True)


SIOCATMARK = 0x8905

if __name__ == "__main__":
    main()
