#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each lint finds what it is there for: small bad trees, and the same trees without the fault."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import symbols
import tree

HEAD = "/* SPDX-License-Identifier: MIT */\n/* What this is. */\n"
LONG = "    x();\n"


def lint(check, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return list(tree.CHECKS[check](tree.Tree(Path(folder))))


# (check, files without a fault, files with it)
CASES = [
    ("includes", {"src/wire/a.c": '#include "base/r.h"\n', "src/base/r.h": ""},
     {"src/base/a.c": '#include "wire/r.h"\n', "src/wire/r.h": ""}),
    ("includes", {"src/tcp/a.c": '#include "wire/r.h"\n', "src/wire/r.h": ""},
     {"src/tcp/a.c": '#include "net/r.h"\n', "src/net/r.h": ""}),
    ("includes", {"src/tcp/a.c": "#include <string.h>\n"}, {"src/tcp/a.c": "#include <stdio.h>\n"}),
    ("includes", {"src/net/a.c": "#include <hawser/err.h>\n"}, {"src/net/a.c": "#include <hawser/port/tap.h>\n"}),
    ("includes", {"port/a.c": "#include <hawser/err.h>\n"},
     {"port/a.c": '#include "base/r.h"\n', "src/base/r.h": ""}),
    ("includes", {"include/hawser/a.h": "#include <stdint.h>\n"}, {"include/hawser/a.h": "#include <stdio.h>\n"}),
    ("includes", {"tests/unit/wire/test_a.c": '#include "base/r.h"\n', "src/base/r.h": ""},
     {"tests/unit/base/test_a.c": '#include "wire/r.h"\n', "src/wire/r.h": ""}),
    ("includes", {"bench/wire_bench.c": '#include "base/r.h"\n', "src/base/r.h": ""},
     {"bench/base_bench.c": '#include "wire/r.h"\n', "src/wire/r.h": ""}),
    ("includes", {"tests/scenario/a.c": '#include "wire/r.h"\n', "src/wire/r.h": ""},
     {"tests/scenario/a.c": '#include "tcp/r.h"\n', "src/tcp/r.h": ""}),
    ("includes", {"tools/a.c": '#include "b.h"\n', "tools/b.h": ""}, {"tools/a.c": '#include "c.h"\n', "port/c.h": ""}),
    ("state", {"src/tcp/tcb.c": "void f(struct tcb *t)\n{\n    t->state = 1;\n}\n"},
     {"src/tcp/a.c": "void f(struct tcb *t)\n{\n    t->state = 1;\n}\n"}),
    ("state", {"src/stack/a.c": "void f(struct tcb *tcb)\n{\n    if (a && tcb->state) i->state = tcb->state;\n}\n"},
     {"src/stack/a.c": "void f(struct c *c)\n{\n    c->tcb.state = 1;\n}\n"}),
    ("state", {"src/tcp/a.c": "/* tcb->state = 1 */\n"},
     {"src/tcp/a.c": "void f(void)\n{\n    g(&tcb->state);\n}\n"}),
    ("state", {"src/tcp/a.c": "struct tcb *t = take();\n"},
     {"src/tcp/a.c": "struct tcb *t;\nvoid f(void)\n{\n    *t = zero;\n}\n"}),
    ("sizes", {"src/tcp/a.c": "int f(void)\n{\n" + LONG * 100 + "}\n"},
     {"src/tcp/a.c": "int f(void)\n{\n" + LONG * 119 + "}\n"}),
    ("sizes", {"src/tcp/a.c": "int f(void)\n{\n" + LONG * 128 + "}\n", "tests/lint/sizes": "src/tcp/a.c f 130\n"},
     {"src/tcp/a.c": "int f(void)\n{\n" + LONG * 129 + "}\n", "tests/lint/sizes": "src/tcp/a.c f 130\n"}),
    ("sizes", {"src/tcp/a.c": ""}, {"src/tcp/a.c": "", "tests/lint/sizes": "src/tcp/a.c f 130\n"}),
    ("sizes", {"tools/a.c": "\n" * 1000}, {"tools/a.c": "\n" * 1001}),
    ("text", {"src/a.c": HEAD}, {"src/a.c": "/* What this is. */\n"}),
    ("text", {"src/a.c": HEAD}, {"src/a.c": "/* SPDX-License-Identifier: MIT */\nint a;\n"}),
    ("text", {"src/a.c": HEAD + "/*" + " " * 96 + "*/\n"}, {"src/a.c": HEAD + "/*" + " " * 97 + "*/\n"}),
    ("text", {"src/a.c": HEAD + "/*\n * a" + " " * 120 + "b\n */\n"},
     {"src/a.c": HEAD + "/*\n * " + "a " * 60 + "b\n */\n"}),
    ("text", {"src/a.c": HEAD}, {"src/a.c": HEAD + "int a; \n"}),
    ("text", {"src/a.c": HEAD}, {"src/a.c": HEAD + "\tint a;\n"}),
    ("text", {"src/a.c": HEAD}, {"src/a.c": HEAD + "int a;"}),
    ("text", {"docs/a.md": "todo mkstemp /tmp/a-" + "X" * 6 + "\n"}, {"docs/a.md": "TO" "DO\n"}),
    ("text", {"docs/a.md": "~/work/a b/work/c\n"}, {"docs/a.md": "see /wor" "k/a\n"}),
    ("text", {"a.sh": "#!/bin/sh\n# SPDX-License-Identifier: MIT\n"}, {"a.sh": "#!/bin/sh\n"}),
    ("docs", {"docs/a.md": "`ring_put()` `ring_put`\n", "src/a.c": "void ring_put(void);\n"},
     {"docs/a.md": "`ring_put()`\n", "src/a.c": "void ring_get(void);\n"}),
    ("docs", {"docs/a.md": "`tcp_tw_reuse`\n", "tests/lint/foreign-names": "tcp_tw_reuse of Linux\n"},
     {"docs/a.md": "`tcp_tw_reuse`\n"}),
    ("docs", {"README.md": "`src/a.c` `a.c`\n", "src/a.c": ""}, {"README.md": "`src/b.c`\n"}),
    ("docs", {"README.md": "[a](docs/a.md#b)\n", "docs/a.md": ""}, {"README.md": "[a](docs/b.md)\n"}),
    ("built", {"src/base/a.c": "", "src/base/meson.build": "files(\n  'a.c',\n)\n"},
     {"src/base/a.c": "", "src/base/meson.build": "files(\n  'aa.c',\n)\n"}),
    ("built", {"tests/unit/base/test_a.c": "", "tests/unit/base/meson.build": "  'a',\n"},
     {"tests/unit/base/test_a.c": "", "tests/unit/base/meson.build": "  'b',\n"}),
    ("tested", {"src/wire/icmp.c": "", "tests/unit/wire/test_icmp.c": ""},
     {"src/wire/icmp_emit.c": "", "tests/unit/wire/test_icmp.c": ""}),
    ("tested", {"src/wire/icmp_emit.c": "", "tests/unit/wire/test_icmp.c": "/* icmp.c, icmp_emit.c */"},
     {"src/wire/icmp_emit.c": "", "tests/unit/wire/test_icmp.c": "\n" * 12 + "/* icmp.c, icmp_emit.c */"}),
    ("skips", {"tests/unit/a.c": "/* skip() */\n"}, {"tests/unit/a.c": "    skip();\n"}),
]


class Lints(unittest.TestCase):
    def test_cases(self):
        for number, (check, good, bad) in enumerate(CASES):
            with self.subTest(number=number, check=check):
                self.assertEqual(lint(check, good), [])
                self.assertNotEqual(lint(check, bad), [])

    def test_symbols(self):
        """A layer that calls the C library or a higher layer, or keeps a variable."""
        sources = {
            "base": "int low(void);\nint low(void) { return 1; }\n",
            "wire": "int low(void);\nint high(void);\nint high(void) { return low(); }\n",
        }
        faults = {
            "base": [("int puts(const char *);\nint low(void);\nint low(void) { return puts(\"\"); }\n", "calls puts"),
                     ("int high(void);\nint low(void);\nint low(void) { return high(); }\n", "calls high"),
                     ("int low(void);\nint low(void) { static int n; return ++n; }\n", "bytes of variables")],
        }
        lower = {"base": [], "wire": ["base"]}
        with tempfile.TemporaryDirectory() as folder:
            def found(texts):
                libraries = {}
                for layer, text in texts.items():
                    Path(folder, layer + ".c").write_text(text)
                    subprocess.run(["cc", "-O1", "-c", layer + ".c"], cwd=folder, check=True)
                    libraries[layer] = Path(folder, f"lib{layer}.a")
                    libraries[layer].unlink(missing_ok=True)
                    subprocess.run(["ar", "rc", libraries[layer], layer + ".o"], cwd=folder, check=True)
                return "\n".join(symbols.findings(libraries, lower, False))
            self.assertEqual(found(sources), "")
            for text, message in faults["base"]:
                self.assertIn(message, found({**sources, "base": text}))


if __name__ == "__main__":
    unittest.main()
