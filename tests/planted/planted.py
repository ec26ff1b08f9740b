#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants bugs one by one in a copy of the tree, and looks who notices.

    planted.py --check                the tables fit the tree: every `old` stands exactly once in its file
    planted.py --draw                 the ids that the seed draws for the sample, among those that have evidence now
    planted.py WORK [-j N] [--only WORDS...] [--catchers NAMES] [--seeds N] [--markdown FILE]
                                      bugs.toml: each must be noticed, and by those that its `by` names
    planted.py WORK --sample [...]    sample.toml: for each requirement a test that claims to be its evidence must fail

WORK is a folder for the copies and their builds; it is used again. Status 1 when something went unnoticed."""

import argparse
import concurrent.futures
import json
import queue
import random
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "requirements"))
sys.dont_write_bytecode = True
import matrix  # noqa: E402 (it lies beside this folder)

COPIED = ("meson.build", "meson_options.txt", "include", "src", "port", "sock", "pkt", "sim", "tools", "examples",
          "bench", "man", "scripts", "tests")
CATCHERS = ("unit", "scenario", "scripts", "sim", "explorer")
OUTSIDERS = ("scripts", "sim", "explorer")  # of which one at least must notice
UNIT_LAYERS = ("tcp", "stack", "net", "wire")  # whose unit tests look for planted bugs
SAMPLE_SEED, SAMPLE_SIZE = 9293, 40
TEST_SECONDS, SCRIPTS_SECONDS, SIM_SECONDS, EXPLORER_SECONDS = 60, 120, 300, 300


# ---- the tables ------------------------------------------------------------------------------------------------------

def load(name):
    with open(HERE / name, "rb") as file:
        return tomllib.load(file)


def stale(entries, what, rows):
    """What is wrong with a table."""
    for entry in entries:
        label = f"{what} '{entry.get('name') or entry['id']}'"
        path = ROOT / entry["file"]
        count = path.read_text(encoding="utf-8").count(entry["old"]) if path.exists() else 0
        if count != 1:
            yield f"{label}: `old` stands {count} times in {entry['file']}"
        if entry["old"] == entry["new"]:
            yield f"{label}: changes nothing"
        for ident in entry.get("ids", [entry.get("id")]):
            if ident not in rows:
                yield f"{label}: {ident} is not in the table of requirements"
        for catcher in entry.get("by", []):
            if catcher not in CATCHERS:
                yield f"{label}: nobody is called {catcher}"


def drawn(requirements):
    """The ids of a sample: core, not an alias, with evidence; drawn with a seed that never changes."""
    lines = (HERE.parent / "requirements/aliases").read_text(encoding="utf-8").splitlines()
    aliases = {line.split()[0] for line in lines if line and not line.startswith("#")}
    pool = [ident for ident, row in requirements.rows.items()
            if row["tier"] == "core" and ident not in aliases and ident in requirements.evidence]
    return random.Random(SAMPLE_SEED).sample(pool, SAMPLE_SIZE)


def check_bugs(bugs, requirements):
    names = [bug["name"] for bug in bugs]
    twice = [f"two bugs are called '{name}'" for name in sorted({n for n in names if names.count(n) > 1})]
    return [*stale(bugs, "bug", requirements.rows), *twice]


def check_sample(sample, requirements):
    ids = [entry["id"] for entry in sample]
    found = [*stale(sample, "sample", requirements.rows)]
    found += [f"the sample has {ident} twice" for ident in sorted({i for i in ids if ids.count(i) > 1})]
    found += [f"{ident} of the sample is not a core requirement" for ident in ids
              if requirements.rows.get(ident, {}).get("tier") != "core"]
    return found + ([f"the sample has {len(ids)} requirements, not {SAMPLE_SIZE}"] if len(ids) != SAMPLE_SIZE else [])


# ---- copies and builds -----------------------------------------------------------------------------------------------

def copy_tree(to):
    """What the build needs. Files that did not change keep their time, so that little is built again."""
    for path in sorted(to.rglob("*")) if to.exists() else ():
        if path.is_file() and not (ROOT / path.relative_to(to)).exists():
            path.unlink()
    for name in COPIED:
        source, target = ROOT / name, to / name
        if not source.exists():
            continue
        for path in [source] if source.is_file() else sorted(source.rglob("*")):
            relative = path.relative_to(ROOT)
            copy = to / relative
            if not path.is_file() or "__pycache__" in relative.parts:
                continue
            if not copy.exists() or copy.read_bytes() != path.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


class Copy:
    """One tree and its build, where one bug at a time is planted."""

    def __init__(self, folder):
        self.tree, self.build = folder / "tree", folder / "build"

    def make(self):
        copy_tree(self.tree)
        if not (self.build / "build.ninja").exists():
            run = subprocess.run(["meson", "setup", str(self.build), str(self.tree), "-Dchecks=true",
                                  "-Dbuildtype=plain", "-Doptimization=1"],
                                 capture_output=True, text=True, check=False)
            if run.returncode:
                sys.exit(run.stdout + run.stderr)

    def ninja(self, targets):
        return subprocess.run(["ninja", "-C", str(self.build), *targets], capture_output=True, text=True, check=False)

    def known_tests(self):
        return json.loads((self.build / "meson-info/intro-tests.json").read_text(encoding="utf-8"))

    def arguments(self, name):
        """With which the build runs a test of this name."""
        return next(test["cmd"][1:] for test in self.known_tests() if test["name"] == name)

    def tests(self):
        """(catcher, name, ninja target) of the tests that look for planted bugs."""
        for test in self.known_tests():
            suites = {suite.split(":")[-1] for suite in test["suite"]}
            layer = test["name"].split("/")[0]
            if suites == {"scenario"} or suites == {"unit"} and layer in UNIT_LAYERS:
                yield next(iter(suites)), test["name"], str(Path(test["cmd"][0]).relative_to(self.build))

    def plant(self, entry):
        """Returns what restore() needs."""
        path = self.tree / entry["file"]
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(entry["old"], entry["new"]), encoding="utf-8")
        return path, text

    @staticmethod
    def restore(path, text):
        path.write_text(text, encoding="utf-8")


# ---- who notices -----------------------------------------------------------------------------------------------------

def ended(command, seconds, cwd=None):
    """(status, output); a status of None: it took too long."""
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, cwd=cwd,
                             check=False)
        return run.returncode, run.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")


class Catchers:
    def __init__(self, options, copy):
        self.options = options
        wanted = options.catchers.split(",")
        self.tests = [test for test in copy.tests() if test[0] in wanted]
        self.targets = [target for _, _, target in self.tests]
        self.names = [name for name in CATCHERS if name in wanted and self.is_there(name)]
        if {"scripts", "sim"} & set(self.names):
            self.targets.append("tools/hawser")
        if "explorer" in self.names:
            self.targets.append("tests/exhaustive/exhaustive")

    @staticmethod
    def is_there(name):
        folder = {"scripts": "tests/scripts", "sim": "sim", "explorer": "tests/exhaustive/meson.build"}.get(name)
        return folder is None or (ROOT / folder).exists()

    def programs(self, copy, catcher):
        """The first test of the suite that fails."""
        for suite, name, target in self.tests:
            if suite == catcher:
                status, _ = ended([str(copy.build / target)], TEST_SECONDS)
                if status != 0:
                    return name.split("/", 1)[1] if catcher == "scenario" else name
        return None

    def notices(self, copy, catcher):
        """Something that is not None when the catcher found something, for people."""
        hawser = str(copy.build / "tools/hawser")
        if catcher in ("unit", "scenario"):
            return self.programs(copy, catcher)
        if catcher == "scripts":
            status, output = ended([hawser, "pkt", "-j", "1", str(copy.tree / "tests/scripts")], SCRIPTS_SECONDS)
            failed = re.search(r"(\d+) failed", output)
            return None if status == 0 else f"{failed.group(1)} fail" if failed else "ended"
        if catcher == "sim":
            seeds = ["--seeds", str(self.options.seeds)]
            status, output = ended([hawser, "sim", "--no-shrink", "-j", "1", *seeds], SIM_SECONDS, cwd=copy.build)
            seed = re.search(r"seed (\d+)", output)
            return None if status == 0 else f"seed {seed.group(1)}" if seed else "ended"
        explorer = [str(copy.build / "tests/exhaustive/exhaustive"), "-j", "1", *copy.arguments("exhaustive/daily")]
        status, _ = ended(explorer, EXPLORER_SECONDS, cwd=copy.build)
        return None if status == 0 else "found"

    def all_notice(self, copy):
        """Who noticed what: {catcher: words}."""
        found = {name: self.notices(copy, name) for name in self.names}
        return {name: words for name, words in found.items() if words is not None}


# ---- the sample ------------------------------------------------------------------------------------------------------

def evidence_of(requirements, ident):
    """{(file, function)} of the tests that claim to show a requirement."""
    claims = set()
    for place in requirements.evidence.get(ident, []):
        path, _, line = place.rpartition(":")
        if not path.endswith(".c"):
            continue
        text = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for below in text[int(line) - 1:]:
            found = re.match(r"(?:static )?void (\w+)\(void \*\*state\)", below)
            if found:
                claims.add((path, found.group(1)))
                break
    return claims


def failing_functions(output, status):
    """Names of the functions of a cmocka program that failed, or were under way when it ended."""
    failed = set(re.findall(r"^\[  FAILED  \] (\w+)$", output, re.M))
    running = re.findall(r"^\[ RUN      \] (\w+)$", output, re.M)
    if status is None or status < 0:
        failed.update(running[-1:])
    return failed


def sample_one(copy, entry, requirements):
    claims = evidence_of(requirements, entry["id"])
    program_of = {}
    for _, name, target in copy.tests():
        folder, test = name.split("/", 1)
        where = "tests/scenario" if folder == "scenario" else f"tests/unit/{folder}"
        program_of[f"{where}/test_{test}.c"] = target
    shown = []
    targets = sorted({program_of[path] for path, _ in claims if path in program_of})
    built = copy.ninja(targets)
    if built.returncode:
        return None, "does not build: " + built.stdout[-2000:]
    for target in targets:
        status, output = ended([str(copy.build / target)], TEST_SECONDS)
        failed = failing_functions(output, status)
        shown += [f"{path.removeprefix('tests/')}:{function}" for path, function in sorted(claims)
                  if program_of.get(path) == target and function in failed]
    return shown, ""


# ---- runs ------------------------------------------------------------------------------------------------------------

def each(entries, copies, work):
    """work(copy, entry) for every entry, planted, on as many copies as there are; results in order, as they come."""
    free = queue.Queue()
    for copy in copies:
        free.put(copy)

    def one(entry):
        copy = free.get()
        planted = copy.plant(entry)
        try:
            return entry, work(copy, entry)
        finally:
            copy.restore(*planted)
            free.put(copy)

    with concurrent.futures.ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(one, entries)


def run_bugs(options, copies, bugs):
    catchers = Catchers(options, copies[0])
    for copy in copies:
        built = copy.ninja(catchers.targets)
        if built.returncode:
            sys.exit(built.stdout[-4000:])
    sound = catchers.all_notice(copies[0])
    if sound:
        print("without any planted bug there is something to notice:", sound)
        return 1

    def work(copy, _):
        built = copy.ninja(catchers.targets)
        return (None, built.stdout[-2000:]) if built.returncode else (catchers.all_notice(copy), "")

    bad, lines, counts = 0, [], dict.fromkeys(catchers.names, 0)
    for bug, (found, words) in each(bugs, copies, work):
        by = [name for name in bug.get("by", []) if name in catchers.names]
        missing = [name for name in by if found is not None and name not in found]
        if found is None:
            verdict = "does not build: " + words
        elif not found:
            verdict = "NOT NOTICED"
        else:
            verdict = ", ".join(f"{name} ({words})" for name, words in found.items())
        # Unit tests and scenarios were written beside the code; what users write for themselves must notice it as well.
        outsiders_look = set(OUTSIDERS) <= set(catchers.names) and "unseen" not in bug
        if found and outsiders_look and not set(OUTSIDERS) & set(found):
            missing.append(" or ".join(OUTSIDERS))
        if missing:
            verdict += f"; but not by {', '.join(missing)}"
        bad += not found or bool(missing)
        for name in found or {}:
            counts[name] += 1
        print(f"{bug['name']:70} {verdict}", flush=True)
        cells = [bug["name"], *((found or {}).get(name, "") for name in catchers.names)]
        lines.append("| " + " | ".join(cells) + " |")
    total = ", ".join(f"{name} {count}" for name, count in counts.items())
    print(f"{len(bugs)} planted bugs, {bad} not as the table says; noticed by {total}")
    if options.markdown:
        head = ["| bug | " + " | ".join(catchers.names) + " |", "|---" * (len(catchers.names) + 1) + "|"]
        last = " | ".join([f"| noticed, of {len(bugs)}", *(str(counts[name]) for name in catchers.names)]) + " |"
        options.markdown.write_text("\n".join([*head, *lines, last]) + "\n", encoding="utf-8")
    return 1 if bad else 0


def run_sample(options, copies, sample, requirements):
    bad, lines = 0, []
    for entry, (shown, words) in each(sample, copies, lambda copy, entry: sample_one(copy, entry, requirements)):
        bad += not shown
        print(f"{entry['id']:22} {', '.join(shown) if shown else words or 'no test that claims it failed'}", flush=True)
        lines.append(f"| {entry['id']} | {entry['what']} | {', '.join(f'`{s}`' for s in shown or [])} |")
    print(f"{len(sample)} requirements drawn, {bad} whose evidence does not fail")
    if options.markdown:
        head = ["| requirement | what was broken | evidence that failed |", "|---|---|---|"]
        options.markdown.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("-j", type=int, default=1, dest="jobs")
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--catchers", default=",".join(CATCHERS))
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    if options.work is None and not (options.check or options.draw):
        parser.error("where? WORK is missing")
    requirements = matrix.Matrix()
    if options.draw:
        print("\n".join(drawn(requirements)))
        return 0
    bugs, sample = load("bugs.toml")["bug"], load("sample.toml")["sample"]
    found = [] if options.sample else check_bugs(bugs, requirements)
    if options.sample or options.check:
        found += check_sample(sample, requirements)
    if found:
        print("\n".join(found))
    if options.check or found:
        return 1 if found else 0
    entries = sample if options.sample else bugs
    if options.only:
        entries = [e for e in entries if any(word in e.get("name", e.get("id")) for word in options.only)]
    copies = [Copy(options.work.resolve() / str(number)) for number in range(options.jobs)]
    for copy in copies:
        copy.make()
    if options.sample:
        return run_sample(options, copies, entries, requirements)
    return run_bugs(options, copies, entries)


if __name__ == "__main__":
    sys.exit(main())
