#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the tree and says where it leaves the house rules (docs/hacking.md). tree.py [--root DIR] CHECK..."""

import argparse
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAYERS_BELOW = {  # what a layer may include besides itself
    "base": (),
    "wire": ("base",),
    "net": ("base", "wire"),
    "tcp": ("base", "wire"),
    "stack": ("base", "wire", "net", "tcp"),
}
OUTSIDE = {  # folders of the root that stand on the door, and what of one another they may include
    "sock": (),
    "pkt": ("sock",),
    "sim": (),
}
DOOR_HEADERS = {"stdbool.h", "stddef.h", "stdint.h"}
CORE_HEADERS = DOOR_HEADERS | {"string.h", "limits.h", "immintrin.h", "arm_neon.h"}
TEST_HELPERS = ("support",)  # folders of tests/unit that every unit test may include

FUNCTION_WARN, FUNCTION_LINES, FILE_LINES = 70, 120, 1000
COLUMNS = {".c": 100, ".h": 160, ".py": 120, ".sh": 120, "": 120}  # headers carry contracts beside the names

TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".1", ".3", ".pkt", ""}
NO_TEXT_RULES = ("LICENSE", "tests/requirements/requirements.csv")


class Tree:
    def __init__(self, root):
        self.root = root
        self.paths = []
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            if parts[0] in (".git", "build") or "__pycache__" in parts or not path.is_file():
                continue
            self.paths.append(path.relative_to(root))
        self.texts = {}

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self.texts[path]

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), 1)

    def code(self, *folders):
        """C files, of these folders only when some are named."""
        return [p for p in self.paths if p.suffix in (".c", ".h") and (not folders or p.parts[0] in folders)]

    def exists(self, *parts):
        return (self.root.joinpath(*parts)).is_file()


def without_comments(text):
    """Same lines, with comments and strings blanked."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


# -- includes: imports point down ----------------------------------------------------------------------------------

def include_is_allowed(tree, path, name, quoted):
    top, folder = path.parts[0], path.parent
    if top == "include":
        return not quoted and (name.startswith("hawser/") or name in DOOR_HEADERS or path.parts[2] == "port")
    if top == "src":
        layer = path.parts[1]
        if not quoted:
            return name in CORE_HEADERS or name.startswith("hawser/") and not name.startswith("hawser/port/")
        return name.split("/")[0] in (layer, *LAYERS_BELOW[layer]) and tree.exists("src", name)
    if not quoted:
        return True
    if path.parts[:2] == ("tests", "unit"):
        layer = path.parts[2] if len(path.parts) > 3 else ""
        below = LAYERS_BELOW.get(layer, ("base", "wire") if layer in TEST_HELPERS else ())
        first = name.split("/")[0]
        if first in (layer, *OUTSIDE.get(layer, ())) and layer in OUTSIDE and tree.exists(name):
            return True
        return (tree.exists(folder, name) or first in TEST_HELPERS and tree.exists("tests/unit", name)
                or first in (layer, *below) and tree.exists("src", name))
    if top in OUTSIDE:
        return name.split("/")[0] in (top, *OUTSIDE[top]) and tree.exists(name)
    if top == "tools" and name.split("/")[0] in OUTSIDE and tree.exists(name):
        return True
    if path.parts[:2] == ("tests", "fuzz") and name.split("/")[0] in ("base", "wire"):
        return tree.exists("src", name)
    if path.parts[:2] == ("tests", "fuzz") and name.split("/")[0] in OUTSIDE:
        return tree.exists(name)  # a target for each reader of strangers' bytes
    if top == "tools" and name.split("/")[0] in OUTSIDE:
        return tree.exists(name)  # what a command shows
    if path.parts[:2] == ("tests", "so") and name.split("/")[0] == "pkt":
        return tree.exists(name)  # the interpreter drives the adapter
    if path.parts[:2] == ("tests", "sockets") and name == "sock/sock.h":
        return tree.exists(name)
    if path.parts[:3] == ("tests", "exhaustive", "canon.c") and name.startswith("stack/"):
        return tree.exists("src", name)  # what of a host makes one state differ from another
    if path.parts[:2] == ("tests", "scenario"):
        if name.split("/")[0] in ("base", "wire"):
            return tree.exists("src", name)  # scenarios forge segments with the code that reads them
        if name.split("/")[0] in TEST_HELPERS:
            return tree.exists("tests/unit", name)
    if top == "bench" and path.stem.endswith("_bench"):  # what a layer's operations cost
        layer = path.stem.removesuffix("_bench")
        if name.split("/")[0] in (layer, *LAYERS_BELOW.get(layer, ())):
            return tree.exists("src", name)
    return tree.exists(folder, name) or tree.exists(top, name)


def check_includes(tree):
    for path in tree.code():
        for number, line in tree.lines(path):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if found and not include_is_allowed(tree, path, found.group(2), found.group(1) == '"'):
                yield f"{path}:{number}: may not include {found.group(2)}"


# -- state: one writer ---------------------------------------------------------------------------------------------

def check_state(tree):
    """Only tcb.c assigns the state of a tcb, or a whole tcb."""
    for path in tree.code("src"):
        if path == Path("src/tcp/tcb.c"):
            continue
        code = without_comments(tree.text(path))
        names = set(re.findall(r"struct tcb \*(?:const )?(\w+)", code)) | {"tcb"}
        name = "|".join(sorted(names))
        writes = re.compile(rf"\b(?:{name})(?:->|\.)state\s*(?:[-+*/|&^]|<<|>>)?=(?!=)"
                            rf"|(?<!&)&(?!&)\s*(?:{name})(?:->|\.)state\b"
                            rf"|\b(?:{name})(?:->|\.)state\s*(?:\+\+|--)|(?<![\w*])\*(?:{name})\s*=(?!=)")
        for number, line in enumerate(code.splitlines(), 1):
            # A declaration with a value, `struct tcb *tcb = ...`, writes no tcb.
            if writes.search(re.sub(rf"struct tcb \*(?:const )?(?:{name})\s*=", "", line)):
                yield f"{path}:{number}: only src/tcp/tcb.c writes a tcb's state (tcb_set_state)"


# -- sizes: a ratchet ----------------------------------------------------------------------------------------------

def functions(text):
    """(name, lines) of each function: its brace, or its head's last line, to the brace in column 0."""
    name, start = None, 0
    previous = ""
    for number, line in enumerate(text.splitlines(), 1):
        opens = line == "{" or re.match(r"[a-zA-Z_].*\)\s*\{$", line)
        if opens and start == 0:
            start = number
            found = re.findall(r"(\w+)\s*\(", line if line != "{" else previous)
            name = found[0] if found else "?"
        elif line.startswith("}") and start:
            if line == "}":
                yield name, number - start + 1
            start = 0
        if re.match(r"[a-zA-Z_]", line):  # a head's first line holds the name
            previous = line


def check_sizes(tree):
    tolerated = {}
    if tree.exists("tests/lint/sizes"):
        for _, line in tree.lines(Path("tests/lint/sizes")):
            if line and not line.startswith("#"):
                path, name, limit = line.split()
                tolerated[path, name] = int(limit)
    sizes = {}
    for path in tree.code():
        text = tree.text(path)
        sizes[str(path), "-"] = (len(text.splitlines()), FILE_LINES)
        for name, lines in functions(text):
            if lines > sizes.get((str(path), name), (0, 0))[0]:
                sizes[str(path), name] = (lines, FUNCTION_LINES)
            if FUNCTION_WARN < lines <= FUNCTION_LINES:
                print(f"note: {path}: {name} has {lines} lines, aim for 40")
    for (path, name), (lines, limit) in sizes.items():
        what = path if name == "-" else f"{path}: {name}"
        if lines > tolerated.get((path, name), limit):
            yield f"{what} has {lines} lines, more than {tolerated.get((path, name), limit)}"
    for (path, name), limit in tolerated.items():
        lines, normal = sizes.get((path, name), (0, 0))
        if lines <= normal:
            yield f"tests/lint/sizes: {path} {name} {limit} is not needed any more: take the line out"
        elif lines < limit:
            yield f"tests/lint/sizes: {path} {name} has {lines} lines now: write {lines} in place of {limit}"


# -- text: headers, columns, blanks, words -------------------------------------------------------------------------

BANNED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE = re.compile(r"(?<![\w.~}/])/(work|root|home)/|/tmp/bri" r"ef")


def check_text(tree):
    for path in tree.paths:
        if path.suffix not in TEXT_SUFFIXES or str(path) in NO_TEXT_RULES or path.name.startswith("."):
            continue
        text = tree.text(path)
        if "\0" in text:
            continue
        lines = text.splitlines()
        if path.suffix in (".c", ".h"):
            if lines[:1] != ["/* SPDX-License-Identifier: MIT */"]:
                yield f"{path}:1: /* SPDX-License-Identifier: MIT */ is missing"
            if not lines[1:2] or not lines[1].startswith("/* "):
                yield f"{path}:2: says what this file is"
        elif path.suffix in (".py", ".sh", ".build") or lines[:1] and lines[0].startswith("#!"):
            if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
                yield f"{path}:1: SPDX-License-Identifier: MIT is missing"
        if text and not text.endswith("\n"):
            yield f"{path}: does not end with a line feed"
        limit = COLUMNS.get(path.suffix)
        for number, line in enumerate(lines, 1):
            table = re.match(r"\s*\*.*\S {2,}\S", line)  # in a comment
            if limit and len(line) > (max(limit, 160) if table else limit):
                yield f"{path}:{number}: {len(line)} columns, more than {limit}"
            if line != line.rstrip():
                yield f"{path}:{number}: trailing blanks"
            if "\t" in line:
                yield f"{path}:{number}: a tab"
            if BANNED.search(line):
                yield f"{path}:{number}: {BANNED.search(line).group()}: finish it, or file an issue"
            if MACHINE.search(line):
                yield f"{path}:{number}: a path of one machine"


# -- docs: what they name exists -----------------------------------------------------------------------------------

def check_docs(tree):
    foreign = set()
    if tree.exists("tests/lint/foreign-names"):
        foreign = {line.split()[0] for _, line in tree.lines(Path("tests/lint/foreign-names"))
                   if line and not line.startswith("#")}
    docs = [p for p in tree.paths if p.suffix == ".md" and p.parts[0] in ("docs", "README.md", "CHANGELOG.md")]
    words, names = set(), {p.name for p in tree.paths}
    for path in tree.paths:
        if path.suffix in (".c", ".h", ".py", ".sh", ".build") or path.name in ("run", "test", "meson_options.txt"):
            words.update(re.findall(r"\w+", tree.text(path)))
    for path in docs:
        text = re.sub(r"^```.*?^```", lambda f: "\n" * f.group().count("\n"), tree.text(path), flags=re.S | re.M)
        for number, line in enumerate(text.splitlines(), 1):
            for span in re.findall(r"`([^`]+)`", line):
                name = span.removesuffix("()")
                if name in foreign:
                    continue
                if re.fullmatch(r"[a-z]\w*", name) and ("_" in name or span.endswith("()")):
                    if name not in words:
                        yield f"{path}:{number}: `{span}` is nowhere in the tree"
                elif re.fullmatch(r"\w+\.[ch]", name):
                    if name not in names:
                        yield f"{path}:{number}: there is no file `{span}`"
                elif re.fullmatch(r"(src|include|port|tools|tests|docs|bench|examples|scripts|man)/[\w./-]*", name):
                    if not (tree.root / name).exists():
                        yield f"{path}:{number}: there is no `{span}`"
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
                if not (tree.root / path.parent / target).exists():
                    yield f"{path}:{number}: a link to {target}, which is not there"


# -- built: nothing lies beside the build --------------------------------------------------------------------------

def check_built(tree):
    """Every .c file and every lint or test script is named by a meson.build of its folder or above."""
    for path in tree.paths:
        script = path.parts[0] == "tests" and path.suffix in (".py", ".sh") and path.name.startswith("test_")
        if path.suffix != ".c" and not script:
            continue
        stem = path.stem.removeprefix("test_") if path.parts[0] == "tests" else path.stem
        named = re.compile(rf"(?<![\w-])({re.escape(path.name)}|{re.escape(stem)}(?=')|{re.escape(path.stem)}(?='))")
        lists = [path.parents[i] / "meson.build" for i in range(len(path.parents))]
        if not any(tree.exists(m) and named.search(tree.text(m)) for m in lists):
            yield f"{path}: no meson.build names it"


def check_tested(tree):
    """Every file of the core and of port/ has a test: test_<file>.c, or one that names it in its first lines."""
    named = set()
    for path in tree.code("tests"):
        if path.suffix == ".c":
            named.add(path.name.removeprefix("test_"))
            named.update(re.findall(r"\b\w+\.c\b", "\n".join(tree.text(path).splitlines()[:12])))
    for path in tree.code("src", "port"):
        if path.suffix == ".c" and path.name not in named:
            yield f"{path}: no test_{path.name}, and no other test says in its first lines that it is of {path.name}"


def check_skips(tree):
    """cmocka's skip() is invisible in the summary: a test that cannot run says SKIP: and ends with 77."""
    for path in tree.code("tests"):
        for number, line in enumerate(without_comments(tree.text(path)).splitlines(), 1):
            if re.search(r"(?<![\w>.])skip\(\)", line):
                yield f"{path}:{number}: skip() hides a skip; print 'SKIP: reason' and exit with 77"


CHECKS = {name.removeprefix("check_"): function for name, function in globals().items() if name.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=HERE.parent.parent)
    parser.add_argument("check", nargs="+", choices=sorted(CHECKS))
    options = parser.parse_args()
    tree = Tree(options.root)
    found = [message for name in options.check for message in CHECKS[name](tree)]
    print("\n".join(found) if found else "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
