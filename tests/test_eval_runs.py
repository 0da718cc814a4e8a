"""Runs: resumed, re-scored, compared, gated, reported; each can fail, and a planted fault is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.answer import Assistant
from assistant.errors import CaseError
from data import resource
from eval.cases import Case, load_cases
from eval.compare import compare, told
from eval.gate import breaches
from eval.metrics import summary
from eval.report import write_report
from eval.run import Result, load_run, run

EVIL = "<script>alert(1)</script><img src=http://evil.test/x>"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    wanted = {"b-release-033", "b-release-062", "b-release-100", "b-release-150"}
    chosen = [c for c in load_cases([resource("eval/release-dev.jsonl")]) if c.id in wanted]
    assert len(chosen) == 4
    return chosen


@pytest.fixture(scope="module")
def whole(
    cases: list[Case], assistant: Assistant, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Result]]:
    folder = tmp_path_factory.mktemp("run")
    return folder, run(cases, assistant, folder)


def steady(results: list[Result]) -> list[tuple[str, Any]]:
    return [(r.case.id, dict(r.answer) | {"elapsed_ms": 0}) for r in results]


def test_a_run_that_was_killed_goes_on_and_gives_the_same(
    cases: list[Case], assistant: Assistant, whole: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    lines = (whole[0] / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "run.json").write_text((whole[0] / "run.json").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "results.jsonl").write_text("".join(lines[:2]) + lines[2][:30], encoding="utf-8")
    assert steady(run(cases, assistant, tmp_path)) == steady(whole[1])
    assert steady(load_run(tmp_path)) == steady(whole[1])
    with pytest.raises(CaseError, match="another folder"):
        run(cases[:1], assistant, tmp_path)
    with pytest.raises(CaseError, match="holds no whole run"):
        load_run(tmp_path / "none")


def altered(results: list[Result], index: int, **fields: Any) -> list[Result]:
    from eval.judge import judge

    changed = dict(results[index].answer) | fields
    new = Result(results[index].case, changed, results[index].retrieved, judge(results[index].case, changed))
    return [*results[:index], new, *results[index + 1 :]]


def test_a_planted_fault_is_named_by_compare_and_stopped_by_the_gate(whole: tuple[Path, list[Result]], write) -> None:
    results = whole[1]
    index = next(
        i for i, r in enumerate(results) if r.judgement.outcome == "right" and r.answer["status"] == "answered"
    )
    worse = altered(
        results,
        index,
        answer="Nobody knows. [1]",
        citations=[dict(results[index].answer["citations"][0]) | {"quote": "short"}],
    )
    found = compare(results, worse)
    assert [b.case.id for _, b in found.regressions] == [results[index].case.id]
    assert results[index].case.id in told(found)
    assert compare(results, results).p == 1.0
    gate = write(
        "gate.toml",
        '[t]\n"headline/right" = { least = 0.0 }\n"citations/quote as long as its place" = { least = 1.0 }\n',
    )
    assert breaches(summary(results), gate, "t") == []
    assert breaches(summary(worse), gate, "t")[0].startswith("citations/quote as long as its place is ")
    with pytest.raises(CaseError, match="other cases"):
        compare(results, results[1:])
    with pytest.raises(CaseError, match="there is no figure 'glory'"):
        breaches(summary(results), write("g.toml", '[t]\n"headline/glory" = { least = 1 }\n'), "t")
    with pytest.raises(CaseError, match="no thresholds"):
        breaches(summary(results), gate, "none")


def test_the_bundled_gate_names_figures_that_exist(whole: tuple[Path, list[Result]]) -> None:
    breaches(summary(whole[1]), resource("eval/gate.toml"), "release-dev")


def test_a_report_escapes_everything_and_asks_nothing_of_the_network(
    whole: tuple[Path, list[Result]], assistant: Assistant
) -> None:
    folder, results = whole
    evil = altered(
        results,
        0,
        answer=EVIL,
        status="answered",
        citations=[{"n": 1, "document": "release.txt", "start": 0, "end": 10, "quote": "x"}],
    )
    page, note = write_report(folder, evil, {"release.txt": EVIL * 3})
    text = page.read_text(encoding="utf-8")
    assert EVIL not in text
    assert "<img" not in text
    assert "http://" not in text.replace("http://evil.test", "")
    assert "default-src 'none'" in text
    assert "| right |" in note.read_text(encoding="utf-8")
    assert json.loads((folder / "figures.json").read_text(encoding="utf-8"))["headline"]["right"]["n"] == 4
