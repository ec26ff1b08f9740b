#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chooses tests of a build directory, has meson run them, and says what came out. Called by ./test."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_QUICK = {"slow", "interop", "long", "repeated"}
UNDER_VALGRIND = {"unit", "scenario"}  # what is repeated with other numbers shows it nothing new


def choose(build, options):
    """(name, suites) of the tests that the options ask for."""
    chosen = []
    for test in json.loads((build / "meson-info/intro-tests.json").read_text()):
        name, suites = test["name"], {suite.split(":")[-1] for suite in test["suite"]}
        if options.quick and suites & NOT_QUICK:
            continue
        if "long" in suites and not (options.long or options.patterns):
            continue
        if options.valgrind and not suites <= UNDER_VALGRIND:
            continue
        if options.patterns and not any(pattern in name for pattern in options.patterns):
            continue
        chosen.append((name, suites))
    return sorted(chosen)


def meson_test(build, names, valgrind):
    """Runs them; the records of meson's log."""
    for old in build.glob("meson-logs/testlog*"):
        old.unlink()
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs"]
    command += ["--timeout-multiplier", "40" if valgrind else "4"]
    if valgrind:
        command += ["--wrapper", "valgrind -q --error-exitcode=99 --leak-check=full"]
    status = subprocess.run([*command, *names], env=dict(os.environ, LC_ALL="C.UTF-8")).returncode
    records = []
    for log in build.glob("meson-logs/testlog*.json"):
        records += [json.loads(line) for line in log.read_text().splitlines()]
    for record in records:
        record["name"] = record["name"].split(" / ", 1)[-1]  # without project and suites
    return status, records


def skip_reason(record):
    found = re.search(r"^SKIP: *(.*)", record.get("stdout", ""), re.M)
    return found.group(1) if found else None


def needless(skipped):
    """Those that this machine need not have skipped: as root and with TUN every one that is not excused by name."""
    if not os.environ.get("HAWSER_CI") or os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        return []
    lines = (HERE / "allowed-skips").read_text().splitlines()
    excused = {line.split()[0] for line in lines if line and not line.startswith("#")}
    return [name for name in skipped if name not in excused]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    for flag in ("quick", "long", "list", "valgrind"):
        parser.add_argument("--" + flag, action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_intermixed_args()

    chosen = choose(options.build, options)
    if options.list:
        for name, suites in chosen:
            print(f"{name:40} {' '.join(sorted(suites))}")
        return 0
    if not chosen:
        print("no test has such a name; ./test --list shows them", file=sys.stderr)
        return 1

    status, records = meson_test(options.build, [name for name, _ in chosen], options.valgrind)
    passed = [r for r in records if r["result"] in ("OK", "EXPECTEDFAIL")]
    skipped = {r["name"]: skip_reason(r) for r in records if r["result"] == "SKIP"}
    failed = [r["name"] for r in records if r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")]
    # A test that meson never reported did not pass.
    failed += sorted({name for name, _ in chosen} - {r["name"] for r in records})
    for name, reason in sorted(skipped.items()):
        print(f"skipped {name}: {reason or 'without a reason'}")
    failed += [name for name, reason in skipped.items() if reason is None]
    for name in needless(skipped):
        print(f"this machine need not skip {name}")
        failed.append(name)
    if failed:
        print("failed:", " ".join(sorted(set(failed))))
    if status != 0 and not failed:
        print(f"meson test ended with status {status}")

    report = [] if options.patterns or options.quick else ["--report"]
    subprocess.run([sys.executable, HERE / "requirements/matrix.py", *report], check=False)
    bad = len(set(failed))
    print(f"{len(passed)} passed, {bad} failed, {len([n for n in skipped if n not in failed])} skipped")
    return 1 if bad or status else 0


if __name__ == "__main__":
    sys.exit(main())
