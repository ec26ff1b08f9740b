# SPDX-License-Identifier: MIT
"""Ending: half-close both ways, simultaneous close, reset both ways, close with unread data both ways."""

from kit import *

MIB = content(1 << 20)


def reset_at(case, kernel, after_fin=False):
    """The kernel's socket reports a reset; Linux says EPIPE where the peer had closed before."""
    with case.assertRaises(BrokenPipeError if after_fin else ConnectionResetError):
        while after_fin:
            kernel.sendall(b"x")
            time.sleep(0.01)
        read_all(kernel)


class Close(Case):
    def port_of(self, kernel):
        return kernel.getsockname()[1]

    def test_kernel_half_closes(self):
        """The kernel says FIN first and goes on reading: Hawser sends a MiB from CLOSE-WAIT."""
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.sendall(b"all I have to say")
            kernel.shutdown(socket.SHUT_WR)
            self.assertEqual(puppet.wait("end", ident)["sha256"], digest(b"all I have to say"))
            self.assertEqual(puppet.status(ident)["state"], "CLOSE-WAIT")
            self.eventually(lambda: TcpInfo(kernel).state, "FIN-WAIT-2")
            puppet.behave(ident, source=len(MIB), after="close")
            sent = puppet.wait("queued", ident)
            self.assertEqual(digest(read_all(kernel)), sent["sha256"])
            port = self.port_of(kernel)
            self.eventually(lambda: puppet.states(port), [])  # the kernel has the TIME-WAIT

        self.each(puppet, body, read=True)
        self.assertEqual(puppet.counters()["timewait_entered"], 0)

    def test_hawser_half_closes(self):
        """Hawser says FIN first and goes on reading a MiB in FIN-WAIT-2; then it has the TIME-WAIT."""
        self.provokes(*ZERO_WINDOW)
        puppet = self.puppet()

        def body(kernel, ident):
            puppet.send(ident, text="all I have to say")
            puppet.do("shutdown", id=ident)
            self.assertEqual(read_all(kernel), b"all I have to say")
            self.assertEqual(TcpInfo(kernel).state, "CLOSE-WAIT")
            self.eventually(lambda: puppet.status(ident)["state"], "FIN-WAIT-2")
            time.sleep(0.3)
            kernel.sendall(MIB)
            port = self.port_of(kernel)
            kernel.close()
            self.assertEqual(puppet.wait("end", ident)["sha256"], digest(MIB))
            self.eventually(lambda: puppet.states(port), ["TIME-WAIT"])
            puppet.close(ident)
            self.assertEqual(puppet.states(port), ["TIME-WAIT"])

        self.each(puppet, body, read=True)
        self.assertEqual(puppet.counters()["timewait_entered"], 4)

    def test_simultaneous(self):
        """The kernel's FIN waits in the device while Hawser's own leaves: CLOSING, and TIME-WAIT at both ends."""
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.sendall(b"k")
            puppet.send(ident, text="h")
            self.assertEqual(kernel.recv(1), b"h")
            port = self.port_of(kernel)
            puppet.pause()
            kernel.shutdown(socket.SHUT_WR)
            puppet.do("shutdown", id=ident)
            self.eventually(lambda: TcpInfo(kernel).state, "CLOSING")
            puppet.resume()
            self.assertEqual(puppet.wait("end", ident)["bytes"], 1)
            self.assertEqual(read_all(kernel), b"")
            self.eventually(lambda: puppet.states(port), ["TIME-WAIT"])
            self.eventually(lambda: TcpInfo(kernel).state, "CLOSED")  # the kernel's TIME-WAIT is no socket any more
            puppet.close(ident)

        self.each(puppet, body, read=True)
        self.assertEqual(puppet.counters()["closes_simultaneous"], 4)

    def test_kernel_resets(self):
        """SO_LINGER 0: of an idle connection, of one that Hawser sends on, of a half-closed one."""
        self.provokes(RESET)
        puppet = self.puppet()
        for what in ("idle", "sending", "half-closed"):
            def body(kernel, ident):
                if what == "sending":
                    puppet.behave(ident, source=1 << 30, read=True)
                    kernel.recv(100000)
                elif what == "half-closed":
                    puppet.do("shutdown", id=ident)
                    self.assertEqual(kernel.recv(1), b"")
                linger_reset(kernel)
                kernel.close()
                self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
                self.assertEqual(puppet.status(ident)["state"], "CLOSED")
                puppet.close(ident)

            self.each(puppet, body, read=True)
        self.assertEqual(puppet.states(), [])
        self.assertEqual(puppet.counters()["resets_in"], 12)

    def test_kernel_resets_after_data(self):
        """What came in order before the reset can still be read; then the reset is told."""
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.sendall(b"before")
            self.eventually(lambda: puppet.status(ident)["receive_queue_bytes"], 6)
            linger_reset(kernel)
            kernel.close()
            self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
            self.assertEqual(puppet.read(ident)["text"], "before")
            with self.assertRaisesRegex(Refused, "RESET"):
                puppet.read(ident)
            puppet.close(ident)

        self.each(puppet, body)
        self.assertEqual(puppet.states(), [])

    def test_hawser_aborts(self):
        self.provokes(RESET)
        puppet = self.puppet()
        for what in ("idle", "sending", "half-closed", "linger"):
            def body(kernel, ident):
                if what == "sending":
                    puppet.behave(ident, source=1 << 30, read=True)
                    kernel.recv(100000)
                elif what == "half-closed":
                    kernel.shutdown(socket.SHUT_WR)
                    puppet.wait("end", ident)
                if what == "linger":
                    puppet.option(ident, name="linger_reset", value=1)
                    puppet.close(ident)
                else:
                    puppet.abort(ident)
                reset_at(self, kernel)

            self.each(puppet, body, read=True)
        self.assertEqual(puppet.states(), [])

    def test_hawser_closes_with_unread_data(self):
        """RFC 9293 3.6.1: the kernel hears that its data was lost."""
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.sendall(b"never read")
            self.eventually(lambda: puppet.status(ident)["receive_queue_bytes"], 10)
            puppet.close(ident)
            reset_at(self, kernel)

        self.each(puppet, body)
        self.assertEqual(puppet.states(), [])

    def test_data_after_hawser_closed(self):
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            puppet.close(ident)
            self.assertEqual(kernel.recv(1), b"")
            kernel.sendall(b"too late")
            reset_at(self, kernel, after_fin=True)

        self.each(puppet, body)
        self.assertEqual(puppet.states(), [])

    def test_kernel_closes_with_unread_data(self):
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            puppet.send(ident, text="never read")
            puppet.wait("sent", ident)
            kernel.close()
            self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
            puppet.close(ident)

        self.each(puppet, body)
        self.assertEqual(puppet.states(), [])

    def test_data_after_kernel_closed(self):
        self.provokes(RESET)
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.close()
            puppet.wait("peer_closed", ident)
            puppet.send(ident, text="too late")
            self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
            puppet.close(ident)

        self.each(puppet, body)
        self.assertEqual(puppet.states(), [])

    def test_everything_is_sent_before_the_fin(self):
        """close() right after queueing: the other end still gets every byte."""
        puppet = self.puppet()

        def body(kernel, ident):
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            puppet.behave(ident, source=len(MIB), after="close")
            sent = puppet.wait("queued", ident)
            time.sleep(0.2)
            self.assertEqual(digest(read_all(kernel)), sent["sha256"])
            kernel.close()

        self.each(puppet, body)
        self.provokes(*ZERO_WINDOW)


class Leavers(Case):
    allow = ZERO_WINDOW

    def test_kernel_closes_a_full_pipe(self):
        """The kernel has a MiB to send and closes; Hawser reads nothing for 2 s, then everything."""
        puppet = self.puppet(config={"receive_buffer_bytes": 65536, "receive_window_initial_bytes": 65536})
        pairs = self.all(puppet)
        for kernel, _ in pairs:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            kernel.sendall(MIB)
            kernel.close()
        time.sleep(2)
        for _, ident in pairs:
            puppet.behave(ident, read=True, at_end="close")
            self.assertEqual(puppet.wait("end", ident)["sha256"], digest(MIB))

    def test_hawser_closes_a_full_pipe(self):
        """The other way round: the connection lives on without a handle, behind a window of zero."""
        puppet = self.puppet()

        pairs = self.all(puppet, before=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192))
        for _, ident in pairs:
            puppet.behave(ident, source=len(MIB), after="close")
        time.sleep(2)
        self.assertEqual(puppet.states(), ["FIN-WAIT-1"] * 4)
        for kernel, ident in pairs:
            self.assertEqual(digest(read_all(kernel)), puppet.wait("queued", ident)["sha256"])
            kernel.close()
        self.eventually(puppet.states, ["TIME-WAIT"] * 4)

    def test_kernel_never_closes(self):
        """Hawser's FIN-WAIT-2 of a closed connection ends after its time; what comes then is refused."""
        self.provokes(RESET)
        puppet = self.puppet(config={"fin_wait_2_ns": 2_000_000_000})
        pairs = self.all(puppet)
        for kernel, ident in pairs:
            puppet.close(ident)
            self.assertEqual(kernel.recv(1), b"")
        self.eventually(puppet.states, ["FIN-WAIT-2"] * 4)
        self.eventually(puppet.states, [])
        for kernel, _ in pairs:
            reset_at(self, kernel, after_fin=True)

    def test_hawser_never_closes(self):
        """The same of the kernel's."""
        self.provokes(RESET)
        self.sysctl("ipv4/tcp_fin_timeout", 1)
        puppet = self.puppet()
        pairs = self.all(puppet, read=True)
        for kernel, ident in pairs:
            kernel.close()
            puppet.wait("end", ident)
        time.sleep(2.5)
        for _, ident in pairs:
            puppet.send(ident, text="too late")
            self.assertEqual(puppet.wait("error", ident)["error"], "RESET")
            puppet.close(ident)


if __name__ == "__main__":
    main()
