# SPDX-License-Identifier: MIT
"""Debian's own programs on the kernel's TCP, and Hawser at the other end: curl, wrk, python3's server, nc, iperf3."""

from kit import *
from toolkit import Background, run

PREFIX = {4: 24, 6: 64}
ENDS = [word for version in (4, 6) for word in ("--address", f"{HAWSER[version]}/{PREFIX[version]}",
                                                "--peer", f"{KERNEL[version]}/{PREFIX[version]}")]
DATA = content(3 << 20)


def url(address, port, path=""):
    return f"http://[{address}]:{port}/{path}" if ":" in address else f"http://{address}:{port}/{path}"


def program(*words, **options):
    return subprocess.run(list(map(str, words)), capture_output=True, timeout=PATIENCE, **options)


class Programs(Case):
    allow = ZERO_WINDOW

    def capture(self):
        """A file for `hawser serve` and `hawser fetch`, that tshark reads in the end."""
        path = os.path.join(self.directory, self.id().split(".", 1)[1] + ".pcap")

        def read():
            self.assertEqual(judge(path, self.allowed), [])

        self.addCleanup(read)
        return "--capture", path

    def file(self):
        folder = os.path.join(self.directory, "www")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(DATA)
        return folder

    def test_curl(self):
        need("curl")
        with Background("serve", *ENDS, *self.capture(), "--port", "8080", self.file(), ready="serving") as server:
            for version in (4, 6):
                for words in ((), ("--http1.0",), ("-r", "1000-2000999")):
                    with self.subTest(version=version, words=words):
                        done = program("curl", "-q", "-g", "-sS", "-f", "--noproxy", "*", *words,
                                       url(HAWSER[version], 8080, "file"))
                        wanted = DATA[1000:2001000] if "-r" in words else DATA
                        self.assertEqual((done.returncode, done.stderr, digest(done.stdout)), (0, b"", digest(wanted)))
        self.assertEqual(server.err, b"")

    def test_wrk(self):
        """A hundred connections that ask for all they can; the capture of so much is left out."""
        need("wrk")
        folder = self.file()
        for name, size in (("small", 1000), ("large", 100000)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(DATA[:size])
        with Background("serve", *ENDS, "--port", "8080", folder, ready="serving"):
            for version, path, seconds in ((4, "small", 3), (6, "small", 1), (6, "large", 1)):
                with self.subTest(version=version, path=path):
                    done = program("wrk", "-t", 2, "-c", 100, "-d", f"{seconds}s", "--timeout", 10,
                                   url(HAWSER[version], 8080, path))
                    said = done.stdout.decode()
                    self.assertEqual((done.returncode, done.stderr), (0, b""), said)
                    self.assertNotIn("Socket errors", said)
                    self.assertNotIn("Non-2xx", said)
                    self.assertGreater(int(re.search(r"(\d+) requests in", said).group(1)), 50, said)

    def test_http_server(self):
        """python3 -m http.server, and hawser fetch."""
        folder = self.file()
        server = subprocess.Popen(["/usr/bin/python3", "-I", "-m", "http.server", "--bind", "::", "--directory", folder,
                                   "8000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.until_listening(8000)
        for version in (4, 6):
            with self.subTest(version=version):
                done = run("fetch", *ENDS, *self.capture(), "--output", "-", url(KERNEL[version], 8000, "file"))
                self.assertEqual((done.returncode, digest(done.stdout)), (0, digest(DATA)), done.stderr)

    def until_listening(self, port):
        def listening():
            names = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
            lines = [line.split() for name in names for line in Path(name).read_text(encoding="ascii").splitlines()]
            return any(line[1].endswith(f":{port:04X}") and line[3] == "0A" for line in lines)
        self.eventually(listening, True)

    def test_nc(self):
        """nc (OpenBSD) as a client that half-closes, and as a server."""
        need("nc")
        puppet = self.puppet()
        for version in (4, 6):
            with self.subTest(version=version, nc="client"):
                port = next(self.ports)
                puppet.listen(port=port, echo=True, at_end="close")
                done = program("nc", "-N", HAWSER[version], port, input=DATA)
                self.assertEqual((done.returncode, done.stderr, digest(done.stdout)), (0, b"", digest(DATA)))
            with self.subTest(version=version, nc="server"):
                port = next(self.ports)
                with subprocess.Popen(["nc", f"-{version}", "-N", "-l", str(port)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE) as server:
                    self.addCleanup(server.kill)
                    self.until_listening(port)
                    # nc says FIN when its input ends; had it seen ours before, it would not send the rest.
                    ident = puppet.connect(address=KERNEL[version], port=port, source=len(DATA), read=True,
                                           at_end="close")["id"]
                    out, _ = server.communicate(DATA, PATIENCE)
                self.assertEqual(server.returncode, 0)
                self.assertEqual(digest(out), puppet.wait("queued", ident)["sha256"])
                end = puppet.wait("end", ident)
                self.assertEqual((end["bytes"], end["sha256"]), (len(DATA), digest(DATA)))

    def iperf3(self, puppet, version, *words):
        done = program("iperf3", "-c", HAWSER[version], "-J", *words)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report.get("error")), (0, None), done.stderr)
        ours = puppet.wait("iperf3")
        self.assertEqual((ours["why"], ours["reverse"]), ("done", "-R" in words))
        reported, theirs = ("sum_sent", "sum_received") if "-R" in words else ("sum_received", "sum_sent")
        self.assertEqual(report["end"][reported]["bytes"], ours["bytes"])
        return report["end"][theirs]["bytes"], ours["bytes"]

    def test_iperf3(self):
        """One stream either way."""
        need("iperf3")
        self.provokes(RESET)
        puppet = self.puppet()
        puppet.iperf3(port=5201)
        for version in (4, 6):
            with self.subTest(version=version):
                sent, received = self.iperf3(puppet, version, "-n", "8M")
                self.assertGreaterEqual(sent, 8 << 20)
                self.assertLessEqual(received, sent)
                received, sent = self.iperf3(puppet, version, "-R", "-n", "8M")
                self.assertGreaterEqual(received, 8 << 20)
                self.assertLessEqual(received, sent)

    def test_iperf3_for_a_second(self):
        """As fast as it goes, so without a capture."""
        need("iperf3")
        puppet = self.puppet(capture=False)
        puppet.iperf3(port=5201)
        for version in (4, 6):
            for words in ((), ("-R",)):
                with self.subTest(version=version, words=words):
                    theirs, _ = self.iperf3(puppet, version, "-t", "1", *words)
                    self.assertGreater(theirs, 1 << 20)


if __name__ == "__main__":
    main()
