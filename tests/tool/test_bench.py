# SPDX-License-Identifier: MIT
"""hawser bench: what it prints. How fast it is, is another matter."""

import json

from toolkit import *

METRICS = {
    "lifecycle": {"lifecycles_per_second"},
    "stream": {"gbit_per_second"},
    "rr": {"ns_per_request"},
    "idle": {"bytes_per_idle_connection", "bytes_per_idle_connection_with_index"},
    "timewait": {f"bytes_per_record_ipv{v}{index}" for v in (4, 6) for index in ("", "_with_index")},
}


class Bench(Case):
    def bench(self, *arguments):
        finished = run("bench", "--json", *arguments)
        self.assert_ok(finished)
        self.assertEqual(finished.stderr, b"")
        results = [json.loads(line) for line in finished.stdout.splitlines()]
        for result in results:
            self.assertGreater(result["value"], 0)
            for key in ("unit", "seconds", "connections", "family", "link", "mtu", "version"):
                self.assertIn(key, result)
            if "min" in result:
                self.assertLessEqual(result["min"], result["value"])
                self.assertGreaterEqual(result["max"], result["value"])
        return results

    def test_all(self):
        found, value = {}, {}
        for result in self.bench("--seconds", "0.1"):
            found.setdefault(result["bench"], set()).add(result["metric"])
            value[result["metric"]] = result["value"]
        self.assertEqual(found, METRICS)
        # What was promised, and what no table may hide.
        self.assertLessEqual(value["bytes_per_idle_connection_with_index"], 512)
        self.assertLessEqual(value["bytes_per_idle_connection"], value["bytes_per_idle_connection_with_index"])
        self.assertLessEqual(value["bytes_per_record_ipv4"], 32)
        for v in "46":
            self.assertLessEqual(value[f"bytes_per_record_ipv{v}"], value[f"bytes_per_record_ipv{v}_with_index"])

    def test_settings(self):
        for arguments, expected in (
            (["--v6"], {"family": "ipv6", "link": "ip"}),
            (["--ethernet"], {"family": "ipv4", "link": "ethernet"}),
            (["--v6", "--ethernet", "--connections", "3000"], {"connections": 3000}),
            (["--connections", "3000", "--random"], {"random": True}),
            (["--in-flight", "1"], {"in_flight": 1}),
        ):
            with self.subTest(arguments):
                results = self.bench("lifecycle", "stream", "rr", "--seconds", "0.1", *arguments)
                self.assertEqual([result["bench"] for result in results], ["lifecycle", "stream", "rr"])
                for result in results:
                    self.assertEqual(expected, {key: result[key] for key in expected})

    def test_for_people(self):
        finished = run("bench", "rr", "--seconds", "0.1")
        self.assert_ok(finished)
        self.assertRegex(finished.stdout.decode(), r"\Arr +\d+ ns +ns_per_request .*IPv4\n\Z")

    def test_interrupted(self):
        background = Background("bench", "stream", "--seconds", "100")
        time.sleep(0.3)
        self.assertEqual(background.end(signal.SIGINT), -signal.SIGINT)


if __name__ == "__main__":
    main()
