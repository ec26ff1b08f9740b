# SPDX-License-Identifier: MIT
"""The table of requirements with what the tree has for each: as text, and as one self-contained page of HTML."""

import html
import re
import textwrap

VERDICTS = {
    "shown": "code says where it is met, and a test says that it would fail otherwise",
    "explained": "done otherwise on purpose: docs/deviations.md",
    "no test": "code says where it is met, no test shows it",
    "no code": "a test shows it, no code says where it is met",
    "open": "neither",
}


def verdict(matrix, ident):
    if ident in matrix.explained and ident not in matrix.evidence:
        return "explained"
    code, test = ident in matrix.code, ident in matrix.evidence
    if test and (code or ident in matrix.explained):
        return "shown"
    return "no code" if test else "no test" if code else "open"


def counts(matrix, tier):
    """{verdict: how many} of a tier, those that there are, in the order of VERDICTS."""
    found = [verdict(matrix, ident) for ident, row in matrix.rows.items() if tier in (row["tier"], "all")]
    return {name: found.count(name) for name in VERDICTS if name in found}


def places(where, ident):
    return where.get(ident, [])


def explanation(matrix, ident):
    """The item of docs/deviations.md, in one line."""
    path = matrix.root / "docs/deviations.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(rf"^- (?:`[\w.-]+`,? *)*`{re.escape(ident)}`,?(.*(?:\n  .*)*)", text, re.M)
    return re.sub(r"^(?: *`\d{4}-[\w.-]+`,?)*\s*", "", " ".join(found.group(1).split())) if found else ""


def print_table(matrix, tier):
    for ident, row in matrix.rows.items():
        if tier not in (row["tier"], "all"):
            continue
        print(f"{ident:20} {row['level']:10} {verdict(matrix, ident)}")
        print(textwrap.indent(textwrap.fill(row["requirement"], 112), "    "))
        for word, where in (("code", matrix.code), ("test", matrix.evidence)):
            for place in places(where, ident):
                print(f"    {word} {place}")
        if ident in matrix.explained:
            print(textwrap.indent(textwrap.fill("but: " + explanation(matrix, ident), 112), "    "))
    print(", ".join(f"{number} {name}" for name, number in counts(matrix, tier).items()))


PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Hawser: requirements</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 90em; padding: 0 1em }}
body {{ color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-bottom: 1px solid #ccc; padding: .35em .6em }}
td, th {{ text-align: left; vertical-align: top }}
code {{ font-size: 85%; white-space: nowrap }}
.shown {{ color: #060 }} .explained {{ color: #850 }} .no, .open {{ color: #a00 }}
input, select {{ font: inherit; padding: .2em .4em }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #ddd; background: #1a1a1a }} td, th {{ border-color: #444 }}
  .shown {{ color: #7c7 }} .explained {{ color: #ec8 }} .no, .open {{ color: #f77 }}
}}
</style></head><body>
<h1>Requirements</h1>
<p>What RFC 9293 and the RFCs around it ask of a TCP, where Hawser meets it, and which test would fail if it did not.
The ids are those of <code>tests/requirements/requirements.csv</code>.</p>
<table><tr><th>tier<th>rows{heads}</tr>{summary}</table>
<ul>{legend}</ul>
<p><label>Show <select id="tier"><option>all<option selected>core<option>modern<option>beyond</select></label>
<label>with <input id="words" placeholder="words" size="40"></label> <span id="count"></span></p>
<table id="rows"><tr><th>id<th>level<th>requirement<th>where<th>evidence<th>verdict</tr>
{rows}
</table>
<script>
const rows = [...document.querySelectorAll('#rows tr')].slice(1);
function show() {{
  const tier = document.getElementById('tier').value;
  const words = document.getElementById('words').value.toLowerCase().split(/ +/);
  let count = 0;
  for (const row of rows) {{
    const text = row.textContent.toLowerCase();
    row.hidden = (tier !== 'all' && row.dataset.tier !== tier) || !words.every(word => text.includes(word));
    count += !row.hidden;
  }}
  document.getElementById('count').textContent = count + ' of ' + rows.length;
}}
document.querySelectorAll('#tier, #words').forEach(field => field.addEventListener('input', show));
show();
</script></body></html>
"""


def cell(list_of_places):
    return "<br>".join(f"<code>{html.escape(place)}</code>" for place in list_of_places)


def row_of(matrix, ident, row):
    name = verdict(matrix, ident)
    text = html.escape(row["requirement"])
    if ident in matrix.explained:
        text += f"<br><i>{html.escape(explanation(matrix, ident))}</i>"
    return (f'<tr data-tier="{row["tier"]}"><td><code>{ident}</code><td>{html.escape(row["level"])}<td>{text}'
            f"<td>{cell(places(matrix.code, ident))}<td>{cell(places(matrix.evidence, ident))}"
            f'<td class="{name.split()[0]}">{name}</tr>')


def page(matrix):
    summary = ""
    for tier in ("core", "modern", "beyond", "all"):
        number = counts(matrix, tier)
        cells = "".join(f"<td>{number.get(name, 0)}" for name in VERDICTS)
        summary += f"<tr><td>{tier}<td>{sum(number.values())}{cells}</tr>"
    return PAGE.format(
        heads="".join(f"<th>{name}" for name in VERDICTS), summary=summary,
        legend="".join(f"<li>{name}: {html.escape(words)}" for name, words in VERDICTS.items()),
        rows="\n".join(row_of(matrix, ident, row) for ident, row in matrix.rows.items()))
