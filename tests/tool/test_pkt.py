# SPDX-License-Identifier: MIT
"""hawser pkt: what it takes for a success, a failure and a skip, and what it says."""

import json

from toolkit import *

def read_cases():
    """The cases of pkt.cases: verdict -> {name: (script, message)}, and the pieces that they share."""
    pieces, cases, target = {}, {}, None
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pkt.cases"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("@@ "):
                target = []
                pieces[line[3:].strip()] = target
            elif line.startswith("= "):
                name, verdict, *message = line[2:].strip().split(" ", 2)
                target = []
                cases.setdefault(verdict, {})[name] = (target, message[0] if message else "")
            elif line.startswith("@"):
                target += pieces[line[1:].strip()]
            elif target is not None and line.strip():
                target.append(line)
    return ({verdict: {name: ("".join(lines), message) for name, (lines, message) in rows.items()}
             for verdict, rows in cases.items()},
            {name: "".join(lines) for name, lines in pieces.items()})


CASES, PIECES = read_cases()
LISTEN, OPEN = PIECES["LISTEN"], PIECES["OPEN"]


def script(name):
    return next(rows[name][0] for rows in CASES.values() if name in rows)


class Table(Case):
    def run_all(self, scripts, *options):
        """name -> result, all in one run."""
        for name, text in scripts.items():
            self.write(f"all/{name}.pkt", text.encode())
        finished = run("pkt", "--json", *options, self.path("all"))
        self.assertEqual(finished.stderr, b"")
        results = [json.loads(line) for line in finished.stdout.splitlines()]
        self.status = finished.returncode
        return {os.path.basename(result["script"]).removesuffix(".pkt"): result for result in results}

    def assert_all(self, results, expected, verdict):
        shown = ("verdict", "line", "message", "expected", "packets")
        wrong = [f"{name}: {[result.get(key) for key in shown]}" for name, result in sorted(results.items())
                 if result["verdict"] != verdict]
        self.assertEqual(len(wrong), 0, "\n" + "\n".join(wrong))
        self.assertEqual(set(results), set(expected))

    def check_failures(self, table, results):
        for name, (text, message) in table.items():
            with self.subTest(name):
                self.assertRegex(results[name]["message"], message)
                marked = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("//!")]
                if marked:
                    self.assertEqual(results[name].get("line"), marked[0])

    def check(self, verdict, status, wanted, *options):
        rows = {name: row for key in verdict.split() for name, row in CASES[key].items()}
        results = self.run_all({name: text for name, (text, _) in rows.items()}, *options)
        self.assert_all(results, rows, wanted)
        self.assertEqual(self.status, status)
        return rows, results

    def test_passes(self):
        self.check("passes passes-leniently fails-strictly", 0, "ok")

    def test_passes_strictly(self):
        self.check("passes", 0, "ok", "--strict")

    def test_fails(self):
        self.check_failures(*self.check("fails", 1, "fail"))
        self.check_failures(*self.check("fails", 1, "fail", "--strict"))

    def test_fails_strictly(self):
        self.check_failures(*self.check("fails-strictly", 1, "fail", "--strict"))

    def test_skips(self):
        rows, results = self.check("skips", 0, "skip")
        for name, (_, reason) in rows.items():
            with self.subTest(name):
                self.assertIn(reason, results[name]["message"])
        self.assertFalse(os.path.exists("/tmp/hawser-must-not-be"))


class Families(Case):
    def run_one(self, name, text, *options):
        finished = run("pkt", "--json", *options, self.write(name, text.encode()))
        return json.loads(finished.stdout.splitlines()[0])

    V6 = OPEN.replace("1460", "1440")

    def test_by_name(self):
        self.assertEqual(self.run_one("a-v6.pkt", self.V6)["verdict"], "ok")
        self.assertEqual(self.run_one("a-v4.pkt", OPEN)["verdict"], "ok")
        self.assertEqual(self.run_one("a-v6.pkt", self.V6, "--ip_version=ipv6")["verdict"], "ok")
        self.assertEqual(self.run_one("a-v4.pkt", OPEN, "--ip_version=ipv6")["message"], "is for ipv4")
        self.assertEqual(self.run_one("a-v6.pkt", OPEN, "--ip_version=ipv4")["message"], "is for ipv6")

    def test_by_head(self):
        head = "--ip_version=ipv6\n"
        self.assertEqual(self.run_one("a.pkt", head + self.V6)["verdict"], "ok")
        self.assertEqual(self.run_one("a.pkt", head + self.V6, "--ip_version=ipv4")["verdict"], "skip")

    def test_mapped(self):
        self.assertEqual(self.run_one("a.pkt", OPEN, "--ip_version=ipv4-mapped-ipv6")["verdict"], "ok")

    def test_suite_defines(self):
        text = LISTEN + "+0 setsockopt(3, CMSG_LEVEL_IP, IP_TTL, [5], 4) = 0\n"
        self.assertEqual(self.run_one("a.pkt", text)["verdict"], "ok")
        self.assertEqual(self.run_one("b.pkt", "--define=CMSG_LEVEL_IP=SOL_SOCKET\n" + LISTEN +
                                      "+0 setsockopt(3, CMSG_LEVEL_IP, SO_REUSEADDR, [1], 4) = 0\n")["verdict"], "ok")

    def test_defines(self):
        text = (LISTEN + "+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [HOW], 4) = 0\n"
                "+0 getsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0\n")
        self.assertEqual(self.run_one("a.pkt", text, "-D", "HOW=1")["verdict"], "ok")
        self.assertEqual(self.run_one("a.pkt", text, "--define=HOW=0")["verdict"], "fail")


class Output(Case):
    def test_lines(self):
        good = self.write("good.pkt", OPEN.encode())
        bad = self.write("sub/bad.pkt", script("flag").encode())
        skipped = self.write("sub/skipped.pkt", script("udp-socket").encode())
        finished = run("pkt", good, self.path("sub"))
        lines = finished.stdout.decode().splitlines()
        self.assertEqual(finished.returncode, 1)
        self.assertEqual(lines[0], f"ok    {good}")
        self.assertRegex(lines[1], rf"^FAIL  {bad}:\d+:\d+: flags: expected ., came P")
        self.assertIn("expected  +0 > . 1:101(100) ack 1", finished.stdout.decode())
        self.assertIn("came      0.100000  > P. 1:101(100) ack 1", finished.stdout.decode())
        self.assertIn("the last packets:", finished.stdout.decode())
        self.assertEqual(lines[-2], f"skip  {skipped}: UDP sockets")
        self.assertEqual(lines[-1], "1 passed, 1 failed, 1 skipped")

    def test_parse_error(self):
        path = self.write("wrong.pkt", (OPEN + "+0 > S. 0:1(0) ack 1\n").encode())
        finished = run("pkt", path)
        self.assertEqual(finished.returncode, 2)
        self.assertRegex(finished.stdout.decode(), rf"error {path}:8:\d+: ")
        self.assertIn("0 passed, 1 failed, 0 skipped", finished.stdout.decode())

    def test_no_file(self):
        finished = run("pkt", self.path("nowhere.pkt"))
        self.assertEqual((finished.returncode, finished.stdout), (2, b""))
        os.mkdir(self.path("empty"))
        self.assertEqual(run("pkt", self.path("empty")).returncode, 2)

    def test_verbose(self):
        text = run("pkt", "-v", self.write("a.pkt", OPEN.encode())).stdout.decode()
        self.assertIn("0.000000  < S 0:0(0) win 65535 <mss 1460>", text)
        self.assertIn("accept() = ", text)

    def test_same_every_time(self):
        path = self.write("a.pkt", script("sack-inbound").encode())
        outputs = [run("pkt", "-v", path).stdout for _ in range(2)]
        self.assertEqual(*outputs)

    def test_order(self):
        for number in range(30):
            self.write(f"many/{number:02}.pkt", OPEN.encode())
        lines = run("pkt", "-j", 4, self.path("many")).stdout.decode().splitlines()
        self.assertEqual([line[-6:-4] for line in lines[:-1]], [f"{n:02}" for n in range(30)])

    def test_pcap(self):
        path, capture = self.write("a.pkt", OPEN.encode()), self.path("a.pcap")
        self.assert_ok(run("pkt", "--pcap", capture, path))
        with open(capture, "rb") as file:
            self.assertEqual(len(re.findall(rb"\x45\x00", file.read())), 3)
        self.assertEqual(run("pkt", "--pcap", capture, path, path).returncode, 2)
        self.assertEqual(run("pkt", "--pcap", "/nowhere/a.pcap", path).returncode, 1)

    def test_dry_run(self):
        finished = run("pkt", "--dry-run", self.write("a.pkt", script("flag").encode()))
        self.assert_ok(finished)

    def test_warnings(self):
        text = run("pkt", self.write("a.pkt", script("non-fatal").encode())).stdout.decode()
        self.assertRegex(text, r"warnings:\n.*write\(\) gave 100, expected 50")
        self.assertIn("1 passed", text)


class Shell(Case):
    def test_allowed(self):
        mark = self.path("mark")
        text = f"`echo $PACKETDRILL_PID > {mark}`\n" + OPEN + f"+0 `test -s {mark}`\n`rm {mark}`\n"
        path = self.write("a.pkt", text.encode())
        self.assertIn(b"skip", run("pkt", path).stdout)
        self.assertFalse(os.path.exists(mark))
        self.assert_ok(run("pkt", "--allow-shell", path))
        self.assertFalse(os.path.exists(mark))

    def test_mixed(self):
        """What is understood is the host's, in its order; the shell has the rest."""
        mark = self.path("mark")
        text = (f"`sysctl -q net.ipv4.tcp_sack=0; x={mark}; touch $x && sysctl -q net.ipv4.tcp_timestamps=0\n"
                f"test -f {mark}; echo 5 > {mark}`\n" + LISTEN +
                "+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>\n"
                f"+0 > S. 0:0(0) ack 1 <mss 1460>\n`if test -s {mark}; then rm {mark}; fi`\n")
        finished = run("pkt", "--allow-shell", self.write("a.pkt", text.encode()))
        self.assertEqual((finished.returncode, finished.stderr), (0, b""))
        self.assertFalse(os.path.exists(mark))

    def test_output_is_not_ours(self):
        text = "`test 1 = 1; cat /dev/null; printf said`\n" + OPEN + "+0 %{ print('coded') }%\n"
        finished = run("pkt", "--json", "--allow-shell", self.write("a.pkt", text.encode()))
        self.assertEqual(json.loads(finished.stdout)["verdict"], "ok")
        self.assertEqual(finished.stderr, b"saidcoded\n")

    def test_status(self):
        for text in ("`exit 3`\n" + OPEN, OPEN + "+0 `exit 3`\n", OPEN + "`exit 3`\n"):
            finished = run("pkt", "--allow-shell", self.write("a.pkt", text.encode()))
            self.assertEqual(finished.returncode, 1)
            self.assertIn(b"status 3", finished.stdout)

    def test_cleanup_after_failure(self):
        mark = self.path("mark")
        path = self.write("a.pkt", ("`true`\n" + script("flag") + f"`touch {mark}`\n").encode())
        self.assertEqual(run("pkt", "--allow-shell", path).returncode, 1)
        self.assertTrue(os.path.exists(mark))

    def test_too_long(self):
        path = self.write("a.pkt", b"`(sleep 10)`\n" + OPEN.encode())
        finished = run("pkt", "--allow-shell", "--timeout", "0.3", path)
        self.assertEqual(finished.returncode, 1)
        self.assertIn(b"not done after 0.3 s", finished.stdout)

    def test_killed(self):
        path = self.write("a.pkt", b"`kill -KILL $PACKETDRILL_PID`\n" + OPEN.encode())
        other = self.write("b.pkt", OPEN.encode())
        text = run("pkt", "-j", 1, "--allow-shell", path, other).stdout.decode()
        self.assertRegex(text, rf"FAIL  {path}: the interpreter was ended by signal 9")
        self.assertIn("1 passed, 1 failed", text)


class Code(Case):
    def test_python_is_shared_but_names_are_not(self):
        leaves = self.write("a.pkt", (OPEN + "+0 %{ left = 1 }%\n").encode())
        exits = self.write("b.pkt", script("code-that-exits").encode())
        looks = self.write("c.pkt", (OPEN + "+0 %{ assert 'left' not in globals() }%\n").encode())
        text = run("pkt", "-j", 1, leaves, exits, looks).stdout.decode()
        self.assertRegex(text, rf"(?s)ok    {leaves}\nFAIL  {exits}.*\nok    {looks}\n2 passed, 1 failed")


class Mutants(Case):
    def test_killed(self):
        finished = run("pkt", "--mutate", self.write("a.pkt", script("shutdown").encode()))
        self.assert_ok(finished)
        self.assertRegex(finished.stdout.decode(), r"(\d+) mutants: \1 killed, 0 survive and are explained, 0 ")

    def test_survivors(self):
        # Nobody looks at the window that is not there, and a tolerance of a day hides the times.
        self.write("all/a.pkt", ("--tolerance_usecs=90000000000\n" + OPEN).encode())
        finished = run("pkt", "--mutate", self.path("all"))
        self.assertEqual(finished.returncode, 1)
        found = set(re.findall(r"a\.pkt:(\d+) ([a-z-]+): ", finished.stdout.decode()))
        self.assertGreater(len(found), 0)
        rows = "".join(f"a.pkt:{line} {kind} times are not checked\n" for line, kind in sorted(found))
        self.write("all/survivors", rows.encode())
        finished = run("pkt", "--mutate", self.path("all"))
        self.assert_ok(finished)
        self.write("all/survivors", (rows + "a.pkt:1 flag there is none\n").encode())
        finished = run("pkt", "--mutate", self.path("all"))
        self.assertEqual(finished.returncode, 1)
        self.assertIn(b"none survives", finished.stdout)


if __name__ == "__main__":
    main()
