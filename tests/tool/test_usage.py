# SPDX-License-Identifier: MIT
"""hawser's help, version and answers to wrong command lines."""

import re

from toolkit import *

COMMANDS = ("demo", "serve", "fetch", "pkt", "bench", "version", "help")


class Help(Case):
    def test_overview(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            finished = run(*arguments)
            self.assert_ok(finished)
            for command in COMMANDS:
                self.assertRegex(finished.stdout.decode(), rf"(?m)^  {command} ")

    def test_each_command(self):
        for command in ("demo", "serve", "fetch", "pkt", "bench", "version"):
            with self.subTest(command):
                text = run(command, "--help")
                self.assert_ok(text)
                self.assertRegex(text.stdout.decode(), rf"\AUsage: hawser {command}")
                self.assertEqual(text.stdout, run("help", command).stdout)
                if command != "version":
                    examples = re.findall(rf"(?m)^ +(?:\S.*& +)?hawser {command}\b", text.stdout.decode())
                    self.assertGreaterEqual(len(examples), 2)
                self.assertLessEqual(max(map(len, text.stdout.decode().splitlines())), 100)

    def test_version(self):
        for arguments in (["--version"], ["version"]):
            finished = run(*arguments)
            self.assert_ok(finished)
            self.assertRegex(finished.stdout.decode(), r"\Ahawser \d+\.\d+\.\d+\n\Z")


class WrongUsage(Case):
    def test_nothing(self):
        finished = run()
        self.assertEqual(finished.returncode, 2)
        self.assertEqual(finished.stdout, b"")
        self.assertIn(b"Usage: hawser", finished.stderr)

    def test_hawser(self):
        self.assert_usage(run("sevre"), "sevre")
        self.assert_usage(run("--colour"), "--colour")
        self.assert_usage(run("help", "sevre"), "sevre")

    def test_options(self):
        for arguments, word in (
            (["demo", "--bogus"], "bogus"),
            (["demo", "extra"], "extra"),
            (["demo", "--seed", "x"], "--seed"),
            (["version", "extra"], "extra"),
            (["serve"], "directory"),
            (["serve", ".", "extra"], "extra"),
            (["serve", "--port", "0", "."], "--port"),
            (["serve", "--port", "65536", "."], "--port"),
            (["serve", "--port", "-1", "."], "--port"),
            (["serve", "--tap", "a-name-that-is-too-long", "."], "--tap"),
            (["serve", "--address", "10.0.0.256/24", "."], "--address"),
            (["serve", "--address", "10.0.0.1/33", "."], "--address"),
            (["serve", "--peer", "10.0.0.1/24", "."], "--address"),
            (["serve", "--mtu", "100", "."], "--mtu"),
            (["fetch"], "URL"),
            (["fetch", "http://a/", "http://b/"], "http://b/"),
            (["fetch", "--timeout", "soon", "http://a/"], "--timeout"),
            (["pkt"], "scripts"),
            (["pkt", "--jobs", "0", "x.pkt"], "--jobs"),
            (["pkt", "--mtu", "x", "x.pkt"], "--mtu"),
            (["pkt", "--ip_version", "ipv5", "x.pkt"], "--ip_version"),
            (["pkt", "-D", "=1", "x.pkt"], "-D"),
            (["pkt", "--bogus", "x.pkt"], "bogus"),
            (["bench", "sprint"], "sprint"),
            (["bench", "--seconds", "0"], "--seconds"),
            (["bench", "rr", "--random"], "--connections"),
        ):
            with self.subTest(arguments):
                self.assert_usage(run(*arguments), word)

    def test_urls(self):
        for url in ("ftp://10.0.0.1/", "10.0.0.1/file", "http://", "http://a:0/", "http://a:99999/", "http://u:p@a/",
                    "http://[::1/", "http://a/" + "x" * 5000):
            with self.subTest(url):
                finished = run("fetch", url)
                self.assertEqual(finished.returncode, 2, finished)
                self.assertEqual(len(finished.stderr.decode().splitlines()), 1)

    def test_no_such_directory(self):
        finished = run("serve", self.path("nowhere"))
        self.assertEqual(finished.returncode, 1)
        self.assertIn(b"No such file", finished.stderr)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(run("version", stdout=full).returncode, 1)


if __name__ == "__main__":
    main()
