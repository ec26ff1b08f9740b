#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./run and ./test on a copy of the tree at a path with a blank: test_scripts.py refusals | build"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRETENDED = {  # an ordinary user on a Debian without our packages and without sudo
    "id": '#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo nobody\n',
    "sudo": "#!/bin/sh\nexit 1\n",
    "dpkg-query": "#!/bin/sh\nexit 1\n",
}


def copy_tree(folder):
    tree = Path(folder) / "a tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
    return tree


def run(*command, **kwargs):
    done = subprocess.run([str(word) for word in command], cwd="/", capture_output=True, text=True, check=False,
                          **kwargs)
    print(*command, "->", done.returncode, done.stdout, done.stderr, sep="\n")
    return done


def refusals(tree, folder):
    """What stops before anything is built, with status 2 and the reason."""
    done = run(tree / "test", "--no-such-option")
    assert done.returncode == 2 and "no option --no-such-option" in done.stderr
    assert run(tree / "test", "--help").returncode == 0

    pretended = Path(folder) / "bin"
    pretended.mkdir()
    for name, text in PRETENDED.items():
        (pretended / name).write_text(text, encoding="utf-8")
        (pretended / name).chmod(0o755)
    env = dict(os.environ, PATH=f"{pretended}:{os.environ['PATH']}")
    done = run(tree / "run", "version", env=env, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and done.stdout == ""
    command = done.stderr.splitlines()[-1]
    assert "apt-get install" in command and " meson " in command and " curl " in command
    assert not (tree / "build/release").exists()

    shutil.rmtree(tree / "build")
    (tree / "build").touch()  # cannot be written into, whoever asks
    done = run(tree / "run", "version")
    assert done.returncode == 2 and "cannot write" in done.stderr


def build(tree, _):
    """From nothing to a running command, then at once; after the copy has moved, again."""
    first = run(tree / "run", "version")
    assert first.returncode == 0 and first.stdout.startswith("hawser ")
    start = time.monotonic()
    again = run(tree / "run", "version")
    assert again.stdout == first.stdout and again.stderr == ""
    assert time.monotonic() - start < 1, "nothing had changed"
    moved = tree.rename(tree.with_name("another tree"))
    assert run(moved / "run", "version").stdout == first.stdout
    (moved / "src/base/ring.c").write_text("#error broken\n", encoding="utf-8")
    broken = run(moved / "run", "version")
    assert broken.returncode == 1 and "#error broken" in broken.stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        {"refusals": refusals, "build": build}[sys.argv[1]](copy_tree(folder), folder)


if __name__ == "__main__":
    main()
