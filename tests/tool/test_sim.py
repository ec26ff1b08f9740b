# SPDX-License-Identifier: MIT
"""hawser sim: that it repeats itself, says what it found, makes it small, and that its checkers check."""

import json

from toolkit import *

# What --break makes wrong, and the rule by which it must be found.
BREAKS = {
    "content": "stream", "skip": "stream", "eof": "stream", "window": "window", "ack": "acknowledgement",
    "edge": "edge", "gap": "sequence", "transition": "transition", "leak": "memory", "memory": "memory",
    "time-wait": "time-wait", "stall": "liveness", "deadline": "deadline", "storm": "storm", "forgery": "forgery",
    "cwnd": "cwnd", "assert": "assertion", "crash": "crash", "hang": "hang",
}


class Sim(Case):
    def sim(self, *arguments, status=0):
        finished = run("sim", *arguments, cwd=self.directory, timeout=300)
        self.assertEqual(finished.returncode, status, finished)
        return finished.stdout.decode()

    def search(self, *arguments, status=0):
        return json.loads(self.sim("--json", *arguments, status=status))


class Repeats(Sim):
    def test_one_seed(self):
        for seed in (1, 2, 3, 17, 4271):
            first, second = (self.search("--seed", seed) for _ in range(2))
            self.assertEqual(first, second)
            self.assertNotIn("failure", first)
        self.assertNotEqual(first["digest"], self.search("--seed", 5)["digest"])

    def test_to_the_byte(self):
        for name in "ab":
            self.sim("--seed", 11, "--capture", name)
        with open(self.path("a"), "rb") as a, open(self.path("b"), "rb") as b:
            frames = a.read()
            self.assertEqual(frames, b.read())
        self.assertGreater(len(frames), 1000)

    def test_any_number_of_processes(self):
        digests = {self.search("--seeds", 200, "-j", jobs, "--seed", 7)["digest"] for jobs in (1, 2, 3)}
        self.assertEqual(len(digests), 1)


class Checks(Sim):
    def test_every_checker(self):
        for what, rule in BREAKS.items():
            with self.subTest(what):
                found = self.search("--seeds", 400, "--break", what, status=1)
                self.assertGreaterEqual(found["failures"], 1)
                self.assertEqual({failure["rule"] for failure in found["failed"]}, {rule})

    def test_a_failure_is_told(self):
        text = self.sim("--seed", 3, "--break", "content", status=1)
        self.assertIn("FAIL stream: octet", text)
        self.assertIn("ESTABLISHED", text)
        again = re.search(r"again with: hawser sim (.*)", text).group(1)
        capture = re.search(r"^capture: (.*)", text, re.M).group(1)
        self.assertGreater(os.path.getsize(self.path(capture)), 100)
        found = self.search(*again.split(), "--break", "content", "--no-shrink", status=1)
        self.assertEqual(found["failure"]["rule"], "stream")

    def test_it_becomes_small(self):
        large = self.search("--seed", 35, "--break", "storm", "--no-shrink", status=1)["failure"]
        small = self.search("--seed", 35, "--break", "storm", status=1)["failure"]
        self.assertEqual(small["rule"], large["rule"])
        self.assertEqual(large["without"], "")
        self.assertIn("job", small["without"])
        again = self.search("--seed", 35, "--break", "storm", "--no-shrink", "--without", small["without"], status=1)
        self.assertEqual(again["failure"]["steps"], small["steps"])

    def test_a_search_goes_on(self):
        found = self.search("--seeds", 30, "--break", "leak", "--keep-going", status=1)
        self.assertEqual((found["seeds"], found["failures"]), (30, 30))
        found = self.search("--seeds", 8, "--break", "crash", "--keep-going", "-j", 2, status=1)
        self.assertEqual(found["seeds"], 8)  # a process that dies takes no seed with it
        self.assertGreater(found["failures"], 4)


class Shows(Sim):
    def test_plan(self):
        text = self.sim("--seed", 77, "--plan")
        for word in ("host 0:", "job0:", "fault0:"):
            self.assertIn(word, text)
        less = self.sim("--seed", 77, "--plan", "--without", "job0,fault0")
        self.assertNotIn("job0:", less)
        self.assertNotIn("fault0:", less)

    def test_trace(self):
        text = self.sim("--seed", 3, "--trace")
        self.assertRegex(text, r"(?m)^\d+\.\d{6} host \d .*SYN-SENT")

    def test_coverage(self):
        found = self.search("--seeds", 3000, "--coverage")["coverage"]
        for group in ("transitions", "causes", "timers", "records", "drops", "faults", "counters"):
            self.assertIn(group, found)
        self.assertEqual([name for name, count in found["transitions"].items() if count == 0], [])
        self.assertEqual([name for name, count in found["timers"].items() if count == 0], [])
        self.assertEqual([name for name, count in found["faults"].items() if count == 0], [])
        # A peer of ours never takes back what it SACKed, nor says nonsense; some others are rare.
        never = [name for name, count in found["counters"].items() if count == 0]
        self.assertLessEqual(len(never), 5, never)
        for name in ("path MTU decreases accepted", "SYN cookies that came back", "packets reassembled",
                     "2 MSL restarted", "records taken over by a SYN", "window probes sent",
                     "requests for memory turned down"):
            self.assertNotIn(name, never)
        self.assertIn("never seen", self.sim("--seeds", 2, "--coverage"))

    def test_wrong_usage(self):
        for arguments, word in (
            (["--seed", "x"], "--seed"),
            (["--seeds", "0"], "--seeds"),
            (["--minutes", "-1"], "--minutes"),
            (["-j", "0"], "--jobs"),
            (["--seed", "1", "--without", "job99"], "job99"),
            (["--seeds", "5", "--without", "job0"], "--without"),
            (["--break", "everything"], "everything"),
            (["extra"], "extra"),
        ):
            with self.subTest(arguments):
                finished = run("sim", *arguments, cwd=self.directory)
                self.assertEqual(finished.returncode, 2, finished)
                self.assertIn(word, finished.stderr.decode())


if __name__ == "__main__":
    main()
