#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every constant of the system's headers that a script may name is in pkt/symbols.c, with the headers' value.
test_symbols_headers.py TEST_SYMBOLS COMPILER..."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADERS = ["arpa/inet.h", "errno.h", "fcntl.h", "netinet/in.h", "poll.h", "sys/epoll.h", "sys/ioctl.h",
           "sys/socket.h", "linux/capability.h", "linux/errqueue.h", "linux/in6.h", "linux/net_tstamp.h",
           "linux/sockios.h", "linux/tcp.h", "linux/icmp.h", "linux/icmpv6.h", "netinet/ip.h", "netinet/udp.h"]
APART = ["netinet/tcp.h"]  # does not go with linux/tcp.h
WANTED = re.compile(r"(AF|PF|SOCK|IPPROTO|SOL|SO|IP|IPV6|IPTOS|TCP|UDP|ICMP|ICMPV6|MSG|SHUT|O|F|SOF_TIMESTAMPING|SCM|"
                    r"SPLICE_F|CAP)_[A-Z0-9]\w*|POLL[A-Z]+|EPOLL[A-Z]\w*|E[A-Z0-9]{2,}|SIOC(INQ|OUTQ|OUTQNSD|ATMARK)|"
                    r"FIO[A-Z]+|NULL")


def compiled(compiler, source, *options):
    return subprocess.run([*compiler, "-D_GNU_SOURCE", "-w", *options, "-x", "c", "-"],
                          input=source, capture_output=True, text=True)


def names(compiler, includes):
    """Macros without arguments, and enumerators."""
    macros = compiled(compiler, includes, "-dM", "-E").stdout
    found = set(re.findall(r"^#define (\w+)[ \n]", macros, re.M))
    for body in re.findall(r"enum[^{;]*\{([^}]*)\}", compiled(compiler, includes, "-E").stdout):
        found.update(re.findall(r"(?:^|[,\s])([A-Z]\w*)\s*(?==|,|$)", body, re.M))
    return sorted(name for name in found if WANTED.fullmatch(name))


def values(compiler, includes, wanted):
    """Of those that are constants."""
    declared = {n: f"#line {i + 1} \"names\"\nstatic const long long v{i} = (long long)({n});\n"
                for i, n in enumerate(wanted)}
    errors = compiled(compiler, includes + "".join(declared.values()), "-fsyntax-only", "-ferror-limit=0"
                      if "clang" in compiler[-1] else "-fmax-errors=0").stderr
    wrong = {int(number) - 1 for number in re.findall(r"^names:(\d+):\d+: error", errors, re.M)}
    good = [n for i, n in enumerate(wanted) if i not in wrong]
    rows = "".join(f'    printf("%s %lld\\n", "{n}", (long long)({n}));\n' for n in good)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "values"
        done = compiled(compiler, f"{includes}#include <stdio.h>\nint main(void)\n{{\n{rows}    return 0;\n}}\n",
                        "-o", str(program))
        if done.returncode:
            sys.exit(done.stderr)
        lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines)


def main():
    compiler = sys.argv[2:]
    ours = subprocess.run([sys.argv[1], "list"], capture_output=True, text=True, check=True).stdout
    ours = dict(line.split() for line in ours.splitlines())
    theirs = {}
    for headers in (HEADERS, APART):
        includes = "".join(f"#include <{name}>\n" for name in headers)
        theirs.update(values(compiler, includes, names(compiler, includes)))
    faults = [f"{name} is missing" for name in theirs if name not in ours]
    faults += [f"{name} is {ours[name]}, in the headers {value}" for name, value in theirs.items()
               if name in ours and ours[name] != value]
    print("\n".join(faults) if faults else f"{len(theirs)} names of the headers are there")
    return 1 if faults or len(theirs) < 800 else 0


if __name__ == "__main__":
    sys.exit(main())
