#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the core's static libraries need from outside, and what they keep. symbols.py BUILD [--sanitized]

Each layer may need lower layers and a handful of names; no layer holds writable data of its own."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

LOWER = {"base": [], "wire": ["base"], "net": ["base", "wire"], "tcp": ["base", "wire"],
         "stack": ["base", "wire", "net", "tcp"]}
ALLOWED = {
    "memcpy", "memmove", "memset", "memcmp",
    "hawser_assertion_failed",
    "__cpu_model", "__cpu_indicator_init",  # which vector instructions the machine has
    "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_",  # the compiler's own
}
SANITIZER = re.compile(r"__(asan|ubsan|sanitizer)_")
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(library):
    """(needed, defined) of an archive."""
    needed, defined = set(), set()
    for line in output("nm", "--format=posix", library).splitlines():
        fields = line.split()
        if len(fields) < 2 or line.endswith(":"):
            continue
        name, kind = fields[0], fields[1]
        if kind in "Uw":
            needed.add(name)
        elif kind.isupper() or kind in "vu":
            defined.add(name)
    return needed - defined, defined


def writable(library):
    """Sections that hold variables: (name, bytes)."""
    for line in output("objdump", "-h", library).splitlines():
        fields = line.split()
        if len(fields) >= 7 and fields[0].isdigit() and WRITABLE.match(fields[1]) and int(fields[2], 16):
            yield fields[1], int(fields[2], 16)


def findings(libraries, lower, sanitized):
    """libraries: layer -> path."""
    read = {layer: symbols(path) for layer, path in libraries.items()}
    for layer, (needed, _) in read.items():
        known = ALLOWED.union(*(read[other][1] for other in lower[layer]))
        for name in sorted(needed - known):
            if sanitized and SANITIZER.match(name):
                continue
            yield f"{layer}: calls {name}"
        if not sanitized:  # a sanitizer keeps its notes on constants in .data
            for section, size in writable(libraries[layer]):
                yield f"{layer}: {size} bytes of variables in {section}: there are no globals in the core"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--sanitized", action="store_true")
    options = parser.parse_args()
    libraries = {layer: options.build / f"src/{layer}/lib{layer}.a" for layer in LOWER}
    found = list(findings(libraries, LOWER, options.sanitized))
    print("\n".join(found) if found else "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
