# SPDX-License-Identifier: MIT
"""Many connections at once that do random things, through a router that loses packets and gets narrower: nothing is
lost, nothing is changed, nothing stays behind. HAWSER_INTEROP_SEED=N repeats the choices of a run, not its timing."""

import concurrent.futures

from kit import *

SEED = int(os.environ.get("HAWSER_INTEROP_SEED", "1"))
CONVERSATIONS = 60
AT_ONCE = 20
SEGMENTS_MAX = 300  # each way: a lost segment costs 200 ms where the window has no room for duplicates
SILENCE = 20.0  # seconds; a connection that waits so long is stuck
ALL = 35.0  # seconds for all of them


class Random(Case):
    # Who closed second is gone with the last ACK, and resets what comes twice. A reset too soon breaks a conversation.
    allow = ZERO_WINDOW + LOSS + ("D-SACK Sequence", RESET)

    def prepare(self, kernel, chance, mss):
        """Random settings of the kernel's socket, before it opens."""
        if chance.random() < 0.3:  # below 4096 Linux 6.18 gets stuck with a window of a few bytes, that it never opens
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, chance.choice((4096, 20000)))
        if chance.random() < 0.3:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, chance.choice((1, 4096, 20000)))
        if chance.random() < 0.5:
            kernel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kernel.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)

    def in_time(self):
        if time.monotonic() > self.deadline:
            raise TimeoutError("all in all it takes too long")

    def kernel_sends(self, kernel, data, chance):
        while data:
            self.in_time()
            n = chance.choice((1, 10, 1000, 20000, 100000))
            kernel.sendall(data[:n], socket.MSG_OOB if chance.random() < 0.05 else 0)
            data = data[n:]
            if chance.random() < 0.1:
                time.sleep(chance.random() / 10)
        kernel.shutdown(socket.SHUT_WR)

    def kernel_reads(self, kernel, chance):
        got = hashlib.sha256()
        while piece := kernel.recv(chance.choice((1, 100, 10000, 200000))):
            self.in_time()
            got.update(piece)
            if chance.random() < 0.02:
                time.sleep(chance.random() / 5)
        return got.hexdigest()

    def hawser_talks(self, puppet, ident, source, chance):
        for side in ("receive", "send"):
            if chance.random() < 0.3:
                puppet.option(ident, name=side + "_buffer_bytes", value=chance.choice((2048, 5000, 20000)))
        if chance.random() < 0.3:
            time.sleep(chance.random())
        puppet.behave(ident, source=source, read=True, after="shutdown", at_end="close")

    def converse(self, puppet, far, number):
        """One connection, from its opening to its end."""
        chance, sender_chance = (random.Random(SEED * 1000 + number + side / 2) for side in (0, 1))
        version, role = chance.choice(BOTH)
        mss = chance.choice((88, 536, 1000, 1460, 1460, 1460))
        to, fro = (chance.randint(1, SEGMENTS_MAX * mss) for _ in range(2))
        data = content(to, number)
        kernel, ident = self.pair(puppet, version, role, far=far, before=lambda s: self.prepare(s, chance, mss))
        what = f"seed {SEED}, conversation {number}, IPv{version}, Hawser as {role}, id {ident}"
        kernel.settimeout(SILENCE)
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                sending = pool.submit(self.kernel_sends, kernel, data, sender_chance)
                self.hawser_talks(puppet, ident, fro, chance)
                got = self.kernel_reads(kernel, chance)
                sending.result()
        except OSError as error:
            raise AssertionError(f"{what}: {error!r}; {puppet.walk()}") from error
        self.assertEqual(got, puppet.wait("queued", ident, bytes=fro)["sha256"], what)
        end = puppet.wait("end", ident)
        self.assertEqual((end["bytes"], end["sha256"]), (to, digest(data)), what)
        kernel.close()

    def test_conversations(self):
        far = self.router()
        puppet = self.puppet(config={"msl_ns": 1_000_000_000})
        puppet.patience = SILENCE
        self.deadline = time.monotonic() + ALL
        with far:
            self.sysctl("ipv4/tcp_sack", int(SEED % 4 != 3))
            self.sysctl("ipv4/tcp_timestamps", int(SEED % 4 != 2))
        # Who repeats a SYN takes that time for the round trip, and waits for seconds where others wait for 200 ms.
        self.drop("tcp flags & syn == 0 numgen random mod 100 < 1", "forward")
        widths = {CONVERSATIONS // 4: 1400, CONVERSATIONS // 2: 1280}  # after so many, with more under way
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            going = [pool.submit(self.converse, puppet, far, number) for number in range(CONVERSATIONS)]
            try:
                for done, conversation in enumerate(concurrent.futures.as_completed(going), 1):
                    conversation.result()
                    if done in widths:
                        ip("link set near0 mtu", widths[done])
                        with far:
                            ip("link set far0 mtu", widths[done])
            finally:
                for conversation in going:
                    conversation.cancel()
        self.assertGreater(self.undrop(), CONVERSATIONS)
        self.assertGreater(puppet.counters()["path_mtu_lowered"], 0)
        self.eventually(puppet.states, [], SILENCE)


if __name__ == "__main__":
    main()
