# SPDX-License-Identifier: MIT
"""hawser serve, asked by curl and by hand."""

import concurrent.futures

from toolkit import *

V4, V6 = "10.72.87.2", "fd48:5753:0:87::2"
LARGE = 5_000_000


def talk(data, address=V4, port=80, timeout=PATIENCE):
    """Says data, and returns everything that is answered until the server closes."""
    with socket.create_connection((address, port), timeout) as connection:
        connection.sendall(data)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def get(target, *fields):
    head = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *fields]
    return "".join(line + "\r\n" for line in [*head, ""]).encode()


class Serve(Case):
    def setUp(self):
        super().setUp()
        self.large = os.urandom(LARGE)
        os.makedirs(self.path("www/sub dir/empty"))
        for name, data in (("www/large.bin", self.large), ("www/small.txt", b"small\n"), ("www/nothing", b""),
                           ("www/sub dir/a & <b>.html", b"<p>"), ("www/with/index.html", b"the index"),
                           ("secret", b"secret")):
            self.write(name, data)
        os.symlink("../secret", self.path("www/out"))
        os.symlink("/etc/passwd", self.path("www/away"))
        os.symlink("small.txt", self.path("www/inside"))
        os.mkfifo(self.path("www/fifo"))
        os.symlink("loop", self.path("www/loop"))
        self.server = Background("serve", "-v", self.path("www"), ready="serving")
        self.addCleanup(self.stop)

    def stop(self):
        self.assertEqual(self.server.end(), -signal.SIGTERM, self.server.err)
        self.assertNotIn("hawser0", os.listdir("/sys/class/net"))

    def curl(self, *arguments):
        return subprocess.run(["curl", "-q", "-g", "-sS", "--noproxy", "*", "--max-time", "60", *arguments],
                              capture_output=True, timeout=PATIENCE)

    def test_files(self):
        self.assertIn(f"http://{V4}/ http://[{V6}]/", self.server.first_line)
        for host in (V4, f"[{V6}]"):
            self.assertEqual(self.curl(f"http://{host}/large.bin").stdout, self.large)
            self.assertEqual(self.curl(f"http://{host}/nothing").stdout, b"")
            self.assertEqual(self.curl(f"http://{host}/inside").stdout, b"small\n")
        # Many on one connection, and a client that speaks HTTP/1.0.
        three = self.curl(*[f"http://{V4}/small.txt"] * 3, "-w", "%{num_connects}")
        self.assertEqual(three.stdout.replace(b"small\n", b""), b"100")
        self.assertEqual(self.curl("-0", f"http://{V4}/small.txt").stdout, b"small\n")

    def test_head_and_types(self):
        head = self.curl("-I", f"http://{V4}/large.bin").stdout.decode()
        self.assertIn("HTTP/1.1 200 OK\r\n", head)
        self.assertIn(f"Content-Length: {LARGE}\r\n", head)
        self.assertRegex(head, r"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")
        for name, kind in (("small.txt", "text/plain"), ("large.bin", "application/octet-stream"),
                           ("with/", "text/html"), ("sub%20dir/a%20%26%20%3Cb%3E.html", "text/html")):
            self.assertIn(f"Content-Type: {kind}", self.curl("-I", f"http://{V4}/{name}").stdout.decode())

    def test_ranges(self):
        for spec, expected in (("0-9", self.large[:10]), ("1000000-", self.large[1000000:]), ("-7", self.large[-7:]),
                               (f"{LARGE - 1}-{LARGE + 5}", self.large[-1:])):
            part = self.curl("-r", spec, "-w", "%{http_code}", f"http://{V4}/large.bin")
            self.assertEqual(part.stdout, expected + b"206", spec)
        self.assertEqual(status_of(talk(get("/large.bin", f"Range: bytes={LARGE}-"))), 416)
        self.assertEqual(status_of(talk(get("/nothing", "Range: bytes=0-"))), 416)
        for nonsense in ("bytes=5-4", "bytes=1-2,4-5", "lines=1-2", "bytes=99999999999999999999-",
                         "bytes=" + "1" * 100 + "-"):
            self.assertEqual(status_of(talk(get("/small.txt", f"Range: {nonsense}"))), 200, nonsense)

    def test_directories(self):
        top = self.curl(f"http://{V4}/").stdout.decode()
        self.assertIn('<a href="./sub%20dir/">sub dir/</a>', top)
        sub = self.curl("-L", f"http://{V4}/sub%20dir").stdout.decode()
        self.assertIn('<a href="./a%20%26%20%3Cb%3E.html">a &amp; &lt;b&gt;.html</a>', sub)
        self.assertEqual(self.curl("-L", f"http://{V4}/with").stdout, b"the index")
        self.assertIn(b"\r\nLocation: /with/?a=b\r\n", talk(get("/with?a=b")))
        self.assertIn(b"\r\nLocation: /with/\r\n", talk(get("///with")))

    def test_ways_out(self):
        for target in ("/../secret", "/..%2fsecret", "/%2e%2e/secret", "/with/../../secret", "/out", "/away", "/loop",
                       "/no", "/small.txt/", "/" + "a/" * 1000, "//etc/passwd", "/proc/self/environ", "/" + "n" * 3000):
            answer = talk(get(target))
            self.assertEqual(status_of(answer), 404, target)
            self.assertNotIn(b"secret\n", answer)
        self.assertEqual(status_of(talk(get("/fifo"))), 403)
        self.assertEqual(status_of(talk(get("/with/../small.txt"))), 200)

    def test_hostile_requests(self):
        for data, status in (
            (b"nonsense\r\n\r\n", 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
            (b"GET  HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n", 400),
            (get("/%"), 400), (get("/%zz"), 400), (get("/small.txt%00.html"), 400), (get("*"), 400),
            (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 405),
            (b"DELETE /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
            (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
            (get("/" + "x" * 5000), 414),
            (get("/", "X: " + "y" * 20000), 431),
            (get("/", *[f"X{i}: {'z' * 90}" for i in range(300)]), 431),
            (b"\r\n" * 20000, 431),
            (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ):
            with self.subTest(data[:60]):
                answer = talk(data)
                self.assertEqual(status_of(answer), status, answer[:200])
                self.assertIn(b"Connection: close\r\n", answer)
        self.assertEqual(self.curl(f"http://{V4}/small.txt").stdout, b"small\n")

    def test_log_shows_no_control_characters(self):
        talk(b"GET /\x1b[2Jevil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        talk(get("/%1b[2J"))
        self.server.end()
        self.assertNotIn(b"\x1b", self.server.out)
        self.assertRegex(self.server.out.decode(), r"10\.72\.87\.1 \d+ GET /%1b\[2J 404 \d+\n")

    def test_pipelined_and_half_closed(self):
        request = b"GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection((V4, 80), PATIENCE) as connection:
            connection.sendall(request * 50)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 50)

    def test_in_small_pieces(self):
        with socket.create_connection((V4, 80), PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in get("/small.txt", "Range: bytes=1-3"):
                connection.sendall(bytes([byte]))
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        self.assertEqual(status_of(answer), 206)
        self.assertTrue(answer.endswith(b"\r\n\r\nmal"))

    def test_a_client_that_does_not_read_holds_nobody_up(self):
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect((V4, 80))
            lazy.sendall(get("/large.bin"))
            time.sleep(0.2)
            self.assertEqual(self.curl(f"http://{V4}/large.bin").stdout, self.large)
            lazy.settimeout(PATIENCE)
            received = b""
            while piece := lazy.recv(65536):
                received += piece
        self.assertTrue(received.endswith(self.large))

    def test_many_that_do_not_read(self):
        lazy = []
        for _ in range(200):
            lazy.append(socket.socket())
            lazy[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy[-1].connect((V4, 80))
            lazy[-1].sendall(get("/large.bin"))
        self.assertEqual(self.curl(f"http://{V4}/large.bin").stdout, self.large)
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024
        self.assertLess(resident, 300 << 20)
        for connection in lazy:
            connection.close()

    def test_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            ranges = [f"Range: bytes={i * 1000}-{i * 1000 + 49999}" for i in range(300)]
            answers = list(pool.map(lambda field: talk(get("/large.bin", field)), ranges))
        for i, answer in enumerate(answers):
            self.assertTrue(answer.endswith(b"\r\n\r\n" + self.large[i * 1000:i * 1000 + 50000]))


class OtherSettings(Case):
    def test_device_port_mtu_and_capture(self):
        data = os.urandom(100000)
        self.write("www/file", data)
        capture = self.path("serve.pcap")
        with Background("serve", "--tap", "mine", "--address", "192.0.2.2/24", "--peer", "192.0.2.1/24",
                        "--address", "2001:db8::2/64", "--peer", "2001:db8::1/64", "--mtu", "1300", "--port", "8080",
                        "--connections", "1", "--capture", capture, self.path("www"),
                        ready="http://[2001:db8::2]:8080/") as server:
            for address in ("192.0.2.2", "2001:db8::2"):
                self.assertTrue(talk(get("/file"), address, 8080).endswith(data))
            self.assertEqual(server.end(signal.SIGINT), -signal.SIGINT)
            self.assertEqual(server.err, b"")
        with open(capture, "rb") as file:
            self.assertEqual(file.read(4), bytes.fromhex("4d3cb2a1"))  # nanoseconds, little-endian
        self.assertGreater(os.path.getsize(capture), 2 * len(data))

    def test_one_more_than_it_takes_at_once(self):
        self.write("www/file", b"x")
        with Background("serve", "--connections", "2", self.path("www"), ready="serving"):
            first, second = (socket.create_connection((V4, 80), PATIENCE) for _ in range(2))
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                third = pool.submit(talk, get("/file"))
                self.assertEqual(concurrent.futures.wait([third], 0.3).done, set())
                first.close()
                self.assertTrue(third.result(PATIENCE).endswith(b"x"))
            second.close()

    def test_a_device_that_is_taken(self):
        with Background("serve", self.directory, ready="serving"):
            second = run("serve", self.directory)
            self.assertEqual(second.returncode, 1)
            self.assertEqual(len(second.stderr.decode().splitlines()), 1, second.stderr)


if __name__ == "__main__":
    need_device()
    need("curl", "ip")
    main()
