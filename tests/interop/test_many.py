# SPDX-License-Identifier: MIT
"""A thousand connections at once, each way."""

from kit import *

MANY = 1000
SIZE = 2000  # bytes each way on each of them


class Many(Case):
    # The kernel's queue of one processor holds a thousand packets, and drops more.
    allow = LOSS

    def test_hawser_serves(self):
        """A thousand SYNs; once all are open, everybody talks, then everybody closes."""
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                port = next(self.ports)
                listener = puppet.listen(port=port, echo=True, at_end="close")["id"]
                kernels = [self.socket(version) for _ in range(MANY)]
                for kernel in kernels:
                    kernel.setblocking(False)
                    kernel.connect_ex((HAWSER[version], port))
                for _ in kernels:
                    puppet.wait("accepted", listener=listener)
                self.assertEqual(puppet.states(port), ["ESTABLISHED"] * MANY)
                data = [content(SIZE, i) for i in range(MANY)]
                for kernel, mine in zip(kernels, data):
                    kernel.settimeout(PATIENCE)
                    kernel.sendall(mine)
                    kernel.shutdown(socket.SHUT_WR)
                for kernel, mine in zip(kernels, data):
                    self.assertEqual(digest(read_all(kernel)), digest(mine))
                    kernel.close()
                self.eventually(lambda: puppet.states(port), [])
        self.assertEqual(puppet.counters()["resets_out"], 0)

    def test_hawser_connects(self):
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version):
                listener = self.listener(version, KERNEL[version])
                port = listener.getsockname()[1]
                idents = [puppet.connect(address=KERNEL[version], port=port, source=SIZE, read=True)["id"]
                          for _ in range(MANY)]
                kernels = [listener.accept()[0] for _ in range(MANY)]
                for ident in idents:
                    puppet.wait("connected", ident)
                self.assertEqual(puppet.states(port), ["ESTABLISHED"] * MANY)
                total = 0
                for i, kernel in enumerate(kernels):
                    kernel.settimeout(PATIENCE)
                    total += len(read_all(kernel, SIZE))
                    kernel.sendall(content(SIZE, i))
                    kernel.close()
                self.assertEqual(total, MANY * SIZE)
                wanted = sorted(digest(content(SIZE, i)) for i in range(MANY))
                self.assertEqual(sorted(puppet.wait("end", ident)["sha256"] for ident in idents), wanted)
                for ident in idents:
                    puppet.close(ident)
                self.eventually(lambda: puppet.states(port), [])
        self.assertEqual(puppet.counters()["resets_out"], 0)


if __name__ == "__main__":
    main()
