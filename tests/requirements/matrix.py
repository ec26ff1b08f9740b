#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requirements against code, tests and explained deviations.

    matrix.py                 the summary line
    matrix.py --report        the same, after the core ids without evidence and without an explanation
    matrix.py --missing TIER  rows without evidence and without an explanation (core, modern, beyond or all)
    matrix.py --no-code TIER  rows without a tag in src/ or include/ and without an explanation; status 1 if any
    matrix.py --show ID...    where an id stands
    matrix.py --table TIER    each row, where it is met, evidence, verdict; status 1 if one is not shown or explained
    matrix.py --html FILE     the same of all rows as one page
    matrix.py --check         unknown ids, and evidence that was recorded and is gone: status 1
    matrix.py --record        records the ids that have evidence now

In code an id is written `RFC9293 MUST-10` (9293-MUST-10), in tests (.pkt scripts, too) after the word EVIDENCE in
full, in docs/deviations.md at the start of a list item in backticks.
"""

import argparse
import csv
import re
import sys
import textwrap
from pathlib import Path

import report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RATCHET = HERE / "ratchet"

ID = r"(?:[A-Z]+\d*|[\dA][\d.]*[a-z]?)-\d+|\d\d"
TAG = re.compile(rf"RFC(\d{{4}}) +({ID})((?:(?:,| +and) +(?:{ID})(?![\w.-]))*)(?![\w-])")
TAG_START = re.compile(r"RFC\d{4} +\S+")
EVIDENCE = re.compile(r"\bEVIDENCE\s+(.*)")
IDS_ONLY = re.compile(r"\s*(?:\*|//)(?:\s+\d{4}-[\w.-]+,?)+\s*(?:\*/)?")
EXPLAINED = re.compile(r"^- ((?:`\d{4}-[\w.-]+`,? *)+)", re.M)


def texts_of(*folders):
    """(file, text) of every text file below the folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or HERE in path.parents or "__pycache__" in path.parts:
                continue
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass  # a capture or another binary


class Matrix:
    root = ROOT

    def __init__(self):
        with open(HERE / "requirements.csv", encoding="utf-8", newline="") as table:
            self.rows = {row["id"]: row for row in csv.DictReader(table)}
        self.code, self.evidence, self.explained, self.errors = {}, {}, {}, []
        self.read_code()
        self.read_tests()
        self.read_deviations()
        self.follow_aliases()

    def note(self, where, ident, place):
        if ident in self.rows:
            where.setdefault(ident, []).append(place)
        else:
            self.errors.append(f"{place}: {ident} is not in the table")

    def read_code(self):
        for path, text in texts_of("src", "include"):
            # A comment goes on over its line's end: the same length, so that positions stay.
            text = re.sub(r"\n *\* ?(?=[^/])", lambda found: " " * len(found.group()), original := text)
            starts = set()
            for tag in TAG.finditer(text):
                place = f"{path}:{original.count(chr(10), 0, tag.start()) + 1}"
                starts.add(tag.start())
                rfc, first, others = tag.groups()
                self.note(self.code, f"{rfc}-{first}", place)
                for other in re.findall(ID, others):
                    if f"{rfc}-{other}" in self.rows:  # else a number of the sentence
                        self.note(self.code, f"{rfc}-{other}", place)
            for start in TAG_START.finditer(text):
                if start.start() not in starts:
                    place = f"{path}:{original.count(chr(10), 0, start.start()) + 1}"
                    self.errors.append(f"{place}: '{start.group()}' is no id (a clause is cited as 'RFC 9293 3.4')")

    def read_tests(self):
        for path, text in texts_of("tests"):
            if path.parts[1] == "lint":
                continue
            goes_on = False  # a list of ids that does not fit on one line
            for number, line in enumerate(text.splitlines(), 1):
                found = EVIDENCE.search(line)
                ids = found.group(1) if found else line if goes_on and IDS_ONLY.fullmatch(line) else ""
                goes_on = bool(ids) and "*/" not in line
                for ident in ids.split("*/")[0].lstrip(" */").replace(",", " ").split():
                    self.note(self.evidence, ident.rstrip("."), f"{path}:{number}")

    def read_deviations(self):
        path = ROOT / "docs/deviations.md"
        if path.exists():
            for item in EXPLAINED.finditer(path.read_text(encoding="utf-8")):
                for ident in re.findall(r"`([\w.-]+)`", item.group(1)):
                    self.note(self.explained, ident, "docs/deviations.md")

    def follow_aliases(self):
        for line in (HERE / "aliases").read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            alias, *originals = line.split()
            for ident in (alias, *originals):
                if ident not in self.rows:
                    self.errors.append(f"aliases: {ident} is not in the table")
            for where in (self.code, self.evidence, self.explained):
                if all(original in where for original in originals):
                    where.setdefault(alias, []).append("as " + " ".join(originals))

    def without(self, where, tier):
        return [ident for ident, row in self.rows.items()
                if tier in (row["tier"], "all") and ident not in where and ident not in self.explained]

    def summary(self):
        counts = []
        for tier in ("core", "modern", "beyond"):
            ids = [ident for ident, row in self.rows.items() if row["tier"] == tier]
            counts.append(f"{tier} {sum(ident in self.evidence for ident in ids)} of {len(ids)}")
        return f"requirements: {', '.join(counts)} with evidence; {len(self.explained)} explained"

    def print_rows(self, idents):
        for ident in idents:
            row = self.rows[ident]
            print(f"{ident:20} {row['level']:10} {row['area']:12} {row['requirement']}")

    def check(self):
        recorded = RATCHET.read_text(encoding="utf-8").split() if RATCHET.exists() else []
        gone = [ident for ident in recorded if ident not in self.evidence]
        for ident in gone:
            self.errors.append(f"{ident} had evidence and has none now")
        for error in self.errors:
            print(error)
        return 1 if self.errors else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tiers = ("core", "modern", "beyond", "all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--report", action="store_true")
    what.add_argument("--missing", choices=tiers)
    what.add_argument("--no-code", choices=tiers)
    what.add_argument("--show", nargs="+", metavar="ID")
    what.add_argument("--table", choices=tiers)
    what.add_argument("--html", type=Path, metavar="FILE")
    what.add_argument("--check", action="store_true")
    what.add_argument("--record", action="store_true")
    options = parser.parse_args()
    matrix = Matrix()
    if options.missing:
        matrix.print_rows(matrix.without(matrix.evidence, options.missing))
    elif options.no_code:
        gaps = matrix.without(matrix.code, options.no_code)
        matrix.print_rows(gaps)
        return 1 if gaps else 0
    elif options.show:
        for ident in options.show:
            for name in ("code", "evidence", "explained"):
                print(f"{ident} {name}: {' '.join(getattr(matrix, name).get(ident, ['-']))}")
    elif options.table:
        report.print_table(matrix, options.table)
        return 1 if set(report.counts(matrix, options.table)) - {"shown", "explained"} else 0
    elif options.html:
        options.html.write_text(report.page(matrix), encoding="utf-8")
    elif options.check:
        return matrix.check()
    elif options.record:
        RATCHET.write_text("".join(f"{ident}\n" for ident in matrix.rows if ident in matrix.evidence), encoding="utf-8")
    else:
        gaps = matrix.without(matrix.evidence, "core") if options.report else []
        if gaps:
            print(textwrap.fill("core rows without evidence: " + " ".join(gaps), 120, break_on_hyphens=False))
        print(matrix.summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
