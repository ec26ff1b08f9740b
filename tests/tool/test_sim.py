# SPDX-License-Identifier: MIT
"""hawser sim: that it repeats itself, says what it found, makes it small, and that its checkers check."""

import json

from toolkit import *

# What --break makes wrong, and the rule by which it must be found.
BREAKS = {
    "content": "stream", "skip": "stream", "eof": "stream", "window": "window", "ack": "acknowledgement",
    "edge": "edge", "gap": "sequence", "transition": "transition", "leak": "memory", "memory": "memory",
    "time-wait": "time-wait", "stall": "liveness", "deadline": "deadline", "storm": "storm", "forgery": "forgery",
    "cwnd": "cwnd", "back-off": "back-off", "loss": "cwnd", "taken-back": "window",
    "assert": "assertion", "crash": "crash", "hang": "hang",
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


# A program that does what is asked of it, and can be made wrong.
PROGRAM = """
#include <hawser/sim.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static void begin(struct hawser_sim_end *end) {{ {begin}; if (hawser_sim_now(end)) hawser_close(end->host, end->tcp); }}
static void event(struct hawser_sim_end *end, uint32_t events) {{ (void)end; (void)events; {event}; }}
const struct hawser_sim_program *hawser_sim_init(const char *argument)
{{
    static const struct hawser_sim_program program = {{{table}}};
    (void)argument;
    {init};
    return &program;
}}
"""
TABLE = ".version = HAWSER_SIM_VERSION, .state_bytes = 8, .begin = begin, .event = event"


class Programs(Sim):
    example = os.path.join(os.environ.get("HAWSER_EXAMPLES", "."), "example_sim_messages.so")

    def make(self, begin="", event="", table=TABLE, init="", source=None):
        self.write("mine.c", (source or PROGRAM.format(begin=begin, event=event, table=table, init=init)).encode())
        include = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include")
        made = run("-shared", "-fPIC", "-I", include, "-o", self.path("mine.so"), self.path("mine.c"), exe="cc")
        self.assertEqual(made.returncode, 0, made.stderr.decode())
        return "mine.so"

    def refused(self, name, *arguments):
        finished = run("sim", "--seeds", 5, "--program", name, *arguments, cwd=self.directory)
        self.assertEqual((finished.returncode, finished.stdout), (2, b""), finished)
        self.assertEqual(finished.stderr.count(b"\n"), 1, finished)
        return finished.stderr.decode()

    def test_one_without_fault(self):
        found = self.search("--seeds", 300, "--program", self.example)
        self.assertEqual((found["seeds"], found["failures"]), (300, 0))
        self.assertGreater(found["clean"], 1000)
        again = self.search("--seeds", 300, "--program", self.example, "-j", 1)
        self.assertEqual(again["digest"], found["digest"])
        self.assertNotEqual(self.search("--seeds", 300)["digest"], found["digest"])

    def test_its_faults_are_found(self):
        for fault in ("header", "short"):
            with self.subTest(fault):
                found = self.search("--seeds", 500, "--program", self.example, "--program-arg", fault, status=1)
                self.assertEqual({failure["rule"] for failure in found["failed"]}, {"program"})
                seed = found["failed"][0]["seed"]
                text = self.sim("--seed", seed, "--program", self.example, "--program-arg", fault, status=1)
                self.assertIn("FAIL program: ", text)
                again = re.search(r"again with: hawser sim (.*)", text).group(1)
                self.assertIn("--without ", again)
                self.assertRegex(text, r"(?m)^capture: ")
                arguments = again.replace("'", "").split()
                self.assertIn(re.search(r"FAIL (.*)", text).group(0), self.sim(*arguments, "--no-shrink", status=1))

    def test_what_is_no_program(self):
        self.assertIn("No such file", self.refused("missing.so"))
        self.write("text.so", b"not an object")
        self.assertIn("text.so: ", self.refused("text.so"))
        self.assertIn("has no hawser_sim_init", self.refused(self.make(source="int nothing;")))
        self.assertIn("version 7 of hawser/sim.h, this is 1", self.refused(self.make(table=".version = 7")))
        self.assertIn("has no event function",
                      self.refused(self.make(table=".version = HAWSER_SIM_VERSION, .begin = begin")))
        self.assertIn("bytes of state", self.refused(self.make(table=TABLE + ", .state_bytes = 1u << 30")))
        self.assertIn("undefined symbol: nowhere", self.refused(
            self.make(source="int nowhere(void); int hawser_sim_init(void) { return nowhere(); }")))
        self.assertIn("refuses the argument 'odd'", self.refused(self.example, "--program-arg", "odd"))
        self.assertIn("cannot be loaded", self.refused(self.make(init="abort()")))
        for status in (0, 3):
            self.assertIn("it ended the process", self.refused(self.make(init=f"exit({status})")))

    def test_a_program_that_misbehaves(self):
        for wrong, rule, word in (
            ({"begin": "abort()"}, "crash", "the program's turn"),
            ({"begin": "exit(0)"}, "crash", "the program's turn"),
            ({"begin": 'hawser_sim_fail(end, "no %d", 1)'}, "program", ": no 1"),
            ({"begin": "return"}, "liveness", "after the faults had stopped"),
            ({"begin": "hawser_sim_wake(end, 0); return", "event": "hawser_sim_wake(end, 0)"}, "livelock", "woke"),
        ):
            with self.subTest(wrong):
                found = self.search("--seed", 1, "--program", self.make(**wrong), status=1)["failure"]
                self.assertEqual(found["rule"], rule, found)
                self.assertIn(word, found["text"])

    def test_one_that_is_not_the_same_again(self):
        name = self.make(begin="struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now); "
                               "if (now.tv_nsec & 1) hawser_abort(end->host, end->tcp)")
        finished = run("sim", "--seed", 77, "--program", name, cwd=self.directory)
        self.assertEqual(finished.returncode, 1, finished)
        self.assertIn("mine.so: did not do the same again", finished.stderr.decode())


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
            (["--program-arg", "x"], "--program"),
            (["extra"], "extra"),
        ):
            with self.subTest(arguments):
                finished = run("sim", *arguments, cwd=self.directory)
                self.assertEqual(finished.returncode, 2, finished)
                self.assertIn(word, finished.stderr.decode())


if __name__ == "__main__":
    main()
