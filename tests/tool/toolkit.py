# SPDX-License-Identifier: MIT
"""What the tests of commands and examples share: namespaces, running programs, and ending."""

import http.server
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HAWSER = os.environ.get("HAWSER_EXE", "hawser")
PATIENCE = 60.0  # seconds; only a hanging test takes so long

# A shell that starts the tests in the background has them ignore it, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def skip(reason):
    print("SKIP:", reason)
    sys.exit(77)


def need_device():
    """Moves the test into a network namespace of its own, where it may make TAP devices; else it is skipped."""
    if "HAWSER_TEST_NAMESPACE" not in os.environ:
        try:
            os.close(os.open("/dev/net/tun", os.O_RDWR))
        except OSError as error:
            skip(f"no TAP devices: {error}")
        if shutil.which("unshare") is None:
            skip("no unshare program for a network namespace")
        rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        if subprocess.run(["unshare", *rights, "--net", "true"], capture_output=True).returncode != 0:
            skip("no network namespaces here")
        os.environ["HAWSER_TEST_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", *rights, "--net", sys.executable, "-B", *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            skip(f"{program} is not installed")


def run(*arguments, exe=None, timeout=PATIENCE, **options):
    """Runs hawser (or exe) to its end; output as bytes."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run([exe or HAWSER, *map(str, arguments)], timeout=timeout, stdin=subprocess.DEVNULL, **options)


class Background:
    """A program that runs while the body of a `with` does; ended by SIGTERM."""

    def __init__(self, *arguments, ready=None, exe=None, **options):
        self.process = subprocess.Popen([exe or HAWSER, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.first_line = ""
        self.status = None
        self.out = self.err = b""
        if ready is not None:
            self.wait_for(ready)

    def wait_for(self, text):
        """The first line of output that contains text."""
        deadline = time.monotonic() + PATIENCE
        seen = b""
        descriptor = self.process.stdout.fileno()
        while text.encode() not in seen:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self.end()
                raise AssertionError(f"never said {text!r}: {seen!r} {self.err!r}")
            piece = os.read(descriptor, 4096)
            seen += piece
            if not piece:
                self.end()
                raise AssertionError(f"ended before it said {text!r}: {seen!r} {self.err!r}")
        self.first_line = next(line for line in seen.decode().splitlines() if text in line)

    def end(self, number=signal.SIGTERM):
        if self.status is None:
            self.process.send_signal(number)
            try:
                self.out, self.err = self.process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.out, self.err = self.process.communicate()
                raise AssertionError("did not end when it was told to") from None
            self.status = self.process.returncode
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class KernelServer:
    """A Python HTTP server on the kernel's TCP, on every address; handle(handler) answers GET."""

    def __init__(self, handle, port=8000):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802, the name is http.server's
                handle(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6
            daemon_threads = True

            def server_bind(self):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                super().server_bind()

            def handle_error(self, *_):
                pass  # a client that goes away in the middle is what some tests are about

        self.server = Server(("::", port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def marked_processes(mark):
    """Ids of processes whose environment holds HAWSER_TEST_MARK=mark."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:
                if name.isdigit() and f"HAWSER_TEST_MARK={mark}".encode() in environ.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass
    return found


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="hawser-test-")
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def assert_ok(self, finished):
        self.assertEqual(finished.returncode, 0, finished.stderr)

    def assert_usage(self, finished, *words):
        """Wrong usage: status 2, nothing on standard output, one clear line and the remedy on standard error."""
        self.assertEqual(finished.returncode, 2, finished)
        self.assertEqual(finished.stdout, b"")
        lines = finished.stderr.decode().strip().splitlines()
        self.assertLessEqual(len(lines), 2, lines)
        for word in ("--help", *words):
            self.assertIn(word, finished.stderr.decode())


def main():
    """unittest's main, with a status that meson understands."""
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)


__all__ = [name for name in dir() if re.match(r"[A-Za-z]", name)]
