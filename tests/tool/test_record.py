# SPDX-License-Identifier: MIT
"""hawser pkt --record: captures become scripts that replay them. With an argument, script -> capture -> script for all
scripts below that folder; without one, the rest: options, formats, and connections of the kernel."""

import json
import socket
import tempfile

from toolkit import *

HERE = os.path.dirname(os.path.abspath(__file__))
LOCAL = {"ipv4": "192.168.0.2", "ipv6": "fd3d:fa7b:d17d::2"}
UNEXPLAINED = 0.02  # of all scripts: as many may be newer than the list
REASONS = {"setting", "silent", "early", "again", "guess", "other"}

TALK = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+.1 < P. 1:101(100) ack 1 win 65535
+0 > . 1:1(0) ack 101
+.01 write(4, ..., 500) = 500
+0 > P. 1:501(500) ack 101
+.1 < . 101:101(0) ack 501 win 65535
"""


def exceptions():
    """script -> why its recording does not replay."""
    with open(os.path.join(HERE, "record.exceptions"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    for name, reason in rows:
        assert reason in REASONS, (name, reason)
    return dict(rows)


def family(text, name):
    return "ipv6" if "--ip_version=ipv6\n" in text or name.endswith("v6.pkt") else "ipv4"


def record_all(root, folder):
    """Records every script that sends anything; returns the names of those recorded."""
    names = []
    for parent, _, files in sorted(os.walk(root)):
        for name in sorted(file for file in files if file.endswith(".pkt")):
            path = os.path.join(parent, name)
            short = os.path.relpath(path, root)
            with open(path, encoding="utf-8") as file:
                local = LOCAL[family(file.read(), name)]
            capture = os.path.join(folder, "x.pcap")
            if run("pkt", "--pcap", capture, path).returncode != 0:
                continue  # others look after that
            script = run("pkt", "--record", capture, "--record-local", local)
            if script.returncode == 0:
                names.append(short)
                with open(os.path.join(folder, short.replace("/", "__")), "wb") as file:
                    file.write(script.stdout)
    return names


def all_scripts(root):
    with tempfile.TemporaryDirectory() as folder:
        names = record_all(root, folder)
        finished = run("pkt", "--json", folder)
    results = {}
    for line in finished.stdout.splitlines():
        result = json.loads(line)
        results[os.path.basename(result["script"]).replace("__", "/")] = result
    assert set(results) == set(names), "each recording is a script"
    known = exceptions()
    failed = {name for name, result in results.items() if result["verdict"] != "ok"}
    broken = [name for name, result in results.items() if result["verdict"] == "error"]
    unexplained, stale = sorted(failed - set(known)), sorted(set(known) & set(names) - failed)
    for name in unexplained:
        print(f"not replayed: {name}: line {results[name].get('line')}: {results[name].get('message')}")
    for name in stale:
        print(f"replayed, though it stands in record.exceptions: {name}")
    print(f"{len(names)} recordings: {len(names) - len(failed)} replay, {len(failed)} do not")
    return 1 if broken or stale or len(unexplained) > UNEXPLAINED * len(names) else 0


class Record(Case):
    def capture(self, text=TALK):
        path = self.path("x.pcap")
        self.assert_ok(run("pkt", "--pcap", path, self.write("x.pkt", text.encode())))
        return path

    def test_pipe(self):
        path = self.capture()
        script = run("pkt", "--record", path)
        self.assert_ok(script)
        finished = subprocess.run([HAWSER, "pkt", "--strict", "-"], input=script.stdout, capture_output=True)
        self.assertEqual((finished.returncode, finished.stdout), (0, b"ok    -\n1 passed, 0 failed, 0 skipped\n"))
        self.assertIn(b"> P. 1:501(500) ack 101 win 65435", script.stdout)
        self.assertNotIn(b"win 65435", run("pkt", "--record", path, "--record-loose").stdout)

    def test_other_side(self):
        script = run("pkt", "--record", self.capture(), "--record-local", "192.0.2.1").stdout.decode()
        self.assertIn("connect(3, ..., ...) = -1 EINPROGRESS", script)
        self.assertIn("write(3, ..., 100) = 100", script)

    def test_usage(self):
        path = self.capture()
        self.assert_usage(run("pkt", "--record", path, path), "runs no scripts")
        self.assert_usage(run("pkt", "--record-loose", path), "--record")
        for local in ("nobody", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:1x", "[::1", "[::1]x", ":1", ""):
            self.assert_usage(run("pkt", "--record", path, "--record-local", local), "ADDRESS:PORT")
        self.assert_usage(run("pkt", "--record", path, "--record-connection", "0"))
        for local in ("192.168.0.2", "192.168.0.2:8080"):
            self.assert_ok(run("pkt", "--record", path, "--record-local", local))
        for local in ("192.168.0.2:8081", "::1", "[::1]:80"):
            finished = run("pkt", "--record", path, "--record-local", local)
            self.assertEqual((finished.returncode, finished.stdout), (1, b""))
            self.assertIn(b"1: 192.0.2.1:", finished.stderr)

    def test_no_capture(self):
        for name, data, words in (("a", None, b"No such file"), ("b", b"nonsense" * 10, b"not a capture")):
            path = self.path(name) if data is None else self.write(name, data)
            finished = run("pkt", "--record", path)
            self.assertEqual((finished.returncode, finished.stdout), (1, b""))
            self.assertIn(words, finished.stderr)

    def test_cut_off(self):
        """A capture that ends in the middle of a packet is told, and counts as far as it goes."""
        with open(self.capture(), "rb") as file:
            data = file.read()
        finished = run("pkt", "--record", self.write("cut.pcap", data[:-30]))
        self.assertEqual(finished.returncode, 0)
        self.assertIn(b"damaged", finished.stderr)
        self.assertIn(b"P. 1:501(500)", finished.stdout)

    def test_mangled(self):
        """Whatever is changed in a capture, there is a script that can be read or a message."""
        with open(self.capture(), "rb") as file:
            data = bytearray(file.read())
        state, made = 1, 0
        for i in range(150):
            changed = bytearray(data)
            for _ in range(1 + i % 8):
                state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                changed[(state >> 33) % len(changed)] = state >> 24 & 255
            path = self.write("mangled.pcap", bytes(changed))
            finished = run("pkt", "--record", path)
            self.assertIn(finished.returncode, (0, 1), finished.stderr)
            if finished.returncode == 0:
                made += 1
                read = subprocess.run([HAWSER, "pkt", "--dry-run", "-"], input=finished.stdout, capture_output=True)
                self.assertEqual(read.returncode, 0, (read.stdout, finished.stdout))
        self.assertGreater(made, 20)


class Kernel(Case):
    """Connections of the kernel with itself, as dumpcap sees them on loopback."""

    def talk(self, family_, address):
        server = socket.create_server((address, 8080), family=family_)
        def serve():
            peer = server.accept()[0]
            with peer:
                peer.recv(1000)
                time.sleep(0.02)
                peer.sendall(b"x" * 3000)
                while peer.recv(1000):
                    pass
        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection((address, 8080)) as client:
            time.sleep(0.05)
            client.sendall(b"y" * 100)
            got = 0
            while got < 3000:
                got += len(client.recv(1000))
            time.sleep(0.05)
        thread.join()
        server.close()

    def capture(self, *options):
        path = self.path("lo.capture")
        with Background("-i", "lo", "-q", "-w", path, *options, exe="dumpcap"):
            self.wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 20)
            time.sleep(0.3)
            self.talk(socket.AF_INET, "127.0.0.1")
            self.talk(socket.AF_INET6, "::1")
            # It writes when it likes to.
            self.wait_for(lambda: run("pkt", "--record", path, "--record-connection", 2).stdout.count(b" F. ") == 2)
            time.sleep(0.5)
        return path

    def wait_for(self, holds):
        deadline = time.monotonic() + PATIENCE / 3
        while not holds():
            if time.monotonic() > deadline:
                self.fail("dumpcap has not captured it")
            time.sleep(0.1)

    def test_kernel(self):
        for options in ((), ("-P", "-s", "120")):
            path = self.capture(*options)
            for number, address in ((1, "127.0.0.1"), (2, "::1")):
                for local in ("[%s]:8080" % address if ":" in address else address + ":8080", address):
                    script = run("pkt", "--record", path, "--record-loose", "--record-connection", number,
                                 "--record-local", local)
                    self.assert_ok(script)
                    name = self.write("kernel.pkt", script.stdout)
                    self.assert_ok(run("pkt", "--dry-run", name))
                    if local == address:  # the client; the server's last ACK comes together with its FIN
                        finished = run("pkt", name)
                        self.assertEqual(finished.returncode, 0, finished.stdout + script.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        sys.exit(all_scripts(sys.argv[1]))
    if shutil.which("dumpcap") is None or len(sys.argv) > 1:
        del Kernel
    else:
        need_device()
        subprocess.run(["ip", "link", "set", "lo", "mtu", "1500"], check=True)
    main()
