# SPDX-License-Identifier: MIT
"""The manual pages: well-formed, and not silent about what the commands have."""

from toolkit import *

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = [os.path.join(ROOT, "man", name) for name in ("hawser.1", "hawser.3", "hawser-packetdrill.7")]


class Man(Case):
    def test_groff(self):
        for page in PAGES:
            finished = run("-z", "-ww", "-mandoc", "-Tutf8", "-b", page, exe="groff")
            self.assertEqual((finished.returncode, finished.stderr), (0, b""))

    def test_mandoc(self):
        if shutil.which("mandoc"):
            finished = run("-Tlint", "-Wwarning", *PAGES, exe="mandoc")
            self.assertEqual((finished.returncode, finished.stdout), (0, b""))

    def test_every_option(self):
        with open(PAGES[0], encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        for command in ("demo", "serve", "fetch", "pkt", "bench", "sim"):
            for option in re.findall(r"--([a-z0-9-]+)", run(command, "--help").stdout.decode()):
                if option not in ("help", "usage", "version"):
                    self.assertRegex(page, rf"Fl (?:\w , Fl )?-{option}\b", command)

    def test_every_error(self):
        with open(os.path.join(ROOT, "include/hawser/err.h"), encoding="utf-8") as file:
            names = re.findall(r"X\((\w+), -\d+", file.read())
        with open(PAGES[1], encoding="utf-8") as file:
            page = file.read()
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertIn("HAWSER_ERR_" + name, page)


if __name__ == "__main__":
    need("groff")
    main()
