"""Runs: resumed, re-scored, compared, gated, reported; each can fail, and a planted fault is found."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.confidence import Calibration
from assistant.corpus import Corpus
from assistant.errors import CaseError
from assistant.retrieve import HybridRetriever
from assistant.schema import Answer, Hit, Question
from assistant.settings import Settings
from data import resource
from eval.cases import Case, load_cases
from eval.compare import compare, told
from eval.gate import breaches
from eval.metrics import summary
from eval.report import write_report
from eval.run import Result, load_run, run
from eval.workers import Workers

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


@pytest.mark.slow
def test_processes_answer_as_one_does(
    cases: list[Case], assistant: Assistant, settings: Settings, whole: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    workers = Workers(partial(build_assistant, settings), 2)
    results = run(cases, assistant, tmp_path, lambda done, total: told.append((done, total)), workers)
    assert steady(results) == steady(whole[1])
    assert told == [(n, len(cases)) for n in range(1, len(cases) + 1)]


@pytest.mark.slow
def test_a_process_that_dies_is_told_of_and_the_run_goes_on(
    cases: list[Case], assistant: Assistant, whole: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match="it goes on"):
        run(cases, assistant, tmp_path, answers=Workers(partial(os._exit, 9), 2))
    assert steady(run(cases, assistant, tmp_path)) == steady(whole[1])


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
    old = results[index]
    new = Result(old.case, changed, old.retrieved, old.exact, judge(old.case, changed))
    return [*results[:index], new, *results[index + 1 :]]


GATE = """[t]
"headline/right" = { least = 0.6 }
"abstention/recall" = { least = 0.9 }
"retrieval/hit@1" = { least = 0.5 }
"citations/exact quotes" = { least = 1.0 }
"""


class Misquoting(Assistant):
    """Gives every quote one character late."""

    def ask(self, question: Question) -> Answer:
        answer = super().ask(question)
        late = tuple(replace(c, start=c.start + 1, end=c.end + 1) for c in answer.citations)
        return replace(answer, citations=late)


class Reversed(HybridRetriever):
    """Ranks the worst passages first."""

    def hits(self, question: str, corpus: Corpus, document: str | None = None, limit: int | None = None) -> list[Hit]:
        return super().hits(question, corpus, document, 1000)[::-1][: limit or self.limit]


def test_planted_regressions_are_named_by_compare_and_close_the_gate(
    assistant: Assistant, tmp_path: Path, write
) -> None:
    pool = load_cases([resource("eval/release-dev.jsonl")])
    sound = run([c for c in pool if c.category in ("count", "date", "unanswerable")][:60], assistant, tmp_path / "all")
    easy = [r.case for r in sound if r.judgement.outcome == "right"]
    asked = [c for c in easy if c.answerable == "yes"][:8] + [c for c in easy if c.answerable != "yes"][:12]
    gate = write("gate.toml", GATE)
    before = run(asked, assistant, tmp_path / "before")
    assert breaches(summary(before), gate, "t") == []
    parts = (assistant.retriever, assistant.reader, assistant.calibration)
    reckless = Calibration(assistant.calibration.weights, 0.0)
    worst = Reversed(assistant.retriever.store, assistant.retriever.embedder)
    planted = {
        "abstention/recall": Assistant(parts[0], parts[1], reckless),
        "retrieval/hit@1": Assistant(worst, parts[1], parts[2]),
        "citations/exact quotes": Misquoting(*parts),
    }
    for number, (figure, faulty) in enumerate(planted.items()):
        after = run(asked, faulty, tmp_path / str(number))
        found = breaches(summary(after), gate, "t")
        assert any(line.startswith(figure) for line in found), (figure, found)
        worse = compare(before, after).regressions
        if figure != "citations/exact quotes":
            assert worse
            assert all(b.case.id in told(compare(before, after)) for _, b in worse)


def test_a_changed_answer_is_named_and_runs_of_other_cases_are_not_compared(
    whole: tuple[Path, list[Result]], write
) -> None:
    results = whole[1]
    index = next(
        i for i, r in enumerate(results) if r.judgement.outcome == "right" and r.answer["status"] == "answered"
    )
    found = compare(results, altered(results, index, answer="Nobody knows. [1]"))
    assert [b.case.id for _, b in found.regressions] == [results[index].case.id]
    assert results[index].case.id in told(found)
    assert compare(results, results).p == 1.0
    with pytest.raises(CaseError, match="other cases"):
        compare(results, results[1:])
    with pytest.raises(CaseError, match="there is no figure 'glory'"):
        breaches(summary(results), write("g.toml", '[t]\n"headline/glory" = { least = 1 }\n'), "t")
    with pytest.raises(CaseError, match="no thresholds"):
        breaches(summary(results), write("g.toml", "[other]\n"), "none")


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
