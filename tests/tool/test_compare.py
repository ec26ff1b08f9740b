# SPDX-License-Identifier: MIT
"""bench/compare: every part of it does its work, or says why not. How fast it is, is another matter."""

import json
import subprocess
import uuid

from toolkit import *

COMPARE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/compare")
BUILD = os.environ.get("HAWSER_BUILD", "build/release")
BENCHES = ("lifecycle", "stream", "rr", "idle", "timewait")
NOBODY = 65534


def compare(*arguments, **options):
    return run("--build", BUILD, *arguments, exe=COMPARE, timeout=20 * PATIENCE, **options)


def may_make_namespaces():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


class Compare(Case):
    def objects(self, *arguments, statuses=(0,), **options):
        """By kind; none may have failed, and what was left out has a reason."""
        finished = compare("--json", *arguments, **options)
        self.assertIn(finished.returncode, statuses, finished.stderr)
        self.assertNotIn(b"FAILED", finished.stderr)
        found = {"machine": [], "figure": [], "ratio": [], "flat": []}
        for line in finished.stdout.splitlines():
            found[json.loads(line)["kind"]].append(json.loads(line))
        for each in found["figure"] + found["flat"]:
            self.assertNotIn("failed", each)
            if "skipped" in each:
                self.assertGreater(len(each["skipped"]), 10)
                self.assertIn(each["skipped"].encode(), finished.stderr + finished.stdout)
            else:
                self.assertGreater(each["value"], 0)
                self.assertLessEqual(each["min"], each["value"])
                self.assertGreaterEqual(each["max"], each["value"])
                self.assertTrue(0 < each["share"] <= 1)
        self.assertEqual(len(found["machine"]), 1)
        return found


class Quick(Compare):
    def test_everything(self):
        found = self.objects("--quick")
        done = {(each["bench"], each["system"]): each for each in found["figure"]}
        expected = {(bench, system) for bench in BENCHES for system in ("hawser", "loopback", "lwip")}
        self.assertEqual(set(done), expected | {(bench, "veth") for bench in BENCHES[:3]})
        left_out = {key for key, each in done.items() if "skipped" in each}
        allowed = set()
        if not os.path.exists(os.path.join(BUILD, "bench/lwip_peer")):
            allowed |= {(bench, "lwip") for bench in BENCHES}
        for bench in ("idle", "timewait"):  # the sanitizer's malloc does not say how much is in use
            if "malloc" in done[bench, "lwip"].get("skipped", ""):
                allowed.add((bench, "lwip"))
        if not may_make_namespaces():
            allowed |= {key for key in done if key[1] in ("loopback", "veth")}
        self.assertLessEqual(left_out, allowed)
        ratios = {(each["bench"], each["to"]) for each in found["ratio"]}
        self.assertEqual(ratios, {key for key in done if key not in left_out and key[1] != "hawser"})
        if ("lifecycle", "veth") not in left_out:
            self.assertGreater(done["lifecycle", "veth"]["time_wait_records"], 0)

    def test_idle_beside(self):
        # Whether Hawser holds the limit (status 1) is nothing that a shared machine can tell.
        found = self.objects("--quick", "rr", "--connections", "300", statuses=(0, 1))
        self.assertEqual({(each["work"], each["system"], each["asked"]) for each in found["flat"]},
                         {(work, system, asked) for work in ("rr", "rr random")
                          for system in ("hawser", "loopback", "lwip") for asked in (0, 300)})
        for each in found["flat"]:
            if each["asked"] and "skipped" not in each:
                self.assertEqual(each["connections"], 300)
                self.assertGreater(each["times_as_long"], 0)

    def test_not_root(self):
        as_nobody = {} if os.geteuid() != 0 else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        if as_nobody and subprocess.run(["test", "-r", COMPARE, "-a", "-x", HAWSER], **as_nobody).returncode != 0:
            self.skipTest("the tree is root's alone")
        found = self.objects("lifecycle", "idle", "--seconds", "0.02", "--rounds", "1", **as_nobody)
        reasons = {(each["bench"], each["system"]): each["skipped"] for each in found["figure"] if "skipped" in each}
        self.assertIn("root", reasons.pop(("lifecycle", "veth")))
        self.assertIn("Permission denied", reasons.pop(("idle", "loopback")))
        self.assertNotIn(("lifecycle", "loopback"), reasons)
        self.assertIn(b"not root", compare("--seconds", "0.02", "--rounds", "1", "rr", **as_nobody).stderr)

    def test_document(self):
        short = ("--seconds", "0.02", "--rounds", "1", "rr")
        marks = b"<!-- bench/compare writes from here -->\nold\n<!-- to here -->\n"
        path = self.write("measurements.md", b"before\n" + marks + b"after\n")
        self.assert_ok(compare(*short, "--write", path))
        with open(path) as file:
            text = file.read()
        self.assertTrue(text.startswith("before\n<!-- ") and text.endswith("-->\nafter\n"), text)
        self.assertNotIn("old", text)
        self.assertIn("Command: `bench/compare --seconds 0.02 --rounds 1 rr --write", text)
        self.assertNotIn(BUILD, text)
        other = self.write("other.md", b"nothing\n")
        refused = compare(*short, "--write", other)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(b"lacks the lines", refused.stderr)

    def test_usage(self):
        for wrong in (["walk"], ["--seconds", "0"], ["--rounds", "x"], ["--connections", "-1"], ["--core", "9999"]):
            with self.subTest(wrong):
                finished = compare(*wrong)
                self.assertEqual((finished.returncode, finished.stdout), (2, b""))

    def test_interrupted(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            mark = uuid.uuid4().hex
            environment = dict(os.environ, HAWSER_TEST_MARK=mark)
            with Background("--build", BUILD, "--seconds", "20", "lifecycle", exe=COMPARE, env=environment) as running:
                deadline = time.monotonic() + PATIENCE
                while len(marked_processes(mark)) < 2 and time.monotonic() < deadline:
                    time.sleep(0.05)
                self.assertEqual(running.end(number), 130)
                self.assertEqual(running.out, b"")
            self.assertEqual(marked_processes(mark), [])


class Long(Compare):
    def test_everything(self):
        found = self.objects("--connections", "0,10000,100000", statuses=(0, 1))
        ours = [each for each in found["flat"] if each["system"] == "hawser"]
        self.assertEqual(len(ours), 12)
        self.assertFalse([each for each in ours if "skipped" in each])


if __name__ == "__main__":
    main()
