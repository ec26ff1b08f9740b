# SPDX-License-Identifier: MIT
"""Timestamps, SACK and window scaling, on and off at either end: what one does not offer is not used."""

import itertools

from kit import *

NAMES = ("timestamps", "sack", "wscale")
SYSCTLS = ("ipv4/tcp_timestamps", "ipv4/tcp_sack", "ipv4/tcp_window_scaling")
CONFIG = ("timestamps", "sack", "window_scaling")
DATA = content(300000)


class Options(Case):
    allow = ZERO_WINDOW  # without scaling 64 KiB are soon full

    def look(self, puppet, wanted):
        """Either role, either version: what was agreed, and that data flows."""
        def body(kernel, ident):
            info, status = TcpInfo(kernel), puppet.status(ident)
            for name, on in zip(NAMES, wanted):
                self.assertEqual((name, getattr(info, name), status[name]), (name, bool(on), bool(on)))
            sender = Sender(kernel, DATA)
            self.assertEqual(digest(read_all(kernel)), digest(DATA))
            sender.done()

        self.each(puppet, body, echo=True, at_end="close")

    def test_kernel(self):
        """All eight settings of the kernel."""
        puppet = self.puppet()
        for setting in itertools.product((0, 1), repeat=3):
            with self.subTest(**dict(zip(NAMES, setting))):
                for name, on in zip(SYSCTLS, setting):
                    self.sysctl(name, on)
                self.look(puppet, setting)

    def test_hawser(self):
        """Each of Hawser's off, and all of them."""
        for setting in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0)):
            with self.subTest(**dict(zip(NAMES, setting))):
                puppet = self.puppet(config=dict(zip(CONFIG, setting)))
                self.look(puppet, setting)
                puppet.end()


if __name__ == "__main__":
    main()
