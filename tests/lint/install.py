#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs a build into a temporary folder and uses it as a stranger would. install.py BUILD [--sanitized]

A small program is built through pkg-config against the shared and against the static library and run; the libraries
show what the installed headers promise and nothing else; every header compiles by itself, as C17 and as C++."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <hawser/hawser.h>
#include <hawser/tcp.h>

int main(void)
{
    char header[32];
    snprintf(header, sizeof header, "%d.%d.%d", HAWSER_VERSION_MAJOR, HAWSER_VERSION_MINOR, HAWSER_VERSION_PATCH);
    printf("%s %s\n", hawser_version(), hawser_state_name(HAWSER_TIME_WAIT));
    return strcmp(header, hawser_version()) != 0;
}
"""


def run(*command, **kwargs):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def exported(library, *options):
    """Global names that a library defines."""
    lines = (line.split() for line in run("nm", "--format=posix", "--defined-only", *options, library).splitlines())
    kept = (fields for fields in lines if len(fields) > 2 and fields[1].isupper())
    return {fields[0] for fields in kept if fields[1] not in "AN"}  # N: debugging


def promised(headers):
    """Functions that the headers declare with HAWSER_EXPORT."""
    names = set()
    for header in headers:
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.S)
        for declaration in re.findall(r"^HAWSER_EXPORT\b(.*?);", text, re.M | re.S):
            names.add(re.search(r"\b(?!__attribute__)(\w+)\(", declaration).group(1))
    return names


def check_library(library, names, *options):
    shown = exported(library, *options)
    faults = [f"{library.name} shows {name}" for name in sorted(shown - names)]
    faults += [f"{library.name} lacks {name}" for name in sorted(names - shown)]
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--sanitized", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "root"
        run("meson", "install", "-C", options.build, "--no-rebuild", "--quiet", "--destdir", target)
        return look(target, Path(folder), options.sanitized)


def look(target, folder, sanitized):
    pc = next(target.rglob("hawser.pc"))
    pc_path = run("pkg-config", "--variable", "pc_path", "pkg-config").strip()
    env = dict(os.environ, PKG_CONFIG_LIBDIR=f"{pc.parent}:{pc_path}")
    prefix = target / run("pkg-config", "--variable", "prefix", "hawser", env=env).strip().lstrip("/")

    def asked(*what):
        # The file names the place where it will lie one day; here that is below the temporary folder.
        here = f"--define-variable=prefix={prefix}"
        return shlex.split(run("pkg-config", here, *what, "hawser", env=env))

    include, libdir = prefix / "include", pc.parent.parent
    headers = sorted((include / "hawser").rglob("*.h"))
    faults = []

    source = folder / "program.c"
    source.write_text(PROGRAM)
    compiler = os.environ.get("CC", "cc").split()
    sanitize = ["-fsanitize=address,undefined"] if sanitized else []
    version = run("pkg-config", "--modversion", "hawser", env=env).strip()
    flags = asked("--cflags")
    # Only what a program calls comes out of the archive: this one needs nothing of port/, and so no libpcap.
    for kind, words in (("shared", [*flags, *asked("--libs")]), ("static", [*flags, libdir / "libhawser.a"])):
        program = folder / kind
        run(*compiler, "-std=c17", "-Wall", "-Wextra", "-Werror", *sanitize, source, "-o", program, *words)
        said = run(program, env=dict(os.environ, LD_LIBRARY_PATH=str(libdir)))
        if said != f"{version} TIME-WAIT\n":
            faults.append(f"the {kind} program said {said!r}")

    names = promised(headers)
    if not names or any(not name.startswith("hawser_") for name in names):
        faults.append("an exported name does not begin with hawser_")
    if not sanitized:
        faults += check_library(libdir / "libhawser.so", names, "-D")
        faults += check_library(libdir / "libhawser.a", names)
        faults += check_library(libdir / "libhawser-packetdrill.so", {"packetdrill_interface_init"}, "-D")
        faults += check_library(libdir / "libhawser-packetdrill-preload.so",
                                {"getsockopt", "hawser_packetdrill_ask"}, "-D")

    languages = [[*compiler, "-std=c17", "-x", "c"]] + ([["clang", "-x", "c++"]] if shutil.which("clang") else [])
    for header in headers:
        for language in languages:
            run(*language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", include,
                "-include", header, "/dev/null")
    for page in ("man1/hawser.1", "man3/hawser.3", "man7/hawser-packetdrill.7"):
        if not list(target.rglob(page + "*")):
            faults.append(f"{page} is not installed")
    if not list(target.rglob("bin/hawser")):
        faults.append("the program hawser is not installed")
    print("\n".join(faults) if faults else f"hawser {version}: {len(names)} names, {len(headers)} headers")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
