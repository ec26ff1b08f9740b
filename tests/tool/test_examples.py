# SPDX-License-Identifier: MIT
"""The examples, run as their first comment says."""

from toolkit import *

EXAMPLES = os.environ.get("HAWSER_EXAMPLES", ".")


def example(name):
    return os.path.join(EXAMPLES, "example_" + name)


class Examples(Case):
    def test_echo_server(self):
        data = os.urandom(3_000_000)
        with Background(exe=example("echo_server"), ready="port 7"):
            for half in (data, b"short"):
                with socket.create_connection(("10.72.1.2", 7), PATIENCE) as connection:
                    def send():
                        connection.sendall(half)
                        connection.shutdown(socket.SHUT_WR)
                    sender = threading.Thread(target=send)
                    sender.start()
                    echoed = b""
                    while piece := connection.recv(65536):
                        echoed += piece
                    sender.join()
                self.assertTrue(echoed == half)

    def test_http_file_server(self):
        data = os.urandom(3_000_000)
        self.write("data.bin", data)
        self.write(".hidden", b"hidden")
        os.mkdir(self.path("directory"))
        with Background(exe=example("http_file_server"), ready="serving", cwd=self.directory):
            def curl(name, *arguments):
                return run("-q", "-sS", "--noproxy", "*", "--max-time", "60", *arguments, f"http://10.72.2.2/{name}",
                           exe="curl")
            self.assertTrue(curl("data.bin").stdout == data)
            for name in ("nothing", ".hidden", "directory", "a/b", "..%2fx"):
                self.assertEqual(curl(name, "-o", "/dev/null", "-w", "%{http_code}").stdout, b"404", name)
            with socket.create_connection(("10.72.2.2", 80), PATIENCE) as connection:  # longer than it takes
                connection.sendall(b"x" * 2000)
                try:
                    self.assertEqual(connection.recv(100), b"")
                except ConnectionResetError:
                    pass
            self.assertTrue(curl("data.bin").stdout == data)

    def test_fetch(self):
        data = b"\n\n" + os.urandom(3_000_000)

        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(data)
            handler.close_connection = True
        with KernelServer(answer):
            finished = run("/file", exe=example("fetch"))
            self.assert_ok(finished)
            self.assertTrue(finished.stdout == data)
        refused = run("/file", exe=example("fetch"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"refused", refused.stderr)
        self.assertEqual(run(exe=example("fetch")).returncode, 2)

    def test_two_hosts(self):
        finished = run(exe=example("two_hosts"))
        self.assert_ok(finished)
        text = finished.stdout.decode()
        self.assertIn("1000000 of 1000000 bytes arrived", text)
        self.assertRegex(text, r"client: TIME-WAIT, port \d+, timer in (60\.00\d|59\.\d+) s")
        self.assertRegex(text, r"all is quiet\n +\d+\.\d+ s +server: LISTEN, port 80\n\Z")
        self.assertEqual(run(exe=example("two_hosts")).stdout, finished.stdout)  # the same again


if __name__ == "__main__":
    need_device()
    need("curl", "ip")
    main()
