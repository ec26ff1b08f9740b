# SPDX-License-Identifier: MIT
"""hawser demo: all of it, less of it, interrupted, killed, and without privileges."""

import json
import uuid

from toolkit import *


class Demo(Case):
    def setUp(self):
        super().setUp()
        self.mark = uuid.uuid4().hex
        self.environment = dict(os.environ, HAWSER_TEST_MARK=self.mark, TMPDIR=self.path("tmp"), LC_ALL="C.UTF-8")
        os.mkdir(self.path("tmp"))
        os.mkdir(self.path("here"))

    def demo(self, *arguments, **options):
        options.setdefault("env", self.environment)
        options.setdefault("cwd", self.path("here"))
        return run("demo", *arguments, **options)

    def assert_nothing_left(self, *wanted):
        deadline = time.monotonic() + 5
        while (left := marked_processes(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.05)  # the kernel needs a moment to bury them
        self.assertEqual(left, [])
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.assertEqual(os.listdir(self.path("here")), list(wanted))

    def test_for_people(self):
        start = time.monotonic()
        finished = self.demo()
        self.assert_ok(finished)
        self.assertLess(time.monotonic() - start, 60)
        text = finished.stdout.decode()
        self.assertEqual(finished.stderr, b"")
        self.assertNotIn("\033", text)
        self.assertNotIn("FAIL", text)
        self.assertRegex(text, r"(?m)^\d+ held, 0 failed, \d+ skipped, in ")
        for state in ("SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE-WAIT",
                      "LAST-ACK", "LISTEN", "CLOSED"):
            self.assertRegex(text, rf"(?m)\b{state}\b")
        self.assertRegex(text, r"SYN,ACK SEQ=0 ACK=1 LEN=0")
        self.assertLessEqual(max(map(len, text.splitlines())), 120)
        diagram = [line for line in text.splitlines() if "│" in line]
        self.assertGreater(len(diagram), 8)
        self.assertLessEqual(max(map(len, diagram)), 100)
        self.assert_nothing_left("hawser-demo.pcap")
        if shutil.which("tshark"):
            complaints = "_ws.malformed || _ws.expert.severity >= warning"
            read = run("-r", self.path("here/hawser-demo.pcap"), "-Y", complaints, exe="tshark",
                       env=dict(os.environ, HOME=self.directory))
            self.assertEqual((read.returncode, read.stdout), (0, b""), read.stderr)

    def test_ascii(self):
        finished = self.demo("--quick", env=dict(self.environment, LC_ALL="C"))
        self.assert_ok(finished)
        self.assertTrue(finished.stdout.isascii())

    def test_json(self):
        finished = self.demo("--quick", "--json", "--capture", self.path("mine.pcap"))
        self.assert_ok(finished)
        checks = [json.loads(line) for line in finished.stdout.splitlines()]
        self.assertEqual({check["part"] for check in checks}, {1, 2, 3})
        for check in checks:
            self.assertIn(check["ok"], (True, None), check)
            self.assertTrue(check["check"])
        transfers = [check for check in checks if "bytes" in check]
        self.assertEqual({check["bytes"] for check in transfers}, {4 << 20})
        if os.path.exists("/dev/net/tun") and os.geteuid() == 0:
            self.assertEqual(len([check for check in transfers if check["part"] == 1]), 4)
        over_wire = [check for check in transfers if check["part"] == 2]
        self.assertEqual(len(over_wire), 2)
        for check in over_wire:
            self.assertGreater(check["frames_lost"], 0)
            # A frame that is lost may be of a handshake; a segment may be sent again that was not lost.
            self.assertGreater(check["segments_retransmitted"], 0.8 * check["frames_lost"])
        time_wait = next(check for check in checks if check["check"] == "TIME-WAIT")
        self.assertEqual((time_wait["side"], time_wait["seconds"]), ("client", 60))
        self.assert_nothing_left()
        self.assertGreater(os.path.getsize(self.path("mine.pcap")), 3000)

    def test_one_seed_one_run(self):
        def virtual(seed):
            lines = self.demo("--quick", "--json", "--seed", seed).stdout.splitlines()
            checks = [json.loads(line) for line in lines]
            return [(c["virtual_seconds"], c["frames_lost"], c["client_frames_lost"]) for c in checks if c["part"] == 2]
        self.assertEqual(virtual(5), virtual(5))
        self.assertNotEqual(virtual(5), virtual(6))

    def test_a_directory_that_cannot_be_written(self):
        finished = self.demo("--quick", "--capture", self.path("no/where.pcap"))
        self.assertEqual(finished.returncode, 1)
        self.assertIn(b"FAIL", finished.stdout)

    def test_interrupted(self):
        for delay in (0.05, 0.3, 0.8, 1.5):
            process = subprocess.Popen([HAWSER, "demo"], cwd=self.path("here"), env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            error = process.communicate(timeout=PATIENCE)[1]
            self.assertIn(process.returncode, (-signal.SIGINT, 0))
            if process.returncode != 0:
                self.assertIn(b"interrupted", error)
            else:
                os.remove(self.path("here/hawser-demo.pcap"))
            self.assert_nothing_left()

    def test_killed(self):
        for delay in (0.3, 1.0):
            process = subprocess.Popen([HAWSER, "demo"], cwd=self.path("here"), env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            process.kill()
            process.wait(PATIENCE)
            for name in os.listdir(self.path("here")):
                os.remove(self.path("here", name))
            self.assert_nothing_left()

    def test_without_programs(self):
        finished = self.demo("--quick", "--json", env=dict(self.environment, PATH=self.directory))
        checks = [json.loads(line) for line in finished.stdout.splitlines()]
        if any(check["check"] == "everything with the kernel" for check in checks):
            return  # nothing to be missed there
        self.assertEqual(finished.returncode, 1)
        self.assertIn("curl is not installed", {check["text"] for check in checks if not check["ok"]})
        self.assertTrue(all(check["ok"] for check in checks if check["part"] != 1))

    def test_without_privileges(self):
        if os.geteuid() != 0:
            return  # then all the other tests are this one
        shutil.copy(HAWSER, self.path("hawser"))
        os.chmod(self.directory, 0o755)
        for name in ("here", "tmp"):
            os.chmod(self.path(name), 0o777)
        nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", self.path("hawser")]
        finished = run(*nobody, "demo", "--quick", "--json", exe="setpriv", cwd=self.path("here"), env=self.environment)
        self.assert_ok(finished)
        checks = [json.loads(line) for line in finished.stdout.splitlines()]
        self.assertTrue(all(check["ok"] for check in checks if check["part"] != 1))
        first = [check for check in checks if check["part"] == 1]
        self.assertTrue(all(check["ok"] or check["skipped"] for check in first), first)
        self.assert_nothing_left("hawser-demo.pcap")


if __name__ == "__main__":
    main()
