#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the fuzz targets of a build (made by clang with sanitizers and checks: ./test --sanitize makes build/sanitize).

    run.py BUILD --seconds N [-j JOBS] [TARGET...]
        each target for N seconds, beginning with the corpora in the tree; a finding is saved in BUILD
    run.py BUILD --keep [TARGET...]
        takes what --seconds found new into the corpora, each reduced to the smallest inputs that cover every edge

Status 1 after a finding."""

import argparse
import concurrent.futures
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS_BYTES = 36 * 1024  # of a target, so that all together stay under 300 KiB
LENGTHS = {"frame": 1600, "options": 48, "script": 4096}
PROGRAM_LENGTH = 12 + 256 * 12  # fuzz.h: FUZZ_HEAD_BYTES, FUZZ_OPS_MAX, FUZZ_OP_BYTES


def targets_of(build):
    return sorted(path.name.removeprefix("fuzz_") for path in (build / "tests/fuzz").glob("fuzz_*")
                  if path.is_file() and path.stat().st_mode & 0o111)


def found_folder(build, target):
    folder = build / "tests/fuzz/found" / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def corpus(target):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def common(build, target):
    command = [str(build / f"tests/fuzz/fuzz_{target}"), f"-max_len={LENGTHS.get(target, PROGRAM_LENGTH)}"]
    words = HERE / f"{target}.dict"
    return command + ([f"-dict={words}"] if words.exists() else [])


def fuzz(build, target, seconds):
    """Whether nothing was found, and what to say."""
    prefix = build / "tests/fuzz" / f"{target}-"
    found = found_folder(build, target)
    command = common(build, target) + [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
                                       "-print_final_stats=1", f"-artifact_prefix={prefix}",
                                       str(found), str(corpus(target))]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = done.stderr
    runs = re.search(r"number_of_executed_units: (\d+)", log)
    cover = re.findall(r"cov: (\d+)", log)
    if done.returncode == 0:
        count, edges = runs.group(1) if runs else "?", cover[-1] if cover else "?"
        return True, f"fuzz {target}: {count} runs in {seconds} s, {edges} edges"
    saved = re.search(r"Test unit written to (\S+)", log)
    path = saved.group(1) if saved else "(not saved)"
    tail = "\n".join([line for line in log.splitlines() if not line.startswith("#")][-60:])
    return False, (f"{tail}\nfuzz {target}: a finding, saved as {path}\n"
                   f"again:    {build}/tests/fuzz/replay_{target} {path}\n"
                   f"in words: FUZZ_TRACE=1 {build}/tests/fuzz/replay_{target} {path}")


def keep(build, target):
    """The smallest inputs that cover every edge, as many as the room allows, in place of the old corpus."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(common(build, target) + ["-merge=1", "-use_counters=0", folder,
                                                str(corpus(target)), str(found_folder(build, target))],
                       check=True, capture_output=True)
        inputs = sorted(Path(folder).iterdir(), key=lambda path: (path.stat().st_size, path.name))
        room, chosen = CORPUS_BYTES, []
        for path in inputs:
            if path.stat().st_size <= room:
                room -= path.stat().st_size
                chosen.append(path)
        if not chosen:
            return
        shutil.rmtree(corpus(target))
        for path in chosen:
            shutil.copy(path, corpus(target) / f"{path.name[:12]}.in")
        print(f"{target}: {len(chosen)} of {len(inputs)} inputs, {CORPUS_BYTES - room} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("-j", type=int, default=1, dest="jobs")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_intermixed_args()
    options.build = options.build.resolve()
    targets = options.targets or targets_of(options.build)
    clean = True
    if options.seconds:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for ok, words in pool.map(lambda target: fuzz(options.build, target, options.seconds), targets):
                print(words, flush=True)
                clean = clean and ok
    if options.keep:
        for target in targets:
            keep(options.build, target)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
