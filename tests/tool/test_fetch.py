# SPDX-License-Identifier: MIT
"""hawser fetch, from servers on the kernel's TCP."""

import pty
import termios

from toolkit import *

V4, V6 = "10.72.88.1:8000", "[fd48:5753:0:88::1]:8000"
DATA = os.urandom(3_000_000)


def plain(handler, data=DATA):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def until_close(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(DATA)
    handler.close_connection = True


def chunked(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for start in range(0, len(DATA), 50001):
        piece = DATA[start:start + 50001]
        handler.wfile.write(b"%x;extension=1\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\nTrailer: yes\r\n\r\n")


def too_short(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(DATA)))
    handler.end_headers()
    handler.wfile.write(DATA[:1000000])
    handler.close_connection = True


def not_found(handler):
    handler.send_error(404)


def moved(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://elsewhere/\xe4[2J")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def interim(handler):
    handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    plain(handler, b"after the hint")


def nonsense(handler):
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.close_connection = True


def endless_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        for _ in range(100000):
            handler.wfile.write(b"X: " + b"y" * 1000 + b"\r\n")
    except OSError:
        pass
    handler.close_connection = True


def silent(handler):
    time.sleep(5)
    handler.close_connection = True


def dripping(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(10):
        handler.wfile.write(bytes(100))
        time.sleep(0.1)


def slow(handler):
    plain(handler, b"z" * 20_000_000)


PAGES = {"/" + f.__name__: f for f in (plain, until_close, chunked, too_short, not_found, moved, interim, nonsense,
                                      endless_head, silent, dripping, slow)}


def answer(handler):
    if handler.path == "/host?query":
        plain(handler, f"{handler.headers['Host']} {handler.path}".encode())
    else:
        PAGES[handler.path](handler)


class Fetch(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = KernelServer(answer)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def fetch(self, page, *arguments, server=V4, **options):
        return run("fetch", *arguments, f"http://{server}/{page}", **options)

    def assert_fails(self, finished, *words, output=b""):
        self.assertEqual(finished.returncode, 1, finished)
        self.assertEqual(finished.stdout, output)
        self.assertEqual(len(finished.stderr.decode().splitlines()), 1, finished.stderr)
        for word in words:
            self.assertIn(word, finished.stderr.decode())

    def test_three_ways_to_end(self):
        for server in (V4, V6):
            for page in ("plain", "until_close", "chunked"):
                with self.subTest(page=page, server=server):
                    finished = self.fetch(page, server=server)
                    self.assert_ok(finished)
                    self.assertEqual(finished.stderr, b"")
                    self.assertTrue(finished.stdout == DATA)

    def test_host_and_query(self):
        self.assertEqual(self.fetch("host?query#fragment").stdout, f"{V4} /host?query".encode())
        self.assertEqual(self.fetch("host?query", server=V6).stdout, f"{V6} /host?query".encode())

    def test_interim_answer(self):
        self.assertEqual(self.fetch("interim").stdout, b"after the hint")

    def test_answers_that_are_failures(self):
        self.assert_fails(self.fetch("not_found"), "404")
        self.assert_fails(self.fetch("moved"), "302", "http://elsewhere/?[2J")
        self.assert_fails(self.fetch("nonsense"), "not HTTP")
        self.assert_fails(self.fetch("endless_head"), "head")
        self.assert_fails(self.fetch("too_short"), "middle", "1000000", output=DATA[:1000000])

    def test_nobody_answers(self):
        self.assert_fails(self.fetch("", server="10.72.88.1:9"), "refused")
        self.assert_fails(self.fetch("", server="[fd48:5753:0:88::1]:9"), "refused")
        self.assert_fails(self.fetch("", "--timeout", "0.5", server="10.72.88.77"), "0.5 s")
        self.assert_fails(self.fetch("silent", "--timeout", "0.5"), "0.5 s")
        self.assert_fails(self.fetch("", server="no-such-name.invalid"), "no-such-name.invalid")
        self.assert_fails(run("fetch", "--tap", "t", "--address", "192.0.2.2/24", "http://10.0.0.1/"), "route")

    def test_output_file(self):
        path = self.path("file")
        self.assert_ok(self.fetch("plain", "-o", path))
        with open(path, "rb") as file:
            self.assertTrue(file.read() == DATA)
        # A failure leaves what was there, and nothing else.
        self.assert_fails(self.fetch("too_short", "-o", path))
        self.assert_fails(self.fetch("not_found", "-o", self.path("other")))
        self.assertEqual(os.path.getsize(path), len(DATA))
        self.assertEqual(os.listdir(self.directory), ["file"])
        self.assert_fails(self.fetch("plain", "-o", self.path("no/where")), "No such file")
        self.assert_fails(self.fetch("plain", "-o", "/dev/full"), "No space")
        self.assert_ok(self.fetch("plain", "-o", "/dev/null"))
        self.assertEqual(self.fetch("interim", "-o", "-").stdout, b"after the hint")

    def test_slow_and_vanishing_readers(self):
        def start():
            return subprocess.Popen([HAWSER, "fetch", f"http://{V4}/slow"], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        process = start()
        time.sleep(0.5)  # the pipe is full long since: the window closes, and the server waits
        received = process.stdout.read(1_000_000)
        time.sleep(0.3)
        received += process.stdout.read()
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.assertTrue(received == b"z" * 20_000_000)
        process.stdout.close()
        process.stderr.close()
        process = start()
        process.stdout.read(1000)
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertIn(b"Broken pipe", process.stderr.read())
        process.stderr.close()

    def test_progress_on_a_terminal(self):
        """One line, as wide as the terminal, wiped at the end; the data does not pass through it."""
        terminal, side = pty.openpty()
        termios.tcsetwinsize(side, (24, 40))
        started = subprocess.Popen([HAWSER, "fetch", "-o", "/dev/null", f"http://{V4}/dripping"], stderr=side,
                                   env=dict(os.environ, TERM="xterm"))
        os.close(side)
        shown = b""
        try:
            while piece := os.read(terminal, 65536):
                shown += piece
        except OSError:
            pass  # how a terminal says that nobody is at the other side any more
        os.close(terminal)
        self.assertEqual(started.wait(PATIENCE), 0)
        lines = shown.decode().split("\r\x1b[K")
        self.assertGreater(len(lines), 3)
        self.assertEqual(lines[-1], "")
        self.assertEqual({len(line) for line in lines[1:-1]}, {39})

    def test_interrupted(self):
        background = Background("fetch", "-o", self.path("file"), f"http://{V4}/silent")
        time.sleep(0.3)
        self.assertEqual(background.end(signal.SIGINT), -signal.SIGINT)
        self.assertEqual(os.listdir(self.directory), [])
        self.assertNotIn("hawser1", os.listdir("/sys/class/net"))

    def test_gateway(self):
        """An address of the kernel's that is not on the link is reached through the peer."""
        subprocess.run(["ip", "address", "add", "198.51.100.9/32", "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", "198.51.100.9/32", "dev", "lo"])
        self.assertTrue(self.fetch("plain", server="198.51.100.9:8000").stdout == DATA)

    def test_capture(self):
        capture = self.path("fetch.pcap")
        self.assert_ok(self.fetch("plain", "--capture", capture))
        self.assertGreater(os.path.getsize(capture), len(DATA))


if __name__ == "__main__":
    need_device()
    need("ip")
    main()
