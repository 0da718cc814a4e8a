"""A run as one HTML file that asks nothing of any server, and as a Markdown summary.  Knows figures and results.

Every piece of a case, an answer or a document is escaped; plots are SVG; the file carries a policy that forbids requests.
"""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.schema import Span
from eval.coverage import touched
from eval.metrics import ENOUGH, percent, summary
from eval.run import Result

STYLE = """
:root{--ink:#1d2228;--soft:#5a646f;--line:#d9dee3;--paper:#fff;--good:#1c7c4a;--bad:#b3261e;--mid:#8a5a00;--mark:#ffe79a;--accent:#1f5f8b}
@media (prefers-color-scheme:dark){:root{--ink:#e9ecef;--soft:#a9b3bd;--line:#3b434b;--paper:#15181b;--good:#6fd29c;--bad:#ff8a80;--mid:#f0b46a;--mark:#6b5310;--accent:#8cc4ea}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;flex:1 1 12rem}
.card b{display:block;font-size:1.5rem}.soft{color:var(--soft);font-size:.88rem}
.right{color:var(--good)}.wrong{color:var(--bad)}.abstained{color:var(--mid)}mark{background:var(--mark);color:inherit}
details{border:1px solid var(--line);border-radius:8px;margin:.4rem 0;padding:.4rem .8rem}summary{cursor:pointer}
.plots{display:flex;flex-wrap:wrap;gap:1.5rem}svg{max-width:100%;color:var(--ink)}
input,select{font:inherit;padding:.3rem .5rem;margin-right:.6rem;background:var(--paper);color:var(--ink);border:1px solid var(--line);border-radius:6px}
:focus-visible{outline:3px solid var(--accent)}blockquote{border-left:3px solid var(--line);margin:.4rem 0;padding-left:.7rem}
@media print{.filters{display:none}body{margin:0}}
"""
SCRIPT = """
const rows=[...document.querySelectorAll('details.case')],q=document.getElementById('q'),o=document.getElementById('o'),c=document.getElementById('c');
const f=()=>{let n=0;rows.forEach(r=>{const s=(!q.value||r.textContent.toLowerCase().includes(q.value.toLowerCase()))&&(!o.value||r.dataset.outcome===o.value)&&(!c.value||r.dataset.category===c.value);r.hidden=!s;n+=s});document.getElementById('shown').textContent=n+' shown'};
[q,o,c].forEach(e=>e.addEventListener('input',f));f();
"""
ORDER = {"wrong": 0, "abstained": 1, "right": 2}


def write_report(
    folder: Path,
    results: Sequence[Result],
    texts: Mapping[str, str],
    sentences: Mapping[str, Sequence[Span]] | None = None,
) -> tuple[Path, Path]:
    """Write ``report.html`` and ``summary.md`` into the run's folder.

    `texts` are the documents' stored texts, `sentences` the places of their sentences: which of them the cases touch is
    shown where they are given.
    """
    figures = summary(results)
    configuration = json.loads((folder / "run.json").read_text(encoding="utf-8"))["configuration"]
    page, note = folder / "report.html", folder / "summary.md"
    page.write_text(to_html(figures, configuration, results, texts, sentences or {}), encoding="utf-8")
    note.write_text(to_markdown(figures, configuration), encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return page, note


def to_markdown(figures: Mapping[str, Any], configuration: Mapping[str, Any]) -> str:
    """The headline and the categories as Markdown tables."""
    lines = ["# Evaluation", "", "| figure | value (95 % interval) |", "| --- | --- |"]
    lines += [f"| {name} | {percent(f)} |" for name, f in figures["headline"].items()]
    lines += ["", "| category | n | right | declined | wrong |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {g['right']['n']} | {_right(g)} | {g['declined']} | {g['wrong']} |"
        for name, g in figures["categories"].items()
    ]
    lines += ["", "Configuration: " + ", ".join(f"{k} {v}" for k, v in configuration.items()), ""]
    return "\n".join(lines)


def _right(group: Mapping[str, Any]) -> str:
    return percent(group["right"]) if group["right"]["n"] >= ENOUGH else str(group["right"]["hits"])


def to_html(
    figures: Mapping[str, Any],
    configuration: Mapping[str, Any],
    results: Sequence[Result],
    texts: Mapping[str, str],
    sentences: Mapping[str, Sequence[Span]],
) -> str:
    """The whole page as a string."""
    e = html.escape
    cards = "".join(
        f'<div class="card"><b>{100 * f["value"]:.1f} %</b>{e(name)}<div class="soft">{e(percent(f))}, n = {f["n"]}</div></div>'
        for name, f in figures["headline"].items()
    )
    rows = "".join(
        f'<tr><td>{e(name)}</td><td class="n">{g["right"]["n"]}</td><td class="n">{e(_right(g))}</td><td class="n">{g["declined"]}</td><td class="n">{g["wrong"]}</td></tr>'
        for name, g in figures["categories"].items()
    )
    sections = "".join(
        _section(name, figures[name]) for name in ("abstention", "answers", "citations", "retrieval", "latency ms")
    )
    calibration = figures["calibration"]
    ordered = sorted(results, key=lambda r: (ORDER[r.judgement.outcome], r.case.id))
    cases = "".join(_case(r, texts.get(r.case.document, "")) for r in ordered)
    options = "".join(f"<option>{e(c)}</option>" for c in figures["categories"] if c != "all")
    facts = "".join(f"<tr><td>{e(str(k))}</td><td>{e(str(v))}</td></tr>" for k, v in configuration.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Release Assistant: evaluation</title><style>{STYLE}</style></head><body><main>
<h1>Release Assistant: evaluation</h1>
<div class="cards">{cards}</div>
<h2>By category</h2><table><thead><tr><th>category</th><th class="n">n</th><th class="n">right</th><th class="n">declined</th><th class="n">wrong</th></tr></thead><tbody>{rows}</tbody></table>
<p class="soft">Below {ENOUGH} cases a count is shown, not a percentage. Every error counts as wrong.</p>
<h2>Is its confidence to be believed?</h2><div class="plots">{_reliability(calibration["bins"])}{_curve(calibration["curve"])}</div>
{_section("calibration", {k: v for k, v in calibration.items() if k not in ("bins", "curve")})}
{sections}
<h2>Cases, failures first</h2>
<p class="filters"><label>Search <input id="q" type="search"></label><label>Outcome <select id="o"><option value="">all</option><option>wrong</option><option>abstained</option><option>right</option></select></label>
<label>Category <select id="c"><option value="">all</option>{options}</select></label><span id="shown" class="soft" role="status"></span></p>
{cases}
{_coverage(results, texts, sentences)}
<h2>What was run</h2><table><tbody>{facts}</tbody></table>
</main><script>{SCRIPT}</script></body></html>
"""


def _section(name: str, figures: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(k)}</td><td class="n">{html.escape(_value(v))}</td></tr>' for k, v in figures.items()
    )
    return f"<h2>{html.escape(name.capitalize())}</h2><table><tbody>{rows}</tbody></table>"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{percent(value)}, n = {value['n']}"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
    return str(value)


def _case(result: Result, text: str) -> str:
    e = html.escape
    case, answer, judged = result.case, result.answer, result.judgement
    history = "".join(f"<p class='soft'>earlier: {e(h)}</p>" for h in case.history)
    expected = "; ".join(case.answers) or case.answerable
    cited = "".join(
        f"<blockquote>{_highlighted(text, c['start'], c['end'], [(g.start, g.end) for g in case.gold])}</blockquote>"
        for c in answer["citations"]
    )
    gold = "".join(f"<blockquote>{e(g.quote)}</blockquote>" for g in case.gold)
    return (
        f'<details class="case" data-outcome="{judged.outcome}" data-category="{e(case.category)}">'
        f'<summary><b class="{judged.outcome}">{judged.outcome}</b> {e(case.question)} <span class="soft">{e(case.category)} · {e(case.id)} · {e(judged.reason)}</span></summary>'
        f"{history}<p><b>Expected:</b> {e(expected)}</p><p><b>Answer</b> ({e(str(answer['status']))}, confidence {float(answer['confidence']):.2f}): {e(answer['answer'])}</p>"
        f"<p><b>Cited</b> (what the case holds for right is marked):</p>{cited or '<p class=soft>nothing</p>'}"
        f"{'<p><b>Gold passages:</b></p>' + gold if gold else ''}</details>"
    )


def _coverage(results: Sequence[Result], texts: Mapping[str, str], sentences: Mapping[str, Sequence[Span]]) -> str:
    """Each document's sentences with the number of cases that stand on them; those that none touches are marked."""
    asked = [r.case for r in results]
    blocks = []
    for name in dict.fromkeys(c.document for c in asked):
        counted = touched(asked, name, sentences.get(name, ()))
        if not counted:
            continue
        bare = sum(n == 0 for _, n in counted)
        rows = "".join(
            f'<tr><td class="n">{n}</td><td>{"<mark>" if not n else ""}{html.escape(" ".join(texts[name][s.start : s.end].split()))}{"</mark>" if not n else ""}</td></tr>'
            for s, n in counted
        )
        blocks.append(
            f'<details><summary>{html.escape(name)} <span class="soft">{len(counted) - bare} of {len(counted)} sentences touched</span></summary><table><tbody>{rows}</tbody></table></details>'
        )
    return f"<h2>What the cases touch</h2>{''.join(blocks)}" if blocks else ""


def _highlighted(text: str, start: int, end: int, gold: Sequence[tuple[int, int]]) -> str:
    """The cited characters, those that a gold passage covers marked."""
    cuts = sorted({start, end, *(x for s, f in gold for x in (s, f) if start < x < end)})
    pieces = []
    for a, b in itertools.pairwise(cuts):
        piece = html.escape(text[a:b])
        pieces.append(f"<mark>{piece}</mark>" if any(s <= a and b <= f for s, f in gold) else piece)
    return "".join(pieces)


def _reliability(bins: Sequence[Mapping[str, float]]) -> str:
    dots = "".join(
        f'<circle cx="{40 + 240 * b["confidence"]:.1f}" cy="{260 - 240 * b["right"]:.1f}" r="{3 + min(9, b["n"] ** 0.5):.1f}" fill="var(--accent)" fill-opacity=".75"><title>{int(b["n"])} answers: said {b["confidence"]:.2f}, right {b["right"]:.2f}</title></circle>'
        for b in bins
    )
    return _plot(
        "Reliability: share right by confidence",
        "confidence",
        "share right",
        '<path d="M40 260L280 20" stroke="currentColor" stroke-dasharray="4" opacity=".5"/>' + dots,
    )


def _curve(points: Sequence[Sequence[float]]) -> str:
    path = " ".join(f"{40 + 240 * x:.1f},{260 - 240 * y:.1f}" for x, y in points)
    return _plot(
        "Risk and coverage: share wrong when only the surest are answered",
        "coverage",
        "risk",
        f'<polyline points="{path}" fill="none" stroke="var(--accent)" stroke-width="2"/>',
    )


def _plot(title: str, x: str, y: str, inside: str) -> str:
    return (
        f'<figure><svg viewBox="0 0 300 300" width="340" role="img" aria-label="{html.escape(title, quote=True)}"><rect x="40" y="20" width="240" height="240" fill="none" stroke="currentColor" opacity=".4"/>'
        f'<g font-size="11" fill="currentColor"><text x="160" y="290" text-anchor="middle">{x}</text><text x="14" y="140" transform="rotate(-90 14 140)" text-anchor="middle">{y}</text>'
        f'<text x="36" y="264" text-anchor="end">0</text><text x="36" y="26" text-anchor="end">1</text><text x="280" y="275" text-anchor="end">1</text></g>{inside}</svg><figcaption class="soft">{html.escape(title)}</figcaption></figure>'
    )
